"""What the demo works on: a truth, its low-resolution source, and the frames whose truth becomes a keyframe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sparkvsr.cli.errors import UsageError
from sparkvsr.media import Clip, ClipInfo, open_clip
from sparkvsr.media.reduce import divisible, reduced_clip
from sparkvsr.media.synthetic import SyntheticFilm

SCALE = 4
KEYFRAME_DISTANCE = 20
SMALLEST = 64  # pixels a side, of the truth


@dataclass(frozen=True, slots=True)
class Material:
    """``numbers``: the frames to render, without gaps. ``cuts``: first frames of shots."""

    title: str
    truth: Clip
    source: Clip
    numbers: range
    keyframes: tuple[int, ...]
    cuts: tuple[int, ...] = ()

    @property
    def info(self) -> ClipInfo:
        """Facts of the truth."""
        return self.truth.info

    @property
    def judged(self) -> list[int]:
        """The frames that are measured: keyframes would flatter."""
        return [number for number in self.numbers if number not in self.keyframes] or list(self.numbers)

    @property
    def shown(self) -> int:
        """The frame for the pictures: in the first shot, as far from keyframes as can be."""
        last = next((cut for cut in self.cuts if cut in self.numbers), self.numbers[-1] + 1) - 1
        shot = range(self.numbers[0], last + 1)
        near = [key for key in self.keyframes if key in shot]
        inner = [number for number in shot if near[0] <= number <= near[-1]] if len(near) > 1 else list(shot)
        return max(inner, key=lambda number: (min(abs(number - key) for key in near), -number))


def from_film(width: int, height: int, frames: int, distance: int, seed: int) -> Material:
    """The film made by code. Raises UsageError for sizes that it cannot have."""
    if width % SCALE or height % SCALE or min(width, height) < SMALLEST:
        raise UsageError("--size", expected=f"multiples of {SCALE}, at least {SMALLEST}", found=f"{width}x{height}")
    film = SyntheticFilm(width, height, frames, seed=seed)
    truth = film.clip()
    keyframes = (*range(0, film.cut, distance), *range(film.cut, frames, distance))
    return Material(
        f"a film of {frames} frames made by code, cut at {film.cut}",
        truth,
        reduced_clip(truth, SCALE),
        range(frames),
        keyframes,
        (film.cut,),
    )


def from_file(path: Path, frames: int, distance: int) -> Material:
    """Any clip: it is the truth, its reduction the source. Raises MediaError, UsageError."""
    clip = open_clip(path)
    truth = divisible(clip, SCALE)
    layout = truth.info.layout
    if min(layout.width, layout.height) < SMALLEST:
        found = f"{layout.width}x{layout.height}"
        raise UsageError(f"{path} is too small to be measured", expected=f"at least {SMALLEST}x{SMALLEST}", found=found)
    first = truth.numbers[0]
    numbers = range(first, min(truth.numbers[-1], first + frames - 1) + 1)
    keyframes = tuple(range(first, numbers[-1] + 1, distance))
    title = f"{clip.info.description}, {len(numbers)} of {len(truth.numbers)} frames"
    return Material(title, truth, reduced_clip(truth, SCALE), numbers, keyframes)
