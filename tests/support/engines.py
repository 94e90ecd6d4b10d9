"""Engines that do almost nothing, so that tests see what the backend does: one that copies, one that takes its time."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from sparkvsr.engine import (
    Decoded,
    EngineInfo,
    EngineRegistry,
    EngineSettings,
    Keyframe,
    Mix,
    Propagation,
    Watch,
    WindowFrame,
)

_ENDLESS_S = 60.0


@dataclass
class CopyEngine:
    """Gives its source back, enlarged by repetition; with keyframes the mean of them, mixed in by guidance.

    ``calls`` counts what was asked of it. ``pause_s``: how long a propagation takes, in steps that can be cancelled.
    ``slow_above``: guidance beyond which ``decode`` never ends, unless it is cancelled; ``threads``: where it ran.
    """

    name: str = "copy"
    pause_s: float = 0.0
    takes_views: bool = True
    fail: bool = False
    agreement_value: float = 1.0
    window: int = 0
    slow_above: float = math.inf
    threads: list[str] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)

    @property
    def info(self) -> EngineInfo:
        return EngineInfo(
            name=self.name,
            scales=(1, 2, 3, 4),
            window=self.window,
            identity=f"{self.name}-test-1",
            takes_views=self.takes_views,
        )

    def encode_source(self, window: Sequence[WindowFrame], settings: EngineSettings, watch: Watch) -> Any:
        self._count("encode_source")
        own = next(frame.picture for frame in window if frame.offset == 0)
        return _repeated(own, settings.scale)

    def encode_keyframe(
        self, picture: torch.Tensor, source: torch.Tensor | None, settings: EngineSettings, watch: Watch
    ) -> Any:
        self._count("encode_keyframe")
        return picture

    def propagate(
        self, latents: Any, keyframes: Sequence[Keyframe], settings: EngineSettings, watch: Watch
    ) -> Iterator[Propagation]:
        self._count("propagate")
        if self.fail:
            raise ValueError("this engine was told to fail")
        self._pause(watch, self.pause_s)
        keyed = torch.stack([k.latents * k.strength for k in keyframes]).mean(dim=0) if keyframes else None
        yield Propagation(offset=0, data=(latents, keyed))

    def decode(self, propagation: Propagation, mix: Mix, watch: Watch) -> Decoded:
        self._count("decode")
        self.threads.append(threading.current_thread().name)
        if mix.guidance > self.slow_above:
            self._pause(watch, _ENDLESS_S)
        blind, keyed = propagation.data
        if keyed is None:
            nothing = torch.zeros((1, 1, 1)).expand(1, *blind.shape[1:])
            return Decoded(blind, blind, nothing, nothing[:0])
        certain = torch.ones((1, *blind.shape[1:]))
        return Decoded(blind + mix.guidance * (keyed - blind), blind, certain, certain)

    def agreement(self, keyframe_latents: Any) -> float:
        return self.agreement_value

    def _pause(self, watch: Watch, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            watch.step(1.0 - left / seconds, "pausing")
            time.sleep(min(left, 0.01))

    def _count(self, call: str) -> None:
        self.calls[call] = self.calls.get(call, 0) + 1


def _repeated(picture: torch.Tensor, scale: int) -> torch.Tensor:
    if scale == 1:
        return picture
    return picture.repeat_interleave(scale, dim=1).repeat_interleave(scale, dim=2)


def registry_of(*engines: CopyEngine) -> EngineRegistry:
    registry = EngineRegistry()
    for engine in engines:
        registry.register(engine.name, lambda device, engine=engine: engine)
    return registry


def serving_registry() -> EngineRegistry:
    """What the test server offers; "missing" cannot be made."""
    registry = registry_of(
        CopyEngine("copy"),
        CopyEngine("slow", pause_s=0.5),
        CopyEngine("endless", pause_s=_ENDLESS_S),
        CopyEngine("moody", slow_above=1.5),
        CopyEngine("broken", fail=True),
    )
    registry.register("missing", _without_weights)
    return registry


def _without_weights(device: torch.device) -> CopyEngine:
    raise FileNotFoundError("no weights")
