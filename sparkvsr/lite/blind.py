"""The blind part: what the source frame alone gives."""

from __future__ import annotations

from typing import Protocol

import torch
import torch.nn.functional as F

from sparkvsr.lite.inference import SEEN, Precisions, blind_detail
from sparkvsr.resample import resize

_LEVELS = 2 * 255.0  # half an 8-bit level is where a step begins to count


class BlindPart(Protocol):
    """Makes an HR picture of a frame."""

    def upscale(self, frame: torch.Tensor, scale: int, precision: str) -> torch.Tensor:
        """[3, h, w] to [3, h·scale, w·scale]."""


class LanczosBlind:
    """Interpolation by Lanczos (3 lobes): the baseline. At ×1 the picture itself."""

    def upscale(self, frame: torch.Tensor, scale: int, precision: str) -> torch.Tensor:
        """[3, h, w] to [3, h·scale, w·scale]; the precision changes nothing."""
        if scale == 1:
            return frame
        return resize(frame, (frame.shape[1] * scale, frame.shape[2] * scale), "lanczos3")


class TrainedBlind:
    """Bicubic interpolation and the detail that ``BlindNetwork`` adds."""

    def __init__(self, network: Precisions) -> None:
        self._network = network

    def upscale(self, frame: torch.Tensor, scale: int, precision: str) -> torch.Tensor:
        """[3, h, w] to [3, h·scale, w·scale]."""
        detail = blind_detail(self._network.of(precision), frame, scale)
        size = (detail.shape[1], detail.shape[2])
        detail.mul_(resize(_anything_there(frame), size, "linear"))
        return detail.add_(resize(frame, size, "bicubic"))


def _anything_there(frame: torch.Tensor) -> torch.Tensor:
    """[1, h, w]: 0 where a frame is flat, 1 from a step of an 8-bit level on: a flat colour stays that colour exactly.

    What the network takes for flat because it lies beyond its range is flat, too.
    """
    seen = frame.clamp(*SEEN).unsqueeze(0)
    spread = F.max_pool2d(seen, 5, 1, 2) + F.max_pool2d(-seen, 5, 1, 2)
    levels = spread[0].amax(dim=0, keepdim=True).mul_(_LEVELS)
    return 1.0 - levels.square_().neg_().exp_()
