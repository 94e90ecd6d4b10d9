"""Training of the fusion network: stage 1 in latent space, stage 2 in pixels, with its gate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import Dataset

from sparkvsr.lite.inference import channels_last
from sparkvsr.lite.network import GRID, FusionInput, FusionNetwork, FusionOutput
from sparkvsr.training import losses
from sparkvsr.training.batches import mixed, moved
from sparkvsr.training.store import PieceData, Pieces

_STRUCTURE = 0.1
_GATE = 0.02
_HARM = 1.0
_SMALLEST_SUM = 1e-12
_HELD_OUT_BATCHES = 6


@dataclass(frozen=True, slots=True)
class Result:
    """The frame at guidance 1 and Trust 0, [N, 3, H, W], and the gate [N, 1, H, W]."""

    frame: torch.Tensor
    gate: torch.Tensor


def result(
    known: FusionInput, motion: torch.Tensor, agreement: torch.Tensor, refinement: torch.Tensor | None
) -> Result:
    """What the engine's ``decode`` makes of these, for a batch: the same formulas as in ``sparkvsr.guidance``."""
    frames, count = known.strength.shape
    evidence = (motion + agreement).flatten(0, 1)
    confidence = (-evidence).exp().reshape(frames, count, *evidence.shape[1:]) * known.strength[:, :, None, None, None]
    height, width = known.blind.shape[2:]
    fine = F.interpolate(confidence.flatten(0, 1), (height, width), mode="bilinear", align_corners=False)
    fine = fine.reshape(frames, count, 1, height, width)
    gate = fine.amax(dim=1)
    squares = fine.square()
    shares = squares / squares.sum(dim=1, keepdim=True).clamp_min(_SMALLEST_SUM)
    frame = known.blind + gate * ((shares * known.keyed).sum(dim=1) - known.blind)
    if refinement is not None:
        frame = frame + gate * refinement
    return Result(frame, gate)


class FusionTask:
    """``FusionNetwork`` on pieces of what the hand-made engine carried; measured by its gain over that engine in dB."""

    def __init__(
        self, train: Path, held_out: Path, seed: int, steps: int, batch: int, stage: int, device: torch.device
    ) -> None:
        torch.manual_seed(seed)
        self._stage = stage
        self.model = channels_last(FusionNetwork()).to(device)
        self._device = device
        self.data: Dataset[Any] = PieceData(train, seed + stage, steps, batch)
        self._held_out = PieceData(held_out, seed, _HELD_OUT_BATCHES, 16)

    def loss(self, batch: Pieces) -> tuple[torch.Tensor, dict[str, float]]:
        """Stage 1: Charbonnier between latents where the gate is open. Stage 2: pixels, structure and gate."""
        batch = moved(batch, self._device)
        with mixed(self._device):
            made: FusionOutput = self.model(batch.known)
        return self._latent_loss(batch, made) if self._stage == 1 else _pixel_loss(batch, made)

    def _latent_loss(self, batch: Pieces, made: FusionOutput) -> tuple[torch.Tensor, dict[str, float]]:
        before = result(batch.known, batch.known.motion, batch.known.agreement, None)
        wanted = F.pixel_unshuffle((batch.truth - before.frame) * before.gate, GRID)
        found = made.latent * F.pixel_unshuffle(before.gate.expand_as(batch.truth), GRID)
        loss = losses.charbonnier(found, wanted)
        return loss, {"latent": float(loss.detach())}

    @torch.no_grad()
    def measure(self, model: nn.Module) -> dict[str, float]:
        """Mean over held-out pieces of the gain in dB over the hand-made engine, and of both over blind."""
        sums: dict[str, float] = {"gain": 0.0, "handmade": 0.0, "worst": 0.0}
        count = 0
        for index in range(len(self._held_out)):
            batch = moved(self._held_out[index], self._device)
            with mixed(self._device):
                made: FusionOutput = model(batch.known)
            refinement = made.refinement
            after = _psnr(result(batch.known, made.motion, made.agreement, refinement).frame, batch.truth)
            before = _psnr(result(batch.known, batch.known.motion, batch.known.agreement, None).frame, batch.truth)
            blind = _psnr(batch.known.blind, batch.truth)
            sums["gain"] += float((after - before).sum())
            sums["handmade"] += float((before - blind).sum())
            sums["worst"] = min(sums["worst"], float((after - torch.maximum(before, blind)).min()))
            count += len(after)
        return {name: value if name == "worst" else value / count for name, value in sums.items()}


def _pixel_loss(batch: Pieces, made: FusionOutput) -> tuple[torch.Tensor, dict[str, float]]:
    after = result(batch.known, made.motion, made.agreement, made.refinement)
    pixels = losses.charbonnier(after.frame, batch.truth)
    gate = _gate_loss(batch, made)
    harm = _harm_loss(batch, after)
    loss = pixels + _STRUCTURE * losses.gradients(after.frame, batch.truth) + _GATE * gate + _HARM * harm
    return loss, {"pixels": float(pixels.detach()), "gate": float(gate.detach()), "harm": float(harm.detach())}


def _harm_loss(batch: Pieces, after: Result) -> torch.Tensor:
    """How much worse than the blind result, and than the hand-made engine, places of 8×8 pixels have become."""
    with torch.no_grad():
        before = result(batch.known, batch.known.motion, batch.known.agreement, None)
        bounds = [_local_error(one, batch.truth) for one in (batch.known.blind, before.frame)]
    made = _local_error(after.frame, batch.truth)
    return sum((F.relu(made - bound).mean() for bound in bounds), start=made.new_zeros(()))


def _local_error(frame: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    return F.avg_pool2d((frame - truth).square().mean(dim=1, keepdim=True), 8).add(1e-8).sqrt()


def _gate_loss(batch: Pieces, made: FusionOutput) -> torch.Tensor:
    """Motion confidence shall be what true detail deserves there, whatever the keyframe itself is like."""
    confidence = (-made.motion.clamp(1e-4, 16.0)).exp()
    error = F.binary_cross_entropy(confidence, batch.holds, reduction="none")
    weight = batch.known.strength[:, :, None, None, None].expand_as(error)
    return (error * weight).sum() / weight.sum().clamp_min(1.0)


def _psnr(made: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """dB of each of N pictures, all channels."""
    return -10.0 * (made.clamp(0, 1) - truth).square().mean(dim=(1, 2, 3)).clamp_min(1e-10).log10()
