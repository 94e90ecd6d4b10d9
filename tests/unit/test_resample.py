"""Resizing and smoothing: against definitions, at borders, for odd sizes, for any number of threads."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from sparkvsr.resample import GAUSSIAN_SIGMA, Kernel, blur, resize

KERNELS: tuple[Kernel, ...] = ("lanczos3", "bicubic", "linear", "area", "gaussian")


def noise(channels: int, height: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(channels, height, width, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("kernel", KERNELS)
@settings(max_examples=25)
@given(sizes=st.tuples(*[st.integers(1, 40)] * 4))
def test_a_constant_picture_stays_so_at_any_size(kernel: Kernel, sizes: tuple[int, int, int, int]) -> None:
    height, width, new_height, new_width = sizes
    resized = resize(torch.full((2, height, width), 0.7), (new_height, new_width), kernel)
    torch.testing.assert_close(resized, torch.full((2, new_height, new_width), 0.7))


@pytest.mark.parametrize("size", [(16, 24), (21, 50), (9, 100), (200, 333), (64, 10)])
def test_bicubic_is_torch_s_antialiased_bicubic_inside(size: tuple[int, int]) -> None:
    picture = noise(3, 64, 96)
    expected = F.interpolate(picture.unsqueeze(0), size, mode="bicubic", antialias=True).squeeze(0)
    rows, columns = (max(3, 3 * new // old) for new, old in zip(size, (64, 96), strict=True))
    inner = (slice(None), slice(rows, -rows), slice(columns, -columns))
    torch.testing.assert_close(resize(picture, size, "bicubic")[inner], expected[inner], atol=2e-5, rtol=0)


def test_area_is_the_mean_over_the_footprint() -> None:
    picture = noise(2, 12, 20)
    torch.testing.assert_close(resize(picture, (3, 5), "area"), F.avg_pool2d(picture, 4))
    third = resize(picture[:, :, :5], (12, 2), "area")[:, :, 0]
    torch.testing.assert_close(third, (picture[:, :, 0] + picture[:, :, 1] + 0.5 * picture[:, :, 2]) / 2.5)


def test_gaussian_samples_at_the_centre_of_the_block() -> None:
    picture = noise(1, 1, 64)
    place, sigma = 4 * 7 + 1.5, 4 * GAUSSIAN_SIGMA
    weights = torch.exp(-0.5 * ((torch.arange(64) - place) / sigma) ** 2)
    weights[(torch.arange(64) - place).abs() > 4 * sigma] = 0
    expected = (weights * picture[0, 0]).sum() / weights.sum()
    torch.testing.assert_close(resize(picture, (1, 16), "gaussian")[0, 0, 7], expected)


@pytest.mark.parametrize("kernel", ["lanczos3", "bicubic", "linear", "area"])
def test_the_same_size_changes_nothing(kernel: Kernel) -> None:
    picture = noise(3, 7, 9)
    torch.testing.assert_close(resize(picture, (7, 9), kernel), picture)


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_mirrored_picture_gives_a_mirrored_result(kernel: Kernel) -> None:
    picture = noise(1, 11, 17)
    for size in ((4, 6), (33, 50)):
        mirrored = resize(picture.flip(1, 2), size, kernel).flip(1, 2)
        torch.testing.assert_close(resize(picture, size, kernel), mirrored, atol=2e-6, rtol=0)


def test_lanczos_goes_through_a_slow_wave() -> None:
    wave = torch.sin(torch.arange(64) * 0.2).view(1, 1, 64)
    exact = torch.sin(((torch.arange(256) + 0.5) / 4 - 0.5) * 0.2).view(1, 1, 256)
    difference = (resize(wave, (1, 256), "lanczos3") - exact).abs()[..., 16:-16]
    assert float(difference.max()) < 0.01


def test_blur_is_a_gaussian_with_replicated_borders() -> None:
    picture = noise(1, 1, 50)
    taps = torch.exp(-0.5 * (torch.arange(-6, 7) / 2.0) ** 2)
    padded = F.pad(picture[0], (6, 6), mode="replicate").unsqueeze(0)
    expected = F.conv1d(padded, (taps / taps.sum()).view(1, 1, -1))
    torch.testing.assert_close(blur(picture, 2.0)[0], expected[0], atol=1e-6, rtol=0)


@pytest.mark.parametrize("threads", [1, 2, 3, 5])
def test_bytes_do_not_depend_on_the_number_of_threads(threads: int) -> None:
    picture = noise(3, 150, 211)
    before = torch.get_num_threads()
    expected = [resize(picture, (601, 333), kernel) for kernel in KERNELS] + [blur(picture, 3.0)]
    try:
        torch.set_num_threads(threads)
        found = [resize(picture, (601, 333), kernel) for kernel in KERNELS] + [blur(picture, 3.0)]
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(expected, found, strict=True))


def test_strided_input_is_read_as_it_is() -> None:
    picture = noise(3, 20, 30)
    turned = torch.from_numpy(np.ascontiguousarray(picture.permute(1, 2, 0).numpy())).permute(2, 0, 1)
    assert torch.equal(resize(turned, (40, 60), "lanczos3"), resize(picture, (40, 60), "lanczos3"))


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="found 'nearest'"):
        resize(noise(1, 4, 4), (2, 2), "nearest")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="found 0×2"):
        resize(noise(1, 4, 4), (0, 2))
    with pytest.raises(ValueError, match="float32 picture"):
        resize(torch.zeros(4, 4), (2, 2))
    with pytest.raises(ValueError, match="sigma above 0"):
        blur(noise(1, 4, 4), 0.0)
