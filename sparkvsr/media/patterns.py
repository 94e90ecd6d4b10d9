"""Frame-number patterns of paths: ``plate.%04d.exr`` and ``plate.####.exr``, both ways."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sparkvsr.media.errors import BadPatternError

_FIELD = re.compile(r"%(?:0?(?P<width>\d+))?d|(?P<hashes>#+)")
_LAST_NUMBER = re.compile(r"(\d+)(?!.*\d)")


@dataclass(frozen=True, slots=True)
class FramePattern:
    """A path whose file name holds exactly one frame number of at least ``padding`` digits."""

    folder: Path
    prefix: str
    suffix: str
    padding: int

    @staticmethod
    def is_pattern(path: str | Path) -> bool:
        """Whether the file name of ``path`` holds a frame-number field."""
        return _FIELD.search(Path(path).name) is not None

    @staticmethod
    def parse(path: str | Path) -> FramePattern:
        """Split ``path`` at its one field. Raises BadPatternError."""
        whole = Path(path)
        if _FIELD.search(str(whole.parent)):
            raise BadPatternError(f"{path}: the frame number must stand in the file name, not in a folder")
        fields = list(_FIELD.finditer(whole.name))
        if len(fields) != 1:
            raise BadPatternError(str(path), expected="one of %04d or ####", found=f"{len(fields)} of them")
        field = fields[0]
        padding = len(field["hashes"]) if field["hashes"] else int(field["width"] or 1)
        return FramePattern(whole.parent, whole.name[: field.start()], whole.name[field.end() :], padding)

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
        sign = "-" if number < 0 else ""
        return self.folder / f"{self.prefix}{sign}{abs(number):0{self.padding}d}{self.suffix}"

    def numbers_on_disk(self) -> list[int]:
        """The frame numbers that exist, sorted; empty when the folder does not exist."""
        if not self.folder.is_dir():
            return []
        field = re.compile(re.escape(self.prefix) + rf"(-?\d{{{self.padding},}})" + re.escape(self.suffix))
        found = {int(match[1]) for entry in self.folder.iterdir() if (match := field.fullmatch(entry.name))}
        return sorted(number for number in found if self.path(number).exists())

    def __str__(self) -> str:
        return str(self.folder / f"{self.prefix}%0{self.padding}d{self.suffix}")


def format_ranges(numbers: list[int]) -> str:
    """``[1, 2, 3, 7]`` as ``1-3 7``, for messages."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)
