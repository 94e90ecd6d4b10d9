"""Neighbouring LR frames, brought to a frame by their motion: what they show that the frame itself does not."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from sparkvsr import motion
from sparkvsr.motion import luma
from sparkvsr.warp import carry


def bring_beside(frame: torch.Tensor, neighbours: Sequence[torch.Tensor | None]) -> torch.Tensor:
    """[3·n, h, w]: each of the n neighbours [3, h, w], carried to ``frame`` and less it; zero where one is None."""
    seen = motion.gray8(luma(frame))
    return torch.cat([_difference(frame, seen, neighbour) for neighbour in neighbours])


def _difference(frame: torch.Tensor, seen: motion.Gray, neighbour: torch.Tensor | None) -> torch.Tensor:
    if neighbour is None:
        return torch.zeros_like(frame)
    flow = motion.measure(seen, motion.gray8(luma(neighbour)))
    return carry(neighbour, flow).sub_(frame)
