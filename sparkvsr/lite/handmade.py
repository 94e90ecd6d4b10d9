"""The hand-made propagation: one warp, and what speaks for and against it. Here the networks start from."""

from __future__ import annotations

import torch

from sparkvsr import evidence, guidance, motion
from sparkvsr.engine import Keyframe
from sparkvsr.lite.consistency import residual
from sparkvsr.lite.latents import Carried, KeyframeLatents, SourceLatents
from sparkvsr.resample import resize
from sparkvsr.warp import carry


def move(latents: SourceLatents, keyframe: Keyframe, flow: motion.Flow) -> tuple[Carried, torch.Tensor]:
    """A keyframe elsewhere: its detail carried along ``flow``, judged, and compared with the frame.

    Beside it, at the evidence's size [3, H', W']: its source frame, carried, less this frame. All tensors are worked on
    in the caller's thread, and so in its CUDA stream.
    """
    known: KeyframeLatents = keyframe.latents
    height, width = latents.small.shape[1:]
    coarse = motion.shrink(flow, (height, width))
    arrived = carry(known.small, coarse)
    error = evidence.motion_error(arrived, latents.small, flow.shape[0] / height)
    terms = guidance.GateTerms(
        evidence.MOTION.evidence(error, latents.contrast),
        _agreement_evidence(latents, known.agreement, coarse),
        keyframe.strength,
    )
    unlike = arrived.sub_(latents.small)
    keyed = carry(known.picture - known.blind, flow).add_(latents.blind)
    if known.agreement is None:
        return Carried(keyed, terms, None), unlike
    return Carried(keyed, terms, residual(keyed, latents.picture, known.agreement.reduction)), unlike


def stay(latents: SourceLatents, keyframe: Keyframe) -> Carried:
    """A keyframe at the frame itself proposes its picture as it is: no motion, so only the agreement is in question.

    In a host blind to time this is where the picture meets its true source frame.
    """
    known: KeyframeLatents = keyframe.latents
    agreement = known.agreement or evidence.agreement_with(known.picture, latents.picture)
    terms = guidance.GateTerms(
        torch.zeros_like(latents.contrast), _agreement_evidence(latents, agreement, None), keyframe.strength
    )
    return Carried(known.picture, terms, None)


def _agreement_evidence(
    latents: SourceLatents, agreement: evidence.Agreement | None, flow: motion.Flow | None
) -> torch.Tensor:
    if agreement is None:
        return torch.zeros_like(latents.contrast)
    height, width = latents.contrast.shape[1:]
    error = resize(agreement.error, (height, width), "linear")
    moved = error if flow is None else carry(error, flow)
    return evidence.AGREEMENT.evidence(moved, latents.contrast)
