"""Geometry by properties: whatever a host makes of scale, aspect, origin, window and data window, it is one picture.

The probe enlarges by nearest neighbours, so every pixel can be found again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.probe import Probe, nearest, picture

from sparkvsr_bridge import Host, RenderFailed, personality_names

pytestmark = pytest.mark.ofx

RESIZING = ("nuke", "natron", "fusion", "resolve-fusion", "strict")
FIXED = ("resolve", "flame", "flame-background", "vegas", "mlt")
SCALES = (1.0, 0.5, 0.25, 1 / 3)
checked = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@dataclass(frozen=True)
class Scene:
    """A source and how a host shows it."""

    personality: str
    width: int
    height: int
    origin: tuple[int, int]
    par: float
    scale: float
    factor: int
    padding: int
    flipped: bool

    def instance(self, host: Host, source: np.ndarray, **clip: Any) -> Any:
        instance = host.create_instance()
        instance.connect(
            "Source",
            [source],
            origin=self.origin,
            par=self.par,
            row_padding=self.padding,
            negative_row_bytes=self.flipped,
            **clip,
        )
        instance.set("scale", self.factor)
        return instance


@st.composite
def scenes(draw: st.DrawFn, personalities: tuple[str, ...]) -> Scene:
    """Odd sizes, origins on either side of zero, anamorphic pixels, proxies, padded and upside-down rows."""
    return Scene(
        draw(st.sampled_from(personalities)),
        draw(st.integers(1, 21)),
        draw(st.integers(1, 21)),
        (draw(st.integers(-30, 30)), draw(st.integers(-30, 30))),
        draw(st.sampled_from((1.0, 2.0, 0.5, 1.0940))),
        draw(st.sampled_from(SCALES)),
        draw(st.integers(1, 4)),
        draw(st.integers(0, 5)) * 4,
        draw(st.booleans()),
    )


def window_in(data: st.DataObject, bounds: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    x1, y1, x2, y2 = bounds
    left, low = data.draw(st.integers(x1, x2 - 1)), data.draw(st.integers(y1, y2 - 1))
    return left, low, data.draw(st.integers(left + 1, x2)), data.draw(st.integers(low + 1, y2))


def part_of(whole: np.ndarray, bounds: tuple[int, int, int, int], window: tuple[int, int, int, int]) -> np.ndarray:
    x1, _, _, top = bounds
    return whole[top - window[3] : top - window[1], window[0] - x1 : window[2] - x1]


@checked
@given(scene=scenes(RESIZING + FIXED), data=st.data())
def test_a_window_is_that_part_of_the_whole(probe: Probe, scene: Scene, data: st.DataObject) -> None:
    """And the backend is asked for the same picture, of the size of the whole, whatever the window."""
    with Host(probe.bundle, scene.personality) as host:
        instance = scene.instance(host, picture(scene.width, scene.height))
        scale = (scene.scale, scene.scale)
        whole = instance.render_details(0, scale=scale)
        asked = probe.request()["target"]
        assert (asked["width"], asked["height"]) == whole.picture.shape[1::-1]
        window = window_in(data, whole.bounds)
        part = instance.render_details(0, scale=scale, window=window)
        np.testing.assert_array_equal(part.picture, part_of(whole.picture, whole.bounds, window))
        target = probe.request()["target"]
        assert (target["width"], target["height"]) == (asked["width"], asked["height"])
        x1, _, _, top = whole.bounds
        assert target["window"] == [window[0] - x1, top - window[3], window[2] - x1, top - window[1]]


@checked
@given(scene=scenes(RESIZING))
def test_the_output_is_the_source_scaled_about_the_origin(probe: Probe, scene: Scene) -> None:
    with Host(probe.bundle, scene.personality) as host:
        instance = scene.instance(host, picture(scene.width, scene.height))
        (x, y), par, factor = scene.origin, scene.par, scene.factor
        region = np.array([x * par, y, (x + scene.width) * par, y + scene.height]) * factor
        np.testing.assert_allclose(instance.region_of_definition(0), region)
        found = instance.render_details(0, scale=(scene.scale, scene.scale)).bounds
        exact = region * scene.scale / np.array([par, 1, par, 1])
        assert np.all(np.abs(np.array(found) - exact) < 1)
        wanted = instance.regions_of_interest(0, tuple(region))
        np.testing.assert_allclose(wanted["Source"], region / factor)


@checked
@given(scene=scenes(RESIZING + FIXED))
def test_at_full_scale_each_pixel_is_its_source_pixel(probe: Probe, scene: Scene) -> None:
    source = picture(scene.width, scene.height, dtype=np.uint16 if scene.personality == "mlt" else np.float32)
    with Host(probe.bundle, scene.personality) as host:
        found = scene.instance(host, source).render(0)
    np.testing.assert_array_equal(found, nearest(source, scene.factor if scene.personality in RESIZING else 1))


@checked
@given(scene=scenes(("strict", "nuke", "natron")), data=st.data())
def test_a_data_window_is_padded_or_cut_to_what_the_clip_claims(
    probe: Probe, scene: Scene, data: st.DataObject
) -> None:
    """The clip claims a region that is larger than its pictures (a data window), smaller (overscan), or shifted."""
    source = picture(scene.width, scene.height)
    (x, y), width, height = scene.origin, scene.width, scene.height
    left, low = x + data.draw(st.integers(-9, width - 1)), y + data.draw(st.integers(-9, height - 1))
    right = data.draw(st.integers(max(left, x) + 1, x + width + 9))
    top = data.draw(st.integers(max(low, y) + 1, y + height + 9))
    with Host(probe.bundle, scene.personality) as host:
        par = scene.par
        instance = scene.instance(host, source, region=(left * par, low, right * par, top))
        found = instance.render(0)
    padded = np.zeros((top - low, right - left, 4), np.float32)
    x1, x2, y1, y2 = max(left, x), min(right, x + width), max(low, y), min(top, y + height)
    padded[top - y2 : top - y1, x1 - left : x2 - left] = source[y + height - y2 : y + height - y1, x1 - x : x2 - x]
    # Edges less than a pixel off are one picture, seen through a host's rounding.
    np.testing.assert_array_equal(found, nearest(padded, scene.factor))


def test_a_data_window_that_changes_takes_the_keyframes_picture_along(probe: Probe) -> None:
    """The frame covers 12 x 8 pixels, the keyframe's source frame 8 x 6 of them: its picture is padded likewise."""
    frames = [picture(12, 8, seed=1), picture(8, 6, seed=2)]
    with Host(probe.bundle, "strict") as host:
        instance = host.create_instance()
        instance.connect("Source", frames)
        instance.connect("Keyframes", lambda t: picture(32, 24, seed=3), frame_range=(0, 1))
        instance.set("keyframeList", "1")
        instance.render(0)
    sizes = [(line["image"]["width"], line["image"]["height"]) for line in probe.calls("put")]
    assert sizes == [(12, 8), (12, 8), (48, 32)]


