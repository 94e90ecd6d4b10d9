"""The blind part: what the source frames alone give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch

from sparkvsr.engine import WindowFrame
from sparkvsr.lite.beside import bring_beside
from sparkvsr.lite.inference import Precisions, blind_detail
from sparkvsr.lite.network import NEIGHBOURS
from sparkvsr.resample import resize


class BlindPart(Protocol):
    """Makes an HR picture of a frame [3, h, w], with its neighbours where there are any."""

    @property
    def window(self) -> int:
        """How many frames before and after it would like to see."""

    def upscale(
        self, frame: torch.Tensor, neighbours: Sequence[WindowFrame], scale: int, precision: str
    ) -> torch.Tensor:
        """[3, h·scale, w·scale]."""


class LanczosBlind:
    """Interpolation by Lanczos (3 lobes): the baseline. At ×1 the picture itself."""

    window = 0

    def upscale(
        self, frame: torch.Tensor, neighbours: Sequence[WindowFrame], scale: int, precision: str
    ) -> torch.Tensor:
        """[3, h·scale, w·scale]; neighbours and precision change nothing."""
        if scale == 1:
            return frame
        return resize(frame, (frame.shape[1] * scale, frame.shape[2] * scale), "lanczos3")


class TrainedBlind:
    """Bicubic interpolation and the detail that ``BlindNetwork`` adds."""

    window = max(NEIGHBOURS)

    def __init__(self, network: Precisions) -> None:
        self._network = network

    def upscale(
        self, frame: torch.Tensor, neighbours: Sequence[WindowFrame], scale: int, precision: str
    ) -> torch.Tensor:
        """[3, h·scale, w·scale]; frames of another size than ``frame`` do not help."""
        given = {one.offset: one.picture for one in neighbours if one.picture.shape == frame.shape}
        beside = None
        if any(offset in given for offset in NEIGHBOURS):
            pictures = [given.get(offset) for offset in NEIGHBOURS]
            beside = bring_beside(frame, [None if one is None else one.to(frame.device) for one in pictures])
        detail = blind_detail(self._network.of(precision), frame, beside, scale)
        return detail.add_(resize(frame, (detail.shape[1], detail.shape[2]), "bicubic"))
