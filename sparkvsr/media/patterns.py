"""Frame-number patterns of paths: ``plate.%04d.exr`` and ``plate.####.exr``, both ways."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sparkvsr.media.errors import BadPatternError

_PIECE = re.compile(r"%%|(?P<field>%(?:0(?P<width>[0-9]*))?d|(?P<hashes>#+))|(?P<stray>%[0-9]*[A-Za-z]?)")
_EXPECTED = "one frame number in the file name, as %04d or ####"
_UNREADABLE = "the pattern cannot be read"
_LONGEST_NUMBER = 32
_LAST_NUMBER = re.compile(r"(\d+)(?!.*\d)")


@dataclass(frozen=True, slots=True)
class FramePattern:
    """A path whose file name holds exactly one frame number of at least ``padding`` characters.

    ``%%`` stands for a percent sign; any other ``%`` is an error in the file name and itself in a folder.
    """

    folder: Path
    prefix: str
    suffix: str
    padding: int

    @staticmethod
    def is_pattern(path: str | Path) -> bool:
        """Whether the file name of ``path`` holds a frame-number field."""
        return any(piece["field"] for piece in _PIECE.finditer(Path(path).name))

    @staticmethod
    def looks_like_one(path: str | Path) -> bool:
        """Whether ``path`` was meant as a pattern: it has a field, or a ``%s`` or ``%4d`` that is none, in its name."""
        return any(piece["field"] or len(piece["stray"] or "") > 1 for piece in _PIECE.finditer(Path(path).name))

    @staticmethod
    def parse(path: str | Path) -> FramePattern:
        """Split ``path`` at its one field. Raises BadPatternError."""
        whole = Path(path)
        for piece in _PIECE.finditer(str(whole.parent)):
            if piece["field"]:
                raise _refusal(path, piece, "in a folder")
        pieces = list(_PIECE.finditer(whole.name))
        _require_one_field(path, pieces)
        field = next(piece for piece in pieces if piece["field"])
        before, after = whole.name[: field.start()], whole.name[field.end() :]
        return FramePattern(Path(_unescaped(str(whole.parent))), _unescaped(before), _unescaped(after), _padding(field))

    @staticmethod
    def of_numbered_file(path: str | Path) -> FramePattern:
        """The pattern that a numbered file stands for: its last number becomes the field. Raises BadPatternError."""
        whole = Path(path)
        number = _LAST_NUMBER.search(whole.stem)
        if number is None:
            raise BadPatternError(f"{path}: no frame number in the file name")
        suffix = whole.stem[number.end() :] + whole.suffix
        return FramePattern(whole.parent, whole.stem[: number.start()], suffix, len(number[1]))

    def path(self, number: int) -> Path:
        """The file of frame ``number``."""
        return self.folder / f"{self.prefix}{number:0{self.padding}d}{self.suffix}"

    def numbers_on_disk(self) -> list[int]:
        """The frame numbers that exist, sorted; empty when the folder does not exist."""
        if not self.folder.is_dir():
            return []
        field = re.compile(re.escape(self.prefix) + "(-?[0-9]{1,18})" + re.escape(self.suffix))
        found = [
            (int(match[1]), entry.name) for entry in self.folder.iterdir() if (match := field.fullmatch(entry.name))
        ]
        return sorted(number for number, name in found if self.path(number).name == name)

    def __str__(self) -> str:
        return str(self.folder / f"{self.prefix}%0{self.padding}d{self.suffix}")


def _require_one_field(path: str | Path, pieces: list[re.Match[str]]) -> None:
    fields = 0
    for piece in pieces:
        if piece["stray"]:
            raise _refusal(path, piece, "which is no frame number")
        if piece["field"] and _padding(piece) > _LONGEST_NUMBER:
            raise _refusal(path, piece, "which is too long")
        fields += bool(piece["field"])
        if fields > 1:
            raise _refusal(path, piece, "which is a second one")
    if not fields:
        raise BadPatternError(_UNREADABLE, expected=_EXPECTED, found=f"none in {path}")


def _refusal(path: str | Path, piece: re.Match[str], why: str) -> BadPatternError:
    return BadPatternError(_UNREADABLE, expected=_EXPECTED, found=f"{piece[0]}, {why}, in {path}")


def _padding(field: re.Match[str]) -> int:
    return len(field["hashes"]) if field["hashes"] else max(1, int(field["width"] or 1))


def _unescaped(text: str) -> str:
    return text.replace("%%", "%")


def format_ranges(numbers: list[int]) -> str:
    """``[1, 2, 3, 7]`` as ``1-3 7``, for messages."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)
