"""PSNR, SSIM and temporal difference against their definitions."""

import math

import numpy as np
import pytest
import torch

from sparkvsr.metrics import luma8, psnr_y, ssim_y, temporal_difference


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


def test_pictures_that_cannot_be_compared_are_refused() -> None:
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
