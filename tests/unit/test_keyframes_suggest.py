"""Suggested keyframes: the best set by dynamic programming, and what counts as a gain."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sparkvsr.engine import CancelledError, Watch
from sparkvsr.keyframes.suggest import MOST_FRAMES, Explained, best_set, looked_at, suggest
from sparkvsr.propagation import keyframes_in_reach


def between_of(gains: np.ndarray) -> np.ndarray:
    """Each frame between two keyframes gains from the better one."""
    size = len(gains)
    between = np.full((size, size), -np.inf)
    for a, b in combinations(range(size), 2):
        between[a, b] = np.maximum(gains[a + 1 : b, a], gains[a + 1 : b, b]).sum()
    return between


def total(gains: np.ndarray, places: tuple[int, ...]) -> float:
    """What the frames gain, each from the keyframes that it would use."""
    frames = [t for t in range(len(gains)) if t not in places]
    return sum(max(gains[t, k] for k in keyframes_in_reach(t, places)) for t in frames)


@settings(max_examples=40)
@given(st.integers(1, 7), st.integers(1, 4), st.integers(0, 2**31))
def test_no_other_set_gains_more(size: int, count: int, seed: int) -> None:
    gains = np.random.default_rng(seed).random((size, size))
    count = min(count, size)
    found = best_set(gains, between_of(gains), count)
    assert len(set(found)) == count
    best = max(total(gains, places) for places in combinations(range(size), count))
    assert total(gains, found) == pytest.approx(best)


@settings(max_examples=40)
@given(st.integers(3, 7), st.integers(1, 3), st.sets(st.integers(0, 6), min_size=1, max_size=3), st.integers(0, 2**31))
def test_beside_fixed_keyframes_no_other_set_gains_more(size: int, count: int, fixed: set[int], seed: int) -> None:
    gains = np.random.default_rng(seed).random((size, size))
    known = sorted(place for place in fixed if place < size) or [0]
    count = min(count, size - len(known))
    if not count:
        return
    found = best_set(gains, between_of(gains), count, known)
    assert set(known) <= set(found)
    assert len(set(found)) == count + len(known)
    sets = [places for places in combinations(range(size), count + len(known)) if set(known) <= set(places)]
    assert total(gains, found) == pytest.approx(max(total(gains, places) for places in sets))


def test_two_keyframes_that_explain_different_parts_explain_both() -> None:
    """Frame 1 lies between 0, which knows its left half, and 2, which knows its right half."""
    shares = np.zeros((3, 3, 2), np.float32)
    shares[1, 0, 0], shares[1, 2, 1] = 0.5, 0.5
    reach = Explained(shares)
    assert 0.5 < reach.gains()[1, 0] < 4.0
    assert reach.gains_between()[0, 2] > 4.0 * reach.gains()[1, 0]


def test_gains_grow_with_what_is_explained_and_are_decibels() -> None:
    explained = np.linspace(0.0, 1.0, 21)
    shares = np.zeros((21, 21, 1), np.float32)
    shares[:, 0, 0] = explained
    gains = Explained(shares).gains()[:, 0]
    assert bool((np.diff(gains[1:]) > 0.0).all())
    assert gains[0] == pytest.approx(0.0, abs=0.7)
    assert 3.0 < gains[15] < 8.0
    assert 12.0 < gains[20] < 20.0


def texture(seed: int) -> torch.Tensor:
    noise = torch.rand(3, 12, 16, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(noise.unsqueeze(0), size=(48, 64), mode="bicubic").squeeze(0).clamp(0, 1)


def stills(lengths: list[int]) -> list[torch.Tensor]:
    """Pictures that stand still, one after another: scenes that no motion connects."""
    return [texture(seed) for seed, length in enumerate(lengths) for _ in range(length)]


def test_each_scene_that_lasts_gets_a_keyframe() -> None:
    frames = stills([9, 3, 8, 2, 7])
    found = suggest(3, 0, len(frames) - 1, lambda t: frames[t])
    scenes = [range(9), range(12, 20), range(22, 29)]
    assert [sum(k in scene for k in found) for scene in scenes] == [1, 1, 1]


def test_frames_count_from_the_first() -> None:
    frames = stills([5, 5])
    found = suggest(2, 101, 110, lambda t: frames[t - 101])
    assert [k in range(101, 106) for k in found] == [True, False]


def test_no_keyframe_reaches_across_a_cut() -> None:
    """One still picture with a cut in it: without the cut one keyframe does, with it each side wants its own."""
    frames = stills([12])
    found = suggest(2, 0, 11, lambda t: frames[t], cuts=(4,))
    assert [k < 4 for k in found] == [True, False]


def test_a_scene_that_has_a_keyframe_is_not_suggested_again() -> None:
    frames = stills([9, 8, 7])
    found = suggest(2, 0, 23, lambda t: frames[t], keyframes=(12,))
    assert [k in range(9) for k in found] == [True, False]
    assert found[1] >= 17


@settings(max_examples=60)
@given(st.integers(1, 400), st.integers(1, 60), st.sets(st.integers(0, 399), max_size=6))
def test_enough_frames_are_looked_at_and_the_keyframes_among_them(frames: int, count: int, fixed: set[int]) -> None:
    known = sorted(k for k in fixed if k < frames)
    if count > frames - len(known):
        return
    chosen = looked_at(range(frames), count, known)
    assert set(known) <= set(chosen)
    assert len(chosen) - len(known) >= count
    assert chosen == sorted(set(chosen))
    assert len(chosen) <= max(MOST_FRAMES, 2 * count) + len(known)


def test_frames_of_different_sizes_explain_nothing_of_each_other() -> None:
    frames = stills([6, 6])
    frames[6:] = [frame[:, :40] for frame in frames[6:]]
    found = suggest(2, 0, 11, lambda t: frames[t])
    assert [k < 6 for k in found] == [True, False]


def test_where_nothing_moves_keyframes_lie_apart() -> None:
    frames = stills([20])
    first, second = suggest(2, 0, 19, lambda t: frames[t])
    assert 5 <= second - first <= 15


def test_a_moving_frame_is_reached_from_near() -> None:
    """A picture that slides and is replaced by another: the keyframe lies where most of it can be reached."""
    wide = texture(3).repeat(1, 1, 3)
    frames = [wide[:, :, 2 * t : 2 * t + 64] for t in range(10)] + [texture(9 + t) for t in range(4)]
    (found,) = suggest(1, 0, 13, lambda t: frames[t])
    assert 2 <= found <= 7


def test_long_clips_are_looked_at_now_and_then() -> None:
    asked: list[int] = []
    frames = stills([1])

    def look(t: int) -> torch.Tensor:
        asked.append(t)
        return frames[0]

    found = suggest(3, 0, 999, look)
    assert len(asked) <= MOST_FRAMES
    assert len(set(found)) == 3
    assert all(0 <= k <= 999 for k in found)


def test_as_many_keyframes_as_frames() -> None:
    frames = stills([4])
    assert suggest(4, 0, 3, lambda t: frames[t]) == (0, 1, 2, 3)


@pytest.mark.parametrize("count", [0, 5])
def test_counts_that_the_clip_has_not_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match=r"expected 1 to 4 keyframes, found"):
        suggest(count, 0, 3, lambda t: texture(0))


def test_a_search_can_be_cancelled() -> None:
    with pytest.raises(CancelledError):
        suggest(2, 0, 9, lambda t: texture(0), watch=Watch(cancelled=lambda: True))
