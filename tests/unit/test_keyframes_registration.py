"""Pictures beside their source frame: found out and moved, and nothing else is touched."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.small_clip import SCALE, truth

from sparkvsr.keyframes import Registration, register
from sparkvsr.resample import resize

HEIGHT, WIDTH = 72, 96
FULL = (HEIGHT * SCALE, WIDTH * SCALE)


@pytest.fixture(scope="module")
def picture() -> torch.Tensor:
    (frame,) = truth(1, FULL[1], FULL[0])
    return torch.from_numpy(np.ascontiguousarray(frame.transpose(2, 0, 1)))


@pytest.fixture(scope="module")
def source(picture: torch.Tensor) -> torch.Tensor:
    return reduced(picture)


def reduced(picture: torch.Tensor) -> torch.Tensor:
    """As an 8-bit file would have it."""
    return (resize(picture, (HEIGHT, WIDTH), "bicubic") * 255.0).round() / 255.0


def moved(picture: torch.Tensor, right: float, down: float, scale: float = 1.0) -> torch.Tensor:
    """The picture with its content shifted (in source pixels) and enlarged around the centre."""
    rows = []
    for place, share in ((0, right / WIDTH), (1, down / HEIGHT)):
        row = [0.0, 0.0, 0.5 - 0.5 / scale - share / scale]
        row[place] = 1.0 / scale
        rows.append(tuple(row))
    return Registration((rows[0], rows[1]), (HEIGHT, WIDTH)).apply(picture)  # type: ignore[arg-type]


def inner(picture: torch.Tensor, margin: int = 24) -> torch.Tensor:
    return picture[:, margin:-margin, margin:-margin]


@pytest.mark.parametrize(("right", "down"), [(0.4, 0.0), (-1.0, 0.5), (2.5, -1.25), (0.0, 3.0)])
def test_a_shift_is_measured_and_undone(picture: torch.Tensor, source: torch.Tensor, right: float, down: float) -> None:
    beside = moved(picture, right, down)
    found = register(beside, source)
    assert found is not None
    assert found.shift == pytest.approx((right, down), abs=0.08)
    before, after = ((inner(p) - inner(picture)).abs().mean() for p in (beside, found.apply(beside)))
    assert float(after) < 0.35 * float(before)


@pytest.mark.parametrize("scale", [0.975, 1.01, 1.03])
def test_a_slightly_larger_picture_is_brought_to_size(
    picture: torch.Tensor, source: torch.Tensor, scale: float
) -> None:
    found = register(moved(picture, 0.0, 0.0, scale), source)
    assert found is not None
    assert found.stretch == pytest.approx((scale, scale), abs=0.004)


def test_what_was_done_is_said_in_words(picture: torch.Tensor, source: torch.Tensor) -> None:
    found = register(moved(picture, 2.0, -1.0), source)
    assert found is not None
    assert found.in_words.startswith("moved by -2.0, +1.0 source pixels")
    larger = register(moved(picture, 0.0, 0.0, 1.03), source)
    assert larger is not None
    assert ", scaled by -" in larger.in_words


def noisy(picture: torch.Tensor) -> torch.Tensor:
    return picture + 0.03 * torch.randn(picture.shape, generator=torch.Generator().manual_seed(1))


def painted(picture: torch.Tensor) -> torch.Tensor:
    """A patch of another colour, as an artist may want it."""
    result = picture.clone()
    result[:, 40:90, 60:130] = torch.tensor([0.9, 0.2, 0.1]).view(3, 1, 1)
    return result


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p,
        lambda p: p * 1.15 - 0.03,
        noisy,
        painted,
        lambda p: resize(resize(p, (HEIGHT, WIDTH), "area"), FULL, "bicubic"),
        lambda p: p.flip(2),
        lambda p: p.flip(1),
        lambda p: torch.zeros_like(p),
    ],
    ids=["true", "graded", "noisy", "painted", "blurred", "mirrored", "upside down", "black"],
)
def test_pictures_that_lie_right_or_are_others_are_left_alone(
    picture: torch.Tensor, source: torch.Tensor, change: object
) -> None:
    assert register(change(picture), source) is None  # type: ignore[operator]


@pytest.mark.parametrize("kernel", ["bicubic", "area", "gaussian"])
def test_no_reduction_counts_as_a_slip(picture: torch.Tensor, kernel: str) -> None:
    assert register(picture, resize(picture, (HEIGHT, WIDTH), kernel)) is None  # type: ignore[arg-type]


def test_a_graded_picture_is_moved_as_well(picture: torch.Tensor, source: torch.Tensor) -> None:
    found = register(moved(picture, 1.5, 0.0) * 1.2 - 0.05, source)
    assert found is not None
    assert found.shift[0] == pytest.approx(1.5, abs=0.1)


def test_what_is_farther_off_than_a_slip_is_left_alone(picture: torch.Tensor, source: torch.Tensor) -> None:
    assert register(moved(picture, 14.0, 0.0), source) is None
    assert register(moved(picture, 0.0, 0.0, 1.15), source) is None


def test_flat_and_tiny_pictures_have_no_place() -> None:
    assert register(torch.full((3, 96, 128), 0.5), torch.full((3, 48, 64), 0.4)) is None
    assert register(torch.rand(3, 16, 16), torch.rand(3, 8, 8)) is None


def test_values_outside_the_range_do_no_harm(picture: torch.Tensor, source: torch.Tensor) -> None:
    bright = moved(picture, 1.0, 0.0).clone()
    bright[:, 20:40, 20:40] = 5.0
    found = register(bright, source)
    assert found is None or found.apply(bright).isfinite().all()


@settings(max_examples=20)
@given(st.floats(-3.0, 3.0), st.floats(-3.0, 3.0))
def test_nothing_moves_is_exact(right: float, down: float) -> None:
    """The identity gives the picture back; a move by whole output pixels only moves."""
    picture = torch.rand(3, 40, 60, generator=torch.Generator().manual_seed(2))
    still = Registration(((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)), (20, 30))
    torch.testing.assert_close(still.apply(picture), picture, atol=1e-5, rtol=0)
    steps = (round(right), round(down))
    place = Registration(((1.0, 0.0, steps[0] / 60), (0.0, 1.0, steps[1] / 40)), (20, 30))
    expected = torch.roll(picture, (-steps[1], -steps[0]), (1, 2))
    torch.testing.assert_close(inner(place.apply(picture), 4), inner(expected, 4), atol=1e-4, rtol=0)
    assert place.shift == pytest.approx((steps[0] / 2, steps[1] / 2))


def test_the_same_answer_each_time(picture: torch.Tensor, source: torch.Tensor) -> None:
    beside = moved(picture, 1.3, -0.7)
    assert register(beside, source) == register(beside.clone(), source.clone())
