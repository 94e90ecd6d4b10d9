"""Samples for the blind part: an LR frame, its neighbours (where asked for) brought to it by motion, and the truth.

The sample of a step depends on the seed and the step alone, so a run that was broken off goes on as if it had not been.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.data import Dataset

from sparkvsr.lite.beside import bring_beside
from sparkvsr.resample import resize
from sparkvsr.training.degradations import reduce_clean, soften
from sparkvsr.training.material import Material, Pixels, Shot

_cv2: Any = cv2  # its stubs know no optional arguments
_Random = np.random.Generator
_Sample = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]

SCALE_ODDS = {4: 0.82, 3: 0.06, 2: 0.08, 1: 0.04}
_PATCH = 48  # LR pixels
_MARGIN = 8  # LR pixels around a patch that only motion and reductions see


@dataclass(frozen=True, slots=True)
class Windows:
    """A batch: ``frame`` [N, 3, h, w], ``base`` and ``truth`` [N, 3, h·scale, w·scale].

    ``beside`` [N, 12, h, w] or None, as ``BlindNetwork`` takes it.
    """

    scale: int
    frame: torch.Tensor
    beside: torch.Tensor | None
    base: torch.Tensor
    truth: torch.Tensor


class WindowData(Dataset[Windows]):
    """One batch a step."""

    def __init__(self, material: Material, seed: int, steps: int, batch: int, *, neighbours: bool) -> None:
        self._material = material
        self._seed, self._steps, self._batch = seed, steps, batch
        self._offsets = (-2, -1, 0, 1, 2) if neighbours else (0,)

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, step: int) -> Windows:
        """The batch of ``step``."""
        random = np.random.default_rng((self._seed, step))
        scale = int(random.choice(list(SCALE_ODDS), p=list(SCALE_ODDS.values())))
        frame, base, truth, beside = zip(*(self._sample(scale, random) for _ in range(self._batch)), strict=True)
        windows = torch.stack(beside) if len(self._offsets) > 1 else None
        return Windows(scale, torch.stack(frame), windows, torch.stack(base), torch.stack(truth))

    def _sample(self, scale: int, random: _Random) -> _Sample:
        truth = self._truths(scale, random)
        folded = truth.flatten(0, 1)
        reduced = soften(folded, random) if scale == 1 else reduce_clean(folded, scale, random)
        low = reduced.reshape(-1, 3, *reduced.shape[1:])
        own = len(self._offsets) // 2
        centre = low[own]
        others = [low[index] for index in range(len(low)) if index != own]
        beside = bring_beside(centre, _dropped(others, random)) if others else centre
        base = resize(centre, (centre.shape[1] * scale, centre.shape[2] * scale), "bicubic")
        at_lr = slice(_MARGIN, _MARGIN + _PATCH)
        at_hr = slice(_MARGIN * scale, (_MARGIN + _PATCH) * scale)
        return (
            centre[:, at_lr, at_lr].contiguous(),
            base[:, at_hr, at_hr].contiguous(),
            truth[own][:, at_hr, at_hr].contiguous(),
            beside[:, at_lr, at_lr].contiguous(),
        )

    def _truths(self, scale: int, random: _Random) -> torch.Tensor:
        """[offsets, 3, side, side]: the HR frames of a random place, turned at random."""
        side = (_PATCH + 2 * _MARGIN) * scale
        if random.random() < 0.55:
            frames = _cut_clip(_draw(self._material.clips, side, random), side, self._offsets, random)
        else:
            frames = _cut_photo(_draw(self._material.photos, side, random), side, self._offsets, random)
        turned = np.stack(frames)
        if random.random() < 0.5:
            turned = turned[:, ::-1]
        if random.random() < 0.5:
            turned = turned[:, :, ::-1]
        if random.random() < 0.5:
            turned = turned.transpose(0, 2, 1, 3)
        if random.random() < 0.5:
            turned = turned[::-1]
        return torch.from_numpy(turned.copy()).permute(0, 3, 1, 2).float() / 255


def _draw(shots: tuple[Shot, ...], side: int, random: _Random) -> Shot:
    large = [shot for shot in shots if min(shot.size) >= side]
    weights = np.array([(shot.size[0] * shot.size[1]) ** 0.5 for shot in large])
    return large[int(random.choice(len(large), p=weights / weights.sum()))]


def _cut_clip(shot: Shot, side: int, offsets: tuple[int, ...], random: _Random) -> list[Pixels]:
    t = int(random.integers(2, len(shot.frames) - 2))
    y, x = (int(random.integers(0, extent - side + 1)) for extent in shot.size)
    return [shot.frames[t + offset][y : y + side, x : x + side] for offset in offsets]


def _cut_photo(shot: Shot, side: int, offsets: tuple[int, ...], random: _Random) -> list[Pixels]:
    """A camera over a photograph: the frame itself is its pixels, its neighbours are moved, turned and zoomed."""
    photo = shot.frames[0]
    y, x = (int(random.integers(0, extent - side + 1)) for extent in shot.size)
    speed = random.normal(0.0, 3.0, 2) * (random.random() > 0.15)
    turn, zoom = random.normal(0.0, 0.004), random.normal(0.0, 0.006)
    shake = random.normal(0.0, 0.3, (len(offsets), 2))
    frames = []
    for index, offset in enumerate(offsets):
        if offset == 0:
            frames.append(photo[y : y + side, x : x + side])
            continue
        factor, angle = 1.0 + zoom * offset, turn * offset
        cosine, sine = factor * np.cos(angle), factor * np.sin(angle)
        middle = side / 2
        move = speed * offset + shake[index]
        matrix = np.array(
            [
                [cosine, -sine, x + middle - cosine * middle + sine * middle + move[0]],
                [sine, cosine, y + middle - sine * middle - cosine * middle + move[1]],
            ]
        )
        flags = _cv2.INTER_CUBIC | _cv2.WARP_INVERSE_MAP
        frames.append(_cv2.warpAffine(photo, matrix, (side, side), flags=flags, borderMode=_cv2.BORDER_REFLECT_101))
    return frames


def _dropped(others: list[torch.Tensor], random: _Random) -> list[torch.Tensor | None]:
    """The neighbours that a host gives: all, none, or some, as at a shot's ends and cuts."""
    draw = random.random()
    if draw < 0.25:
        return [None] * len(others)
    if draw < 0.35:
        return [None if random.random() < 0.5 else other for other in others]
    return list(others)
