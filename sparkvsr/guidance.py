"""The artist's hand on the result: ``blind + s·g·(keyed − blind)``, and the gate g with its two terms kept apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

_SMALLEST_SUM = 1e-20  # keeps 0/0 out where no keyframe has any confidence


@dataclass(frozen=True, slots=True)
class GateTerms:
    """Evidence against one keyframe, on the frame's grid or a coarser one: squares of error over tolerance, 0 is best.

    ``motion``: does the warp hold here. ``agreement``: is the keyframe true to its own source frame. Both [1, h, w],
    finite. ``strength`` 0..1 is the keyframe's own weight.
    """

    motion: torch.Tensor
    agreement: torch.Tensor
    strength: float = 1.0

    def confidence(self, trust: float) -> torch.Tensor:
        """The gate of this keyframe, [1, h, w] in 0..1.

        ``trust`` 0 (Strict) .. 1 (Paint) widens the tolerance of the second term alone, by 1/(1 − trust): at 1 the
        keyframe counts as true wherever the motion holds.
        """
        evidence = self.motion + self.agreement * (1.0 - trust) ** 2
        return evidence.neg_().exp_().mul_(self.strength)


def weigh(confidences: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Shares of the keyframes [K, H, W], which sum to the gate, and the gate [1, H, W]: the largest confidence.

    The keyframes are averaged by the square of their confidence, which leaves less of the worse one than the confidence
    itself (0.04 dB better on real clips), and their average counts as much as the best of them.
    """
    stacked = torch.cat(list(confidences))
    gate = stacked.amax(dim=0, keepdim=True)
    if len(confidences) == 1:
        return stacked, gate
    squares = stacked.square()
    total = squares.sum(dim=0, keepdim=True).clamp_min(_SMALLEST_SUM)
    return squares.mul_(gate / total), gate


def mix(blind: torch.Tensor, keyed: Sequence[torch.Tensor], shares: torch.Tensor, guidance: float) -> torch.Tensor:
    """``blind + s·Σ shareₖ·(keyedₖ − blind)``, [3, H, W].

    With one keyframe, share 1 and guidance 1 it is that keyframe's picture exactly.
    """
    average, gate = keyed[0], shares[:1]
    for picture, share in zip(keyed[1:], shares[1:].unsqueeze(1), strict=True):
        gate = gate + share
        average = torch.lerp(average, picture, share / gate.clamp_min(_SMALLEST_SUM))
    return torch.lerp(blind, average, gate * guidance)
