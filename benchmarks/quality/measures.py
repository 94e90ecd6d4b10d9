"""Figures of pictures: fidelity without rounding, energy of detail, steadiness of two frames."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from sparkvsr import motion
from sparkvsr.metrics import temporal_difference
from sparkvsr.motion import luma
from sparkvsr.resample import blur

_CROP = 8
_DETAIL_SIGMA = 1.6  # pixels: finer than this is what a ×4 source cannot hold


def psnr_rgb(picture: torch.Tensor, other: torch.Tensor) -> float:
    """PSNR in dB of all values as they are, 1.0 the peak; infinite for equal pictures."""
    error = float((picture - other).square().mean(dtype=torch.float64))
    return math.inf if error == 0.0 else -10.0 * math.log10(error)


def detail_energy(difference: torch.Tensor) -> float:
    """Mean square of the luma of ``difference`` [3, H, W] less its smooth part."""
    bright = luma(difference)
    fine = (bright - blur(bright, _DETAIL_SIGMA))[:, _CROP:-_CROP, _CROP:-_CROP]
    return float(fine.square().mean(dtype=torch.float64))


@dataclass(frozen=True)
class Moment:
    """Two consecutive frames of the truth, and the motion from the first to the second, measured on them."""

    first: torch.Tensor
    second: torch.Tensor
    flow: motion.Flow

    @classmethod
    def of(cls, truth: Callable[[int], torch.Tensor], t: int) -> Moment:
        first, second = truth(t), truth(t + 1)
        return cls(first, second, motion.measure(*(motion.gray8(luma(one)) for one in (first, second))))

    def flicker(self, first: torch.Tensor, second: torch.Tensor) -> float:
        """Mean |warped difference of a result's two frames − the same of the truth|, in 1/255; 0 is as steady."""
        return temporal_difference(first - self.first, second - self.second, self.flow)

    def change(self, first: torch.Tensor, second: torch.Tensor) -> float:
        """Mean |warped difference| of a result's two frames over that of the truth."""
        own = temporal_difference(self.first, self.second, self.flow)
        return temporal_difference(first, second, self.flow) / max(own, 1e-6)
