"""Which keyframes a command line names: FRAME=FILE, a pattern, a folder of numbered pictures, or a choice of frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sparkvsr.cli.errors import UsageError
from sparkvsr.keyframes import KeyframeChoiceError
from sparkvsr.media import FramePattern, MediaNotFoundError, is_still
from sparkvsr.media.patterns import format_ranges


@dataclass(frozen=True, slots=True)
class Chosen:
    """Keyframes: ``files`` by frame number, and the frames whose picture an image model is to make."""

    files: dict[int, Path]
    made: tuple[int, ...] = ()


def collect(
    named: Sequence[tuple[int, Path]],
    words: Sequence[str],
    numbers: range,
    choose: Callable[[str], Iterable[int]],
    model: str | None = None,
) -> Chosen:
    """What ``--keyframe`` and ``--keyframes`` mean. ``words``: places of pictures, choices and lists of frames.

    Where there are choices, only chosen frames take their pictures from the places; one without a picture gets it from
    the ``model``. Raises UsageError for a frame named twice, outside the clip or without a picture, MediaNotFoundError.
    """
    places = [word for word in words if _is_place(word)]
    choices = [word for word in words if not _is_place(word)]
    chosen = {number for word in choices for number in _chosen_by(word, choose)}
    files = _named(named)
    for place in places:
        for number, path in _found_in(place).items():
            if number in chosen or not choices:
                files.setdefault(number, path)  # a picture named by itself goes first
    _check(files, numbers)
    missing = tuple(sorted(chosen - files.keys()))
    _check_model(missing, bool(choices), model)
    return Chosen(dict(sorted(files.items())), missing)


def _is_place(word: str) -> bool:
    return Path(word).is_dir() or FramePattern.looks_like_one(word)


def _chosen_by(word: str, choose: Callable[[str], Iterable[int]]) -> Iterable[int]:
    try:
        return choose(word)
    except KeyframeChoiceError as error:
        places = "a folder, a pattern such as key.%04d.png"
        raise UsageError(f"--keyframes {word!r} is neither {places} nor a choice of frames: {error}") from error


def _named(named: Sequence[tuple[int, Path]]) -> dict[int, Path]:
    files: dict[int, Path] = {}
    for number, path in named:
        if number in files:
            raise UsageError(f"keyframe {number} is given twice", found=f"{files[number]} and {path}")
        files[number] = path
    return files


def _check_model(missing: tuple[int, ...], choices: bool, model: str | None) -> None:
    if missing and model is None:
        raise UsageError(
            "keyframes without a picture",
            expected="a picture of each",
            found=f"none of {format_ranges(list(missing))}",
            advice="--keyframes FOLDER names pictures, --keyframe-model makes them",
        )
    if model is not None and not choices:
        raise UsageError("--keyframe-model: of which frames", expected="--keyframes every:N, suggest:N, a list …")


def _found_in(place: str) -> dict[int, Path]:
    if Path(place).is_dir():
        found = _numbered_files(Path(place))
    else:
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
