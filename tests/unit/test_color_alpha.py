"""Alpha enlarged on its own: guided where it follows the picture, plain elsewhere, never beyond its neighbours."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sparkvsr.color import Guide, upscale_alpha
from sparkvsr.color.alpha import slopes
from sparkvsr.resample import resize

SCALE, HEIGHT, WIDTH = 4, 24, 32
FULL = (HEIGHT * SCALE, WIDTH * SCALE)
MATTES = hnp.arrays(np.float32, (1, 6, 7), elements=st.floats(0.0, 1.0, width=32))


def disc() -> torch.Tensor:
    """A matte [1, H, W] with a crisp, slanted and curved edge."""
    rows, columns = torch.meshgrid(torch.arange(FULL[0]), torch.arange(FULL[1]), indexing="ij")
    inside = torch.hypot(rows - 41.3, (columns - 60.7) * 0.8) < 27.0
    return inside.float().unsqueeze(0)


def coloured(matte: torch.Tensor, front: tuple[float, ...], back: tuple[float, ...]) -> torch.Tensor:
    """A picture [3, H, W] whose edge is the matte's, over a faint texture."""
    colours = [torch.tensor(colour).view(3, 1, 1) for colour in (front, back)]
    texture = torch.from_numpy(np.random.default_rng(2).random((3, *FULL), dtype=np.float32)) * 0.04
    return colours[0] * matte + colours[1] * (1 - matte) + texture


def reduced(planes: torch.Tensor) -> torch.Tensor:
    return resize(planes, (HEIGHT, WIDTH), "area")


def error(found: torch.Tensor, truth: torch.Tensor) -> float:
    return float((found - truth).abs().mean())


@pytest.mark.parametrize(
    ("front", "back"),
    [((0.8, 0.7, 0.6), (0.1, 0.2, 0.3)), ((0.2, 0.2, 0.2), (0.6, 0.6, 0.6)), ((0.6, 0.2, 0.3), (0.2, 0.3676, 0.3))],
    ids=["light on dark", "grey", "equal luma"],
)
def test_an_edge_that_the_picture_has_is_sharpened(front: tuple[float, ...], back: tuple[float, ...]) -> None:
    truth = disc()
    picture = coloured(truth, front, back)
    alpha, source = reduced(truth), reduced(picture)
    plain, guided = upscale_alpha(alpha, FULL), upscale_alpha(alpha, FULL, Guide(source, picture))
    assert error(guided, truth) < 0.5 * error(plain, truth)


def test_a_picture_that_knows_nothing_more_changes_nothing() -> None:
    alpha = reduced(disc())
    source = reduced(coloured(disc(), (0.8, 0.7, 0.6), (0.1, 0.2, 0.3)))
    guide = Guide(source, resize(source, FULL, "lanczos3"))
    torch.testing.assert_close(upscale_alpha(alpha, FULL, guide), upscale_alpha(alpha, FULL), rtol=0, atol=1e-5)


def test_texture_does_not_leak_into_a_soft_matte() -> None:
    """Alpha that follows nothing in the picture is enlarged plainly."""
    ramp = torch.linspace(0.2, 0.8, FULL[1]).expand(1, *FULL).contiguous()
    texture = torch.from_numpy(np.random.default_rng(3).random((3, *FULL), dtype=np.float32))
    alpha, source = reduced(ramp), reduced(texture)
    guided = upscale_alpha(alpha, FULL, Guide(source, texture))
    assert float((guided - upscale_alpha(alpha, FULL)).abs().mean()) < 0.01


@given(MATTES, st.integers(1, 4), st.booleans())
def test_alpha_stays_within_its_neighbours(values: np.ndarray, scale: int, guided: bool) -> None:
    alpha = torch.from_numpy(values)
    size = (6 * scale, 7 * scale)
    wild = torch.from_numpy(np.random.default_rng(1).normal(0.5, 2.0, (3, *size)).astype(np.float32))
    guide = Guide(resize(wild, (6, 7), "area"), wild) if guided else None
    found = upscale_alpha(alpha, size, guide)
    assert found.shape == (1, *size)
    for row, column in ((0, 0), (2, 3), (5, 6)):
        part = found[0, row * scale : (row + 1) * scale, column * scale : (column + 1) * scale]
        near = alpha[0, max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        assert float(part.min()) >= float(near.min())
        assert float(part.max()) <= float(near.max())


def test_solid_and_empty_stay_exactly_that() -> None:
    alpha = torch.zeros(1, 12, 12)
    alpha[:, :, 6:] = 1.0
    found = upscale_alpha(alpha, (48, 48))
    assert bool((found[:, :, :20] == 0.0).all())
    assert bool((found[:, :, 28:] == 1.0).all())
    assert bool((found[:, :, 20:28] >= 0.0).all())


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_an_even_matte_is_even(value: float) -> None:
    alpha = torch.full((1, 5, 6), value)
    assert torch.equal(upscale_alpha(alpha, (10, 12)), torch.full((1, 10, 12), value))


def test_at_its_own_size_alpha_is_left_alone() -> None:
    alpha = torch.rand(1, 5, 6, generator=torch.Generator().manual_seed(1))
    guide = Guide(torch.rand(3, 5, 6), torch.rand(3, 5, 6))
    assert torch.equal(upscale_alpha(alpha, (5, 6), guide), alpha)


def test_the_fit_is_the_true_proportion() -> None:
    """Alpha made of the channels in known proportions gives these back, in a picture with enough contrast."""
    source = torch.rand(3, 20, 20, generator=torch.Generator().manual_seed(4))
    wanted = torch.tensor([0.5, -0.2, 0.1]).view(3, 1, 1)
    alpha = (source * wanted).sum(dim=0, keepdim=True) + 0.3
    torch.testing.assert_close(slopes(alpha, source), wanted.expand(3, 20, 20), rtol=0.05, atol=0.02)


def test_a_grey_picture_gives_a_stable_fit() -> None:
    grey = torch.rand(1, 20, 20, generator=torch.Generator().manual_seed(5))
    found = slopes(grey, grey.expand(3, 20, 20)).sum(dim=0)
    torch.testing.assert_close(found, torch.ones(20, 20), rtol=0.02, atol=0)
