"""What is learned from: clips and photographs that the lists of a data folder allow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
_cv2: Any = cv2  # its stubs know no optional arguments

CLIP_LISTS = ("train.txt", "licence_stated.txt")
PHOTO_LISTS = ("photos_train.txt",)
# Smaller versions are sharper, as most of what artists upscale is a reduction of something larger.
_SHRINKS = (1.0, 0.6)
_SMALLEST_SIDE = 320
# Mean absolute difference of tiny versions of two frames, in 1/255, beyond which there is a cut between them.
_CUT = 24.0


class MaterialError(Exception):
    """The data folder lacks what training needs."""


@dataclass(frozen=True, slots=True)
class Shot:
    """Consecutive frames without a cut, each uint8 [H, W, 3]; a photograph is a shot of one frame."""

    name: str
    frames: tuple[Pixels, ...]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.frames[0].shape[0], self.frames[0].shape[1]


@dataclass(frozen=True, slots=True)
class Material:
    """All shots in memory."""

    clips: tuple[Shot, ...]
    photos: tuple[Shot, ...]


def load(folder: Path, progress: Callable[[str], None] = lambda name: None) -> Material:
    """Read the clips that stand in all of ``CLIP_LISTS`` and the photographs of ``PHOTO_LISTS``.

    Raises MaterialError where a list or a listed file is missing or nothing is left.
    """
    _cv2.setNumThreads(1)  # OpenCV's threads do not outlive the fork of a loader, which would wait for them for ever
    clips: list[Shot] = []
    for name in _listed(folder, CLIP_LISTS):
        progress(name)
        for shot in _split(name, decode(folder / name)):
            clips += _shrunk(shot)
    photos: list[Shot] = []
    for name in _listed(folder, PHOTO_LISTS):
        progress(name)
        photos += _shrunk(Shot(name, (_read(folder / name),)))
    if not clips or not photos:
        raise MaterialError(f"expected clips and photographs in {folder}, found {len(clips)} and {len(photos)}")
    return Material(tuple(clips), tuple(photos))


def _listed(folder: Path, lists: tuple[str, ...]) -> list[str]:
    names: list[set[str]] = []
    for one in lists:
        if not (folder / one).is_file():
            raise MaterialError(f"expected the list {one} in {folder}, found none")
        names.append(set((folder / one).read_text(encoding="utf-8").split()))
    return sorted(set.intersection(*names))


def decode(path: Path) -> Iterator[Pixels]:
    """Frames of a clip as uint8 [H, W, 3]. Raises MaterialError."""
    if not path.is_file():
        raise MaterialError(f"expected the clip {path}, found none")
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24")


def _read(path: Path) -> Pixels:
    picture = _cv2.imread(str(path), _cv2.IMREAD_COLOR)
    if picture is None:
        raise MaterialError(f"expected a picture at {path}, found none that can be read")
    pixels: Pixels = np.ascontiguousarray(picture[..., ::-1])
    return pixels


def _split(name: str, frames: Iterator[Pixels]) -> Iterator[Shot]:
    """Shots between the cuts of a clip; a shot of fewer than 5 frames is left out."""
    shot: list[Pixels] = []
    before: npt.NDArray[np.float32] | None = None
    for frame in frames:
        tiny = _cv2.resize(frame, (32, 18), interpolation=_cv2.INTER_AREA).astype(np.float32)
        if before is not None and float(np.abs(tiny - before).mean()) > _CUT:
            if len(shot) >= 5:
                yield Shot(name, tuple(shot))
            shot = []
        shot.append(frame)
        before = tiny
    if len(shot) >= 5:
        yield Shot(name, tuple(shot))


def _shrunk(shot: Shot) -> Iterator[Shot]:
    for factor in _SHRINKS:
        height, width = (round(side * factor) for side in shot.size)
        if min(height, width) < _SMALLEST_SIDE:
            continue
        if factor == 1.0:
            yield shot
            continue
        frames = tuple(_cv2.resize(frame, (width, height), interpolation=_cv2.INTER_AREA) for frame in shot.frames)
        yield Shot(f"{shot.name} ×{factor}", frames)
