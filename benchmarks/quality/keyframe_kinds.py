"""What keyframes may be like: true ones, imperfect ones, and pictures that they must never be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from sparkvsr.resample import resize
from sparkvsr.training.degradations import jpeg, noise, rounded
from sparkvsr.training.spoil import sharpened

TRUE = "true"
ISR = "made by an ISR"
STRONG_ISR = "made by a strong ISR"


@dataclass(frozen=True)
class Case:
    """A keyframe's frame: its ``truth`` and blind result [3, H, W], its ``source`` [3, h, w], another clip's frame."""

    t: int
    truth: torch.Tensor
    blind: torch.Tensor
    source: torch.Tensor
    stranger: torch.Tensor


Make = Callable[[Case], torch.Tensor]


def _blurred(case: Case) -> torch.Tensor:
    return rounded(resize(case.source, (case.truth.shape[1], case.truth.shape[2]), "bicubic"))


def _foreign(case: Case) -> torch.Tensor:
    return rounded(resize(case.stranger, (case.truth.shape[1], case.truth.shape[2]), "bicubic"))


def _graded(case: Case, gains: tuple[float, float, float]) -> torch.Tensor:
    return rounded(case.truth * torch.tensor(gains).view(3, 1, 1))


WRONG: dict[str, Make] = {
    "mirrored": lambda case: case.truth.flip(2),
    "foreign": _foreign,
    "shifted 8 px": lambda case: case.truth.roll(8, dims=2),
    "+30 % gain": lambda case: case.truth * 1.3,
    "+30 % gain, clipped": lambda case: rounded(case.truth * 1.3),
    "blurred to LR": _blurred,
}
IMPERFECT: dict[str, Make] = {
    "JPEG 85": lambda case: jpeg(case.truth, 85),
    "sharpened": lambda case: sharpened(case.truth, 0.5),
    "noise σ 4": lambda case: rounded(case.truth + noise(case.truth, 4.0, np.random.default_rng(case.t))),
    "graded 4 %": lambda case: _graded(case, (1.04, 1.04, 1.04)),
    "graded warm 4 %": lambda case: _graded(case, (1.04, 1.0, 0.96)),
    "shifted 2 px": lambda case: case.truth.roll(2, dims=2),
    ISR: lambda case: sharpened(case.blind, 0.5),
    STRONG_ISR: lambda case: sharpened(case.blind, 1.0),
}
KINDS: dict[str, Make] = {TRUE: lambda case: case.truth, **IMPERFECT, **WRONG}
# Kinds of which a share of the true keyframes' gain has to be left.
KEPT = ("JPEG 85", "sharpened", "noise σ 4", "graded 4 %", "graded warm 4 %")
