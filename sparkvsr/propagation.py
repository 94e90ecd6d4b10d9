"""Which keyframes a frame uses, how far a keyframe reaches, shots, lists, the chunk grid: functions of numbers."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

MAX_LISTED_FRAMES = 1_000_000
CHUNK_OVERLAP = 9
"""Frames that a chunk goes on into the next cell of its grid, and over which the two melt into each other."""
CHUNK_PHASE = 4
"""A keyframe fits a chunk exactly where it lies a multiple of so many frames after the chunk's first."""

_LIST_ITEM = re.compile(r"(-?\d{1,18})(?:-(-?\d{1,18})(?:x(\d{1,18}))?)?", re.ASCII)
_LIST_SEPARATORS = re.compile(r"[ \t\r\n,]+")


class FrameListError(ValueError):
    """A typed list of frames cannot be read; says what was expected and what came."""


@dataclass(frozen=True, slots=True)
class Span:
    """Frames ``first`` .. ``last``, both inclusive; None: no end on that side."""

    first: int | None
    last: int | None

    def __contains__(self, t: int) -> bool:
        return (self.first is None or t >= self.first) and (self.last is None or t <= self.last)


def shot_of(t: int, cuts: Iterable[int]) -> Span:
    """The shot that holds ``t``; ``cuts`` are first frames of shots, in any order."""
    ordered = sorted(set(cuts))
    place = bisect_right(ordered, t)
    first = ordered[place - 1] if place else None
    last = ordered[place] - 1 if place < len(ordered) else None
    return Span(first, last)


def keyframes_in_reach(
    t: int, keyframes: Iterable[int], cuts: Iterable[int] = (), radius: int | None = None
) -> tuple[int, ...]:
    """The keyframes that the frame at ``t`` uses, ascending: at most one at or before ``t`` and one after it.

    They lie in the shot of ``t`` and at most ``radius`` frames away (None: any distance). A keyframe at ``t`` is used
    alone.
    """
    shot = shot_of(t, cuts)
    near = [k for k in keyframes if k in shot and (radius is None or abs(k - t) <= radius)]
    if t in near:
        return (t,)
    before = [k for k in near if k < t]
    after = [k for k in near if k > t]
    return (*([max(before)] if before else []), *([min(after)] if after else []))


def reach_of(keyframe: int, keyframes: Iterable[int], cuts: Iterable[int] = (), radius: int | None = None) -> Span:
    """The frames whose result can change when ``keyframe`` changes: exactly those t that have it in reach.

    ``keyframes`` are all keyframes of the clip; whether ``keyframe`` stands among them makes no difference. The
    frames of its neighbours do not count, as those use theirs alone.
    """
    shot = shot_of(keyframe, cuts)
    others = [k for k in keyframes if k in shot and k != keyframe]
    previous = max((k for k in others if k < keyframe), default=None)
    following = min((k for k in others if k > keyframe), default=None)
    firsts = (shot.first, None if previous is None else previous + 1, None if radius is None else keyframe - radius)
    lasts = (shot.last, None if following is None else following - 1, None if radius is None else keyframe + radius)
    return Span(
        max((edge for edge in firsts if edge is not None), default=None),
        min((edge for edge in lasts if edge is not None), default=None),
    )


def parse_frame_list(text: str) -> tuple[int, ...]:
    """Frames of a typed list, ascending, each once: ``1 24 48-60x4`` is 1, 24, 48, 52, 56, 60.

    Items are separated by any run of spaces, tabs, line ends and commas. An item is N, or A-B (A at most B), or A-BxS
    (every S-th from A on, S at least 1); numbers may be negative. Raises FrameListError, also beyond a million
    frames.
    """
    frames: set[int] = set()
    for item in _LIST_SEPARATORS.split(text):
        if item:
            span = _parse_item(item)
            if len(frames) + len(span) > MAX_LISTED_FRAMES:
                raise FrameListError(f"expected at most {MAX_LISTED_FRAMES} frames, found more at {item!r}")
            frames.update(span)
    return tuple(sorted(frames))


def _parse_item(item: str) -> range:
    match = _LIST_ITEM.fullmatch(item)
    if match is None:
        raise FrameListError(f"expected a frame like 24, or a range like 48-60 or 48-60x4, found {item!r}")
    first = int(match[1])
    last = first if match[2] is None else int(match[2])
    step = 1 if match[3] is None else int(match[3])
    if last < first:
        raise FrameListError(f"expected a range that ascends, found {item!r}")
    if step < 1:
        raise FrameListError(f"expected a step of at least 1, found {item!r}")
    return range(first, last + 1, step)


