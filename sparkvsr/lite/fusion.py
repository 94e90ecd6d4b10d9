"""From what the hand-made engine carried to what the fusion network makes of it, on one frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import nn

from sparkvsr.guidance import GateTerms
from sparkvsr.lite.handmade import Moved
from sparkvsr.lite.inference import fuse
from sparkvsr.lite.latents import LitePropagation, SourceLatents
from sparkvsr.lite.network import GRID, FusionInput
from sparkvsr.resample import resize

_SMALLEST_STRENGTH = 1e-6


def known_of(latents: SourceLatents, moved: Sequence[Moved]) -> FusionInput:
    """The network's view of a frame and its keyframes, N = 1, filled up to whole cells by replication.

    Keyframes' strengths count beside each other's only: what one weighs alone is for the gate, not for the network.
    """
    height, width = latents.blind.shape[1:]
    rows, columns = _whole(height), _whole(width)

    carried = [one.carried for one in moved]
    strength = latents.blind.new_tensor([[one.terms.strength for one in carried]])

    def fine(picture: torch.Tensor) -> torch.Tensor:
        return F.pad(picture.unsqueeze(0), (0, columns - width, 0, rows - height), mode="replicate")[0]

    def half(picture: torch.Tensor) -> torch.Tensor:
        return resize(picture, (rows // 2, columns // 2), "linear")

    return FusionInput(
        blind=fine(latents.blind).unsqueeze(0),
        contrast=half(latents.contrast).unsqueeze(0),
        keyed=torch.stack([fine(one.proposal(0.0)) for one in carried]).unsqueeze(0),
        unlike=torch.stack([half(one.unlike) for one in moved]).unsqueeze(0),
        disagreement=torch.stack([half(one.disagreement) for one in moved]).unsqueeze(0),
        motion=torch.stack([half(one.terms.motion) for one in carried]).unsqueeze(0),
        agreement=torch.stack([half(one.terms.agreement) for one in carried]).unsqueeze(0),
        strength=strength.div(strength.max().clamp_min(_SMALLEST_STRENGTH)),
    )


def refined(network: nn.Module, latents: SourceLatents, moved: Sequence[Moved]) -> LitePropagation:
    """The propagation with the network's gate in the place of the hand-made one, and its refinement."""
    height, width = latents.blind.shape[1:]
    made = fuse(network, known_of(latents, moved))
    judged = []
    for index, one in enumerate(known.carried for known in moved):
        size = (one.terms.motion.shape[1], one.terms.motion.shape[2])
        motion, agreement = (
            _cropped_half(terms[0, index], (height, width), size) for terms in (made.motion, made.agreement)
        )
        judged.append(replace(one, terms=GateTerms(motion, agreement, one.terms.strength)))
    return LitePropagation(latents.blind, tuple(judged), made.refinement[0, :, :height, :width])


def _whole(side: int) -> int:
    return -(-side // GRID) * GRID


def _cropped_half(terms: torch.Tensor, shown: tuple[int, int], size: tuple[int, int]) -> torch.Tensor:
    """Evidence at half the output's resolution, without what whole cells added, at the size where it is kept."""
    height, width = (-(-side // 2) for side in shown)
    return resize(terms[:, :height, :width].contiguous(), size, "linear")
