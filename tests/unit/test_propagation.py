"""Keyframes in reach, reach, shots, lists of frames, the chunk grid."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparkvsr.propagation import (
    FrameListError,
    Span,
    chunk_of,
    grid_phase,
    keyframes_in_reach,
    parse_frame_list,
    reach_of,
    shot_of,
)

TIMES = st.integers(-30, 30)
TIME_SETS = st.lists(TIMES, max_size=6)
RADII = st.none() | st.integers(0, 20)


@pytest.mark.parametrize(
    ("t", "cuts", "radius", "expected"),
    [
        (5, (), None, (0, 10)),
        (10, (), None, (10,)),
        (-3, (), None, (0,)),
        (25, (), None, (20,)),
        (12, (), 5, (10,)),
        (15, (), 5, (10, 20)),
        (15, (), 4, ()),
        (15, (15,), None, (20,)),
        (14, (15,), None, (10,)),
        (11, (11, 20), None, ()),
        (20, (20,), 0, (20,)),
    ],
)
def test_nearest_before_and_after_within_the_shot(
    t: int, cuts: tuple[int, ...], radius: int | None, expected: tuple[int, ...]
) -> None:
    assert keyframes_in_reach(t, (20, 0, 10), cuts, radius) == expected


@given(t=TIMES, keyframes=TIME_SETS, cuts=TIME_SETS, radius=RADII)
def test_no_keyframe_reaches_across_a_cut(t: int, keyframes: list[int], cuts: list[int], radius: int | None) -> None:
    for k in keyframes_in_reach(t, keyframes, cuts, radius):
        assert not any(min(t, k) < cut <= max(t, k) for cut in cuts)
        assert radius is None or abs(k - t) <= radius


@given(keyframe=TIMES, others=TIME_SETS, cuts=TIME_SETS, radius=RADII)
def test_reach_is_exactly_the_frames_that_use_the_keyframe(
    keyframe: int, others: list[int], cuts: list[int], radius: int | None
) -> None:
    everyone = [*others, keyframe]
    reach = reach_of(keyframe, everyone, cuts, radius)
    assert reach == reach_of(keyframe, others, cuts, radius)
    for t in range(-60, 61):
        assert (t in reach) == (keyframe in keyframes_in_reach(t, everyone, cuts, radius))


def test_shots() -> None:
    assert shot_of(5, ()) == Span(None, None)
    assert shot_of(5, (10, 3)) == Span(3, 9)
    assert shot_of(3, (3,)) == Span(3, None)
    assert shot_of(2, (3, 3)) == Span(None, 2)


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        ("", ()),
        (" , \t\n", ()),
        ("1 24 48-60x4", (1, 24, 48, 52, 56, 60)),
        ("24,1,,24", (1, 24)),
        ("-5--3 -2-1x2", (-5, -4, -3, -2, 0)),
        ("7-7", (7,)),
        ("0-10x100", (0,)),
    ],
)
def test_lists_of_frames(text: str, frames: tuple[int, ...]) -> None:
    assert parse_frame_list(text) == frames


@pytest.mark.parametrize(
    "text", ["a", "1.5", "5-3", "1-9x0", "1-", "x4", "1;2", "1-2-3", "+1", "0-2000000", "1 - 3", "٣"]
)
def test_lists_that_cannot_be_read_say_why(text: str) -> None:
    with pytest.raises(FrameListError, match=r"expected .* found"):
        parse_frame_list(text)


@given(st.sets(st.integers(-1000, 1000), max_size=20))
def test_a_written_list_is_read_back(frames: set[int]) -> None:
    assert parse_frame_list(", ".join(map(str, frames))) == tuple(sorted(frames))


def test_the_grid_is_anchored_at_zero() -> None:
    assert [grid_phase(t, 4) for t in (-5, -4, -1, 0, 3, 4)] == [3, 0, 3, 0, 3, 0]
    assert grid_phase(123, 0) == 0
    with pytest.raises(ValueError, match="found -1"):
        grid_phase(0, -1)


@given(t=st.integers(0, 40), grid=st.integers(0, 12), cuts=TIME_SETS)
def test_chunks_partition_the_clip(t: int, grid: int, cuts: list[int]) -> None:
    chunk = chunk_of(t, grid, cuts, (0, 40))
    assert chunk.first is not None
    assert chunk.last is not None
    assert 0 <= chunk.first <= t <= chunk.last <= 40
    assert not any(chunk.first < cut <= chunk.last for cut in cuts)
    assert all(chunk_of(other, grid, cuts, (0, 40)) == chunk for other in range(chunk.first, chunk.last + 1))


def test_a_frame_outside_the_clip_has_no_chunk() -> None:
    with pytest.raises(ValueError, match=r"0\.\.9, found 10"):
        chunk_of(10, 4, (), (0, 9))
