"""Algebra of colour and alpha: what holds for any picture, any curve, any alpha, and any place of a broken sample."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support.engines import CopyEngine, registry_of
from support.requests import request_for

from sparkvsr.color import Transfer, from_working, pack, to_working, unpack, upscale_alpha
from sparkvsr.frames import Depth, Frame, PixelFormat, Premultiplication, fingerprint
from sparkvsr_backend.cache import Budgets
from sparkvsr_backend.engine_loop import EngineLoop

SHAPE = (4, 5)
SCENE = hnp.arrays(np.float32, (*SHAPE, 3), elements=st.floats(-0.5, 1000.0, width=32))
UNIT = hnp.arrays(np.float32, (*SHAPE, 3), elements=st.floats(0.0, 1.0, width=32))
ALPHA = hnp.arrays(np.float32, (*SHAPE, 1), elements=st.floats(np.float32(0.05), 1.0, width=32))
ANY_ALPHA = hnp.arrays(np.float32, (1, 5, 6), elements=st.floats(0.0, 1.0, width=32))
PLACES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(0, 2)), min_size=1, max_size=4)
CURVES = st.sampled_from(list(Transfer))
few = settings(max_examples=15, deadline=None)
LOOP = EngineLoop(registry_of(CopyEngine(takes_views=False)), budgets=Budgets.share_out(8 << 20))


def through(array: np.ndarray, transfer: Transfer, meaning: Premultiplication, /, **wish: object) -> np.ndarray:
    """A picture through the engine loop and an engine that copies."""
    source = Frame.from_numpy(np.ascontiguousarray(array), meaning)
    LOOP.frames.put(fingerprint(source), source)
    result = LOOP.render(request_for(source, transfer=transfer, **wish))  # type: ignore[arg-type]
    return np.asarray(result.frame.pixels.numpy())


def are_close(found: np.ndarray, expected: np.ndarray) -> bool:
    error = np.abs(found - expected)
    return bool(((error <= 1e-5) | (error <= 1e-3 * np.abs(expected))).all())


@few
@given(SCENE, CURVES)
def test_light_that_a_curve_has_coded_comes_back(linear: np.ndarray, transfer: Transfer) -> None:
    """From scene-linear light by one curve's code values and back: the working space is the same for all."""
    working = to_working(torch.from_numpy(linear), Transfer.LINEAR)
    coded = from_working(working, transfer)
    assert bool(torch.isfinite(coded).all())
    again = from_working(to_working(coded, transfer), Transfer.LINEAR).numpy()
    error = np.abs(again - linear)
    # A code of float32 tells light apart by a few parts in a thousand where a log curve is steep.
    assert bool(((error <= 2e-4) | (error <= 2e-3 * np.abs(linear))).all())


@few
@given(SCENE, ALPHA)
def test_scene_linear_light_comes_back_whatever_its_alpha(linear: np.ndarray, alpha: np.ndarray) -> None:
    straight = np.concatenate([linear, alpha], axis=2)
    premultiplied = np.concatenate([linear * alpha, alpha], axis=2)
    assert are_close(through(straight, Transfer.LINEAR, Premultiplication.STRAIGHT), straight)
    assert are_close(through(premultiplied, Transfer.LINEAR, Premultiplication.PREMULTIPLIED), premultiplied)


@few
@given(UNIT, ALPHA, CURVES)
def test_the_curve_is_taken_off_after_alpha_and_put_on_before_it(
    colour: np.ndarray, alpha: np.ndarray, transfer: Transfer
) -> None:
    """Premultiplied in, straight out, and the other way: in any other order, a curve would bend alpha."""
    straight = np.concatenate([colour, alpha], axis=2)
    premultiplied = np.concatenate([colour * alpha, alpha], axis=2)
    out = through(
        premultiplied, transfer, Premultiplication.PREMULTIPLIED, premultiplication=Premultiplication.STRAIGHT
    )
    np.testing.assert_allclose(out, straight, atol=2e-4)
    back = through(straight, transfer, Premultiplication.STRAIGHT, premultiplication=Premultiplication.PREMULTIPLIED)
    np.testing.assert_allclose(back, premultiplied, atol=2e-4)


