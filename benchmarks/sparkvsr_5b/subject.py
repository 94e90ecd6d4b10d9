"""The engine on random networks: a chunk from its frames to its pictures."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from sparkvsr.cogvideox import graphs
from sparkvsr.cogvideox.engine import CogVideoXEngine
from sparkvsr.cogvideox.options import parse_options
from sparkvsr.cogvideox.planner import GB, Residency
from sparkvsr.cogvideox.residency import Loaded
from sparkvsr.engine import EngineSettings, Keyframe, Mix, Watch, WindowFrame
from sparkvsr_5b.networks import RandomNetworks

SCALE = 4


@dataclass(frozen=True)
class Material:
    """Random frames [3, h, w] of one size, and a keyframe."""

    frames: list[torch.Tensor]
    keyframe: torch.Tensor

    @staticmethod
    def of(height: int, width: int, count: int, seed: int = 0) -> Material:
        """For an output of this size."""
        random = torch.Generator().manual_seed(seed)
        frames = list(torch.rand((count, 3, height // SCALE, width // SCALE), generator=random))
        return Material(frames, F.interpolate(frames[0][None], scale_factor=SCALE, mode="bilinear")[0])


@dataclass(frozen=True)
class Subject:
    """The engine with options, a budget in gigabytes (None: all there is), and a least step down in residency."""

    options: str
    budget: float | None = None
    floor: Residency = Residency.OVERLAPPED

    def engine(self, loaded: Loaded) -> CogVideoXEngine:
        """On networks that are shared."""
        chosen = parse_options(self.options)
        budget = None if self.budget is None else int(self.budget * GB)
        networks = RandomNetworks(loaded, chosen, budget)
        networks._floor = self.floor
        return CogVideoXEngine(networks, chosen)

    def pictures(self, loaded: Loaded, material: Material) -> torch.Tensor:
        """All pictures [F, 3, H, W] of a chunk with a keyframe at its first frame."""
        return rendered(self.engine(loaded), material)

    def many(self, loaded: Loaded, materials: list[Material], threads: int) -> list[torch.Tensor]:
        """Several chunks, by so many threads."""
        engine = self.engine(loaded)
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(lambda material: rendered(engine, material), materials))


def rendered(engine: CogVideoXEngine, material: Material) -> torch.Tensor:
    settings, watch = EngineSettings(scale=SCALE), Watch()
    source = engine.encode_source([WindowFrame(t, frame) for t, frame in enumerate(material.frames)], settings, watch)
    known = engine.encode_keyframe(material.keyframe, material.frames[0], settings, watch)
    (propagation,) = engine.propagate(source, [Keyframe(0, known)], settings, watch)
    chunk = engine.decode_chunk(propagation, Mix(), watch)
    return torch.stack([engine.frame_of(chunk, t).frame for t in range(len(material.frames))])


@contextmanager
def recorded_passes(on: bool) -> Iterator[None]:
    """Whether passes are CUDA graphs."""
    before = os.environ.get(graphs.VARIABLE)
    os.environ[graphs.VARIABLE] = "on" if on else "off"
    try:
        yield
    finally:
        os.environ.pop(graphs.VARIABLE)
        if before is not None:
            os.environ[graphs.VARIABLE] = before
