"""Where pixels go: sizes, origins, windows, strides, proxies, pixel aspect ratios, depths.

The probe enlarges by nearest neighbours, so every pixel can be found again.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.probe import Probe, nearest, picture

from sparkvsr_bridge import Host

pytestmark = pytest.mark.ofx

RESIZING = ["nuke", "natron", "fusion", "resolve-fusion", "strict"]
FIXED = ["resolve", "flame", "vegas"]


def rendered(
    probe: Probe,
    source: np.ndarray,
    personality: str = "strict",
    *,
    factor: int = 4,
    clip: dict[str, Any] | None = None,
    **how: Any,
) -> np.ndarray:
    host = Host(probe.bundle, personality=personality)
    try:
        instance = host.create_instance()
        instance.connect("Source", [source], **(clip or {}))
        instance.set("scale", factor)
        return instance.render(0, **how)
    finally:
        host.unload()


@pytest.mark.parametrize("personality", RESIZING)
@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_output_grows_where_the_host_lets_it(probe: Probe, personality: str, scale: int) -> None:
    source = picture(7, 5)
    np.testing.assert_array_equal(rendered(probe, source, personality, factor=scale), nearest(source, scale))
    assert probe.request()["target"] == {
        "width": 7 * scale,
        "height": 5 * scale,
        "window": [0, 0, 7 * scale, 5 * scale],
    }


@pytest.mark.parametrize("personality", FIXED)
def test_output_keeps_its_size_elsewhere(probe: Probe, personality: str) -> None:
    source = picture(7, 5)
    np.testing.assert_array_equal(rendered(probe, source, personality), source)
    assert probe.request()["target"] == {"width": 7, "height": 5, "window": [0, 0, 7, 5]}
    assert probe.request()["settings"]["scale"] == 4


@pytest.mark.parametrize("depth", [np.uint8, np.uint16, np.float16, np.float32])
@pytest.mark.parametrize("channels", [3, 4])
def test_depths_and_components(probe: Probe, depth: type, channels: int) -> None:
    source = picture(6, 5, channels, dtype=depth)
    components = "RGB" if channels == 3 else "RGBA"
    result = rendered(probe, source, clip={"components": components})
    assert result.dtype == depth
    np.testing.assert_array_equal(result, nearest(source, 4))
    names = {np.uint8: "byte", np.uint16: "short", np.float16: "half", np.float32: "float"}
    assert probe.request()["output"]["depth"] == names[depth]
    assert probe.request()["output"]["components"] == channels


@pytest.mark.parametrize("premultiplication", ["premultiplied", "straight", "opaque"])
def test_premultiplication_goes_along(probe: Probe, premultiplication: str) -> None:
    rendered(probe, picture(6, 5), clip={"premultiplication": premultiplication})
    assert probe.calls("put")[0]["image"]["premultiplication"] == premultiplication
    assert probe.request()["output"]["premultiplication"] == premultiplication


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_window_of_any_picture_is_that_part_of_the_whole(probe: Probe, data: st.DataObject) -> None:
    draw = data.draw
    width, height, factor = draw(st.integers(1, 12)), draw(st.integers(1, 12)), draw(st.integers(1, 4))
    origin = (draw(st.integers(-9, 9)), draw(st.integers(-9, 9)))
    x1, y1 = draw(st.integers(0, width * factor - 1)), draw(st.integers(0, height * factor - 1))
    x2, y2 = draw(st.integers(x1 + 1, width * factor)), draw(st.integers(y1 + 1, height * factor))
    source = picture(width, height, seed=draw(st.integers(0, 9)))
    left, bottom = origin[0] * factor, origin[1] * factor
    window = (left + x1, bottom + y1, left + x2, bottom + y2)
    part = rendered(
        probe,
        source,
        factor=factor,
        clip={"origin": origin, "row_padding": draw(st.integers(0, 7)) * 4},
        window=window,
    )
    whole = nearest(source, factor)
    rows = whole.shape[0]
    np.testing.assert_array_equal(part, whole[rows - y2 : rows - y1, x1:x2])


@pytest.mark.parametrize("personality", ["strict", "natron", "fusion"])
@pytest.mark.parametrize("proxy", [0.5, 0.25])
def test_proxies_ask_for_the_size_of_the_proxy(probe: Probe, personality: str, proxy: float) -> None:
    source = picture(16, 8)
    result = rendered(probe, source, personality, scale=(proxy, proxy))
    assert result.shape[:2] == (8 * 4 * proxy, 16 * 4 * proxy)
    request = probe.request()
    assert (request["target"]["width"], request["target"]["height"]) == (16 * 4 * proxy, 8 * 4 * proxy)
    assert probe.calls("put")[0]["image"]["width"] == 16 * proxy


@pytest.mark.parametrize("personality", ["resolve", "vegas"])
def test_proxies_of_hosts_with_one_size(probe: Probe, personality: str) -> None:
    result = rendered(probe, picture(16, 8), personality, scale=(0.25, 0.25))
    assert result.shape[:2] == (2, 4)
    assert (probe.request()["target"]["width"], probe.request()["target"]["height"]) == (4, 2)


def test_pixel_aspect_ratio(probe: Probe) -> None:
    source = picture(10, 8)
    result = rendered(probe, source, "strict", factor=2, clip={"par": 2.0})
    np.testing.assert_array_equal(result, nearest(source, 2))


def test_mlt_negative_rows(probe: Probe) -> None:
    source = picture(6, 5, dtype=np.uint16)
    np.testing.assert_array_equal(rendered(probe, source, "mlt"), source)


def test_regions(probe: Probe) -> None:
    host = Host(probe.bundle, personality="strict")
    instance = host.create_instance()
    instance.connect("Source", [picture(10, 8)], origin=(-3, 2))
    instance.set("scale", 3)
    assert tuple(instance.region_of_definition(0)) == (-9, 6, 21, 30)
    instance.set("outputMode", 2)
    assert tuple(instance.region_of_definition(0)) == (-3, 2, 7, 10)
    host.unload()


@pytest.mark.parametrize(
    ("values", "same"),
    [
        ({}, False),
        ({"scale": 1}, False),
        ({"scale": 1, "guidance": 0.0}, True),
        ({"scale": 1, "view": 2}, True),
        ({"scale": 1, "view": 1}, True),
        ({"scale": 2, "view": 1}, False),
        ({"scale": 2, "view": 1, "outputMode": 2}, True),
        ({"scale": 2, "guidance": 0.0, "outputMode": 2}, False),
        ({"scale": 1, "guidance": 0.0, "view": 4}, False),
        ({"scale": 1, "view": 1, "outputMode": 3}, False),
        ({"scale": 1, "guidance": 0.0, "engine": 1}, False),
    ],
)
def test_identity(probe: Probe, values: dict[str, Any], same: bool) -> None:
    host = Host(probe.bundle, personality="strict")
    instance = host.create_instance()
    instance.connect("Source", [picture(4, 4)] * 5)
    for name, value in values.items():
        instance.set(name, value)
    identity = instance.is_identity(2)
    assert (tuple(identity) == ("Source", 2.0)) if same else identity is None
    host.unload()


def test_natron_is_told_the_format(probe: Probe) -> None:
    host = Host(probe.bundle, personality="natron")
    instance = host.create_instance()
    instance.connect("Source", [picture(10, 8)])
    instance.set("scale", 3)
    assert tuple(instance.clip_preferences()["format"]) == (0, 0, 30, 24)
    host.unload()
