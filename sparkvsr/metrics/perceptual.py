"""Haar wavelet perceptual similarity (Reisenhofer, Bosse, Kutyniok, Wiegand 2018), from the paper's formulas."""

from __future__ import annotations

import torch
import torch.nn.functional as F

_C, _ALPHA = 30.0, 4.2  # the paper's constants, for values of 0..255
_SCALES = 3
_YIQ = ((0.299, 0.587, 0.114), (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112))


def haarpsi(picture: torch.Tensor, truth: torch.Tensor, crop: int = 8) -> float:
    """Likeness of two RGB pictures [3, H, W] with nominal range 0..1; 1 for equal ones.

    Both are halved first, as the paper does, to what an eye at the usual distance would see.
    """
    if picture.shape != truth.shape or picture.shape[0] != 3:
        raise ValueError(f"expected RGB pictures of one size, found {tuple(picture.shape)} and {tuple(truth.shape)}")
    height, width = picture.shape[1:]
    if min(height, width) < 2 * crop + 2:
        raise ValueError(f"expected at least {2 * crop + 2} pixels a side, found {height}×{width}")
    inner = (slice(None), slice(crop, height - crop), slice(crop, width - crop))
    first, second = (_halved_yiq(one[inner]) for one in (picture, truth))
    edges_1, edges_2 = _edges(first[:1]), _edges(second[:1])
    alike = _similarity(edges_1[: _SCALES - 1], edges_2[: _SCALES - 1]).mean(dim=0)  # [2, h, w]: across, down
    weights = torch.maximum(edges_1[-1], edges_2[-1])
    colour_1, colour_2 = (_smoothed(one[1:]).abs() for one in (first, second))
    colour = _similarity(colour_1, colour_2).mean(dim=0, keepdim=True)
    alike, weights = torch.cat([alike, colour]), torch.cat([weights, weights.mean(dim=0, keepdim=True)])
    total = weights.sum()
    if float(total) == 0.0:  # two pictures without any edge
        return float(alike.mean())
    mean = (torch.sigmoid(_ALPHA * alike) * weights).sum() / total
    return float((torch.logit(mean) / _ALPHA) ** 2)


def _similarity(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    return (2 * first * second + _C) / (first**2 + second**2 + _C)


def _halved_yiq(picture: torch.Tensor) -> torch.Tensor:
    """[3, H/2, W/2] of double precision, in units of 1/255."""
    mixed = torch.einsum("ij,jhw->ihw", torch.tensor(_YIQ, dtype=torch.float64), picture.double().cpu().clamp(0, 1))
    return F.avg_pool2d(255.0 * mixed, 2)


def _smoothed(planes: torch.Tensor) -> torch.Tensor:
    """Means of 2 × 2 neighbours, zero beyond the borders, at the same size."""
    return F.avg_pool2d(F.pad(planes, (0, 1, 0, 1)), 2, stride=1)


def _edges(luma: torch.Tensor) -> torch.Tensor:
    """[scales, 2, h, w]: |Haar wavelet coefficients| of [1, h, w] at windows of 2, 4, 8, across and down."""
    found = []
    for scale in range(1, _SCALES + 1):
        side, half = 2**scale, 2 ** (scale - 1)
        kernel = torch.full((side, side), 2.0**-scale, dtype=luma.dtype)
        kernel[:half] *= -1
        both = torch.stack([kernel, kernel.T]).unsqueeze(1)
        padded = F.pad(luma, (half - 1, half, half - 1, half))
        found.append(F.conv2d(padded.unsqueeze(0), both)[0].abs())
    return torch.stack(found)