def grid_phase(t: int, grid: int) -> int:
    """Place of ``t`` in a chunk grid anchored at host time 0: 0 .. grid − 1; 0 for an engine without a grid."""
    if grid < 0:
        raise ValueError(f"expected a grid of 0 or more frames, found {grid}")
    return t % grid if grid else 0


def chunk_of(t: int, grid: int, cuts: Iterable[int] = (), frame_range: tuple[int, int] | None = None) -> Span:
    """The chunk that holds ``t``: its cell of the grid, clipped at the shot and at the clip's first and last frame.

    ``grid`` 0: every frame is a chunk of its own. Raises ValueError when ``t`` lies outside ``frame_range``.
    """
    if frame_range is not None and not frame_range[0] <= t <= frame_range[1]:
        raise ValueError(f"expected a frame in {frame_range[0]}..{frame_range[1]}, found {t}")
    first = t - grid_phase(t, grid)
    last = first + max(grid, 1) - 1
    shot = shot_of(t, cuts)
    bounds = (shot, Span(*frame_range)) if frame_range is not None else (shot,)
    for bound in bounds:
        first = first if bound.first is None else max(first, bound.first)
        last = last if bound.last is None else min(last, bound.last)
    return Span(first, last)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Frames ``first`` .. ``last``, both inclusive, and how much this chunk counts at the frame in question."""

    first: int
    last: int
    weight: float = 1.0


def chunks_at(
    t: int, grid: int, cuts: Iterable[int] = (), frame_range: tuple[int, int] | None = None
) -> tuple[Chunk, ...]:
    """The one or two chunks of an engine with a chunk grid that hold ``t``, earlier first; their weights sum to 1.

    A chunk is a cell of the grid and the ``CHUNK_OVERLAP`` frames after it, clipped at the shot and at the clip's first
    and last frame; one that lies wholly in its neighbour is left out. Raises ValueError for a grid no longer than the
    overlap, and for a frame outside ``frame_range``.
    """
    if grid <= CHUNK_OVERLAP:
        raise ValueError(f"expected a grid of more than {CHUNK_OVERLAP} frames, found {grid}")
    if frame_range is not None and not frame_range[0] <= t <= frame_range[1]:
        raise ValueError(f"expected a frame in {frame_range[0]}..{frame_range[1]}, found {t}")
    shot, whole = shot_of(t, cuts), Span(*frame_range) if frame_range is not None else Span(None, None)
    start = t - grid_phase(t, grid)
    spans = [_clipped(first, first + grid + CHUNK_OVERLAP - 1, shot, whole) for first in (start - grid, start)]
    earlier, later = ((span.first or 0, span.last or 0) for span in spans)
    if earlier[1] < t or earlier[0] >= later[0]:
        return (Chunk(*later),)
    if later[1] <= earlier[1]:
        return (Chunk(*earlier),)
    shared = earlier[1] - later[0] + 1
    weight = math.sin(0.5 * math.pi * (t - later[0] + 1) / (shared + 1)) ** 2
    return Chunk(*earlier, 1.0 - weight), Chunk(*later, weight)


def _clipped(first: int, last: int, *bounds: Span) -> Span:
    firsts = [first, *(bound.first for bound in bounds if bound.first is not None)]
    lasts = [last, *(bound.last for bound in bounds if bound.last is not None)]
    return Span(max(firsts), min(lasts))


def keyframes_of_chunk(
    first: int, last: int, keyframes: Iterable[int], cuts: Iterable[int] = (), radius: int | None = None
) -> tuple[int, ...]:
    """The keyframes that a chunk can use, ascending: all inside it; where none is, the nearest before and after it.

    Those outside lie in the chunk's shot, and at most ``radius`` frames from its first or last (None: any distance).
    """
    shot = shot_of(first, cuts)
    known = sorted({k for k in keyframes if k in shot})
    inside = tuple(k for k in known if first <= k <= last)
    before = [k for k in known if k < first and (radius is None or first - k <= radius)]
    after = [k for k in known if k > last and (radius is None or k - last <= radius)]
    return inside or (*before[-1:], *after[:1])


def fits_chunks_exactly(
    t: int, grid: int, cuts: Iterable[int] = (), frame_range: tuple[int, int] | None = None
) -> bool:
    """Whether a keyframe at ``t`` lies in the phase of every chunk that holds it, so that it need not be moved."""
    return all((t - chunk.first) % CHUNK_PHASE == 0 for chunk in chunks_at(t, grid, cuts, frame_range))
