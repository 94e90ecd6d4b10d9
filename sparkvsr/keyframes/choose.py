"""Choosing keyframes from a clip's numbers alone: every N-th frame, or a typed list."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sparkvsr.propagation import FrameListError, parse_frame_list

_EVERY = re.compile(r"every:(\d{1,9})", re.ASCII)


class KeyframeChoiceError(ValueError):
    """A choice of keyframes cannot be read, or names frames that the clip does not have."""


def choose(text: str, first: int, last: int, cuts: Iterable[int] = ()) -> tuple[int, ...]:
    """Keyframes of the clip ``first`` .. ``last``: ``every:N``, or a list such as ``1 24 48-60x4``; ascending.

    Raises KeyframeChoiceError for anything else, and for listed frames outside the clip.
    """
    stripped = text.strip()
    match = _EVERY.fullmatch(stripped)
    if match is not None:
        return every(int(match[1]), first, last, cuts)
    try:
        frames = parse_frame_list(stripped)
    except FrameListError as error:
        raise KeyframeChoiceError(f"expected every:N or a list of frames, found {text!r} ({error})") from error
    outside = [frame for frame in frames if not first <= frame <= last]
    if outside:
        raise KeyframeChoiceError(f"expected frames from {first} to {last}, found {outside[0]}")
    return frames


def every(interval: int, first: int, last: int, cuts: Iterable[int] = ()) -> tuple[int, ...]:
    """Each shot's first frame, and every ``interval``-th from there on to the shot's end.

    Raises KeyframeChoiceError when ``interval`` is below 1 or the clip is empty.
    """
    if interval < 1:
        raise KeyframeChoiceError(f"expected an interval of at least 1, found {interval}")
    if last < first:
        raise KeyframeChoiceError(f"expected a clip of at least one frame, found {first}..{last}")
    starts = [first, *sorted({cut for cut in cuts if first < cut <= last})]
    ends = [*(start - 1 for start in starts[1:]), last]
    return tuple(frame for start, end in zip(starts, ends, strict=True) for frame in range(start, end + 1, interval))
