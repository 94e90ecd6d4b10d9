"""What is asked of a clip before it is rendered: its cuts, its I-frames, and the frames that would gain the most."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch

from sparkvsr.color import Transfer, to_working, unpack
from sparkvsr.cuts import find_cuts
from sparkvsr.engine import Watch
from sparkvsr.keyframes import Sources
from sparkvsr.keyframes.suggest import suggest
from sparkvsr.looks import look_at
from sparkvsr.media import Clip, VideoClip


def cuts_of(clip: Clip, transfer: Transfer, watch: Watch | None = None) -> tuple[int, ...]:
    """The first frames of the clip's shots but the first, found; ``transfer``: of the clip's samples."""
    return find_cuts(clip.numbers, lambda number: look_at(_working(clip, number, transfer)), watch)


def _working(clip: Clip, number: int, transfer: Transfer) -> torch.Tensor:
    return to_working(unpack(clip.read(number))[0], transfer)


def sources_of(clip: Clip, transfer: Transfer, cuts: Iterable[int], note: Callable[[str], None]) -> Sources:
    """For ``choose``. ``transfer``: of the clip's samples; ``note`` tells what takes its time."""
    first, last = clip.numbers[0], clip.numbers[-1]

    def look(number: int) -> torch.Tensor:
        return _working(clip, number, transfer)

    def suggested(count: int) -> tuple[int, ...]:
        note(f"looking for {count} keyframe{'s' * (count != 1)} in {last - first + 1} frames")
        return suggest(count, first, last, look, cuts)

    return Sources(clip.iframes if isinstance(clip, VideoClip) else None, suggested)
