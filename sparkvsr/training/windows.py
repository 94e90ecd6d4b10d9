"""Samples for the blind part: an LR frame, its bicubic interpolation, and the truth.

The batch of a step depends on the seed and the step alone, so a run that was broken off goes on as if it had not been.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import Dataset

from sparkvsr.resample import resize
from sparkvsr.training.degradations import reduce_clean, soften
from sparkvsr.training.material import Material, Pixels, Shot

_Random = np.random.Generator
_Sample = tuple[torch.Tensor, torch.Tensor, torch.Tensor]

SCALE_ODDS = {4: 0.82, 3: 0.06, 2: 0.08, 1: 0.04}
_CLIP_ODDS = 0.55
_PATCH = 48  # LR pixels
_MARGIN = 8  # LR pixels around a patch that only reductions see


@dataclass(frozen=True, slots=True)
class Windows:
    """A batch: ``frame`` [N, 3, h, w], ``base`` and ``truth`` [N, 3, h·scale, w·scale]."""

    scale: int
    frame: torch.Tensor
    base: torch.Tensor
    truth: torch.Tensor


class WindowData(Dataset[Windows]):
    """One batch a step."""

    def __init__(self, material: Material, seed: int, steps: int, batch: int) -> None:
        self._material = material
        self._seed, self._steps, self._batch = seed, steps, batch

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, step: int) -> Windows:
        """The batch of ``step``."""
        random = np.random.default_rng((self._seed, step))
        scale = int(random.choice(list(SCALE_ODDS), p=list(SCALE_ODDS.values())))
        samples = [self._sample(scale, random) for _ in range(self._batch)]
        return Windows(scale, *(torch.stack(part) for part in zip(*samples, strict=True)))

    def _sample(self, scale: int, random: _Random) -> _Sample:
        truth = self._truth(scale, random)
        low = soften(truth, random) if scale == 1 else reduce_clean(truth, scale, random)
        base = resize(low, (low.shape[1] * scale, low.shape[2] * scale), "bicubic")
        at_lr = slice(_MARGIN, _MARGIN + _PATCH)
        at_hr = slice(_MARGIN * scale, (_MARGIN + _PATCH) * scale)
        return (
            low[:, at_lr, at_lr].contiguous(),
            base[:, at_hr, at_hr].contiguous(),
            truth[:, at_hr, at_hr].contiguous(),
        )

    def _truth(self, scale: int, random: _Random) -> torch.Tensor:
        """[3, side, side]: a random place of a random frame, turned at random."""
        side = (_PATCH + 2 * _MARGIN) * scale
        shots = self._material.clips if random.random() < _CLIP_ODDS else self._material.photos
        pixels = _cut(_draw(shots, side, random), side, random)
        if random.random() < 0.5:
            pixels = pixels[::-1]
        if random.random() < 0.5:
            pixels = pixels[:, ::-1]
        if random.random() < 0.5:
            pixels = pixels.transpose(1, 0, 2)
        return torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 255


def _draw(shots: tuple[Shot, ...], side: int, random: _Random) -> Shot:
    large = [shot for shot in shots if min(shot.size) >= side]
    weights = np.array([(shot.size[0] * shot.size[1]) ** 0.5 for shot in large])
    return large[int(random.choice(len(large), p=weights / weights.sum()))]


def _cut(shot: Shot, side: int, random: _Random) -> Pixels:
    frame = shot.frames[int(random.integers(len(shot.frames)))]
    y, x = (int(random.integers(0, extent - side + 1)) for extent in shot.size)
    return frame[y : y + side, x : x + side]
