"""What a lite engine is made of: the hand-made parts of the baseline, or the trained ones of this package."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from sparkvsr.lite import weights
from sparkvsr.lite.blind import BlindPart, LanczosBlind, TrainedBlind
from sparkvsr.lite.inference import Precisions
from sparkvsr.lite.network import BlindNetwork, FusionNetwork

_METHOD = "lite-2"  # changes whenever the same weights could give other pixels


@dataclass(frozen=True, slots=True)
class LiteParts:
    """The blind part, the fusion network (None: hand-made), and the identity that both give the engine."""

    blind: BlindPart
    fusion: Precisions | None
    identity: str


def handmade_parts() -> LiteParts:
    """No network at all."""
    return LiteParts(LanczosBlind(), None, f"{_METHOD}-handmade")


def trained_parts(device: torch.device) -> LiteParts:
    """The weights of this package. Raises WeightsError."""
    blind, fusion = BlindNetwork(), FusionNetwork()
    digests = weights.load_into(blind, "blind"), weights.load_into(fusion, "fusion")
    identity = f"{_METHOD}-" + "-".join(digest[:16] for digest in digests)
    return LiteParts(TrainedBlind(Precisions(blind, device)), Precisions(fusion, device), identity)
