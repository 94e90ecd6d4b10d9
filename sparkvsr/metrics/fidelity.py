"""PSNR and SSIM on 8-bit BT.601 luma, a border of 8 pixels cropped.

Luma is full range, 0.299 R + 0.587 G + 0.114 B of the 8-bit picture, rounded. Papers that use the 16..235 range
report a PSNR higher by 20·log10(255/219) = 1.32 dB for the same pictures.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import torch

_SSIM_WINDOW = 11
_SSIM_SIGMA = 1.5
_C1 = (0.01 * 255.0) ** 2
_C2 = (0.03 * 255.0) ** 2


def luma8(picture: torch.Tensor) -> torch.Tensor:
    """8-bit luma [H, W], as float64 whole numbers, of an RGB picture [3, H, W] with nominal range 0..1."""
    if picture.dim() != 3 or picture.shape[0] != 3:
        raise ValueError(f"expected an RGB picture [3, H, W], found {tuple(picture.shape)}")
    levels = picture.to(torch.float64, copy=True).clamp_(0.0, 1.0).mul_(255.0).round_()
    return (0.299 * levels[0] + 0.587 * levels[1] + 0.114 * levels[2]).round_()


def psnr_y(picture: torch.Tensor, truth: torch.Tensor, crop: int = 8) -> float:
    """PSNR in dB of two RGB pictures [3, H, W]; infinite when their luma is equal."""
    first, second = _cropped(picture, truth, crop)
    error = float((first - second).square().mean())
    return math.inf if error == 0.0 else 10.0 * math.log10(255.0**2 / error)


def ssim_y(picture: torch.Tensor, truth: torch.Tensor, crop: int = 8) -> float:
    """Mean SSIM of two RGB pictures [3, H, W]: Gaussian window of 11 pixels, σ 1.5, where it fits wholly."""
    first, second = _cropped(picture, truth, crop)
    if min(first.shape) < _SSIM_WINDOW:
        raise ValueError(f"expected at least {_SSIM_WINDOW} pixels a side after cropping, found {tuple(first.shape)}")
    mean_1, mean_2, square_1, square_2, product = _windowed(
        torch.stack([first, second, first * first, second * second, first * second])
    )
    variances = square_1 - mean_1**2 + square_2 - mean_2**2
    covariance = product - mean_1 * mean_2
    luminance = (2 * mean_1 * mean_2 + _C1) / (mean_1**2 + mean_2**2 + _C1)
    return float((luminance * (2 * covariance + _C2) / (variances + _C2)).mean())


def _cropped(picture: torch.Tensor, truth: torch.Tensor, crop: int) -> tuple[torch.Tensor, torch.Tensor]:
    if picture.shape != truth.shape:
        raise ValueError(f"expected pictures of one size, found {tuple(picture.shape)} and {tuple(truth.shape)}")
    height, width = picture.shape[1:]
    if min(height, width) <= 2 * crop:
        raise ValueError(f"expected more than {2 * crop} pixels a side, found {height}×{width}")
    inner = (slice(crop, height - crop), slice(crop, width - crop))
    return luma8(picture)[inner], luma8(truth)[inner]


def _windowed(planes: torch.Tensor) -> torch.Tensor:
    """[C, H, W] float64 to weighted means [C, H − 10, W − 10]; by OpenCV, as torch is slow in float64."""
    steps = np.arange(_SSIM_WINDOW) - _SSIM_WINDOW // 2
    weights = np.exp(-0.5 * (steps / _SSIM_SIGMA) ** 2)
    weights /= weights.sum()
    margin = slice(_SSIM_WINDOW // 2, -(_SSIM_WINDOW // 2))
    means = [cv2.sepFilter2D(plane, cv2.CV_64F, weights, weights)[margin, margin] for plane in planes.cpu().numpy()]
    return torch.from_numpy(np.stack(means))
