"""Keyframes in reach, reach, shots, lists of frames, the chunk grid."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparkvsr.propagation import (
    CHUNK_OVERLAP,
    Chunk,
    FrameListError,
    Span,
    chunk_of,
    chunks_at,
    fits_chunks_exactly,
    grid_phase,
    keyframes_in_reach,
    keyframes_of_chunk,
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


# --- overlapping chunks ----------------------------------------------------------------------------------------------

EDGES = st.tuples(st.integers(-120, 120), st.integers(0, 200)).map(lambda pair: (pair[0], pair[0] + pair[1]))


def test_a_chunk_is_its_cell_and_the_overlap_after_it() -> None:
    assert chunks_at(12, 24) == (Chunk(0, 32, 1.0),)
    earlier, later = chunks_at(28, 24)
    assert (earlier.first, earlier.last, later.first, later.last) == (0, 32, 24, 56)
    assert earlier.weight == pytest.approx(0.5)
    assert [chunks_at(t, 24)[-1].weight for t in (24, 32, 33)] == pytest.approx([0.0245, 0.9755, 1.0], abs=1e-4)


def test_chunks_are_clipped_and_scraps_left_out() -> None:
    assert chunks_at(10, 24, cuts=(7, 20)) == (Chunk(7, 19, 1.0),)
    assert chunks_at(98, 24, frame_range=(0, 99)) == (Chunk(72, 99, 1.0),)  # the cell at 96 would have 4 frames
    assert chunks_at(26, 24, frame_range=(26, 90)) == (Chunk(26, 56, 1.0),)
    assert chunks_at(5, 24, frame_range=(5, 5)) == (Chunk(5, 5, 1.0),)


@given(edges=EDGES, cuts=st.lists(st.integers(-100, 300), max_size=3), grid=st.sampled_from([24, 40]), data=st.data())
def test_every_frame_is_in_chunks_that_sum_to_one_and_cross_no_cut(
    edges: tuple[int, int], cuts: list[int], grid: int, data: st.DataObject
) -> None:
    t = data.draw(st.integers(*edges))
    chunks = chunks_at(t, grid, cuts, edges)
    assert sum(chunk.weight for chunk in chunks) == pytest.approx(1.0)
    shot = shot_of(t, cuts)
    for chunk in chunks:
        assert 0.0 < chunk.weight <= 1.0
        assert edges[0] <= chunk.first <= t <= chunk.last <= edges[1]
        assert chunk.first in shot
        assert chunk.last in shot
        assert chunk.last - chunk.first < grid + CHUNK_OVERLAP
    assert len({(chunk.first, chunk.last) for chunk in chunks}) == len(chunks)


@given(edges=EDGES, grid=st.sampled_from([24, 40]), data=st.data())
def test_the_chunk_of_a_frame_is_the_chunk_of_its_neighbours(
    edges: tuple[int, int], grid: int, data: st.DataObject
) -> None:
    """A chunk is the same whichever of its frames is asked for: else it would be computed twice."""
    t = data.draw(st.integers(*edges))
    for chunk in chunks_at(t, grid, (), edges):
        for other in range(chunk.first, chunk.last + 1):
            spans = {(one.first, one.last) for one in chunks_at(other, grid, (), edges)}
            assert (chunk.first, chunk.last) in spans


def test_a_grid_within_the_overlap_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 9 frames, found 9"):
        chunks_at(0, 9)
    with pytest.raises(ValueError, match=r"expected a frame in 0\.\.5, found 6"):
        chunks_at(6, 24, frame_range=(0, 5))


def test_a_chunk_uses_its_own_keyframes_else_those_beside_it() -> None:
    keyframes = (2, 30, 31, 60, 100)
    assert keyframes_of_chunk(24, 56, keyframes) == (30, 31)
    assert keyframes_of_chunk(64, 96, keyframes) == (60, 100)
    assert keyframes_of_chunk(64, 96, keyframes, cuts=(62, 99)) == ()
    assert keyframes_of_chunk(64, 96, ()) == ()


def test_a_chunk_uses_no_keyframe_beyond_the_radius_around_it() -> None:
    keyframes = (30, 60, 100, 140)
    assert keyframes_of_chunk(64, 96, keyframes, radius=4) == (60, 100)
    assert keyframes_of_chunk(64, 96, keyframes, radius=3) == ()
    assert keyframes_of_chunk(63, 96, keyframes, radius=3) == (60,)
    assert keyframes_of_chunk(24, 56, keyframes, radius=1) == (30,)


def test_which_keyframes_fit_every_chunk_that_holds_them() -> None:
    assert [t for t in range(60) if fits_chunks_exactly(t, 24)] == list(range(0, 60, 4))
    # From a cut on, chunks count from the cut; the next chunk of the grid does not.
    fitting = [t for t in range(5, 60) if fits_chunks_exactly(t, 24, cuts=(5,))]
    assert fitting[:5] == [5, 9, 13, 17, 21]
    assert [t for t in fitting if t > 37] == [40, 44, 48, 52, 56]
