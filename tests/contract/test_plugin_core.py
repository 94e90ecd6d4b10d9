"""The plugin's pure parts are equal to their Python twins."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import sparkvsr_bridge._core as core
from sparkvsr.media import BadPatternError, FramePattern
from sparkvsr.propagation import (
    FrameListError,
    chunks_at,
    fits_chunks_exactly,
    keyframes_in_reach,
    keyframes_of_chunk,
    parse_frame_list,
    shot_of,
)

pytestmark = pytest.mark.ofx

TIMES = st.integers(-40, 40)
LISTS = st.lists(TIMES, max_size=8)
NUMBER = st.integers(-99, 99).map(str)
ITEM = st.one_of(
    NUMBER,
    st.tuples(NUMBER, NUMBER).map("-".join),
    st.tuples(NUMBER, NUMBER, st.integers(-1, 9)).map(lambda parts: f"{parts[0]}-{parts[1]}x{parts[2]}"),
    st.text("0123456789-x,. \t", max_size=12),
)


def python_list(text: str) -> tuple[int, ...] | None:
    try:
        return parse_frame_list(text)
    except FrameListError:
        return None


def plugin_list(text: str) -> tuple[int, ...] | None:
    try:
        return tuple(core.parse_frame_list(text))
    except ValueError:
        return None


@settings(deadline=None)  # a million frames take their time
@given(st.lists(ITEM, max_size=6), st.sampled_from([" ", ",", ", ", "\n", "\r\n", "\t,"]))
@example(["0-999999"], " ")
@example(["0-1000000"], " ")
@example(["0-999998", "0", "5"], " ")
@example(["0-999999", "0"], " ")
@example(["9" * 18], " ")
@example(["9" * 19], " ")
@example(["-" + "9" * 18 + "-" + "9" * 18 + "x" + "9" * 18], " ")
@example(["٣"], " ")
@example(["1\u00a02"], " ")
def test_lists_of_frames(items: list[str], separator: str) -> None:
    text = separator.join(items)
    assert plugin_list(text) == python_list(text)


@pytest.mark.parametrize("bad", ["1-", "3-1", "1-2x0", "a", "1.5"])
def test_bad_lists_say_what_came(bad: str) -> None:
    with pytest.raises(ValueError, match=bad.replace(".", r"\.")):
        core.parse_frame_list(bad)
    with pytest.raises(FrameListError, match=bad.replace(".", r"\.")):
        parse_frame_list(bad)


@given(TIMES, LISTS, LISTS, st.none() | st.integers(0, 30))
def test_keyframes_in_reach(t: int, keyframes: list[int], cuts: list[int], radius: int | None) -> None:
    assert tuple(core.keyframes_in_reach(t, keyframes, cuts, radius)) == keyframes_in_reach(t, keyframes, cuts, radius)


CLIPS = st.tuples(TIMES, st.integers(0, 120)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(CLIPS, LISTS, st.sampled_from([24, 40]), st.data())
def test_chunks(clip: tuple[int, int], cuts: list[int], grid: int, data: st.DataObject) -> None:
    t = data.draw(st.integers(*clip))
    expected = tuple((chunk.first, chunk.last) for chunk in chunks_at(t, grid, cuts, clip))
    assert core.chunks_at(t, grid, cuts, *clip) == expected
    assert core.fits_chunks_exactly(t, grid, cuts, *clip) == fits_chunks_exactly(t, grid, cuts, clip)


@given(CLIPS, LISTS, LISTS)
def test_keyframes_of_chunks(chunk: tuple[int, int], keyframes: list[int], cuts: list[int]) -> None:
    assert core.keyframes_of_chunk(*chunk, keyframes, cuts) == keyframes_of_chunk(*chunk, keyframes, cuts)


def test_the_plugin_knows_the_grids_of_the_engines() -> None:
    from sparkvsr.cogvideox.engine import GRIDS

    assert core.engine_grids() == [0, GRIDS[0]]


@given(TIMES, LISTS)
def test_shots(t: int, cuts: list[int]) -> None:
    span = shot_of(t, cuts)
    assert tuple(core.shot_of(t, cuts)) == (span.first, span.last)


@given(st.integers(-(10**6), 10**6), st.integers(1, 12))
def test_names_of_files_are_those_of_printf(number: int, width: int) -> None:
    assert core.picture_file(f"a.%0{width}d.b", number) == f"a.%0{width}d.b" % number
    assert core.picture_file("a." + "#" * width + ".b", number) == f"a.%0{width}d.b" % number
    assert core.picture_file("%d%%.b", number) == f"{number}%.b"


def python_file(pattern: str, number: int) -> str | None:
    try:
        return str(FramePattern.parse(pattern).path(number))
    except BadPatternError as error:
        return error.found


def plugin_file(pattern: str, number: int) -> str:
    try:
        return str(core.picture_file(pattern, number))
    except ValueError as error:
        return str(error).split("found ", 1)[1]


PIECES = st.sampled_from(["%04d", "%d", "%%", "%", "####", "#", "%s", "%4d", "%040d", "k", ".", "é", "d", "0", "/x"])


@given(st.lists(PIECES, max_size=5).map("".join), st.integers(-(10**6), 10**6))
@example("", 1)
@example("%04d/%04d", 1)
def test_patterns_of_pictures(end: str, number: int) -> None:
    """The plugin takes a file without a number besides: the same picture for a single keyframe."""
    pattern = f"/p{end}k"
    found = python_file(pattern, number)
    if found == f"none in {pattern}":
        assert core.picture_file(pattern, number) == pattern.replace("%%", "%")
    else:
        assert plugin_file(pattern, number) == found
