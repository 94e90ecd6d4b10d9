"""What a choice of keyframes asks of a clip: its I-frames, and the frames that would gain the most."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch

from sparkvsr.color import Transfer, to_working, unpack
from sparkvsr.keyframes import Sources
from sparkvsr.keyframes.suggest import suggest
from sparkvsr.media import Clip, VideoClip


def sources_of(clip: Clip, transfer: Transfer, cuts: Iterable[int], note: Callable[[str], None]) -> Sources:
    """For ``choose``. ``transfer``: of the clip's samples; ``note`` tells what takes its time."""
    first, last = clip.numbers[0], clip.numbers[-1]

    def look(number: int) -> torch.Tensor:
        return to_working(unpack(clip.read(number))[0], transfer)

    def suggested(count: int) -> tuple[int, ...]:
        note(f"looking for {count} keyframe{'s' * (count != 1)} in {last - first + 1} frames")
        return suggest(count, first, last, look, cuts)

    return Sources(clip.iframes if isinstance(clip, VideoClip) else None, suggested)
