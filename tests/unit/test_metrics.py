"""PSNR, SSIM, HaarPSI and temporal difference against their definitions."""

import math

import numpy as np
import pytest
import torch

from sparkvsr.metrics import haarpsi, luma8, psnr_y, ssim_y, temporal_difference
from sparkvsr.resample import blur


def noise(seed: int = 0, height: int = 48, width: int = 64) -> torch.Tensor:
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))


def test_luma_is_bt601_of_the_8_bit_picture() -> None:
    picture = torch.tensor([1.0, 0.5, -0.2]).view(3, 1, 1)
    assert float(luma8(picture)) == round(0.299 * 255 + 0.587 * 128)
    assert float(luma8(torch.full((3, 1, 1), 7.0))) == 255


def test_psnr_of_a_known_difference() -> None:
    truth = torch.full((3, 32, 32), 100 / 255)
    assert psnr_y(truth + 3 / 255, truth) == pytest.approx(20 * math.log10(255 / 3))
    assert psnr_y(truth, truth) == math.inf


def test_the_border_does_not_count() -> None:
    truth = noise()
    spoilt = truth.clone()
    spoilt[:, :8] = 0
    spoilt[:, :, -8:] = 1
    assert psnr_y(spoilt, truth) == math.inf
    assert ssim_y(spoilt, truth) == pytest.approx(1.0)
    spoilt[:, 8, 8] = 1 - spoilt[:, 8, 8].round()
    assert psnr_y(spoilt, truth) < 60


def test_ssim_is_the_published_formula() -> None:
    first, second = noise(1), noise(2) * 0.5 + 0.25
    a, b = (luma8(one).numpy()[8:-8, 8:-8] for one in (first, second))
    steps = np.arange(11) - 5
    line = np.exp(-0.5 * (steps / 1.5) ** 2)
    window = np.outer(line, line) / line.sum() ** 2
    values = []
    for y in range(a.shape[0] - 10):
        for x in range(a.shape[1] - 10):
            p, q = a[y : y + 11, x : x + 11], b[y : y + 11, x : x + 11]
            mean_p, mean_q = (window * p).sum(), (window * q).sum()
            variance_p, variance_q = (window * (p - mean_p) ** 2).sum(), (window * (q - mean_q) ** 2).sum()
            covariance = (window * (p - mean_p) * (q - mean_q)).sum()
            luminance = (2 * mean_p * mean_q + 6.5025) / (mean_p**2 + mean_q**2 + 6.5025)
            values.append(luminance * (2 * covariance + 58.5225) / (variance_p + variance_q + 58.5225))
    assert ssim_y(first, second) == pytest.approx(float(np.mean(values)), abs=1e-9)


def haar(plane: np.ndarray, scale: int) -> tuple[np.ndarray, np.ndarray]:
    """|Wavelet coefficients| down and across; zero beyond the borders."""
    half = 2 ** (scale - 1)
    padded = np.pad(plane, ((half - 1, half), (half - 1, half)))
    results = np.zeros((2, *plane.shape))
    for y in range(plane.shape[0]):
        for x in range(plane.shape[1]):
            part = padded[y : y + 2 * half, x : x + 2 * half]
            down, across = part[half:].sum() - part[:half].sum(), part[:, half:].sum() - part[:, :half].sum()
            results[:, y, x] = abs(down) / 2**scale, abs(across) / 2**scale
    return results[0], results[1]


def test_haarpsi_is_the_published_formula() -> None:
    first, second = noise(1), (noise(2) + 2 * noise(1)) / 3
    matrix = np.array([[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])
    planes = []
    for one in (first, second):
        mixed = 255 * np.einsum("ij,jyx->iyx", matrix, one.double().numpy()[:, 8:-8, 8:-8])
        planes.append(mixed.reshape(3, 16, 2, 24, 2).mean(axis=(2, 4)))

    def alike(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (2 * a * b + 30) / (a**2 + b**2 + 30)

    edges = [[haar(one[0], scale) for scale in (1, 2, 3)] for one in planes]
    likenesses = [(alike(edges[0][0][o], edges[1][0][o]) + alike(edges[0][1][o], edges[1][1][o])) / 2 for o in (0, 1)]
    weights = [np.maximum(edges[0][2][o], edges[1][2][o]) for o in (0, 1)]
    colours = []
    for one in planes:
        padded = np.pad(one[1:], ((0, 0), (0, 1), (0, 1)))
        colours.append(np.abs(padded[:, :-1, :-1] + padded[:, 1:, :-1] + padded[:, :-1, 1:] + padded[:, 1:, 1:]) / 4)
    likenesses.append(alike(*colours).mean(axis=0))
    weights.append((weights[0] + weights[1]) / 2)
    mean = sum((w / (1 + np.exp(-4.2 * s))).sum() for s, w in zip(likenesses, weights, strict=True)) / np.sum(weights)
    assert haarpsi(first, second) == pytest.approx((math.log(mean / (1 - mean)) / 4.2) ** 2, rel=1e-9)


def test_haarpsi_is_1_for_equal_pictures_and_falls_as_detail_goes() -> None:
    truth = noise()
    spoilt = [haarpsi(blur(truth, sigma), truth) for sigma in (0.4, 0.8, 1.6)]
    assert haarpsi(truth, truth) == pytest.approx(1.0)
    assert 1.0 > spoilt[0] > spoilt[1] > spoilt[2] > 0.0
    flat = torch.full((3, 24, 24), 0.5)
    assert haarpsi(flat, flat) == pytest.approx(1.0)


def test_pictures_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(ValueError, match="one size"):
        haarpsi(noise(), noise()[:, :40])
    with pytest.raises(ValueError, match="at least 18"):
        haarpsi(noise(height=17), noise(height=17))
    with pytest.raises(ValueError, match="one size"):
        psnr_y(noise(), noise()[:, :40])
    with pytest.raises(ValueError, match="more than 16"):
        psnr_y(noise(height=16), noise(height=16))
    with pytest.raises(ValueError, match="at least 11"):
        ssim_y(noise(height=24), noise(height=24))
    with pytest.raises(ValueError, match="RGB"):
        luma8(torch.zeros(1, 4, 4))


def test_a_shift_that_the_flow_knows_is_no_difference() -> None:
    frame = noise()
    following = frame.roll(2, dims=2)
    flow = np.zeros((48, 64, 2), np.float32)
    still = temporal_difference(frame, following, flow)
    flow[..., 0] = 2
    assert temporal_difference(frame, following, flow) < 1e-3 < 10 < still
    assert temporal_difference(frame, frame + 0.1, flow * 0) == pytest.approx(25.5, rel=1e-4)
