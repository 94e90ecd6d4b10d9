"""Transfer curves, the shaper, alpha, depths, and values that are no numbers."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sparkvsr.color import (
    LARGEST,
    Transfer,
    from_working,
    pack,
    to_working,
    unpack,
)
from sparkvsr.frames import Depth, Frame, PixelFormat, Premultiplication

SCENE = hnp.arrays(np.float32, (3, 4, 5), elements=st.floats(-0.5, 1000.0, width=32))
ANYTHING = hnp.arrays(np.float32, (4, 5, 4), elements=st.floats(width=32, allow_nan=True, allow_infinity=True))


@given(SCENE)
def test_scene_linear_survives_an_identity_round_trip(values: np.ndarray) -> None:
    linear = torch.from_numpy(values)
    back = from_working(to_working(linear, Transfer.LINEAR), Transfer.LINEAR)
    error = (back - linear).abs()
    assert bool(((error <= 1e-5) | (error <= 1e-3 * linear.abs())).all())


@given(hnp.arrays(np.float32, (3, 2, 2), elements=st.floats(-100.0, 100.0, width=32)))
def test_srgb_is_the_working_space_itself(values: np.ndarray) -> None:
    picture = torch.from_numpy(values)
    assert torch.equal(from_working(to_working(picture, Transfer.SRGB), Transfer.SRGB), picture)


def test_linear_follows_the_srgb_curve_between_0_and_1() -> None:
    linear = torch.tensor([0.0, 0.002, 0.0031308, 0.18, 0.5, 1.0]).view(1, 1, -1).expand(3, 1, -1)
    expected = [12.92 * v if v <= 0.0031308 else 1.055 * v ** (1 / 2.4) - 0.055 for v in linear[0, 0].tolist()]
    torch.testing.assert_close(to_working(linear, Transfer.LINEAR)[0, 0], torch.tensor(expected), atol=1e-6, rtol=0)


def test_the_shaper_is_monotone_smooth_at_one_and_odd() -> None:
    linear = torch.linspace(-2.0, 2.0, 4001).expand(3, 1, -1)
    working = to_working(linear, Transfer.LINEAR)
    slopes = working.diff(dim=2) / linear.diff(dim=2)
    assert bool((slopes > 0).all())
    assert math.isclose(float(slopes[0, 0, 2998]), float(slopes[0, 0, 3001]), rel_tol=0.005)
    torch.testing.assert_close(to_working(-linear, Transfer.LINEAR), -working)
    assert float(to_working(torch.full((3, 1, 1), 1000.0), Transfer.LINEAR).max()) < 5.0


@given(ANYTHING, st.sampled_from(list(Premultiplication)), st.sampled_from(list(Transfer)))
def test_nothing_reaches_an_engine_that_is_no_number(
    values: np.ndarray, premultiplication: Premultiplication, transfer: Transfer
) -> None:
    colour, alpha = unpack(Frame.from_numpy(values, premultiplication))
    working = to_working(colour, transfer)
    assert bool(working.isfinite().all())
    assert bool(from_working(working, transfer).isfinite().all())
    assert alpha is None or bool(((alpha >= 0) & (alpha <= 1)).all())


def test_the_rule_for_nan_and_infinity() -> None:
    pixels = np.array([[[np.nan, np.inf, -np.inf]]], np.float32)
    colour, _ = unpack(Frame.from_numpy(pixels))
    assert colour.flatten().tolist() == [0.0, LARGEST, -LARGEST]


@pytest.mark.parametrize("premultiplication", list(Premultiplication))
@pytest.mark.parametrize("depth", [Depth.BYTE, Depth.SHORT, Depth.HALF])
def test_every_stored_value_survives_unpack_and_pack(depth: Depth, premultiplication: Premultiplication) -> None:
    if depth is Depth.HALF:
        values = np.arange(65536, dtype=np.uint16).view(np.float16)
        values = values[np.isfinite(values)][:63360]
    else:
        values = np.arange(256 if depth is Depth.BYTE else 65536).astype(depth.numpy_dtype)
    colour = np.resize(values, (len(values) // 64, 64, 3))
    opaque = np.full((*colour.shape[:2], 1), depth.white, colour.dtype)
    frame = Frame.from_numpy(np.concatenate([colour, opaque], axis=2), premultiplication)
    again = pack(*unpack(frame), frame.format)
    np.testing.assert_array_equal(again.numpy(), frame.numpy())


def test_premultiplied_colour_is_divided_and_multiplied_again() -> None:
    pixels = np.array([[[0.2, 0.1, 0.05, 0.5], [0.3, 0.3, 0.3, 1.0]]], np.float32)
    frame = Frame.from_numpy(pixels, Premultiplication.PREMULTIPLIED)
    colour, alpha = unpack(frame)
    torch.testing.assert_close(colour[:, 0, 0], torch.tensor([0.4, 0.2, 0.1]))
    np.testing.assert_allclose(pack(colour, alpha, frame.format).numpy(), pixels, rtol=1e-6)


def test_empty_pixels_take_on_the_colour_around_them_and_glows_keep_theirs() -> None:
    pixels = np.zeros((8, 8, 4), np.float32)
    pixels[:, :4] = (0.5, 0.25, 0.0, 0.5)
    pixels[7, 7] = (3.0, 2.0, 1.0, 0.0)
    colour, _ = unpack(Frame.from_numpy(pixels, Premultiplication.PREMULTIPLIED))
    torch.testing.assert_close(colour[:, 0, 4], torch.tensor([1.0, 0.5, 0.0]))
    torch.testing.assert_close(colour[:, 0, 7], torch.tensor([1.0, 0.5, 0.0]))
    torch.testing.assert_close(colour[:, 7, 7], torch.tensor([3.0, 2.0, 1.0]))


def test_a_wholly_transparent_picture_is_black() -> None:
    frame = Frame.from_numpy(np.zeros((3, 5, 4), np.float32), Premultiplication.PREMULTIPLIED)
    colour, alpha = unpack(frame)
    assert float(colour.abs().max()) == 0.0
    assert alpha is not None
    assert float(alpha.max()) == 0.0


def test_integer_depths_are_clamped_and_rounded() -> None:
    colour = torch.tensor([-1.0, 0.5 / 255, 1.4999 / 255, 2.0, math.nan, 0.999]).repeat(3, 1, 1)
    packed = pack(colour, None, PixelFormat(6, 1, 4, Depth.BYTE))
    assert packed.numpy()[0, :, 0].tolist() == [0, 0, 1, 255, 0, 255]
    assert packed.numpy()[0, :, 3].tolist() == [255] * 6


def test_packing_fills_a_padded_buffer_in_place() -> None:
    buffer = torch.zeros(2, 7, 3, dtype=torch.float16)
    pack(torch.full((3, 2, 4), 1e9), None, PixelFormat(4, 2, 3, Depth.HALF), out=buffer[:, :4])
    assert bool((buffer[:, :4] == LARGEST).all())
    assert bool((buffer[:, 4:] == 0).all())


def test_sizes_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="colour of shape"):
        pack(torch.zeros(3, 2, 2), None, PixelFormat(3, 2, 3))
    with pytest.raises(ValueError, match="alpha of shape"):
        pack(torch.zeros(3, 2, 2), torch.zeros(1, 1, 2), PixelFormat(2, 2, 4))
