"""Grain that is measured is the grain that was there, and comes back as it was; sharpness without halos."""

from __future__ import annotations

import math
from statistics import median

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sparkvsr.finish import Grain, add_grain, measure_grain, sharpen
from sparkvsr.finish.grain import strength_at, unit_field, white_noise
from sparkvsr.finish.noise_level import LEVELS, components_of, rgb_of
from sparkvsr.resample import blur, resize

SIZE = (192, 256)
SEED, OTHER_SEED = bytes(range(16)), bytes(range(1, 17))
EVEN = Grain(((6 / 255,) * LEVELS, (2 / 255,) * LEVELS, (2 / 255,) * LEVELS), (0.8, 0.8))


def scene(size: tuple[int, int] = SIZE, seed: int = 1) -> torch.Tensor:
    """A picture without grain: smooth shades, and a few hard edges."""
    generator = torch.Generator().manual_seed(seed)
    smooth = resize(torch.rand(3, size[0] // 48, size[1] // 48, generator=generator), size, "bicubic")
    squares = torch.rand(3, 2, 3, generator=generator)
    edges = squares.repeat_interleave(size[0] // 2, 1).repeat_interleave(-(-size[1] // 3), 2)[:, :, : size[1]]
    return (0.15 + 0.35 * smooth + 0.35 * edges).contiguous()


def noise(sigma: float, size: float = 0.0, shape: tuple[int, int] = SIZE, seed: int = 2) -> torch.Tensor:
    """Gaussian noise of σ ``sigma``/255 that went through a smoothing of σ ``size``; not made as grain is."""
    generator = torch.Generator().manual_seed(seed)
    field = torch.randn(3, shape[0] + 24, shape[1] + 24, generator=generator)
    if size:
        field = blur(field, size)
        field /= field.std()
    return field[:, 12:-12, 12:-12] * (sigma / 255)


def middle(line: tuple[float, ...]) -> float:
    return median(line) * 255


@pytest.mark.parametrize("sigma", [2.0, 4.0, 8.0])
@pytest.mark.parametrize("size", [0.0, 0.5, 0.9])
def test_known_noise_is_found_within_eight_percent(sigma: float, size: float) -> None:
    found = measure_grain(scene() + noise(sigma, size))
    for line in found.sigmas:
        assert middle(line) == pytest.approx(sigma, rel=0.08)
    assert found.sizes == pytest.approx((size, size), abs=0.2 if size == 0.0 else 0.08)


def test_coarse_noise_is_found_within_fifteen_percent() -> None:
    found = measure_grain(scene() + noise(5.0, 1.4))
    assert middle(found.sigmas[0]) == pytest.approx(5.0, rel=0.15)
    assert found.sizes[0] == pytest.approx(1.4, abs=0.2)


def test_noise_that_depends_on_brightness_is_found_so() -> None:
    ramp = torch.linspace(0.1, 0.9, 512).expand(3, 256, 512)
    sigma = 2 + 8 * ramp[0]
    found = measure_grain(ramp + noise(1.0, shape=(256, 512)) * sigma)
    for level in range(2, LEVELS - 2):
        expected = 2 + 8 * level / (LEVELS - 1)
        assert found.sigmas[0][level] * 255 == pytest.approx(expected, rel=0.15)


def test_brightness_and_colour_are_told_apart() -> None:
    grey = noise(6.0)[:1].expand(3, -1, -1)
    found = measure_grain(scene() + grey)
    assert middle(found.sigmas[0]) == pytest.approx(6.0 * math.sqrt(3), rel=0.08)
    assert middle(found.sigmas[1]) < 0.3
    assert middle(found.sigmas[2]) < 0.3


def test_a_clean_picture_has_no_grain() -> None:
    for clean in (scene(), scene().mul(255).round().div(255), torch.full((3, 64, 64), 0.5)):
        assert max(map(max, measure_grain(clean).sigmas)) * 255 < 0.3
    assert not measure_grain(torch.full((3, 64, 64), 0.5)).is_there


def test_what_is_too_small_to_tell_has_none() -> None:
    assert not measure_grain(noise(8.0, shape=(15, 400)) + 0.5).is_there


def test_a_letterbox_does_not_hide_the_grain_of_dark_places() -> None:
    picture = torch.full((3, 256, 256), 0.04) + noise(3.0, shape=(256, 256))
    picture[:, :64] = picture[:, -64:] = 0.0
    assert measure_grain(picture).sigmas[0][0] * 255 == pytest.approx(3.0, rel=0.1)


def test_values_beyond_the_range_are_measured_and_get_grain() -> None:
    wild = scene() * 8 - 2 + noise(4.0)
    found = measure_grain(wild)
    assert all(math.isfinite(sigma) for line in found.sigmas for sigma in line)
    given_back = add_grain(wild, EVEN, 1.0, 1, SEED)
    assert bool(torch.isfinite(given_back).all())
    assert float((given_back - wild).std()) > 1 / 255


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [0.0, 0.6, 1.1])
def test_reduced_to_the_sources_size_the_grain_is_the_sources(scale: int, size: float) -> None:
    grain = Grain(((5 / 255,) * LEVELS, (3 / 255,) * LEVELS, (3 / 255,) * LEVELS), (size, size))
    height, width = 128, 160
    large = add_grain(torch.full((3, height * scale, width * scale), 0.5), grain, 1.0, scale, SEED)
    seen = resize(large, (height, width), "area") - 0.5
    parts = components_of(seen)
    assert float(parts[0].std()) * 255 == pytest.approx(5.0, rel=0.06)
    assert float(parts[1].std()) * 255 == pytest.approx(3.0, rel=0.06)
    found = measure_grain(seen + 0.5)
    assert middle(found.sigmas[0]) == pytest.approx(5.0, rel=0.12)
    if size:
        assert found.sizes[0] == pytest.approx(size, abs=0.25)


def test_grain_goes_round() -> None:
    """What a frame has is measured, given to a clean picture of the result's size, and measured there again."""
    source = scene() + noise(4.0, 0.7)
    found = measure_grain(source)
    result = add_grain(resize(scene(), (SIZE[0] * 2, SIZE[1] * 2), "bicubic"), found, 1.0, 2, SEED)
    again = measure_grain(resize(result, SIZE, "area"))
    assert middle(again.sigmas[0]) == pytest.approx(middle(found.sigmas[0]), rel=0.12)


def test_the_same_seed_gives_the_same_grain_and_another_another() -> None:
    flat = torch.full((3, 96, 128), 0.5)
    one, same, other = (add_grain(flat, EVEN, 1.0, 2, seed) - flat for seed in (SEED, SEED, OTHER_SEED))
    assert torch.equal(one, same)
    likeness = np.corrcoef(one.flatten().numpy(), other.flatten().numpy())[0, 1]
    assert abs(likeness) < 0.03


def test_the_noise_is_the_same_on_every_machine_for_ever() -> None:
    """Stored values: projects were rendered with them."""
    bytes_of = (white_noise(2, 2, SEED) * math.sqrt((256.0**2 - 1.0) / 6.0) + 255.0).round().to(torch.int64)
    assert bytes_of.flatten().tolist() == STORED


STORED = [89, 303, 159, 149, 284, 285, 203, 209, 325, 239, 200, 258]


def test_components_are_independent_and_of_variance_1() -> None:
    field = white_noise(200, 300, SEED)
    assert field.mean(dim=(1, 2)).abs().max() < 0.02
    torch.testing.assert_close(field.var(dim=(1, 2)), torch.ones(3), atol=0.02, rtol=0)
    assert np.abs(np.corrcoef(field.flatten(1).numpy()) - np.eye(3)).max() < 0.02
    picture = torch.rand(3, 5, 7)
    torch.testing.assert_close(rgb_of(components_of(picture)), picture)


def test_grain_follows_the_brightness_of_the_result() -> None:
    rising = Grain((tuple(level / 255 for level in range(LEVELS)), (0.0,) * LEVELS, (0.0,) * LEVELS), (0.5, 0.5))
    values = torch.tensor([-1.0, 0.0, 0.5, 1.0, 9.0, float("nan")]).expand(3, 1, -1)
    strength = strength_at(values, rising)[0, 0] * 255
    torch.testing.assert_close(strength, torch.tensor([0, 0, 5.5, 11, 11, 0]), atol=0.01, rtol=0)


def test_the_amount_counts_in_proportion_and_borders_are_like_the_rest() -> None:
    flat = torch.full((3, 96, 128), 0.5)
    whole, half = (add_grain(flat, EVEN, amount, 3, SEED) - flat for amount in (1.0, 0.5))
    torch.testing.assert_close(half * 2, whole, atol=1e-6, rtol=0)
    field = unit_field(96, 128, (0.8, 0.8), 3, SEED)
    border = torch.cat([field[:, :3].flatten(), field[:, :, :3].flatten()])
    assert float(border.std() / field.std()) == pytest.approx(1.0, abs=0.15)


def test_amounts_below_0_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 0"):
        add_grain(torch.zeros(3, 4, 4), EVEN, -0.1, 1, SEED)
    with pytest.raises(ValueError, match="at least 0"):
        sharpen(torch.zeros(3, 4, 4), -0.1, 1)


# --- sharpness -----------------------------------------------------------------------------------------------------


def soft_step(scale: int) -> torch.Tensor:
    """An edge as soft as an enlarged one, [3, 12, 96]."""
    small = torch.cat([torch.full((3, 3, 12), 0.2), torch.full((3, 3, 12), 0.7)], dim=2)
    return resize(small, (3 * scale, 24 * scale), "linear")


@pytest.mark.parametrize("scale", [1, 2, 4])
@pytest.mark.parametrize("amount", [0.5, 1.0, 2.0])
def test_an_edge_gets_steeper_and_grows_no_halo(scale: int, amount: float) -> None:
    edge = blur(soft_step(scale), 0.5 * scale)
    made = sharpen(edge, amount, scale)
    assert float(made.diff(dim=2).max()) > (1.0 + 0.1 * amount) * float(edge.diff(dim=2).max())
    assert float(made.max()) <= 0.7 + 0.1 * 0.5 + 1e-6
    assert float(made.min()) >= 0.2 - 0.1 * 0.5 - 1e-6


def test_more_is_sharper() -> None:
    edge = blur(soft_step(4), 2.0)
    steepness = [float(sharpen(edge, amount, 4).diff(dim=2).max()) for amount in (0.0, 0.5, 1.0, 2.0)]
    assert steepness == sorted(steepness)
    assert steepness[0] < steepness[1] < steepness[2]


@pytest.mark.parametrize("value", [0.3, 1 / 3, -0.25, 4.04])
def test_flat_stays_exactly_flat(value: float) -> None:
    flat = torch.full((3, 20, 30), value)
    assert torch.equal(sharpen(flat, 2.0, 4), flat)


PICTURES = hnp.arrays(np.float32, (3, 9, 11), elements=st.floats(-4.0, 6.0, width=32))


@settings(max_examples=60, deadline=None)
@given(PICTURES, st.floats(0.0, 2.0), st.integers(1, 4))
def test_nothing_leaves_its_surroundings_by_more_than_a_tenth(values: np.ndarray, amount: float, scale: int) -> None:
    picture = torch.from_numpy(values)
    made = sharpen(picture, amount, scale)
    span = picture.amax(dim=(1, 2), keepdim=True) - picture.amin(dim=(1, 2), keepdim=True)
    assert bool((made <= picture.amax(dim=(1, 2), keepdim=True) + 0.1 * span + 1e-5).all())
    assert bool((made >= picture.amin(dim=(1, 2), keepdim=True) - 0.1 * span - 1e-5).all())
    if amount == 0.0:
        assert torch.equal(made, picture)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_stays_where_it_is(bad: float) -> None:
    picture = scene((48, 96))
    picture[1, 10, 12] = bad
    made = sharpen(picture, 1.0, 2)
    assert math.isnan(float(made[1, 10, 12])) if math.isnan(bad) else float(made[1, 10, 12]) == bad
    made[1, 10, 12] = 0.0
    assert bool(torch.isfinite(made).all())
    assert float((made - scene((48, 96))).abs().max()) < 1.5


def test_both_ways_to_the_local_range_agree() -> None:
    """The CPU's way and the one of other devices."""
    from sparkvsr.finish import sharpness

    picture = scene((48, 96)) * 5 - 1
    low, high = sharpness._range_around(picture, 2)
    padded = torch.nn.functional.pad(picture.unsqueeze(0), (2,) * 4, mode="replicate")
    assert torch.equal(high, torch.nn.functional.max_pool2d(padded, 5, stride=1)[0])
    assert torch.equal(low, -torch.nn.functional.max_pool2d(-padded, 5, stride=1)[0])
