"""Back-projection: what a keyed picture, reduced again, lacks of the source frame is given back to it.

The warp leaves errors that the source frame knows better. They are corrected at LR, where the frame is certain. What
the artist painted differs from the source on purpose: as Trust rises, the correction gives way where the keyframe
disagrees with its source.
"""

from __future__ import annotations

import torch

from sparkvsr.evidence import comparable
from sparkvsr.resample import Kernel, resize


def residual(keyed: torch.Tensor, source: torch.Tensor, reduction: Kernel) -> torch.Tensor:
    """Source frame − reduced ``keyed`` [3, H, W], at the size where the two are compared."""
    wanted = comparable(source, keyed)
    return wanted - resize(keyed, (wanted.shape[1], wanted.shape[2]), reduction)


def corrected(keyed: torch.Tensor, lacking: torch.Tensor, agreement: torch.Tensor, trust: float) -> torch.Tensor:
    """``keyed`` [3, H, W] with its residual given back, weighted by exp(−trust·agreement evidence)."""
    height, width = keyed.shape[1:]
    if trust > 0.0:
        weight = agreement.mul(-trust).exp_()
        lacking = lacking * resize(weight, (lacking.shape[1], lacking.shape[2]), "area")
    return resize(lacking, (height, width), "lanczos3").add_(keyed)
