"""Numbered picture files as a clip, and a writer of such files."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from sparkvsr.frames import Frame
from sparkvsr.media.clip import WINDOW_BYTES, ClipBase, ClipInfo
from sparkvsr.media.errors import InconsistentSequenceError, MediaNotFoundError, MissingFrameError
from sparkvsr.media.patterns import FramePattern, format_ranges
from sparkvsr.media.stills import Still, read_still, write_still


class SequenceClip(ClipBase):
    """Files of a pattern. Frame numbers are those of the files; a gap is an error when it is read, never filled."""

    def __init__(self, pattern: FramePattern, rate: Fraction | None = None, window_bytes: int = WINDOW_BYTES) -> None:
        """Find the files. Raises MediaNotFoundError, UnreadableMediaError."""
        super().__init__(str(pattern), window_bytes)
        self._pattern = pattern
        found = pattern.numbers_on_disk()
        if not found:
            raise MediaNotFoundError(f"{pattern}: no file matches this pattern", expected=str(pattern.path(1)))
        self._first, self._last, self._present = found[0], found[-1], frozenset(found)
        still = read_still(pattern.path(found[0]))
        self._info = ClipInfo(
            still.frame.format, still.transfer, rate, pixel_aspect=still.pixel_aspect, description=str(pattern)
        )
        self._window.put(found[0], still.frame)

    @property
    def info(self) -> ClipInfo:
        """Facts of the first file, which all others share."""
        return self._info

    @property
    def numbers(self) -> Sequence[int]:
        """From the first to the last number on disk, gaps included: reading a gap raises MissingFrameError."""
        return range(self._first, self._last + 1)

    @property
    def missing(self) -> list[int]:
        """The numbers without a file between the first and the last."""
        return [number for number in self.numbers if number not in self._present]

    def _load(self, number: int) -> Frame:
        path = self._pattern.path(number)
        if number not in self._present:
            raise MissingFrameError(f"{path} is missing", found=f"gaps at {format_ranges(self.missing)}")
        still = read_still(path)
        self._check_alike(path, still)
        return still.frame

    def _check_alike(self, path: Path, still: Still) -> None:
        if still.frame.format != self._info.layout:
            raise InconsistentSequenceError(
                f"{path} differs from the first frame",
                expected=self._info.layout.in_words,
                found=still.frame.format.in_words,
            )


class StillClip(ClipBase):
    """One picture as a clip of one frame, number 0."""

    def __init__(self, path: Path, rate: Fraction | None = None) -> None:
        """Read the picture. Raises MediaNotFoundError, UnreadableMediaError."""
        super().__init__(str(path))
        still = read_still(path)
        self._still = still.frame
        self._info = ClipInfo(
            still.frame.format, still.transfer, rate, pixel_aspect=still.pixel_aspect, description=str(path)
        )

    @property
    def info(self) -> ClipInfo:
        """Facts of the picture."""
        return self._info

    @property
    def numbers(self) -> Sequence[int]:
        """Frame 0 alone."""
        return range(1)

    def _load(self, number: int) -> Frame:
        return self._still


class SequenceWriter:
    """Writes frame after frame into the files of a pattern; each file appears whole or not at all."""

    def __init__(self, pattern: FramePattern, pixel_aspect: float = 1.0) -> None:
        self._pattern = pattern
        self._pixel_aspect = pixel_aspect

    def write(self, number: int, frame: Frame, seconds: Fraction | None = None) -> None:
        """Write the file of frame ``number``. Raises UnsupportedMediaError, WriteFailedError."""
        write_still(self._pattern.path(number), frame, pixel_aspect=self._pixel_aspect)


class StillWriter:
    """Writes the one frame of a still."""

    def __init__(self, path: Path, pixel_aspect: float = 1.0) -> None:
        self._path = path
        self._pixel_aspect = pixel_aspect

    def write(self, number: int, frame: Frame, seconds: Fraction | None = None) -> None:
        """Write the file; number and time have no place in it. Raises UnsupportedMediaError, WriteFailedError."""
        write_still(self._path, frame, pixel_aspect=self._pixel_aspect)
