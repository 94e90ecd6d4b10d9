"""Keys: equal for equal bytes to come, different for everything that can change one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.requests import request_for

from sparkvsr.color import Transfer
from sparkvsr.frames import Depth, PixelFormat, Premultiplication
from sparkvsr_backend import keys
from sparkvsr_backend.keys import KeyframeContent
from sparkvsr_backend.requests import Precision, Priority, Quality, RenderRequest, Settings, Target, View

OWN, OTHER = b"o" * 16, b"p" * 16
LAYOUT = PixelFormat(8, 6, 4, Depth.FLOAT, Premultiplication.STRAIGHT)
KEYFRAME = KeyframeContent(time=0, picture=b"k" * 16, from_file=False, source=b"s" * 16, strength=1.0)
REQUEST = request_for((OWN, LAYOUT), time=5)


def result_key(request: RenderRequest = REQUEST, *keyframes: KeyframeContent, identity: str = "e-1") -> bytes:
    return keys.result_key(identity, request, list(keyframes or (KEYFRAME,)))


def with_settings(**changes: object) -> RenderRequest:
    settings: Settings = replace(REQUEST.settings, **changes)  # type: ignore[arg-type]
    return replace(REQUEST, settings=settings)


def test_a_key_is_the_same_in_every_process() -> None:
    """A stored value: keys are made of content alone, not of hashes that differ from run to run."""
    assert keys.digest("kind", 1, 0.5, b"x", None, [1, "two"]).hex() == "0669d690541d11db141dd29aabd58ec6"
    assert keys.digest("kind", 1) == keys.digest("kind", 1)
    assert keys.digest("kind", 1) != keys.digest("other", 1)
    assert keys.digest("kind", [1], 2) != keys.digest("kind", [1, 2])


@pytest.mark.parametrize(
    "request_",
    [
        with_settings(scale=2),
        with_settings(guidance=0.5),
        with_settings(trust=0.5),
        with_settings(view=View.CONFIDENCE),
        with_settings(transfer=Transfer.LINEAR),
        with_settings(precision=Precision.BFLOAT16),
        with_settings(quality=Quality.DRAFT),
        replace(REQUEST, window=((5, OTHER),)),
        replace(REQUEST, window=((5, OWN), (6, OTHER))),
        replace(REQUEST, target=Target.whole(16, 12), output=replace(LAYOUT, width=16, height=12)),
        replace(REQUEST, target=Target(width=8, height=6, window=(0, 0, 4, 6)), output=replace(LAYOUT, width=4)),
        replace(REQUEST, target=Target(width=8, height=6, window=(4, 0, 8, 6)), output=replace(LAYOUT, width=4)),
        replace(REQUEST, output=replace(LAYOUT, depth=Depth.HALF)),
        replace(REQUEST, output=replace(LAYOUT, components=3)),
        replace(REQUEST, output=replace(LAYOUT, premultiplication=Premultiplication.PREMULTIPLIED)),
    ],
)
def test_what_changes_pixels_changes_the_key(request_: RenderRequest) -> None:
    assert result_key(request_) != result_key()


@pytest.mark.parametrize(
    "keyframe",
    [
        replace(KEYFRAME, time=1),
        replace(KEYFRAME, picture=OTHER),
        replace(KEYFRAME, from_file=True),
        replace(KEYFRAME, source=OTHER),
        replace(KEYFRAME, source=None),
        replace(KEYFRAME, strength=0.5),
    ],
)
def test_what_a_keyframe_is_changes_the_key(keyframe: KeyframeContent) -> None:
    assert result_key(REQUEST, keyframe) != result_key()


def test_the_engine_changes_the_key() -> None:
    assert result_key(identity="e-2") != result_key()


@pytest.mark.parametrize(
    "request_",
    [
        replace(REQUEST, session="another"),
        replace(REQUEST, priority=Priority.BATCH),
        replace(REQUEST, range=(-100, 100)),
        with_settings(generation=7),
        with_settings(cuts=(3,)),
        with_settings(split=0.25),
    ],
)
def test_what_changes_no_pixel_does_not_change_the_key(request_: RenderRequest) -> None:
    assert result_key(request_) == result_key()


def test_a_split_view_depends_on_where_it_is_split() -> None:
    halves = with_settings(view=View.SPLIT)
    assert result_key(halves) != result_key(replace(halves, settings=replace(halves.settings, split=0.25)))


def test_a_shifted_clip_finds_what_it_had() -> None:
    shifted = replace(REQUEST, time=105, window=((105, OWN),))
    assert result_key(shifted, replace(KEYFRAME, time=100)) == result_key()
    assert result_key(shifted) != result_key()


def test_the_order_of_keyframes_and_of_the_window_does_not_count() -> None:
    second = replace(KEYFRAME, time=9)
    assert result_key(REQUEST, KEYFRAME, second) == result_key(REQUEST, second, KEYFRAME)
    ordered = replace(REQUEST, window=((4, OTHER), (5, OWN)))
    assert result_key(ordered) == result_key(replace(ordered, window=((5, OWN), (4, OTHER))))


@pytest.mark.parametrize("view", [View.SOURCE, View.BLIND])
def test_views_without_keyframes_do_not_depend_on_them(view: View) -> None:
    plain = with_settings(view=view)
    assert result_key(plain) == result_key(plain, replace(KEYFRAME, picture=OTHER))
    assert result_key(plain) == result_key(replace(plain, settings=replace(plain.settings, guidance=0.0, trust=1.0)))


def test_moving_guidance_leaves_all_but_the_result() -> None:
    moved = with_settings(guidance=0.25, trust=0.5, view=View.DIFFERENCE)
    assert keys.source_key("e-1", moved) == keys.source_key("e-1", REQUEST)
    size = (6, 8)
    assert keys.keyframe_key("e-1", moved.settings, KEYFRAME, size) == keys.keyframe_key(
        "e-1", REQUEST.settings, KEYFRAME, size
    )
    assert keys.chunk_source_key("e-1", moved) == keys.chunk_source_key("e-1", REQUEST)


@pytest.mark.parametrize("change", [{"quality": Quality.DRAFT}, {"precision": Precision.BFLOAT16}, {"scale": 2}])
def test_what_the_engine_computes_by_changes_the_keys_of_all_latents(change: dict[str, object]) -> None:
    changed = with_settings(**change)
    size = (6, 8)
    assert keys.source_key("e-1", changed) != keys.source_key("e-1", REQUEST)
    assert keys.chunk_source_key("e-1", changed) != keys.chunk_source_key("e-1", REQUEST)
    assert keys.keyframe_key("e-1", changed.settings, KEYFRAME, size) != keys.keyframe_key(
        "e-1", REQUEST.settings, KEYFRAME, size
    )


def test_a_keyframes_latents_do_not_depend_on_when_and_how_strong() -> None:
    def key(content: KeyframeContent, size: tuple[int, int] = (6, 8)) -> bytes:
        return keys.keyframe_key("e-1", REQUEST.settings, content, size)

    assert key(replace(KEYFRAME, time=40, strength=0.1)) == key(KEYFRAME)
    assert key(KEYFRAME, (7, 8)) != key(KEYFRAME)


def test_the_frames_of_a_chunk_share_their_propagations() -> None:
    """With a grid, offsets count from the chunk's start: frame 5 finds what was carried when frame 6 was made."""
    chunk = tuple((time, bytes([time]) * 16) for time in range(4, 8))

    def key(time: int, offset: int) -> bytes:
        request = request_for((bytes([time]) * 16, LAYOUT), time=time, grid=4, window=chunk)
        return keys.propagation_key(keys.chunk_source_key("e-1", request), [], request.time - 4 + offset)

    assert key(6, -1) == key(5, 0)
    assert key(6, 0) != key(5, 0)


def test_the_grid_phase_is_part_of_the_key_only_with_a_grid() -> None:
    def key(time: int, grid: int) -> bytes:
        return result_key(request_for((OWN, LAYOUT), time=time, grid=grid), replace(KEYFRAME, time=time))

    assert key(5, 0) == key(6, 0)
    assert key(5, 4) != key(6, 4)
    assert key(5, 4) == key(9, 4)
