"""What speaks for and against a keyframe: errors and tolerances in display-referred units of 1/255.

The constants come from measurements on real clips (docs/engines.md); a trained gate takes this place later.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import torch

from sparkvsr.motion import luma
from sparkvsr.resample import Kernel, blur, resize

UNITS: Final = 255.0
REDUCTIONS: Final[tuple[Kernel, ...]] = ("bicubic", "area", "gaussian")

_MOTION_SIGMA = 3.0  # output pixels
_AGREEMENT_SIGMA = 1.5
_CONTRAST_SIGMA = 3.0  # output pixels
# Beyond this a picture's contrast is no longer told from rounding in float32; the gate is closed there anyway.
_LARGEST_LUMA = 8.0
# exp(−64) is 0 for any purpose, and a finite bound keeps 0·∞ out of the gate.
_LARGEST_EVIDENCE = 64.0


@dataclass(frozen=True, slots=True)
class Tolerance:
    """``base + slope·s`` in 1/255, s the local contrast.

    Where there is structure, small errors of motion show as large differences.
    """

    base: float
    slope: float

    def evidence(self, error: torch.Tensor, contrast: torch.Tensor) -> torch.Tensor:
        """(error / tolerance)², the exponent of the gate; all [1, H, W]."""
        return error.div(contrast * self.slope + self.base).square_().clamp_max_(_LARGEST_EVIDENCE)


MOTION: Final = Tolerance(2.0, 0.35)
AGREEMENT: Final = Tolerance(1.5, 0.15)


def size_of(source: torch.Tensor, scale: int) -> tuple[int, int]:
    """Where evidence is weighed: at half the output's resolution, but no less than the source's [3, h, w].

    A blind result holds nothing finer, and the evidence is smooth.
    """
    height, width = source.shape[1:]
    return (height, width) if scale <= 2 else (math.ceil(height * scale / 2), math.ceil(width * scale / 2))


def contrast(picture: torch.Tensor, pixel: float) -> torch.Tensor:
    """s: local standard deviation [1, H, W] of the luma of [3, H, W], Gaussian window of σ 3 output pixels, in 1/255.

    ``pixel`` is the size of the picture's pixels in output pixels.
    """
    brightness = luma(picture)
    limited = brightness.clamp(-_LARGEST_LUMA, _LARGEST_LUMA)
    moments = blur(torch.cat([limited, limited.square()]), _CONTRAST_SIGMA / pixel)
    return (moments[1:] - moments[:1].square()).clamp_min_(0.0).sqrt_().mul_(UNITS)


def difference(first: torch.Tensor, second: torch.Tensor, sigma: float) -> torch.Tensor:
    """Mean over RGB of |first − second|, smoothed with ``sigma`` px, in 1/255: [3, H, W] twice to [1, H, W]."""
    return blur((first - second).abs_().mean(dim=0, keepdim=True).mul_(UNITS), sigma)


def motion_error(carried: torch.Tensor, blind: torch.Tensor, pixel: float) -> torch.Tensor:
    """e: how far the carried blind result differs from the frame's own; smoothed with σ 3 output pixels."""
    return difference(carried, blind, _MOTION_SIGMA / pixel)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a keyframe compares with its source frame: ``error`` o [1, h, w] at LR, the reduction it was found by."""

    error: torch.Tensor
    reduction: Kernel
    mean: float


def agreement_with(picture: torch.Tensor, source: torch.Tensor) -> Agreement:
    """Reduce ``picture`` [3, H, W] to the size of ``source`` [3, h, w] and compare.

    Nobody knows how the source was made from the scene, so the kindest of three usual reductions counts.
    """
    source = comparable(source, picture)
    size = (source.shape[1], source.shape[2])
    reduced = {kernel: resize(picture, size, kernel) for kernel in REDUCTIONS}
    reduction = min(REDUCTIONS, key=lambda kernel: float((reduced[kernel] - source).abs().mean(dtype=torch.float64)))
    error = difference(reduced[reduction], source, _AGREEMENT_SIGMA)
    evidence = AGREEMENT.evidence(error, contrast(source, picture.shape[1] / source.shape[1]))
    return Agreement(error, reduction, float(evidence.neg().exp().mean(dtype=torch.float64)))


def comparable(source: torch.Tensor, picture: torch.Tensor) -> torch.Tensor:
    """``source`` at the size where ``picture``, reduced, is compared with it: its own, but half of it at ×1.

    What a restored picture adds in the finest octave is not held against it.
    """
    if picture.shape != source.shape:
        return source
    height, width = source.shape[1:]
    return resize(source, ((height + 1) // 2, (width + 1) // 2), "area")
