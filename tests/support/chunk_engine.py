"""A chunk engine that does almost nothing, but lets every chunk be told from its neighbours."""

from __future__ import annotations

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


@dataclass
class ChunkTestEngine:
    """Gives its frames back, plus a hundredth of the chunk's length, plus guidance times the keyframes' mean.

    ``calls``: what was asked of it, each with the number of frames or keyframes it was about.
    """

    name: str = "chunky"
    calls: list[tuple[str, int]] = field(default_factory=list)

    @property
    def info(self) -> EngineInfo:
        return EngineInfo(self.name, (1,), 32, f"{self.name}-test-1", grids=(24, 40))

    def encode_source(self, window: Sequence[WindowFrame], settings: EngineSettings, watch: Watch) -> Any:
        assert [frame.offset for frame in window] == list(range(len(window)))
        self.calls.append(("encode_source", len(window)))
        return torch.stack([frame.picture for frame in window])

    def encode_keyframe(
        self, picture: torch.Tensor, source: torch.Tensor | None, settings: EngineSettings, watch: Watch
    ) -> Any:
        self.calls.append(("encode_keyframe", 1))
        return picture

    def propagate(
        self, latents: Any, keyframes: Sequence[Keyframe], settings: EngineSettings, watch: Watch
    ) -> Iterator[Propagation]:
        self.calls.append(("propagate", len(keyframes)))
        keyed = torch.zeros_like(latents[0])
        for keyframe in keyframes:
            keyed += keyframe.latents * (1.0 + 0.01 * keyframe.offset)
        yield Propagation(0, (latents, keyed, [keyframe.offset for keyframe in keyframes]))

    def decode_chunk(self, propagation: Propagation, mix: Mix, watch: Watch) -> Any:
        latents, keyed, offsets = propagation.data
        self.calls.append(("decode_chunk", len(latents)))
        return latents + 0.01 * len(latents) + mix.guidance * keyed, offsets, mix.guidance != 0.0 and bool(offsets)

    def frame_of(self, chunk: Any, offset: int) -> Decoded:
        pictures, offsets, keyed = chunk
        picture = pictures[offset]
        shares = torch.tensor([0.5 + 0.001 * one for one in offsets]).view(-1, 1, 1)
        influence = shares.expand(len(offsets), *picture.shape[1:])
        confidence = torch.full((1, *picture.shape[1:]), 0.5)
        return Decoded(picture, None if keyed else picture, confidence, influence)

    def decode(self, propagation: Propagation, mix: Mix, watch: Watch) -> Decoded:
        return self.frame_of(self.decode_chunk(propagation, mix, watch), propagation.offset)

    def agreement(self, keyframe_latents: Any) -> float:
        return 1.0

    def counted(self, call: str) -> int:
        return sum(1 for name, _ in self.calls if name == call)


def registry_of(engine: ChunkTestEngine) -> EngineRegistry:
    registry = EngineRegistry()
    registry.register(engine.name, lambda device: engine)
    return registry
