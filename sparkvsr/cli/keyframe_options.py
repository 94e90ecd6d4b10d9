"""Which keyframes a command line names: FRAME=FILE, a pattern, or a folder of numbered pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sparkvsr.cli.errors import UsageError
from sparkvsr.media import FramePattern, MediaNotFoundError, is_still
from sparkvsr.media.patterns import format_ranges


def collect(named: Sequence[tuple[int, Path]], places: Sequence[str], numbers: range) -> dict[int, Path]:
    """Pictures by frame number. Raises UsageError for a frame named twice or outside the clip, MediaNotFoundError."""
    keyframes: dict[int, Path] = {}
    for number, path in named:
        if number in keyframes:
            raise UsageError(f"keyframe {number} is given twice", found=f"{keyframes[number]} and {path}")
        keyframes[number] = path
    for place in places:
        for number, path in _found_in(place).items():
            keyframes.setdefault(number, path)  # a picture named by itself goes first
    _check(keyframes, numbers)
    return dict(sorted(keyframes.items()))


def _found_in(place: str) -> dict[int, Path]:
    if Path(place).is_dir():
        found = _numbered_files(Path(place))
    else:
        if not FramePattern.looks_like_one(place):
            raise UsageError("--keyframes", expected="a folder, or a pattern such as key.%04d.png", found=place)
        pattern = FramePattern.parse(place)
        found = {number: pattern.path(number) for number in pattern.numbers_on_disk()}
    if not found:
        raise MediaNotFoundError(f"{place}: no keyframe picture found", expected="numbered pictures", found="none")
    return found


def _numbered_files(folder: Path) -> dict[int, Path]:
    found: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):
        if not is_still(path) or path.name.startswith("."):
            continue
        number = _number_of(path)
        if number in found:
            raise UsageError(f"two pictures for keyframe {number}", found=f"{found[number].name} and {path.name}")
        found[number] = path
    return found


def _number_of(path: Path) -> int:
    """The last number in the file's name. Raises BadPatternError."""
    pattern = FramePattern.of_numbered_file(path)
    digits = path.name[len(pattern.prefix) : len(path.name) - len(pattern.suffix)]
    return int(digits)


def _check(keyframes: dict[int, Path], numbers: range) -> None:
    outside = sorted(number for number in keyframes if number not in numbers)
    if outside:
        raise UsageError(
            "keyframes outside the clip",
            expected=f"{numbers[0]}-{numbers[-1]}",
            found=format_ranges(outside),
            advice="frames of a video count from 0, those of a sequence as its files",
        )
    missing = [path for path in keyframes.values() if not path.is_file()]
    if missing:
        raise MediaNotFoundError(f"keyframe picture {missing[0]}: no such file")
