"""Grain: measured from a source frame, and given back to a result, in working (display-referred) values.

A frame's grain is described by three components (brightness and two of colour, an orthonormal change of RGB): how
strong each is at every brightness, and how coarse. ``sparkvsr.finish.noise_level`` measures it where a frame is smooth.

What is given back keeps its size in the picture: reduced to the source's size, the result shows grain as strong and as
coarse as the source's. So at ×4 it is four times as coarse, in pixels. It depends on the frame's own pixels alone, by
way of a seed that is made of them: the same frame has the same grain in any order, another frame has another.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

import numpy as np
import torch

from sparkvsr.finish.noise_level import LEVELS, Grain, measure_grain, rgb_of
from sparkvsr.resample import blur

__all__ = ["Grain", "add_grain", "measure_grain"]

_ONE_PIXEL: Final = 0.45  # σ in source pixels of grain that is no coarser than a pixel
_FINEST: Final = 0.25  # σ in pixels below which smoothing changes nothing
_MEAN_OF_TWO_BYTES, _VARIANCE_OF_TWO_BYTES = 255.0, (256.0**2 - 1.0) / 6.0
_STEPS: Final = 1024  # of brightness, in which σ is looked up
_BLUR_REACH: Final = 3.0  # that of ``resample.blur``


def add_grain(picture: torch.Tensor, grain: Grain, amount: float, scale: int, seed: bytes) -> torch.Tensor:
    """``picture`` [3, H, W], ``scale`` times the source's size, with ``amount`` times the source's grain.

    ``seed``: 16 bytes of the frame's own content. Raises ValueError for an amount below 0.
    """
    if amount < 0.0:
        raise ValueError(f"expected an amount of at least 0, found {amount}")
    if not grain.is_there:
        return picture
    height, width = picture.shape[1:]
    field = unit_field(height, width, grain.sizes, scale, seed).to(picture.device)
    return picture + rgb_of(field * strength_at(picture, grain)) * amount


def strength_at(picture: torch.Tensor, grain: Grain) -> torch.Tensor:
    """σ of each component at each pixel's brightness, [3, H, W]; beyond the ends that at the ends."""
    brightness = torch.nan_to_num(picture.mean(dim=0)).clamp_(0.0, 1.0).mul_(_STEPS - 1).round_().to(torch.int32)
    steps = np.linspace(0.0, LEVELS - 1.0, _STEPS)
    lines = [np.interp(steps, np.arange(LEVELS), line).astype(np.float32) for line in grain.sigmas]
    return torch.stack([torch.from_numpy(line).to(picture.device)[brightness] for line in lines])


def unit_field(height: int, width: int, sizes: tuple[float, float], scale: int, seed: bytes) -> torch.Tensor:
    """Grain [3, H, W] whose mean over the source's pixels has a variance of 1; ``sizes``: of brightness and colour, σ
    in source pixels."""
    smoothing = [_smoothing(size, scale) for size in (sizes[0], sizes[1], sizes[1])]
    margin = math.ceil(_BLUR_REACH * max(smoothing))
    white = white_noise(height + 2 * margin, width + 2 * margin, seed)
    planes = []
    for plane, sigma in zip(white.unsqueeze(1), smoothing, strict=True):
        smooth = plane if sigma < _FINEST else blur(plane, sigma)
        planes.append(smooth[:, margin : margin + height, margin : margin + width] / _spread(sigma, scale))
    return torch.cat(planes)


def _smoothing(size: float, scale: int) -> float:
    """σ of the smoothing, in the output's pixels."""
    return size if scale == 1 else max(size, _ONE_PIXEL) * scale


@lru_cache(maxsize=64)
def _spread(sigma: float, scale: int) -> float:
    """Standard deviation of white noise, smoothed with ``sigma``, and averaged over squares of ``scale`` pixels."""
    taps = np.ones(1)
    if sigma >= _FINEST:
        steps = np.arange(-math.ceil(_BLUR_REACH * sigma), math.ceil(_BLUR_REACH * sigma) + 1)
        taps = np.exp(-0.5 * (steps / sigma) ** 2)
        taps /= taps.sum()
    return float(np.square(np.convolve(taps, np.full(scale, 1.0 / scale))).sum())  # of both axes, each its square root


def white_noise(height: int, width: int, seed: bytes) -> torch.Tensor:
    """[3, H, W] of variance 1, the same for the same seed on every machine.

    The bits of Philox are fixed for ever; each value is the sum of two bytes, a triangle that smoothing makes a bell.
    """
    bits = np.random.Philox(key=int.from_bytes(seed[:16], "little")).random_raw(height * width)
    bytes_of = bits.astype("<u8", copy=False).view(np.uint8).reshape(height, width, 8)
    planes = np.empty((3, height, width), np.float32)
    for channel, plane in enumerate(planes):
        np.add(bytes_of[..., channel], bytes_of[..., channel + 3], out=plane, dtype=np.float32)
    return torch.from_numpy(planes).sub_(_MEAN_OF_TWO_BYTES).mul_(1.0 / math.sqrt(_VARIANCE_OF_TWO_BYTES))
