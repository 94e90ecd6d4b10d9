"""Unsharp masking without halos: no pixel leaves the range of its surroundings by more than a tenth of that range."""

from __future__ import annotations

import math
from typing import Any, Final

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from sparkvsr.resample import blur

_cv2: Any = cv2  # its stubs know no optional arguments
_SIGMA_OF_SOURCE_PIXEL: Final = 0.35  # an enlarged picture is soft at the scale of the source's pixels
_SMALLEST_SIGMA: Final = 0.6
_ALLOWANCE: Final = 0.1  # of the local range, beyond it
_REACH: Final = 2.0  # of σ: how far the surroundings go


def sharpen(picture: torch.Tensor, amount: float, scale: int) -> torch.Tensor:
    """``picture`` [3, H, W] + ``amount`` · (picture − its Gaussian smoothing), limited to what is around each pixel.

    σ is 0.35 source pixels, at least 0.6 of the picture's own. Flat places stay exactly as they are. A value that is no
    number stays where it is and reaches nothing else. Raises ValueError for an amount below 0.
    """
    if amount < 0.0:
        raise ValueError(f"expected an amount of at least 0, found {amount}")
    finite = torch.isfinite(picture)
    known = picture if bool(finite.all()) else torch.where(finite, picture, torch.zeros_like(picture))
    sigma = max(_SMALLEST_SIGMA, _SIGMA_OF_SOURCE_PIXEL * scale)
    detail = known - blur(known, sigma)
    low, high = _range_around(known, math.ceil(_REACH * sigma))
    room = (high - low).mul_(_ALLOWANCE)
    sharpened = torch.minimum(torch.maximum(detail.mul_(amount).add_(known), low - room), high + room)
    return torch.where(finite & (high > low), sharpened, picture)


def _range_around(picture: torch.Tensor, reach: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The smallest and the largest value of the square of pixels around each one, per channel."""
    return -_largest_around(-picture, reach), _largest_around(picture, reach)


def _largest_around(picture: torch.Tensor, reach: int) -> torch.Tensor:
    size = 2 * reach + 1
    if picture.device.type == "cpu":  # the same values, in a tenth of the time
        square = np.ones((size, size), np.uint8)
        return torch.stack([torch.from_numpy(_cv2.dilate(plane.numpy(), square)) for plane in picture.contiguous()])
    padded = F.pad(picture.unsqueeze(0), (reach,) * 4, mode="replicate")
    return F.max_pool2d(F.max_pool2d(padded, (1, size), stride=1), (size, 1), stride=1).squeeze(0)
