"""Pictures to look at: bicubic, blind, keyed and truth, where keyframes help most and where most is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from sparkvsr.cli.demo_pictures import Picture, best_crop
from sparkvsr.keyframes import every
from sparkvsr.media.atomic import atomic_path
from sparkvsr.propagation import keyframes_in_reach

from .experiments import BICUBIC
from .lineup import BLIND, KEYED
from .stage import Stage

INTERVAL = 20
FRAME = 10  # as far from a keyframe as it gets
LARGEST_FILE = 150_000
_WINDOW = (120, 160)  # rows and columns of a crop, shown twice as large
_ZOOM = 2
_GAP = 6
_LABEL = 26
_BACK = 24
_cv2: Any = cv2  # its stubs know no optional arguments


def write_crops(stage: Stage, folder: Path) -> Path:
    """One JPEG of at most 150 kB for the stage's clip."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stage.clip.name}.jpg"
    sheet = contact_sheet(_pictures(stage))
    for quality in (90, 85, 80, 75, 65, 50, 35):
        _, packed = _cv2.imencode(".jpg", sheet[:, :, ::-1], [_cv2.IMWRITE_JPEG_QUALITY, quality])
        if packed.nbytes < LARGEST_FILE:
            break
    with atomic_path(path) as part:
        part.write_bytes(packed.tobytes())
    return path


def _pictures(stage: Stage) -> dict[str, Picture]:
    t = min(FRAME, len(stage.clip) - 2)
    used = keyframes_in_reach(t, every(INTERVAL, 0, len(stage.clip) - 1))
    variant = stage.lineup.best
    keyed = stage.render(variant, t, used).frame
    shown = {BICUBIC: stage.bicubic(t), BLIND: stage.blind(variant, t), KEYED: keyed, "truth": stage.clip.truth(t)}
    return {name: _pixels(picture) for name, picture in shown.items()}


def contact_sheet(pictures: dict[str, Picture]) -> Picture:
    """A column for each picture; above where the keyframes gain most over blind, below where most error is left."""
    truth = pictures["truth"]
    share = min(0.5, _WINDOW[0] / truth.shape[0])
    gained = best_crop(pictures[BLIND], pictures[KEYED], truth, share)
    wrong = best_crop(pictures[KEYED], truth, truth, share)
    columns = []
    for name, picture in pictures.items():
        parts = [_label(name), *(_window(picture, x, y) for x, y in (gained[:2], wrong[:2]))]
        columns.append(np.pad(np.vstack(parts), ((0, 0), (0, _GAP), (0, 0)), constant_values=_BACK))
    return np.ascontiguousarray(np.hstack(columns)[:, :-_GAP])


def _window(picture: Picture, x: int, y: int) -> Picture:
    rows, columns = (min(side, size) for side, size in zip(_WINDOW, picture.shape[:2], strict=True))
    top, left = min(y, picture.shape[0] - rows), min(x, picture.shape[1] - columns)
    size = (_WINDOW[1] * _ZOOM, _WINDOW[0] * _ZOOM)
    part = _cv2.resize(picture[top : top + rows, left : left + columns], size, interpolation=_cv2.INTER_NEAREST)
    return np.pad(np.asarray(part, np.uint8), ((0, _GAP), (0, 0), (0, 0)), constant_values=_BACK)


def _label(name: str) -> Picture:
    strip = np.full((_LABEL, _WINDOW[1] * _ZOOM, 3), _BACK, np.uint8)
    _cv2.putText(strip, name, (4, 19), _cv2.FONT_HERSHEY_SIMPLEX, 0.6, (240, 240, 240), 1, _cv2.LINE_AA)
    return strip


def _pixels(picture: torch.Tensor) -> Picture:
    levels = picture.clamp(0, 1).mul(255).round().to(torch.uint8)
    return np.ascontiguousarray(levels.permute(1, 2, 0).cpu().numpy())
