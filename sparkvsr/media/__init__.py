"""Files in and out: video by PyAV, stills and sequences by OpenImageIO; pixels keep range, transfer and alpha."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from sparkvsr.media.clip import Clip, ClipInfo, FrameWindow, GeneratedClip
from sparkvsr.media.errors import (
    BadPatternError,
    InconsistentSequenceError,
    MediaError,
    MediaNotFoundError,
    MissingFrameError,
    UnreadableMediaError,
    UnsupportedMediaError,
    WriteFailedError,
)
from sparkvsr.media.patterns import FramePattern
from sparkvsr.media.sequence import SequenceClip, StillClip
from sparkvsr.media.stills import Still, is_still, read_still, write_still
from sparkvsr.media.video import VideoClip

__all__ = [
    "BadPatternError",
    "Clip",
    "ClipInfo",
    "FramePattern",
    "FrameWindow",
    "GeneratedClip",
    "InconsistentSequenceError",
    "MediaError",
    "MediaNotFoundError",
    "MissingFrameError",
    "SequenceClip",
    "Still",
    "StillClip",
    "UnreadableMediaError",
    "UnsupportedMediaError",
    "VideoClip",
    "WriteFailedError",
    "is_still",
    "open_clip",
    "read_still",
    "write_still",
]


def open_clip(path: str | Path, rate: Fraction | None = None) -> Clip:
    """A video, a sequence (``%04d`` or ``####`` in the file name) or a still as a clip.

    ``rate`` is for sequences and stills, which do not say how fast they run. Raises MediaError.
    """
    source = Path(path)
    if FramePattern.is_pattern(path) or (FramePattern.looks_like_one(path) and not source.exists()):
        return SequenceClip(FramePattern.parse(path), rate)
    if source.is_dir():
        raise UnreadableMediaError(
            f"{source} is a folder", expected="a file, or a pattern such as folder/frame.%04d.exr", found="a folder"
        )
    return StillClip(source, rate) if is_still(source) else VideoClip(source)
