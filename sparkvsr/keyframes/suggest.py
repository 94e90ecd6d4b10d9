"""Which frames would gain the most as keyframes: how far each could reach, found by motion, then the best set of all.

For pairs of frames the motion is measured as the engines measure it, on small pictures, and where the one, moved,
explains the other. What is left unexplained, weighed by detail, tells the gain in PSNR (on real clips the two correlate
by 0.91). Then the set with the largest gain is found exactly: every frame uses the nearest keyframe before it and the
nearest one after it, in its own shot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
import torch

from sparkvsr import evidence
from sparkvsr.engine import Watch
from sparkvsr.motion import gray8, luma, measure
from sparkvsr.propagation import shot_of
from sparkvsr.resample import resize

MOST_FRAMES: Final = 48  # looked at; of a longer clip every second, third, …
LONGEST_SIDE: Final = 208
_CELLS = (24, 40)  # in which it is noted what a keyframe explains
_FLOOR = 0.03  # of what no keyframe explains
_SLOPE = 4.5  # dB
_SPREAD = 0.6  # dB that the nearest frames gain for being near: where little tells frames apart, keyframes lie evenly
_LOST = 0.02  # a share explained below which motion has been lost,
_LOST_IN_A_ROW = 3  # for good when it stays so
_SIGMA = 3.0  # pixels of the small pictures

Matrix = npt.NDArray[np.float64]
Plane = npt.NDArray[np.float32]
_cv2: Any = cv2  # its stubs know no optional arguments


def suggest(
    count: int,
    first: int,
    last: int,
    look: Callable[[int], torch.Tensor],
    cuts: Iterable[int] = (),
    watch: Watch | None = None,
) -> tuple[int, ...]:
    """``count`` frames of ``first`` .. ``last``, ascending. ``look`` gives a frame's working picture [3, h, w].

    Raises ValueError for a count that the clip has not, CancelledError, and what ``look`` raises.
    """
    frames = last - first + 1
    if not 1 <= count <= frames:
        raise ValueError(f"expected 1 to {frames} keyframes, found {count}")
    stride = max(1, min(-(-frames // MOST_FRAMES), frames // count))
    times = list(range(first, last + 1, stride))
    seen = [_Seen(look(time)) for time in times]
    reach = explained_between(seen, times, tuple(cuts), watch or Watch())
    return tuple(times[place] for place in best_set(reach.gains(), reach.gains_between(), count))


class _Seen:
    """A frame as it is compared: small, in 1/255, with its luma, its tolerance of errors, and where its detail is."""

    def __init__(self, picture: torch.Tensor) -> None:
        height, width = picture.shape[1:]
        share = min(1.0, LONGEST_SIDE / max(height, width))
        size = (max(1, round(height * share)), max(1, round(width * share)))
        small = resize(picture.clamp(0.0, 1.0).contiguous(), size, "area")
        contrast: Plane = evidence.contrast(small, 1.0)[0].cpu().numpy()
        self.gray = gray8(luma(small))
        self.colour = np.ascontiguousarray(small.permute(1, 2, 0).cpu().numpy()) * np.float32(evidence.UNITS)
        self.tolerance = contrast * evidence.MOTION.slope + evidence.MOTION.base
        self.places = np.stack(np.meshgrid(*(np.arange(side, dtype=np.float32) for side in size[::-1])), axis=-1)
        self.detail = in_cells(contrast) + np.float32(1e-6)
        self.detail /= self.detail.sum()


def in_cells(plane: Plane) -> Plane:
    """The means of a plane's cells, as one row."""
    size = (min(_CELLS[1], plane.shape[1]), min(_CELLS[0], plane.shape[0]))
    cells: Plane = _cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
    return cells.reshape(-1)


