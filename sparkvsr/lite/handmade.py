"""The hand-made propagation: one warp, and what speaks for and against it. Here the networks start from."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from sparkvsr import evidence, guidance, motion
from sparkvsr.engine import Keyframe
from sparkvsr.lite.consistency import residual
from sparkvsr.lite.latents import Carried, KeyframeLatents, SourceLatents
from sparkvsr.resample import blur, resize
from sparkvsr.warp import carry

_LACK_BASE = 0.3  # 1/255
_LACK_SLOPE = 0.3
_LACK_SIGMA = 1.5  # LR pixels


@dataclass(frozen=True, slots=True)
class Moved:
    """A keyframe at a frame, and what a network may judge it by, at the evidence's size [3, H', W'].

    ``unlike``: its source frame, carried, less the frame. ``disagreement``: its picture, reduced, less its own source
    frame, carried.
    """

    carried: Carried
    unlike: torch.Tensor
    disagreement: torch.Tensor


def move(latents: SourceLatents, keyframe: Keyframe, flow: motion.Flow) -> Moved:
    """A keyframe elsewhere: its detail carried along ``flow``, judged, and compared with the frame.

    All tensors are worked on in the caller's thread, and so in its CUDA stream.
    """
    known: KeyframeLatents = keyframe.latents
    height, width = latents.small.shape[1:]
    coarse = motion.shrink(flow, (height, width))
    arrived = carry(known.small, coarse)
    error = evidence.motion_error(arrived, latents.small, flow.shape[0] / height)
    terms = guidance.GateTerms(
        evidence.MOTION.evidence(error, latents.contrast),
        _agreement_evidence(latents, known.agreement, coarse) + _at(latents, known.lack, coarse),
        keyframe.strength,
    )
    unlike = arrived.sub_(latents.small)
    keyed = carry(known.picture - known.blind, flow).add_(latents.blind)
    lacking = None if known.agreement is None else residual(keyed, latents.picture, known.agreement.reduction)
    return Moved(Carried(keyed, terms, lacking), unlike, carry(_fine(latents, known.disagreement), coarse))


def stay(latents: SourceLatents, keyframe: Keyframe) -> Carried:
    """A keyframe at the frame itself proposes its picture as it is: no motion, so only the agreement is in question.

    In a host blind to time this is where the picture meets its true source frame.
    """
    known: KeyframeLatents = keyframe.latents
    agreement = known.agreement or evidence.agreement_with(known.picture, latents.picture)
    terms = guidance.GateTerms(
        torch.zeros_like(latents.contrast),
        _agreement_evidence(latents, agreement, None) + _at(latents, known.lack, None),
        keyframe.strength,
    )
    return Carried(known.picture, terms, None)


def _agreement_evidence(
    latents: SourceLatents, agreement: evidence.Agreement | None, flow: motion.Flow | None
) -> torch.Tensor:
    if agreement is None:
        return torch.zeros_like(latents.contrast)
    return evidence.AGREEMENT.evidence(_at(latents, agreement.error, flow), latents.contrast)


def _at(latents: SourceLatents, known: torch.Tensor, flow: motion.Flow | None) -> torch.Tensor:
    """What is known [1, h, w] of a keyframe, carried to the frame, at the evidence's size."""
    fine = _fine(latents, known)
    return fine if flow is None else carry(fine, flow).clamp_min_(0.0)


def _fine(latents: SourceLatents, known: torch.Tensor) -> torch.Tensor:
    return resize(known, (latents.contrast.shape[1], latents.contrast.shape[2]), "linear")


def disagreement(picture: torch.Tensor, source: torch.Tensor, agreement: evidence.Agreement | None) -> torch.Tensor:
    """[3, h, w]: ``picture``, reduced as its source frame was, less that; zero where it has none."""
    if agreement is None:
        return torch.zeros_like(source)
    return residual(picture, source, agreement.reduction).neg_()


def lack_of_detail(picture: torch.Tensor, blind: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
    """Evidence [1, h, w] that ``picture`` holds less of what the source cannot show than the ``blind`` result does.

    A blind result is the mean of what could be: a true picture has more detail, a blurred one, whose reduction agrees
    as well as a true one's, has less, and would take away what the blind part has found.
    """
    size = (source.shape[1], source.shape[2])
    held, expected = _hidden_detail(picture, size), _hidden_detail(blind, size)
    return ((expected - held).clamp_min_(0.0) / (expected * _LACK_SLOPE + _LACK_BASE)).square_()


def _hidden_detail(picture: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Root mean square [1, h, w] of the part of the luma that its reduction to ``size`` loses, in 1/255."""
    brightness = motion.luma(picture)
    shown = resize(resize(brightness, size, "bicubic"), (picture.shape[1], picture.shape[2]), "bicubic")
    power = resize((brightness - shown).square_(), size, "area")
    return blur(power, _LACK_SIGMA).sqrt_().mul_(evidence.UNITS)