def test_8k_bounds(probe: Probe) -> None:
    """A window in the far corner of an 8K output whose bounds begin elsewhere than at 0."""
    source = picture(1920, 1080, dtype=np.uint8)
    with Host(probe.bundle, "natron") as host:
        instance = host.create_instance()
        instance.connect("Source", [source], origin=(-960, 540))
        instance.set("scale", 4)
        window = (3840 - 40, 6480 - 24, 3840, 6480)
        found = instance.render(0, window=window)
    assert probe.request()["target"] == {"width": 7680, "height": 4320, "window": [7640, 0, 7680, 24]}
    np.testing.assert_array_equal(found, nearest(source[:6, -10:], 4))


@pytest.mark.parametrize("field", ["OfxFieldLower", "OfxFieldUpper"])
@pytest.mark.parametrize("personality", ["nuke", "flame", "vegas"])
def test_fields_are_refused_with_a_message(probe: Probe, personality: str, field: str) -> None:
    for overrides, clip in (({"field_to_render": field}, ""), ({}, field)):
        with Host(probe.bundle, personality, overrides=overrides) as host:
            instance = host.create_instance()
            instance.connect("Source", [picture(6, 4)], field=clip)
            with pytest.raises(RenderFailed, match=r"FieldsUnsupported.*deinterlaced first.*whole frames"):
                instance.render(0)


@pytest.mark.parametrize("personality", personality_names())
def test_sources_that_are_not_there(probe: Probe, personality: str) -> None:
    """Disconnected after it was connected (hosts keep stale properties), and connected with nothing in it."""
    with Host(probe.bundle, personality) as host:
        instance = host.create_instance()
        instance.connect("Source", [picture(6, 4)])
        instance.disconnect("Source")
        instance.set_project((0, 0, 6, 4))
        with pytest.raises(RenderFailed, match=r"SourceMissing.*connected Source clip"):
            instance.render(0)
        instance.connect("Source", [picture(6, 4)], null_images=True)
        with pytest.raises(RenderFailed, match=r"SourceMissing.*connected but empty"):
            instance.render(0)


@pytest.mark.parametrize("unconnected", ["fail", "null", "black"])
@pytest.mark.parametrize("claims", [False, True])
@pytest.mark.parametrize("personality", [*RESIZING, "resolve", "flame", "vegas"])
def test_keyframe_pictures_that_are_not_there(probe: Probe, personality: str, claims: bool, unconnected: str) -> None:
    """No host's way to say "nothing" passes for a picture, not even a black one of Resolve 14 to 16."""
    overrides = {"claims_connected": claims, "unconnected": unconnected}
    with Host(probe.bundle, personality, overrides=overrides) as host:
        instance = host.create_instance()
        instance.connect("Source", [picture(6, 4)])
        instance.set("keyframeList", "0")
        with pytest.raises(RenderFailed, match="KeyframeWithoutPicture"):
            instance.render(0)


@pytest.mark.parametrize("depth", [np.uint8, np.float32])
def test_bgra_hosts_get_and_give_what_others_do(probe: Probe, depth: type) -> None:
    source = picture(7, 5, dtype=depth)
    names = []
    for blue_first in (True, False):
        probe.forget()
        with Host(probe.bundle, "vegas", overrides={"blue_first": blue_first}) as host:
            instance = host.create_instance()
            instance.connect("Source", [source])
            np.testing.assert_array_equal(instance.render(0, window=(1, 1, 6, 4)), source[1:4, 1:6])
        names.append(probe.calls("put")[0]["fingerprint"])
    assert names[0] == names[1]


@pytest.mark.parametrize("blue_first", [True, False])
def test_stand_ins_in_bgra(probe: Probe, blue_first: bool) -> None:
    source = np.full((4, 6, 4), (0.75, 0.5, 0.25, 1.0), np.float32)
    probe.answer("EngineFailed")
    with Host(probe.bundle, "vegas", overrides={"blue_first": blue_first}) as host:
        instance = host.create_instance()
        instance.connect("Source", [source])
        instance.set("onError", "Bicubic")
        np.testing.assert_allclose(instance.render(0), source, atol=1e-6)


def test_thumbnails_at_the_sources_size_cost_nothing(probe: Probe) -> None:
    for personality, same in (("flame", True), ("nuke", False)):
        with Host(probe.bundle, personality, overrides={"thumbnails": True}) as host:
            instance = host.create_instance()
            instance.connect("Source", [picture(6, 4)])
            assert (instance.is_identity(0) is not None) == same
