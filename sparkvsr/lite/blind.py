"""The blind part: what the source frame alone gives."""

from __future__ import annotations

from typing import Protocol

import torch

from sparkvsr.lite.inference import Precisions, blind_detail
from sparkvsr.resample import resize


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
        return detail.add_(resize(frame, (detail.shape[1], detail.shape[2]), "bicubic"))
