"""The built-in image model: an engine's own blind result, which needs nothing and is never wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import torch

from sparkvsr.engine import Engine, EngineSettings, Mix, Watch, WindowFrame
from sparkvsr.keyframes.models.contract import ImageModelError


@dataclass(frozen=True)
class BlindPart:
    """The blind part of ``engine``, at four times the size or the most that it offers."""

    engine: Callable[[], Engine]

    @property
    def identity(self) -> bytes:
        """That of the engine."""
        return hashlib.blake2b(f"blind {self.engine().info.identity}".encode(), digest_size=16).digest()

    def enlarge(self, picture: torch.Tensor, watch: Watch) -> torch.Tensor:
        """What the engine makes of the frame alone, without keyframes."""
        engine = self.engine()
        settings = EngineSettings(scale=max(engine.info.scales))
        latents = engine.encode_source([WindowFrame(0, picture)], settings, watch)
        for propagation in engine.propagate(latents, [], settings, watch):
            if propagation.offset == 0:
                decoded = engine.decode(propagation, Mix(), watch)
                return (decoded.frame if decoded.blind is None else decoded.blind).clone()
        raise ImageModelError("expected a result at offset 0 of the engine, found none")
