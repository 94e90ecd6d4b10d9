"""Which frames are to be keyframes: every N-th, at random, I-frames, suggested ones, or a typed list."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sparkvsr.propagation import FrameListError, parse_frame_list

_CHOICE = re.compile(r"(every):([0-9]{1,9})|(suggest):([0-9]{1,9})|(random):(-?[0-9]{1,18}):([0-9]{1,9})|(iframes)")
_EXPECTED = "iframes, every:N, random:SEED:N, suggest:N or a list of frames such as 1 24 48-60x4"

Frames = tuple[int, ...]


class KeyframeChoiceError(ValueError):
    """A choice of keyframes cannot be read, or names frames that the clip does not have."""


@dataclass(frozen=True)
class Sources:
    """What a choice may have to ask of the clip; None where it cannot tell.

    ``iframes``: the frames that its file codes without reference to others; ``suggest``: so many frames that would gain
    the most.
    """

    iframes: Callable[[], Frames] | None = None
    suggest: Callable[[int], Frames] | None = None


def is_choice(text: str) -> bool:
    """Whether ``text`` is written as a choice or a list, whatever frames it may name."""
    if _CHOICE.fullmatch(text.strip()):
        return True
    try:
        return bool(parse_frame_list(text))
    except FrameListError:
        return False


def choose(
    text: str, first: int, last: int, cuts: Iterable[int] = (), sources: Sources | None = None
) -> tuple[int, ...]:
    """Keyframes of the clip ``first`` .. ``last``, ascending: ``iframes``, ``every:N``, ``random:SEED:N``,
    ``suggest:N``, or a list such as ``1 24 48-60x4``.

    Raises KeyframeChoiceError for anything else, for listed frames outside the clip, and where the clip cannot tell.
    """
    match = _CHOICE.fullmatch(text.strip())
    if match is None:
        return _listed(text, first, last)
    words = [word for word in match.groups() if word is not None]
    sources = sources or Sources()
    if words[0] == "every":
        return every(int(words[1]), first, last, cuts)
    if words[0] == "random":
        return at_random(int(words[1]), int(words[2]), first, last)
    if words[0] == "suggest":
        return _told(sources.suggest, "no frames to look at")(_count(int(words[1]), first, last))
    return _inside(_told(sources.iframes, "a clip without I-frames: only a video has them")(), first, last)


def every(interval: int, first: int, last: int, cuts: Iterable[int] = ()) -> tuple[int, ...]:
    """Each shot's first frame, and every ``interval``-th from there on to the shot's end.

    Raises KeyframeChoiceError when ``interval`` is below 1 or the clip is empty.
    """
    if interval < 1:
        raise KeyframeChoiceError(f"expected an interval of at least 1, found {interval}")
    _count(1, first, last)
    starts = [first, *sorted({cut for cut in cuts if first < cut <= last})]
    ends = [*(start - 1 for start in starts[1:]), last]
    return tuple(frame for start, end in zip(starts, ends, strict=True) for frame in range(start, end + 1, interval))


def at_random(seed: int, count: int, first: int, last: int) -> tuple[int, ...]:
    """``count`` different frames, the same ones for the same seed for ever; a larger count adds to a smaller one's.

    Raises KeyframeChoiceError when the clip has fewer frames.
    """
    _count(count, first, last)
    drawn = sorted(range(first, last + 1), key=lambda frame: _lot(seed, frame - first))
    return tuple(sorted(drawn[:count]))


def _lot(seed: int, place: int) -> bytes:
    return hashlib.blake2b(f"{seed}:{place}".encode(), digest_size=16).digest()


def _listed(text: str, first: int, last: int) -> tuple[int, ...]:
    try:
        frames = parse_frame_list(text.strip())
    except FrameListError as error:
        raise KeyframeChoiceError(f"expected {_EXPECTED}, found {text!r} ({error})") from error
    return _inside(frames, first, last)


def _inside(frames: Iterable[int], first: int, last: int) -> tuple[int, ...]:
    ordered = tuple(sorted(set(frames)))
    outside = [frame for frame in ordered if not first <= frame <= last]
    if outside:
        raise KeyframeChoiceError(f"expected frames from {first} to {last}, found {outside[0]}")
    return ordered


def _count(count: int, first: int, last: int) -> int:
    if last < first:
        raise KeyframeChoiceError(f"expected a clip of at least one frame, found {first}..{last}")
    if not 1 <= count <= last - first + 1:
        raise KeyframeChoiceError(f"expected 1 to {last - first + 1} keyframes of this clip, found {count}")
    return count


def _told(source: Callable[..., Frames] | None, found: str) -> Callable[..., Frames]:
    if source is None:
        raise KeyframeChoiceError(f"expected a clip that can tell, found {found}")
    return source
