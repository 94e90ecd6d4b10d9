"""Where shots begin: frames that nothing of the frame before explains, found on small pictures.

Neighbouring frames are compared by what motion explains of the one in the other, at equal exposure (a flash, a change
of light and a fade leave what is there where it is), and by their colours. A cut is a pair that stands out from the
pairs around it: in a fast pan or in an explosion all are unlike. And it must last: where a frame soon after is like
one before, something only flashed by. Where two cuts follow each other within three frames, only the first counts:
what lies between is a flash at a cut rather than a shot. Dissolves and wipes are no cuts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
import torch

from sparkvsr.engine import Watch
from sparkvsr.looks import Look, Plane, Seen
from sparkvsr.motion import Flow, measure

_UNLIKE: Final = 0.75  # of a frame's detail must be unexplained by the one before
_STANDS_OUT: Final = 0.3  # and so much more than of its neighbours
_OTHER_COLOURS: Final = 0.12  # distance of histograms, 0..1,
_COLOURS_STAND_OUT: Final = 1.5  # and so many times that of its neighbours; or, where colours tell less,
_WHOLLY_UNLIKE: Final = 0.9  # unexplained detail,
_STANDS_FAR_OUT: Final = 0.5  # and so much more than of its neighbours
_ALIKE: Final = 0.8  # unexplained detail, and
_ALIKE_COLOURS: Final = 0.35  # distance of colours, below which something only flashed by
_NEIGHBOURS: Final = 4  # pairs on either side
_FLASH: Final = 3  # frames that a flash may last, and a shot may not
_CONTRAST: Final = 0.2  # standard deviation at equal exposure
_LEAST_CONTRAST: Final = 0.02  # what varies less is dark, and stays so
_BINS: Final = 8  # of each channel

_cv2: Any = cv2  # its stubs know no optional arguments
Values = npt.NDArray[np.float64]


def find_cuts(times: Sequence[int], look: Callable[[int], Look], watch: Watch | None = None) -> tuple[int, ...]:
    """The first frame of each shot but the first, among ``times`` (ascending, neighbours in the clip).

    ``look`` gives a frame's look, asked for once each, in order. Raises CancelledError, and what ``look`` raises.
    """
    watch = watch or Watch()
    frames: list[_Frame] = []
    unlike, colours = np.zeros(len(times)), np.zeros(len(times))
    for place, time in enumerate(times):
        watch.step(place / len(times), "looking for cuts")
        frames.append(_Frame(look(time)))
        if place:
            unlike[place] = _unexplained(frames[place - 1], frames[place])
            colours[place] = _distance(frames[place - 1], frames[place])
        if place > 2 * _FLASH + 1:
            frames[place - 2 * _FLASH - 2].forget()
    return tuple(times[place] for place in _cuts(frames, unlike, colours))


class _Frame:
    """A frame's look as cuts are seen in it."""

    def __init__(self, look: Look) -> None:
        self._look = look

    @property
    def is_blank(self) -> bool:
        """Whether there is next to nothing in it, as in the black before a fade."""
        return bool(self._look.picture.std(dim=(1, 2), correction=0).max() < _LEAST_CONTRAST)

    @cached_property
    def picture(self) -> torch.Tensor:
        """At equal exposure: each channel 0.5 on the mean, with a standard deviation of 0.2."""
        picture = self._look.picture
        spread = picture.std(dim=(1, 2), keepdim=True, correction=0).clamp_min_(_LEAST_CONTRAST)
        level = picture.mean(dim=(1, 2), keepdim=True)
        return (picture - level).mul_(_CONTRAST / spread).add_(0.5).clamp_(0.0, 1.0)

    @cached_property
    def seen(self) -> Seen:
        """For what motion explains."""
        return Seen(self.picture)

    @cached_property
    def colours(self) -> Values:
        """Histogram of all three channels, smoothed over neighbouring bins, of sum 1; at the exposure it has."""
        pixels = np.ascontiguousarray(self._look.picture.permute(1, 2, 0).numpy())
        counts = _cv2.calcHist([pixels], [0, 1, 2], None, [_BINS] * 3, [0.0, 1.0 + 1e-6] * 3).astype(np.float64)
        for axis in range(3):
            counts = _smoothed(counts, axis)
        histogram: Values = counts / counts.sum()
        return histogram

    def forget(self) -> None:
        """Give back what was only made to be compared with neighbours; it can be made again."""
        for name in ("picture", "seen", "colours"):
            self.__dict__.pop(name, None)


