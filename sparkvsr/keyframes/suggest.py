"""Which frames would gain the most as keyframes: how far each could reach, found by motion, then the best set of all.

For pairs of frames the motion is measured as the engines measure it, on small pictures, and how well the one, moved,
explains the other where there is detail. Then the set that leaves the least unexplained is found exactly: every frame
uses the nearest keyframe before it and the nearest one after it, in its own shot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
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
_FLOOR = 0.04  # of what a keyframe cannot give even where the motion holds
_SPREAD = 0.01  # where nothing tells the frames apart, keyframes lie evenly
_LOST = 0.03  # a gain below which motion has been lost,
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
    gains = gains_between(seen, times, tuple(cuts), watch or Watch())
    return tuple(times[place] for place in best_set(gains, count))


class _Seen:
    """A frame as it is compared: small, its luma, its detail."""

    def __init__(self, picture: torch.Tensor) -> None:
        height, width = picture.shape[1:]
        share = min(1.0, LONGEST_SIDE / max(height, width))
        size = (max(1, round(height * share)), max(1, round(width * share)))
        small = resize(picture.clamp(0.0, 1.0).contiguous(), size, "area")
        contrast: Plane = evidence.contrast(small, 1.0)[0].cpu().numpy()
        self.gray = gray8(luma(small))
        self.colour = np.ascontiguousarray(small.permute(1, 2, 0).cpu().numpy()) * np.float32(evidence.UNITS)
        self.tolerance = contrast * evidence.MOTION.slope + evidence.MOTION.base
        self.detail = contrast / max(float(contrast.sum(dtype=np.float64)), 1e-6)
        self.places = np.stack(np.meshgrid(*(np.arange(side, dtype=np.float32) for side in size[::-1])), axis=-1)


def gains_between(seen: list[_Seen], times: list[int], cuts: tuple[int, ...], watch: Watch) -> Matrix:
    """[t, k]: what frame t gains from a keyframe at k, 0..1; 0 across a cut, 1 on the diagonal."""
    gains: Matrix = np.eye(len(seen))
    for k in range(len(seen)):
        watch.step(k / len(seen), "looking for keyframes")
        shot = shot_of(times[k], cuts)
        for direction in (-1, 1):
            _fill(gains, seen, k, [t for t in _outwards(k, direction, len(seen)) if times[t] in shot])
    return gains


def _outwards(k: int, direction: int, count: int) -> range:
    return range(k + 1, count) if direction > 0 else range(k - 1, -1, -1)


def _fill(gains: Matrix, seen: list[_Seen], k: int, places: list[int]) -> None:
    """What ``places``, ever farther from k, gain from it; where nothing holds any more, the rest is not looked at."""
    lost = 0
    for t in places:
        gain = 0.0 if lost >= _LOST_IN_A_ROW else _gain(seen[t], seen[k])
        lost = lost + 1 if gain < _LOST else 0 if lost < _LOST_IN_A_ROW else lost
        gains[t, k] = (1.0 - _SPREAD) * gain + _SPREAD * (1.0 - abs(k - t) / len(seen))


def _gain(frame: _Seen, keyframe: _Seen) -> float:
    """The logarithm of how much less is left unexplained, as PSNR counts it."""
    where = frame.places + measure(frame.gray, keyframe.gray)
    moved = _cv2.remap(keyframe.colour, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    error = _cv2.GaussianBlur(np.abs(moved - frame.colour).mean(axis=2), (0, 0), _SIGMA)
    holds = np.exp(-np.square(error / frame.tolerance))
    left = min(max(1.0 - float((holds * frame.detail).sum(dtype=np.float64)), 0.0), 1.0)
    return float(np.log(left + _FLOOR) - np.log1p(_FLOOR)) / float(np.log(_FLOOR) - np.log1p(_FLOOR))


def best_set(gains: Matrix, count: int) -> tuple[int, ...]:
    """The ``count`` places whose frames gain the most in sum, ascending; exact, by dynamic programming."""
    size = len(gains)
    between = _gained_between(gains)
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


def _gained_between(gains: Matrix) -> Matrix:
    """[a, b]: what the frames between neighbouring keyframes a < b gain; −∞ elsewhere."""
    size = len(gains)
    result: Matrix = np.full((size, size), -np.inf)
    for a in range(size):
        for b in range(a + 1, size):
            result[a, b] = np.maximum(gains[a + 1 : b, a], gains[a + 1 : b, b]).sum()
    return result
