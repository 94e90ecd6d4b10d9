"""The architecture of Real-ESRGAN x4plus, from the papers (Wang et al. 2018 and 2021), to compare speeds with.

Random weights: only its time is of interest.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

_SLOPE = 0.2
_CALM = 0.2  # factor of every residual


class DenseBlock(nn.Module):
    """Five convolutions, each of which sees what all before it made."""

    def __init__(self, features: int, growth: int) -> None:
        super().__init__()
        self.growing = nn.ModuleList(nn.Conv2d(features + n * growth, growth, 3, padding=1) for n in range(4))
        self.last = nn.Conv2d(features + 4 * growth, features, 3, padding=1)

    def forward(self, seen: torch.Tensor) -> torch.Tensor:
        made = seen
        for layer in self.growing:
            made = torch.cat([made, F.leaky_relu(layer(made), _SLOPE)], dim=1)
        result: torch.Tensor = self.last(made)
        return result * _CALM + seen


class ResidualInResidual(nn.Module):
    """Three dense blocks and a shortcut around them."""

    def __init__(self, features: int, growth: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(DenseBlock(features, growth) for _ in range(3)))

    def forward(self, seen: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.blocks(seen)
        return result * _CALM + seen


class RRDBNet(nn.Module):
    """[N, 3, h, w] to [N, 3, 4·h, 4·w]: 23 blocks at LR, two doublings by nearest neighbour and convolution."""

    def __init__(self, features: int = 64, blocks: int = 23, growth: int = 32) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, features, 3, padding=1)
        self.body = nn.Sequential(*(ResidualInResidual(features, growth) for _ in range(blocks)))
        self.after_body = nn.Conv2d(features, features, 3, padding=1)
        self.doublings = nn.ModuleList(nn.Conv2d(features, features, 3, padding=1) for _ in range(2))
        self.fine = nn.Conv2d(features, features, 3, padding=1)
        self.pixels = nn.Conv2d(features, 3, 3, padding=1)

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        features = self.head(frame)
        features = features + self.after_body(self.body(features))
        for layer in self.doublings:
            features = F.leaky_relu(layer(F.interpolate(features, scale_factor=2.0, mode="nearest")), _SLOPE)
        result: torch.Tensor = self.pixels(F.leaky_relu(self.fine(features), _SLOPE))
        return result