@dataclass(frozen=True)
class Explained:
    """``shares`` [t, k, cell]: of frame t's detail, what a keyframe at k explains, in shares of all its detail."""

    shares: Plane

    def gains(self) -> Matrix:
        """[t, k]: what frame t gains from a keyframe at k alone, in dB."""
        places = np.arange(len(self.shares))
        apart = np.abs(places[:, None] - places[None, :])
        return self._gain(self.shares.sum(axis=2, dtype=np.float64), apart)

    def gains_between(self) -> Matrix:
        """[a, b]: what the frames between neighbouring keyframes a < b gain, each from both, in dB; −∞ elsewhere."""
        size = len(self.shares)
        result: Matrix = np.full((size, size), -np.inf)
        for a in range(size):
            for b in range(a + 1, size):
                inside = np.arange(a + 1, b)
                both = np.maximum(self.shares[inside, a], self.shares[inside, b]).sum(axis=1, dtype=np.float64)
                result[a, b] = self._gain(both, np.minimum(inside - a, b - inside)).sum()
        return result

    def _gain(self, explained: Matrix, apart: npt.NDArray[np.int64]) -> Matrix:
        """The logarithm of how much less is left, as PSNR counts it, by the slope of the lite engine on training clips.

        A little is always left: what small pictures explain is not all explained at HR.
        """
        left = np.clip(1.0 - explained, 0.0, 1.0)
        gained: Matrix = _SLOPE * (np.log1p(_FLOOR) - np.log(left + _FLOOR))
        return gained + _SPREAD * (1.0 - apart / len(self.shares))


def explained_between(seen: list[_Seen], times: list[int], cuts: tuple[int, ...], watch: Watch) -> Explained:
    """For every pair of frames in a shot; nothing is explained across a cut."""
    count, cells = len(seen), len(seen[0].detail)
    shares: Plane = np.zeros((count, count, cells), np.float32)
    for k in range(count):
        watch.step(k / count, "looking for keyframes")
        shot = shot_of(times[k], cuts)
        shares[k, k] = seen[k].detail
        for outwards in (range(k - 1, -1, -1), range(k + 1, count)):
            _fill(shares, seen, k, [t for t in outwards if times[t] in shot])
    return Explained(shares)


def _fill(shares: Plane, seen: list[_Seen], k: int, places: list[int]) -> None:
    """What k explains of ``places``, ever farther from it; where motion is lost for good, the rest is not looked at."""
    lost = 0
    for t in places:
        shares[t, k] = _holding(seen[t], seen[k]) * seen[t].detail
        lost = lost + 1 if float(shares[t, k].sum()) < _LOST else 0
        if lost == _LOST_IN_A_ROW:
            return


def _holding(frame: _Seen, keyframe: _Seen) -> Plane:
    """Where the motion holds, by cells: the confidence of the engines' gate."""
    where = frame.places + measure(frame.gray, keyframe.gray)
    moved = _cv2.remap(keyframe.colour, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    error = _cv2.GaussianBlur(np.abs(moved - frame.colour).mean(axis=2), (0, 0), _SIGMA)
    return in_cells(np.exp(-np.square(error / frame.tolerance)))


def best_set(gains: Matrix, between: Matrix, count: int) -> tuple[int, ...]:
    """The ``count`` places whose frames gain the most in sum, ascending; exact, by dynamic programming.

    ``gains`` [t, k]: of frame t from a keyframe at k alone, for the ends; ``between`` [a, b]: of all frames between
    neighbouring keyframes.
    """
    size = len(gains)
    best = np.array([gains[:k, k].sum() for k in range(size)])
    came: list[npt.NDArray[np.int64]] = []
    for _ in range(count - 1):
        reached = best[:, None] + between
        came.append(reached.argmax(axis=0))
        best = reached.max(axis=0)
    best = best + np.array([gains[k + 1 :, k].sum() for k in range(size)])
    places = [int(best.argmax())]
    for origin in reversed(came):
        places.append(int(origin[places[-1]]))
    return tuple(sorted(places))
