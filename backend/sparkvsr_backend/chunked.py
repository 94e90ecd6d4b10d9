"""Frames of an engine that works in chunks: two chunks that hold a frame are added up by their weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from sparkvsr.engine import ChunkEngine, Decoded
from sparkvsr.propagation import CHUNK_PHASE
from sparkvsr_backend.errors import EngineFailedError
from sparkvsr_backend.plan import Plan, UsedKeyframe


@dataclass(frozen=True)
class Share:
    """A frame as one chunk shows it. ``keyframes``: times of those behind its influence, in that order."""

    decoded: Decoded
    weight: float
    keyframes: Sequence[int]


def engine_of(plan: Plan) -> ChunkEngine:
    """The plan's engine. Raises EngineFailedError for one that offers grids but cannot decode chunks."""
    if not isinstance(plan.engine, ChunkEngine):
        raise EngineFailedError(
            "the engine offers chunk grids", expected="decode_chunk and frame_of", found=type(plan.engine).__name__
        )
    return plan.engine


def between_slots(plan: Plan, keyframe: UsedKeyframe) -> str:
    """What the artist should know of a keyframe inside a chunk that has no exact place for it; else nothing."""
    use = keyframe.use
    spans = [(part.plan.request.time, part.plan.request.window) for part in plan.chunks]
    firsts = [first for first, window in spans if first <= use.time < first + len(window)]
    if all((use.time - first) % CHUNK_PHASE == 0 for first in firsts):
        return ""
    shown = 0 if use.label is None else use.label - use.time
    before = use.time - (use.time - firsts[-1]) % CHUNK_PHASE
    return (
        f"{use.name}: the picture is moved by measured motion, as the engine has no place for this frame; "
        f"frames {before + shown} and {before + CHUNK_PHASE + shown} fit exactly"
    )


def added_up(shares: Sequence[Share], times: Sequence[int]) -> Decoded:
    """One frame; ``influence`` is in the order of ``times``."""
    blinds = [share.decoded.blind for share in shares if share.decoded.blind is not None]
    return Decoded(
        frame=_mean(shares, [share.decoded.frame for share in shares]),
        blind=_mean(shares, blinds) if len(blinds) == len(shares) else None,
        confidence=_mean(shares, [share.decoded.confidence for share in shares]),
        influence=_mean(shares, [_in_order(share, times) for share in shares]),
    )


def _mean(shares: Sequence[Share], pictures: Sequence[torch.Tensor]) -> torch.Tensor:
    if len(shares) == 1:
        return pictures[0]
    total = torch.zeros_like(pictures[0])
    for share, picture in zip(shares, pictures, strict=True):
        total.add_(picture, alpha=share.weight)
    return total


def _in_order(share: Share, times: Sequence[int]) -> torch.Tensor:
    influence = share.decoded.influence
    ordered = influence.new_zeros((len(times), *share.decoded.confidence.shape[1:]))
    for time, picture in zip(share.keyframes, influence, strict=True):
        ordered[times.index(time)] = picture
    return ordered