def _smoothed(counts: Values, axis: int) -> Values:
    """So that a shade on the edge of a bin counts in both."""
    padded = np.concatenate([counts.take([0], axis), counts, counts.take([-1], axis)], axis)
    places = np.arange(counts.shape[axis])
    result: Values = (
        0.25 * padded.take(places, axis) + 0.5 * padded.take(places + 1, axis) + 0.25 * padded.take(places + 2, axis)
    )
    return result


def _distance(one: _Frame, other: _Frame) -> float:
    """Of colours: 0 the same, 1 none in common."""
    return 0.5 * float(np.abs(one.colours - other.colours).sum())


def _unexplained(one: _Frame, other: _Frame) -> float:
    """The share of detail, 0..1, that motion explains of neither frame in the other; of the better explained one.

    Frames of different sizes explain nothing of each other.
    """
    if one.seen.gray.shape != other.seen.gray.shape:
        return 1.0
    best = _explained(one.seen, other.seen)
    if 1.0 - best >= _UNLIKE:
        best = max(best, _explained(other.seen, one.seen))
    if 1.0 - best >= _UNLIKE:
        best = max(best, _explained(other.seen, one.seen, _far_flow(one.seen, other.seen)))
    return 1.0 - best


def _explained(frame: Seen, other: Seen, start: Flow | None = None) -> float:
    """The share of ``frame``'s detail that ``other`` explains, along the motion that is found (from ``start`` on)."""
    flow = measure(frame.gray, other.gray) if start is None else _measured_from(start, frame, other)
    holding: Plane = frame.holding(other, flow)
    return float((holding * frame.detail).sum(dtype=np.float64))


def _far_flow(one: Seen, other: Seen) -> Flow:
    """The shift of the whole picture from ``other`` to ``one``, farther than DIS looks."""
    window = _cv2.createHanningWindow(one.gray.shape[::-1], cv2.CV_32F)
    (x, y), _ = _cv2.phaseCorrelate(other.gray.astype(np.float32), one.gray.astype(np.float32), window)
    flow: Flow = np.full((*one.gray.shape, 2), (x, y), dtype=np.float32)
    return flow


def _measured_from(start: Flow, frame: Seen, other: Seen) -> Flow:
    """Motion in addition to ``start``."""
    moved = _cv2.remap(other.gray, frame.places + start, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    flow: Flow = start + measure(frame.gray, moved)
    return flow


def _cuts(frames: list[_Frame], unlike: Values, colours: Values) -> list[int]:
    """Places of the first frames of shots."""
    found: list[int] = []
    for place in range(1, len(frames)):
        follows_at_once = bool(found) and place - found[-1] <= _FLASH
        if follows_at_once or not _stands_out(unlike, colours, place):
            continue
        if _differs_in_colours(colours, place) or not any(one.is_blank for one in frames[place - 1 : place + 1]):
            found += [] if _flashes_by(frames, place) else [place]
    return found


def _stands_out(unlike: Values, colours: Values, place: int) -> bool:
    """Whether a pair is unlike as none around it is: in its detail and its colours, or in its detail altogether."""
    more = unlike[place] - _around(unlike, place)
    if unlike[place] >= _WHOLLY_UNLIKE and more >= _STANDS_FAR_OUT:
        return True
    return bool(unlike[place] >= _UNLIKE and more >= _STANDS_OUT) and _differs_in_colours(colours, place)


def _differs_in_colours(colours: Values, place: int) -> bool:
    return bool(colours[place] >= max(_OTHER_COLOURS, _COLOURS_STAND_OUT * _around(colours, place)))


def _around(values: Values, place: int) -> float:
    """The median of the pairs around one, itself left out; 0 where there are none."""
    near = [*range(max(1, place - _NEIGHBOURS), place), *range(place + 1, min(len(values), place + _NEIGHBOURS + 1))]
    return float(np.median(values[near])) if near else 0.0


def _flashes_by(frames: list[_Frame], place: int) -> bool:
    """Whether a frame soon after is like one before: what lies between only flashed by."""
    for before in range(max(0, place - _FLASH - 1), place):
        for after in range(place, min(len(frames), place + _FLASH + 1)):
            apart = after - before
            if 1 < apart <= _FLASH + 1 and _are_alike(frames[before], frames[after]):
                return True
    return False


def _are_alike(one: _Frame, other: _Frame) -> bool:
    return _distance(one, other) < _ALIKE_COLOURS and _unexplained(one, other) < _ALIKE
