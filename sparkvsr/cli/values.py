"""Values of command-line arguments: small parsers that say what they expect."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from sparkvsr.propagation import FrameListError, parse_frame_list

_SIZE = re.compile(r"(\d+)?x(\d+)?")
_RANGE = re.compile(r"(-?\d+)(?:-(-?\d+))?")


@dataclass(frozen=True, slots=True)
class Fit:
    """A wanted output size; one side may be left to the aspect ratio."""

    width: int | None
    height: int | None

    def resolve(self, width: int, height: int) -> tuple[int, int]:
        """The size for a picture of this aspect."""
        if self.width is None:
            return max(1, round(width * (self.height or 1) / height)), self.height or 1
        if self.height is None:
            return self.width, max(1, round(height * self.width / width))
        return self.width, self.height


def fit(text: str) -> Fit:
    """``1920x1080``, ``1920x`` or ``x1080``."""
    match = _SIZE.fullmatch(text)
    width, height = (int(side) if side else None for side in match.groups()) if match else (None, None)
    if (width is None and height is None) or width == 0 or height == 0:
        raise ArgumentTypeError(f"expected a size like 1920x1080, 1920x or x1080, found {text!r}")
    return Fit(width, height)


def frame_range(text: str) -> tuple[int, int]:
    """``10-20``, both inclusive, or one frame."""
    match = _RANGE.fullmatch(text)
    if match is None:
        raise ArgumentTypeError(f"expected frames like 10-20, found {text!r}")
    first = int(match[1])
    last = first if match[2] is None else int(match[2])
    if last < first:
        raise ArgumentTypeError(f"expected a range that ascends, found {text!r}")
    return first, last


def frame_list(text: str) -> tuple[int, ...]:
    """``1 24 48-60x4``."""
    try:
        return parse_frame_list(text)
    except FrameListError as error:
        raise ArgumentTypeError(str(error)) from None


def keyframe(text: str) -> tuple[int, Path]:
    """``24=picture.png``."""
    number, equals, path = text.partition("=")
    if not equals or not path or re.fullmatch(r"-?\d+", number.strip()) is None:
        raise ArgumentTypeError(f"expected FRAME=FILE like 24=key.png, found {text!r}")
    return int(number), Path(path)


def strength(text: str) -> tuple[tuple[int, ...], float]:
    """``24=0.5`` or ``"1 48-60x4=0.7"``: frames, and how strong their keyframes are, 0 to 1."""
    frames, equals, value = text.rpartition("=")
    try:
        listed = parse_frame_list(frames)
    except FrameListError as error:
        raise ArgumentTypeError(str(error)) from None
    if not equals or not listed:
        raise ArgumentTypeError(f"expected FRAMES=STRENGTH like 24=0.5, found {text!r}")
    return listed, number_in(0, 1)(value)


def cuts(text: str) -> tuple[int, ...] | None:
    """``auto`` (None), or a list of frames."""
    return None if text.strip() == "auto" else frame_list(text)


def count_from(low: int) -> Callable[[str], int]:
    """A whole number from ``low`` on."""

    def parse(text: str) -> int:
        if re.fullmatch(r"\d{1,9}", text) is None or int(text) < low:
            raise ArgumentTypeError(f"expected a whole number from {low} on, found {text!r}")
        return int(text)

    return parse


def folder(text: str) -> Path:
    """A folder; the empty text, which a shell makes of a variable that is not set, is none."""
    if not text:
        raise ArgumentTypeError("expected a folder, found an empty text")
    return Path(text)


def rate(text: str) -> Fraction:
    """``24``, ``23.976`` or ``24000/1001``."""
    try:
        value = Fraction(text)
    except (ValueError, ZeroDivisionError):
        value = Fraction(0)
    if not _SLOWEST <= value <= _FASTEST:
        raise ArgumentTypeError(f"expected frames per second like 25 or 24000/1001, at most {_FASTEST}, found {text!r}")
    return _NAMED_RATES.get(text, value)


_SLOWEST, _FASTEST = Fraction(1, 1000), 1000
_NAMED_RATES = {
    text: Fraction(int(whole) * 1000, 1001) for text, whole in (("23.976", "24"), ("29.97", "30"), ("59.94", "60"))
}


def number_in(low: float, high: float) -> Callable[[str], float]:
    """A number between two bounds, inclusive."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise ArgumentTypeError(f"expected a number from {low:g} to {high:g}, found {text!r}")
        return value

    return parse


def auto_or_number_in(low: float, high: float) -> Callable[[str], float | str]:
    """``auto``, or a number between two bounds, inclusive."""
    number = number_in(low, high)
    return lambda text: text if text == "auto" else number(text)
