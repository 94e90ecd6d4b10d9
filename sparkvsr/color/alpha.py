"""Alpha enlarged on its own, guided by the enlarged picture: where it has an edge that is the matte's, so has alpha."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F

from sparkvsr.resample import resize

_RADIUS: Final = 2  # 5×5 source pixels: enough for a fit of three channels, small enough for one edge
_NOISE: Final = (2.0 / 255.0) ** 2  # variance that counts as noise, in the working space and in alpha


@dataclass(frozen=True, slots=True)
class Guide:
    """Working pictures that alpha belongs to: ``source`` [3, h, w], and ``picture`` [3, H, W], which an engine made."""

    source: torch.Tensor
    picture: torch.Tensor


def varies(alpha: torch.Tensor) -> bool:
    """Whether there is anything to enlarge."""
    low, high = torch.aminmax(alpha)
    return bool(low != high)


def upscale_alpha(alpha: torch.Tensor, size: tuple[int, int], guide: Guide | None = None) -> torch.Tensor:
    """``alpha`` [1, h, w] in 0..1 at ``size`` (H, W), whole multiples of its own; at its own size it is left alone.

    What the guide's picture knows beyond Lanczos is carried over as far as alpha follows the colour; without a guide it
    is Lanczos alone. The result stays within the range of the 3×3 source pixels around it.
    """
    if (alpha.shape[1], alpha.shape[2]) == size:
        return alpha
    if not varies(alpha):
        return alpha[:, :1, :1].expand(1, *size)
    enlarged = resize(alpha, size, "lanczos3")
    if guide is not None:
        detail = guide.picture - resize(guide.source.contiguous(), size, "lanczos3")
        enlarged += (resize(slopes(alpha, guide.source), size, "linear") * detail).sum(dim=0, keepdim=True)
    return _within_neighbours(enlarged, alpha)


def slopes(alpha: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
    """How alpha changes with each channel of the colour around a pixel, [3, h, w]; towards 0 where it does not follow.

    Least squares in a window, weighed by the share of alpha's variance that the fit explains. In double precision: the
    channels of a grey picture are nearly one.
    """
    colour, matte = source.double(), alpha.double()
    mean_colour, mean_alpha = _mean(colour), _mean(matte)
    products = _mean((colour.unsqueeze(0) * colour.unsqueeze(1)).flatten(0, 1)).view(3, 3, *colour.shape[1:])
    covariance = products - mean_colour.unsqueeze(0) * mean_colour.unsqueeze(1)
    covariance += _NOISE * torch.eye(3, dtype=colour.dtype, device=colour.device).view(3, 3, 1, 1)
    shared = _mean(colour * matte) - mean_colour * mean_alpha
    slope = _solved(covariance, shared)
    variance = (_mean(matte.square()) - mean_alpha.square()).clamp_min(0.0) + _NOISE
    explained = ((slope * shared).sum(dim=0, keepdim=True) / variance).clamp(0.0, 1.0)
    return (slope * explained).to(torch.float32)


def _mean(planes: torch.Tensor) -> torch.Tensor:
    """The mean of the window around each pixel; borders are repeated."""
    padded = F.pad(planes.unsqueeze(0), (_RADIUS,) * 4, mode="replicate")
    return F.avg_pool2d(padded, 2 * _RADIUS + 1, stride=1).squeeze(0)


def _solved(matrix: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """x of ``matrix`` [3, 3, h, w] (symmetric, positive) · x = ``right`` [3, h, w], by Cramer's rule."""
    first, second, third = matrix
    across = torch.linalg.cross(second, third, dim=0)
    determinant = (first * across).sum(dim=0)
    numerators = (
        (right * across).sum(dim=0),
        (first * torch.linalg.cross(right, third, dim=0)).sum(dim=0),
        (first * torch.linalg.cross(second, right, dim=0)).sum(dim=0),
    )
    solution: torch.Tensor = torch.stack(numerators) / determinant
    return solution


def _within_neighbours(enlarged: torch.Tensor, alpha: torch.Tensor) -> torch.Tensor:
    """Neither rings nor haze: solid stays solid, empty stays empty."""
    padded = F.pad(alpha.unsqueeze(0), (1, 1, 1, 1), mode="replicate")
    high = F.max_pool2d(padded, 3, stride=1).squeeze(0)
    low = -F.max_pool2d(-padded, 3, stride=1).squeeze(0)
    times = (enlarged.shape[1] // alpha.shape[1], enlarged.shape[2] // alpha.shape[2])
    bounds = [one.repeat_interleave(times[0], dim=1).repeat_interleave(times[1], dim=2) for one in (low, high)]
    return torch.minimum(torch.maximum(enlarged, bounds[0]), bounds[1])
