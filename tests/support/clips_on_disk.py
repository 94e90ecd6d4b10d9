"""Small clips as files, for the command line's tests."""

from pathlib import Path

import numpy as np

from sparkvsr.color import pack, unpack
from sparkvsr.frames import Depth, Frame, PixelFormat, Premultiplication
from sparkvsr.media import write_still
from sparkvsr.media.synthetic import SyntheticFilm
from sparkvsr.resample import resize

WIDTH, HEIGHT, SCALE = 192, 112, 4


def reduced(frame: Frame) -> Frame:
    """A quarter of the size, antialiased bicubic, same depth."""
    rgb, _ = unpack(frame)
    small = resize(rgb, (frame.format.height // SCALE, frame.format.width // SCALE), "bicubic")
    return pack(
        small, None, PixelFormat(small.shape[2], small.shape[1], 3, frame.format.depth, Premultiplication.OPAQUE)
    )


def write_film(folder: Path, frames: int = 6, cut: int | None = None) -> SyntheticFilm:
    """``hr.%04d.png`` and ``lr.%04d.png``, from frame 0 on."""
    film = SyntheticFilm(WIDTH, HEIGHT, frames, cut)
    for number in range(frames):
        truth = film.srgb(number)
        write_still(folder / f"hr.{number:04d}.png", truth)
        write_still(folder / f"lr.{number:04d}.png", reduced(truth))
    return film


def flat(value: int = 128, size: tuple[int, int] = (12, 16), depth: Depth = Depth.BYTE) -> Frame:
    """An opaque picture of one tone; ``size``: height, width."""
    return Frame.from_numpy(np.full((*size, 3), value, depth.numpy_dtype), Premultiplication.OPAQUE)