@few
@given(UNIT, CURVES, st.permutations(list(range(SHAPE[1]))))
def test_colour_knows_no_neighbours(colour: np.ndarray, transfer: Transfer, order: list[int]) -> None:
    """Pixels in another order give the same pixels in that order, but for the last bit of a vector's remainder."""
    picture = torch.from_numpy(colour)
    whole = from_working(to_working(picture, transfer), transfer)
    turned = from_working(to_working(picture[:, order].contiguous(), transfer), transfer)
    torch.testing.assert_close(turned, whole[:, order], atol=1e-6, rtol=1e-5)


@few
@given(SCENE, PLACES, st.sampled_from([np.nan, np.inf, -np.inf]), CURVES)
def test_a_broken_sample_stays_where_it_is(
    values: np.ndarray, places: list[tuple[int, int, int]], bad: float, transfer: Transfer
) -> None:
    values = values if transfer is Transfer.LINEAR else (values / 1000).astype(np.float32)
    broken = values.copy()
    touched = np.zeros(values.shape, dtype=bool)
    for place in places:
        broken[place] = bad
        touched[place] = True
    whole, found = (through(one, transfer, Premultiplication.OPAQUE) for one in (values, broken))
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[~touched], whole[~touched])


@few
@given(ANY_ALPHA, st.integers(1, 4))
def test_alpha_turned_round_is_alpha_turned_round(values: np.ndarray, scale: int) -> None:
    """Mirrored, and of what is left out: enlarging treats solid and empty, left and right alike."""
    alpha = torch.from_numpy(values)
    size = (alpha.shape[1] * scale, alpha.shape[2] * scale)
    large = upscale_alpha(alpha, size)
    assert float(large.min()) >= 0.0
    assert float(large.max()) <= 1.0
    torch.testing.assert_close(upscale_alpha(alpha.flip(2), size).flip(2), large, atol=1e-5, rtol=0)
    torch.testing.assert_close(1.0 - upscale_alpha(1.0 - alpha, size), large, atol=1e-5, rtol=0)


@few
@given(UNIT, ALPHA, st.sampled_from(list(Depth)), st.sampled_from(list(Premultiplication)))
def test_what_was_packed_is_unpacked(
    colour: np.ndarray, alpha: np.ndarray, depth: Depth, premultiplication: Premultiplication
) -> None:
    layout = PixelFormat(SHAPE[1], SHAPE[0], 4, depth, premultiplication)
    planes = torch.from_numpy(np.ascontiguousarray(np.concatenate([colour, alpha], axis=2).transpose(2, 0, 1)))
    found, found_alpha = unpack(pack(planes[:3], planes[3:], layout))
    opaque = premultiplication is Premultiplication.OPAQUE
    assert (found_alpha is None) == opaque
    step = {Depth.BYTE: 1 / 255, Depth.SHORT: 1 / 65535, Depth.HALF: 1e-3, Depth.FLOAT: 1e-6}[depth]
    smallest = 1.0 if premultiplication is not Premultiplication.PREMULTIPLIED else float(alpha.min())
    torch.testing.assert_close(found, planes[:3], atol=2 * step / smallest, rtol=0)
    if found_alpha is not None:
        torch.testing.assert_close(found_alpha, planes[3:], atol=step, rtol=0)


@pytest.mark.parametrize("transfer", list(Transfer))
def test_the_largest_and_the_smallest_of_everything_are_finite(transfer: Transfer) -> None:
    extremes = torch.tensor([3.4e38, -3.4e38, 65504.0, 1e-38, 0.0, -0.0]).expand(3, 1, -1)
    assert bool(torch.isfinite(to_working(extremes, transfer)).all())
    assert bool(torch.isfinite(from_working(extremes, transfer)).all())
