"""Which frames would gain the most as keyframes: how far each could reach, found by motion, then the best set of all.

For pairs of frames the motion is measured as the engines measure it, on small pictures, and where the one, moved,
explains the other. What is left unexplained, weighed by detail, tells the gain in PSNR (on real clips the two correlate
by 0.91). Then the set with the largest gain is found exactly: every frame uses the nearest keyframe before it and the
nearest one after it, in its own shot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from sparkvsr.engine import Watch
from sparkvsr.looks import Look, Plane, Seen, look_at
from sparkvsr.motion import measure
from sparkvsr.propagation import shot_of

MOST_FRAMES: Final = 48  # looked at; of a longer clip every second, third, …
_FLOOR = 0.03  # of what no keyframe explains
_SLOPE = 4.5  # dB
_SPREAD = 0.6  # dB that the nearest frames gain for being near: where little tells frames apart, keyframes lie evenly
_LOST = 0.02  # a share explained below which motion has been lost,
_LOST_IN_A_ROW = 3  # for good when it stays so

Matrix = npt.NDArray[np.float64]


def suggest(
    count: int,
    first: int,
    last: int,
    look: Callable[[int], torch.Tensor],
    cuts: Iterable[int] = (),
    watch: Watch | None = None,
    keyframes: Iterable[int] = (),
) -> tuple[int, ...]:
    """``count`` frames of ``first`` .. ``last``, ascending. ``look`` gives a frame's working picture [3, h, w].

    Raises ValueError for a count that the clip has not, CancelledError, and what ``look`` raises.
    """
    return suggest_among(
        count, range(first, last + 1), lambda time: look_at(look(time)), cuts, keyframes, watch or Watch()
    )


def suggest_among(
    count: int,
    times: Sequence[int],
    look: Callable[[int], Look],
    cuts: Iterable[int],
    keyframes: Iterable[int],
    watch: Watch,
) -> tuple[int, ...]:
    """``count`` of ``times`` (ascending) that would gain the most beside ``keyframes``, which are among them.

    Raises ValueError for a count that there is not, CancelledError, and what ``look`` raises.
    """
    fixed = sorted(set(keyframes))
    free = len(times) - len(fixed)
    if not 1 <= count <= free:
        raise ValueError(f"expected 1 to {free} keyframes, found {count}")
    chosen = looked_at(times, count, fixed)
    seen = [Seen(look(time).picture) for time in chosen]
    reach = explained_between(seen, chosen, tuple(cuts), watch)
    places = [chosen.index(time) for time in fixed]
    best = best_set(reach.gains(), reach.gains_between(), count, places)
    return tuple(chosen[place] for place in best if chosen[place] not in fixed)


def looked_at(times: Sequence[int], count: int, keyframes: Iterable[int]) -> list[int]:
    """The frames that ``suggest_among`` compares, ascending: every so many, and the keyframes there are."""
    stride = max(1, min(-(-len(times) // MOST_FRAMES), len(times) // count))
    chosen = set(times[::stride]) | set(keyframes)
    missing = count - (len(chosen) - len(set(keyframes)))
    return sorted(chosen | set([time for time in times if time not in chosen][: max(0, missing)]))


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


def explained_between(seen: list[Seen], times: list[int], cuts: tuple[int, ...], watch: Watch) -> Explained:
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


def _fill(shares: Plane, seen: list[Seen], k: int, places: list[int]) -> None:
    """What k explains of ``places``, ever farther from it; where motion is lost for good, the rest is not looked at."""
    lost = 0
    for t in places:
        if seen[t].gray.shape == seen[k].gray.shape:  # else they explain nothing of each other
            shares[t, k] = seen[t].holding(seen[k], measure(seen[t].gray, seen[k].gray)) * seen[t].detail
        lost = lost + 1 if float(shares[t, k].sum()) < _LOST else 0
        if lost == _LOST_IN_A_ROW:
            return


def best_set(gains: Matrix, between: Matrix, count: int, fixed: Sequence[int] = ()) -> tuple[int, ...]:
    """The ``count`` places beside ``fixed`` whose frames gain the most in sum, all of them ascending; exact, by dynamic
    programming.

    ``gains`` [t, k]: of frame t from a keyframe at k alone, for the ends; ``between`` [a, b]: of all frames between
    neighbouring keyframes.
    """
    size = len(gains)
    between = _without_leaps(between, fixed)
    earliest, latest = (min(fixed), max(fixed)) if fixed else (size, -1)
    best = np.array([gains[:k, k].sum() if k <= earliest else -np.inf for k in range(size)])
    came: list[npt.NDArray[np.int64]] = []
    for _ in range(count + len(set(fixed)) - 1):
        reached = best[:, None] + between
        came.append(reached.argmax(axis=0))
        best = reached.max(axis=0)
    best = best + np.array([gains[k + 1 :, k].sum() if k >= latest else -np.inf for k in range(size)])
    places = [int(best.argmax())]
    for origin in reversed(came):
        places.append(int(origin[places[-1]]))
    return tuple(sorted(places))


def _without_leaps(between: Matrix, fixed: Sequence[int]) -> Matrix:
    """No two keyframes are neighbours that have a fixed one between them."""
    allowed: Matrix = between.copy()
    for place in fixed:
        allowed[:place, place + 1 :] = -np.inf
    return allowed
