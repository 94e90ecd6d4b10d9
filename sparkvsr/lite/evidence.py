"""What speaks for and against a keyframe: errors and tolerances in display-referred units of 1/255.

The constants come from measurements on real clips (docs/engines.md); a trained gate takes this place later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch

from sparkvsr.lite.blind import luma
from sparkvsr.resample import Kernel, blur, resize

UNITS: Final = 255.0
REDUCTIONS: Final[tuple[Kernel, ...]] = ("bicubic", "area", "gaussian")

_MOTION_SIGMA = 3.0
_AGREEMENT_SIGMA = 1.5
_CONTRAST_SIGMA = 3.0
# Beyond this a picture's contrast is no longer told from rounding in float32; the gate is closed there anyway.
_LARGEST_LUMA = 8.0
# exp(−64) is 0 for any purpose, and a finite bound keeps 0·∞ out of the gate.
_LARGEST_EVIDENCE = 64.0


@dataclass(frozen=True, slots=True)
class Tolerance:
    """``base + slope·s`` in 1/255, s the local contrast: where there is structure, small errors of motion show as large ones."""

    base: float
    slope: float

    def evidence(self, error: torch.Tensor, contrast: torch.Tensor) -> torch.Tensor:
        """(error / tolerance)², the exponent of the gate; all [1, H, W]."""
        return error.div(contrast * self.slope + self.base).square_().clamp_max_(_LARGEST_EVIDENCE)


MOTION: Final = Tolerance(2.0, 0.35)
AGREEMENT: Final = Tolerance(1.5, 0.15)


def contrast(brightness: torch.Tensor) -> torch.Tensor:
    """Local standard deviation [1, H, W] of a luma [1, H, W], Gaussian window of σ 3 px, in 1/255."""
    limited = brightness.clamp(-_LARGEST_LUMA, _LARGEST_LUMA)
    moments = blur(torch.cat([limited, limited.square()]), _CONTRAST_SIGMA)
    return (moments[1:] - moments[:1].square()).clamp_min_(0.0).sqrt_().mul_(UNITS)


def difference(first: torch.Tensor, second: torch.Tensor, sigma: float) -> torch.Tensor:
    """Mean over RGB of |first − second|, smoothed with ``sigma`` px, in 1/255: [3, H, W] twice to [1, H, W]."""
    return blur((first - second).abs_().mean(dim=0, keepdim=True).mul_(UNITS), sigma)


def motion_error(carried_blind: torch.Tensor, blind: torch.Tensor) -> torch.Tensor:
    """e: how far the keyframe's blind result, once carried, differs from the frame's."""
    return difference(carried_blind, blind, _MOTION_SIGMA)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a keyframe compares with its own source frame: ``error`` o [1, h, w] at LR, and the reduction it was found by."""

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
    evidence = AGREEMENT.evidence(error, contrast(luma(source)))
    return Agreement(error, reduction, float(evidence.neg().exp().mean(dtype=torch.float64)))


def comparable(source: torch.Tensor, picture: torch.Tensor) -> torch.Tensor:
    """``source`` at the size where ``picture``, reduced, is compared with it: its own, but half of it at ×1.

    What a restored picture adds in the finest octave is not held against it.
    """
    if picture.shape != source.shape:
        return source
    height, width = source.shape[1:]
    return resize(source, ((height + 1) // 2, (width + 1) // 2), "area")
