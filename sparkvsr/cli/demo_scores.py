"""PSNR and SSIM of the demo's results."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from rich.table import Table

from sparkvsr.color import unpack
from sparkvsr.frames import Frame
from sparkvsr.metrics import psnr_y, ssim_y

METHODS = ("Lanczos", "blind", "keyed")
_BEST_PSNR = 99.0  # of equal pictures, so that a mean can be taken


@dataclass(slots=True)
class Scores:
    """Values of each judged frame, by method."""

    psnr: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in METHODS})
    ssim: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in METHODS})

    def add(self, results: dict[str, Frame], truth: Frame) -> None:
        """Measure one frame of every method; equal pictures are measured once."""
        wanted = unpack(truth)[0]
        measured: list[tuple[torch.Tensor, float, float]] = []
        for name in METHODS:
            picture = unpack(results[name])[0]
            known = next((values for seen, *values in measured if torch.equal(seen, picture)), None)
            psnr, ssim = known or (min(psnr_y(picture, wanted), _BEST_PSNR), ssim_y(picture, wanted))
            measured.append((picture, psnr, ssim))
            self.psnr[name].append(psnr)
            self.ssim[name].append(ssim)

    def mean(self, name: str) -> tuple[float, float]:
        """Mean PSNR in dB and mean SSIM."""
        return _mean(self.psnr[name]), _mean(self.ssim[name])

    def table(self) -> Table:
        """One row a method."""
        table = Table("", "PSNR", "", "SSIM")
        for column in table.columns[1:]:
            column.justify = "right"
        reference = self.mean(METHODS[0])[0]
        for name in METHODS:
            psnr, ssim = self.mean(name)
            table.add_row(name, f"{psnr:.2f} dB", f"{psnr - reference:+.2f}", f"{ssim:.4f}")
        return table

    def as_json(self) -> dict[str, dict[str, float]]:
        """Means by method."""
        return {name: dict(zip(("psnr_y", "ssim_y"), self.mean(name), strict=True)) for name in METHODS}


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan
