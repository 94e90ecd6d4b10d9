"""Keyframes as they come: true, imperfect and wrong ones, each with a known probability."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch

from sparkvsr.resample import blur, resize
from sparkvsr.training.degradations import jpeg, noise, rounded

_Random = np.random.Generator


@dataclass(frozen=True, slots=True)
class Scene:
    """What a keyframe is spoilt with: its true picture [3, H, W], the engine's own blind result, another picture."""

    truth: torch.Tensor
    blind: torch.Tensor
    foreign: torch.Tensor


Spoil = Callable[[Scene, _Random], torch.Tensor]


def sharpened(picture: torch.Tensor, amount: float) -> torch.Tensor:
    """Unsharp mask, σ 1.5 pixels."""
    return rounded(picture + amount * (picture - blur(picture, 1.5)))


def hallucinated(picture: torch.Tensor, amount: float = 0.6) -> torch.Tensor:
    """What another image super-resolution might invent: the engine's own blind result, sharpened in two bands."""
    fine = picture - blur(picture, 1.0)
    coarse = picture - blur(picture, 2.5)
    return rounded(picture + amount * (fine + coarse / 3))


def _shifted(scene: Scene, random: _Random) -> torch.Tensor:
    distance = int(random.choice([1, 2, 2, 2, 3, 5, 8]))
    axis = int(random.integers(1, 3))
    return scene.truth.roll(int(random.choice([-1, 1])) * distance, dims=axis)


def _graded(scene: Scene, random: _Random) -> torch.Tensor:
    gains = torch.from_numpy(random.uniform(0.94, 1.06, (3, 1, 1)).astype(np.float32))
    return rounded(scene.truth * gains + float(random.uniform(-0.01, 0.01)))


def _blurred(scene: Scene, random: _Random) -> torch.Tensor:
    height, width = scene.truth.shape[1:]
    small = resize(scene.truth, (height // 4, width // 4), "bicubic")
    return resize(small, (height, width), "bicubic")


KINDS: Final[dict[str, tuple[float, Spoil]]] = {
    "true": (0.48, lambda scene, random: scene.truth),
    "jpeg": (0.06, lambda scene, random: jpeg(scene.truth, int(random.integers(60, 96)))),
    "sharpened": (0.07, lambda scene, random: sharpened(scene.truth, float(random.uniform(0.3, 1.0)))),
    "noise": (0.05, lambda scene, random: rounded(scene.truth + noise(scene.truth, random.uniform(2, 6), random))),
    "graded": (0.06, _graded),
    "shifted": (0.09, _shifted),
    "blurred": (0.04, _blurred),
    "mirrored": (0.03, lambda scene, random: scene.truth.flip(2)),
    "foreign": (0.04, lambda scene, random: scene.foreign),
    "gain": (0.03, lambda scene, random: (scene.truth * float(random.uniform(1.15, 1.4))).clamp(0, 1)),
    "hallucinated": (0.05, lambda scene, random: hallucinated(scene.blind)),
}


def draw(random: _Random) -> str:
    """A kind, by its probability."""
    return str(random.choice(list(KINDS), p=[odds for odds, _ in KINDS.values()]))


def apply(kind: str, scene: Scene, random: _Random) -> torch.Tensor:
    """The keyframe's picture [3, H, W]."""
    return KINDS[kind][1](scene, random)
