"""What a network is asked for."""

from __future__ import annotations

import torch
import torch.nn.functional as F

_SMOOTHNESS = 1e-3


def charbonnier(made: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Mean of √(d² + ε²) − ε, d the difference of pictures in 0..1 and ε 1e-3: L1 with a smooth floor."""
    return ((made - truth).square() + _SMOOTHNESS**2).sqrt().mean() - _SMOOTHNESS


def gradients(made: torch.Tensor, truth: torch.Tensor, octaves: int = 3) -> torch.Tensor:
    """Mean |difference of gradients| of [N, C, H, W] over ``octaves`` scales: structure, with no network to judge."""
    total = made.new_zeros(())
    for octave in range(octaves):
        if octave:
            made, truth = F.avg_pool2d(made, 2), F.avg_pool2d(truth, 2)
        error = made - truth
        total = total + error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
    return total / octaves
