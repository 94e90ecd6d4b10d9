"""What pixels a plugin gets from the headless host, and what becomes of those it gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.hosttest import frames, hosttest_bundle

from sparkvsr_bridge import Host, HostError

pytestmark = [pytest.mark.ofx]


def inverted(source: NDArray[Any], scale: int = 1) -> NDArray[Any]:
    """What the test plugin makes of a frame."""
    return (1 - source).repeat(scale, 0).repeat(scale, 1)


@pytest.mark.parametrize("components", [3, 4])
@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize("padding", [0, 20])
def test_rows_are_the_right_way_up_whatever_the_memory_layout(components: int, negative: bool, padding: int):
    source = frames(components=components)
    with Host(hosttest_bundle(), "strict") as host:
        instance = host.create_instance()
        instance.connect("Source", source, row_padding=padding, negative_row_bytes=negative)
        instance.set("scale", 2)
        assert np.array_equal(instance.render(3), inverted(source[3], 2))


def test_arrays_with_strides_of_their_own():
    tall = frames(1, 12, 16)[0]
    with Host(hosttest_bundle(), "strict") as host:
        instance = host.create_instance()
        instance.connect("Source", [tall[::-2, ::2]])
        assert np.array_equal(instance.render(0), 1 - tall[::-2, ::2])


@pytest.mark.parametrize(("dtype", "one"), [(np.uint8, 255), (np.uint16, 65535)])
def test_integer_depths_are_kept(dtype: type, one: int):
    source = np.random.default_rng(1).integers(0, one, (6, 8, 4), dtype=dtype, endpoint=True)
    with Host(hosttest_bundle(), "strict") as host:
        instance = host.create_instance()
        instance.connect("Source", [source])
        out = instance.render(0)
    assert out.dtype == dtype
    assert np.abs(out.astype(int) - (one - source.astype(int))).max() <= 1  # the plugin computes in float


def test_half_is_kept_bit_for_bit():
    source = frames(1)[0].astype(np.float16)
    with Host(hosttest_bundle(), "strict") as host:
        instance = host.create_instance()
        instance.connect("Source", [source])
        out = instance.render(0)
    assert out.dtype == np.float16
    assert np.array_equal(out, source)  # the test plugin copies halves


def test_a_float_host_turns_halves_into_the_same_floats():
    every = np.arange(65536, dtype=np.uint16).view(np.float16)
    finite = np.where(np.isfinite(every), every, 0).astype(np.float16).reshape(64, 256, 4)
    with Host(hosttest_bundle(), "nuke") as host:
        instance = host.create_instance()
        instance.connect("Source", [finite])
        instance.set("mode", "Pass")
        assert np.array_equal(instance.render(0), finite.astype(np.float32))


def test_a_half_host_rounds_floats_as_numpy_does():
    values = np.random.default_rng(2).normal(0, 1, (32, 32, 4)).astype(np.float32)
    values[0] *= 1e-6  # subnormal halves
    values[1] *= 1e5  # infinite ones
    with (
        np.errstate(over="ignore"),
        Host(hosttest_bundle(), "strict", overrides={"depths": ["OfxBitDepthHalf"]}) as host,
    ):
        instance = host.create_instance()
        instance.connect("Source", [values])
        instance.set("mode", "Pass")
        assert np.array_equal(instance.render(0), values.astype(np.float16))


def test_mlt_passes_everything_through_16_bits():
    source = frames(1)[0] * 2 - 0.5
    with Host(hosttest_bundle(), "mlt", overrides={"depths": ["OfxBitDepthFloat"]}) as host:
        instance = host.create_instance()
        instance.connect("Source", [source])
        out = instance.render(0)
    expected = 1 - np.floor(np.clip(source, 0, 1) * 65535 + 0.5) / 65535
    assert np.abs(out - expected).max() < 1e-5


def test_an_origin_and_a_pixel_aspect_move_the_bounds():
    source = frames(1)
    with Host(hosttest_bundle(), "nuke") as host:
        instance = host.create_instance()
        instance.connect("Source", source, origin=(4, -2), par=2.0)
        assert instance.region_of_definition(0) == (8.0, -2.0, 24.0, 4.0)
        done = instance.render_details(0)
    assert done.bounds == (4, -2, 12, 4)
    assert np.array_equal(done.picture, 1 - source[0])


def test_proxy_scale_halves_source_and_output():
    source = frames(1, 8, 12)
    with Host(hosttest_bundle(), "nuke") as host:
        instance = host.create_instance()
        instance.connect("Source", source)
        done = instance.render_details(0, scale=(0.5, 0.5))
    box = source[0].reshape(4, 2, 6, 2, 4).mean((1, 3))
    assert done.bounds == (0, 0, 6, 4)
    assert np.allclose(done.picture, 1 - box, atol=1e-6)


def test_a_window_is_counted_from_the_bottom_left():
    source = frames(1)
    with Host(hosttest_bundle(), "strict") as host:
        instance = host.create_instance()
        instance.connect("Source", source)
        out = instance.render(0, window=(2, 0, 8, 2))
        assert np.array_equal(out, 1 - source[0][4:6, 2:8])
        with pytest.raises(HostError) as caught:
            instance.render(0, window=(2, 0, 9, 2))
    assert caught.value.name == "BadWindow"


def test_identity_gives_the_other_clips_picture():
    source = frames()
    with Host(hosttest_bundle(), "nuke") as host:
        instance = host.create_instance()
        instance.connect("Source", source)
        instance.set("mode", "Pass")
        instance.set("shift", 2)
        done = instance.render_details(1)
        assert instance.is_identity(1) == ("Source", 3.0)
    assert done.identity
    assert np.array_equal(done.picture, source[3])
    assert instance.pulls == []


def test_fixed_size_hosts_give_every_clip_one_size():
    source = frames(1, 6, 8)
    with Host(hosttest_bundle(), "resolve") as host:
        instance = host.create_instance()
        instance.connect("Source", source)
        instance.set("scale", 2)  # of no effect on the size here
        assert instance.render(0).shape == (6, 8, 4)
        instance.set("scale", 1)
        instance.set_project((0, 0, 16, 12))
        assert instance.render(0).shape == (12, 16, 4)


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((4, 4), np.float32), np.zeros((4, 4, 2), np.float32), np.zeros((4, 4, 4), np.int64)],
    ids=["no channels", "two channels", "int64"],
)
def test_arrays_that_are_no_pictures_are_refused(wrong: NDArray[Any]):
    with Host(hosttest_bundle(), "nuke") as host, pytest.raises(ValueError, match="expected"):
        host.create_instance().connect("Source", [wrong])
