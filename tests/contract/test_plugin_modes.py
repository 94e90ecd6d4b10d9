"""Output modes that take a part of the host's frame, drafts, and the finish of the picture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.probe import Probe, as_floats, nearest, picture

from sparkvsr_bridge import Faults, Host, RenderFailed

pytestmark = pytest.mark.ofx

HOSTS = ["nuke", "natron", "resolve", "flame", "vegas", "mlt", "strict"]


@pytest.fixture(params=HOSTS)
def host(request: pytest.FixtureRequest, probe: Probe) -> Iterator[Host]:
    with Host(probe.bundle, personality=request.param) as host:
        yield host


@pytest.fixture
def strict(probe: Probe) -> Iterator[Host]:
    with Host(probe.bundle, personality="strict") as host:
        yield host


def node(host: Host, source: np.ndarray, mode: str, values: dict[str, Any] | None = None, **clip: Any) -> Any:
    instance = host.create_instance()
    instance.connect("Source", [source] * 5, **clip)
    instance.set("outputMode", mode)
    for name, value in (values or {}).items():
        instance.set(name, value)
    return instance


MARGINS = {"activeLeft": 2, "activeRight": 4, "activeTop": 3, "activeBottom": 1}


def sent(probe: Probe) -> tuple[int, int]:
    image = probe.calls("put")[-1]["image"]
    return image["width"], image["height"]


# ---- Active area


def test_the_active_area_fills_the_frame(host: Host, probe: Probe) -> None:
    """8x4 of 14x8 pixels: as wide as the frame, 7 high, in its middle."""
    source = np.ones((8, 14, 4), np.float32)
    source[3:7, 2:10] = 0.5
    result = as_floats(node(host, source, "Active area", MARGINS).render(2))
    assert result.shape[:2] == (8, 14), "the frame keeps its size"
    assert sent(probe) == (8, 4)
    assert (probe.request()["target"]["width"], probe.request()["target"]["height"]) == (14, 7)
    rows = np.flatnonzero(result[:, 0, 0])
    assert len(rows) == 7
    np.testing.assert_allclose(result[rows][..., 0], 0.5, atol=0.003)
    assert np.all(np.delete(result, rows, axis=0) == 0)


def test_an_area_of_the_frames_shape_fills_it(strict: Host, probe: Probe) -> None:
    source = picture(8, 6)
    margins = {"activeLeft": 4, "activeTop": 3}
    result = node(strict, source, "Active area", margins).render(2)
    np.testing.assert_array_equal(result, nearest(source[3:, 4:], 2))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_window_of_an_active_area_is_that_part_of_it(probe: Probe, data: st.DataObject) -> None:
    draw = data.draw
    width, height = draw(st.integers(4, 16)), draw(st.integers(4, 16))
    margins = {
        "activeLeft": draw(st.integers(0, width // 2 - 1)),
        "activeRight": draw(st.integers(0, width // 2 - 1)),
        "activeTop": draw(st.integers(0, height // 2 - 1)),
        "activeBottom": draw(st.integers(1, height // 2 - 1)),
    }
    origin = (draw(st.integers(-5, 5)), draw(st.integers(-5, 5)))
    x1, y1 = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    x2, y2 = draw(st.integers(x1 + 1, width)), draw(st.integers(y1 + 1, height))
    with Host(probe.bundle, "strict") as host:
        instance = node(host, picture(width, height), "Active area", margins, origin=origin)
        whole = instance.render(0)
        window = (origin[0] + x1, origin[1] + y1, origin[0] + x2, origin[1] + y2)
        part = instance.render(0, window=window)
    np.testing.assert_array_equal(part, whole[height - y2 : height - y1, x1:x2])


def test_margins_are_pixels_of_the_full_frame(strict: Host, probe: Probe) -> None:
    instance = node(strict, picture(32, 16), "Active area", {"activeLeft": 8, "activeTop": 4})
    result = instance.render(0, scale=(0.5, 0.5))
    assert result.shape[:2] == (8, 16)
    assert sent(probe) == (12, 6)


def test_an_active_area_that_is_not_stated_refuses_by_name(host: Host, probe: Probe) -> None:
    with pytest.raises(RenderFailed, match=r"ActiveAreaUnset.*margin"):
        node(host, picture(8, 6), "Active area").render(2)
    assert probe.calls("put") == []


@pytest.mark.parametrize("mode", ["Active area", "Undo host upscale"])
def test_margins_that_leave_nothing_refuse_by_name(strict: Host, mode: str) -> None:
    values = {"activeLeft": 5, "activeRight": 3, "sourceWidth": 1, "sourceHeight": 1}
    with pytest.raises(RenderFailed, match=r"ActiveAreaEmpty.*8x6"):
        node(strict, picture(8, 6), mode, values).render(2)


# ---- Undo host upscale


def enlarged(depth: type, factor: int = 2, channels: int = 4) -> tuple[np.ndarray, np.ndarray]:
    small = picture(6, 4, channels, dtype=depth)
    return small, nearest(small, factor)


@pytest.mark.parametrize("depth", [np.uint8, np.uint16, np.float32])
def test_the_frame_is_reduced_to_what_the_source_was(strict: Host, probe: Probe, depth: type) -> None:
    small, large = enlarged(depth)
    values = {"sourceWidth": 6, "sourceHeight": 4}
    result = node(strict, large, "Undo host upscale", values, premultiplication="premultiplied").render(2)
    assert sent(probe) == (6, 4)
    np.testing.assert_array_equal(result, large), "the probe's nearest neighbours give back what was reduced"
    assert probe.request()["settings"]["scale"] == 4
    assert (probe.request()["target"]["width"], probe.request()["target"]["height"]) == (12, 8)
    assert small.shape[:2] == (4, 6)


def test_undo_in_every_host(host: Host, probe: Probe) -> None:
    _, large = enlarged(np.float32, channels=4)
    large[..., 3] = 1
    result = node(host, large, "Undo host upscale", {"sourceWidth": 6, "sourceHeight": 4}).render(2)
    assert sent(probe) == (6, 4)
    np.testing.assert_allclose(as_floats(result), large, atol=0.01)


def test_areas_that_share_pixels_are_weighed(strict: Host, probe: Probe) -> None:
    """5 pixels to 2: the middle one counts half on either side."""
    source = np.zeros((2, 5, 4), np.float32)
    source[..., 0] = [1, 2, 4, 8, 16]
    source[..., 3] = 1
    values = {"sourceWidth": 2, "sourceHeight": 2, "view": "Source"}
    result = node(strict, source, "Undo host upscale", values).render(0)
    np.testing.assert_allclose(sorted(set(result[..., 0].ravel())), [(1 + 2 + 2) / 2.5, (2 + 8 + 16) / 2.5], rtol=1e-6)


def test_straight_colours_weigh_by_their_alpha(strict: Host, probe: Probe) -> None:
    source = np.zeros((2, 4, 4), np.float32)
    source[:, ::2] = (0.8, 0.2, 0.4, 1.0)
    source[:, 1::2] = (9.0, 9.0, 9.0, 0.0)  # colour that nobody sees
    values = {"sourceWidth": 2, "sourceHeight": 2}
    result = node(strict, source, "Undo host upscale", values, premultiplication="straight").render(0)
    np.testing.assert_allclose(result[0, 0], (0.8, 0.2, 0.4, 0.5), rtol=1e-6)


def test_undo_inside_margins_keeps_the_picture_in_its_place(strict: Host, probe: Probe) -> None:
    small, large = enlarged(np.float32)
    frame = np.full((12, 20, 4), 0.5, np.float32)
    frame[2:10, 3:15] = large
    values = {"sourceWidth": 6, "sourceHeight": 4, "activeLeft": 3, "activeRight": 5, "activeTop": 2, "activeBottom": 2}
    instance = node(strict, frame, "Undo host upscale", values, premultiplication="premultiplied")
    result = instance.render(2)
    np.testing.assert_allclose(result[2:10, 3:15], large, rtol=1e-6)
    outside = result.copy()
    outside[2:10, 3:15] = 0
    assert np.all(outside == 0)
    assert small.shape == (4, 6, 4)


def test_a_proxy_has_a_smaller_source(strict: Host, probe: Probe) -> None:
    instance = node(strict, picture(32, 16), "Undo host upscale", {"sourceWidth": 16, "sourceHeight": 8})
    instance.render(0, scale=(0.5, 0.5))
    assert sent(probe) == (8, 4)


@pytest.mark.parametrize("values", [{}, {"sourceWidth": 6}, {"sourceHeight": 4}])
def test_a_source_size_that_is_not_stated_refuses_by_name(host: Host, probe: Probe, values: dict[str, int]) -> None:
    with pytest.raises(RenderFailed, match=r"SourceSizeUnset.*Orig\. width"):
        node(host, picture(12, 8), "Undo host upscale", values).render(2)
    assert probe.calls("put") == []


def test_a_source_larger_than_the_frame_refuses_by_name(strict: Host) -> None:
    with pytest.raises(RenderFailed, match=r"BadSourceSize.*12x8.*13x8"):
        node(strict, picture(12, 8), "Undo host upscale", {"sourceWidth": 13, "sourceHeight": 8}).render(2)


def test_keyframes_see_the_reduced_source_too(strict: Host, probe: Probe) -> None:
    instance = strict.create_instance()
    instance.connect("Source", [picture(12, 8, seed=n) for n in range(5)])
    instance.connect("Keyframes", [picture(24, 16, seed=n) for n in range(5)])
    for name, value in {"outputMode": 4, "sourceWidth": 6, "sourceHeight": 4, "keyframeList": "4"}.items():
        instance.set(name, value)
    instance.render(2)
    sizes = {put["fingerprint"]: (put["image"]["width"], put["image"]["height"]) for put in probe.calls("put")}
    (use,) = probe.request()["keyframes"]
    assert sizes[use["source"]] == (6, 4)
    assert sizes[use["picture"]["fingerprint"]] == (24, 16), "pictures are taken as they are"


@pytest.mark.parametrize(("mode", "values"), [(3, MARGINS), (4, {"sourceWidth": 7, "sourceHeight": 4})])
def test_the_stand_in_lies_where_the_result_would(
    strict: Host, probe: Probe, mode: int, values: dict[str, int]
) -> None:
    source = np.ones((8, 14, 4), np.float32)
    instance = node(strict, source, "Auto", {**values, "outputMode": mode})
    done = instance.render(2)
    instance.set("onError", "Bicubic")
    probe.answer("EngineFailed")
    np.testing.assert_allclose(instance.render(2), done, atol=1e-5)


@pytest.mark.parametrize("mode", [3, 4])
def test_the_region_of_these_modes_is_that_of_the_source(strict: Host, mode: int) -> None:
    instance = node(strict, picture(10, 8), "Auto", {"outputMode": mode}, origin=(-3, 2))
    assert tuple(instance.region_of_definition(0)) == (-3, 2, 7, 10)


# ---- Quality


def quality(probe: Probe, instance: Any, **how: Any) -> str:
    instance.render(2, **how)
    return str(probe.request()["settings"].get("quality", "full"))


@pytest.mark.parametrize(
    ("chosen", "interactive", "final"),
    [("Full", "full", "full"), ("Draft", "draft", "full"), ("Draft while interactive", "draft", "full")],
)
def test_a_final_render_is_always_full(strict: Host, probe: Probe, chosen: str, interactive: str, final: str) -> None:
    instance = node(strict, picture(8, 6), "Auto", {"quality": chosen})
    assert quality(probe, instance, interactive=True) == interactive
    assert quality(probe, instance, interactive=False) == final
    assert quality(probe, instance, interactive=False, draft=True) == final


def test_a_farm_renders_no_drafts(probe: Probe) -> None:
    with Host(probe.bundle, "strict", overrides={"background": True}) as host:
        instance = node(host, picture(8, 6), "Auto", {"quality": "Draft"})
        assert quality(probe, instance, interactive=True) == "full"


@pytest.mark.parametrize(("status", "expected"), [(0, "draft"), (1, "full")])
def test_a_host_that_says_nothing_of_interaction(probe: Probe, status: int, expected: str) -> None:
    """Rendering in sequence, it makes what is kept; else what was chosen counts, but it is not called interactive."""
    silent = Faults(refused_properties=frozenset({"OfxImageEffectPropInteractiveRenderStatus"}))
    with Host(probe.bundle, "flame", faults=silent, overrides={"sequential_render_status": status}) as host:
        instance = node(host, picture(8, 6), "Auto", {"quality": "Draft"})
        assert quality(probe, instance) == expected
        instance.set("quality", "Draft while interactive")
        assert quality(probe, instance) == "full"


@pytest.mark.parametrize(
    ("chosen", "made"), [("Full", "full"), ("Draft", "draft"), ("Draft while interactive", "full")]
)
def test_propagate_makes_what_is_kept_unless_drafts_are_chosen(
    strict: Host, probe: Probe, chosen: str, made: str
) -> None:
    instance = node(strict, picture(8, 6), "Auto", {"quality": chosen})
    instance.press("propagateRange", 0)
    assert {request["settings"].get("quality", "full") for request in probe.calls("render")} == {made}


# ---- finish


def test_what_is_not_chosen_is_not_sent(strict: Host, probe: Probe) -> None:
    node(strict, picture(8, 6), "Auto").render(2)
    assert {"grain", "sharpness", "quality", "arithmetic"}.isdisjoint(probe.request()["settings"])
    assert probe.request()["settings"]["precision"] == "float32"


def test_finish_and_precision_are_settings(strict: Host, probe: Probe) -> None:
    values = {"grain": 1.5, "sharpness": 0.25, "precision": "bfloat16", "arithmetic": "cpu"}
    instance = node(strict, picture(8, 6), "Auto", values)
    instance.render(2)
    found = probe.request()["settings"]
    assert (found["grain"], found["sharpness"], found["precision"], found["arithmetic"]) == (
        1.5,
        0.25,
        "bfloat16",
        "cpu",
    )
    for time, grain in ((0, 0.0), (4, 2.0)):
        instance.set_at("grain", time, grain)
    instance.render(3)
    assert probe.request()["settings"]["grain"] == 1.5


@pytest.mark.parametrize("name", ["grain", "sharpness"])
def test_a_finish_is_no_identity(strict: Host, name: str) -> None:
    instance = node(strict, picture(8, 6), "Auto", {"scale": 1, "guidance": 0.0})
    assert instance.is_identity(2) is not None
    instance.set(name, 0.5)
    assert instance.is_identity(2) is None
