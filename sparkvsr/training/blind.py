"""Training of the blind part."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import Dataset

from sparkvsr.lite.beside import bring_beside
from sparkvsr.lite.inference import channels_last
from sparkvsr.lite.network import BlindNetwork
from sparkvsr.metrics import psnr_y
from sparkvsr.resample import resize
from sparkvsr.training import losses
from sparkvsr.training.degradations import blur_and_decimate, rounded
from sparkvsr.training.material import Material, Pixels, Shot, decode
from sparkvsr.training.windows import WindowData, Windows

_STRUCTURE = 0.1  # weight of the gradient loss beside the pixels'
_MEASURED_SIDE = 480


class BlindTask:
    """``BlindNetwork`` on windows of real frames; measured on held-out frames by its gain over bicubic in dB."""

    def __init__(
        self, material: Material, held_out: list[Shot], seed: int, steps: int, batch: int, *, neighbours: bool = False
    ) -> None:
        torch.manual_seed(seed)
        self.model = channels_last(BlindNetwork())
        self.data: Dataset[Any] = WindowData(material, seed, steps, batch, neighbours=neighbours)
        self._held_out = held_out

    def loss(self, batch: Windows) -> tuple[torch.Tensor, dict[str, float]]:
        """Charbonnier and gradient loss of the HR frames."""
        frame = batch.frame.to(memory_format=torch.channels_last)
        beside = None if batch.beside is None else batch.beside.to(memory_format=torch.channels_last)
        with torch.autocast(frame.device.type, torch.bfloat16):
            detail = self.model(frame, beside, batch.scale)
        made = batch.base + detail.float()
        pixels = losses.charbonnier(made, batch.truth)
        return pixels + _STRUCTURE * losses.gradients(made, batch.truth), {
            f"pixels_x{batch.scale}": float(pixels.detach())
        }

    @torch.inference_mode()
    def measure(self, model: nn.Module) -> dict[str, float]:
        """Mean gain over bicubic at ×4 from BI and BD, of the frame with and without its neighbours."""
        gains: dict[str, list[float]] = {}
        for shot in self._held_out:
            frames = [_picture(frame) for frame in shot.frames]
            for kind in ("bi", "bd"):
                low = [_reduced(frame, kind) for frame in frames]
                for name, gain in _gains(model, low, frames[len(frames) // 2]).items():
                    gains.setdefault(f"{kind}_{name}", []).append(gain)
        return {name: sum(values) / len(values) for name, values in gains.items()}


def held_out(folder: Path, names: list[str]) -> list[Shot]:
    """Five frames from the middle of each of the clips ``names``, cropped to at most 480 × 480 pixels."""
    shots = []
    for name in names:
        frames = list(decode(folder / name))
        middle = len(frames) // 2
        shots.append(Shot(name, tuple(_cropped(frame) for frame in frames[middle - 2 : middle + 3])))
    return shots


def _cropped(frame: Pixels) -> Pixels:
    height, width = (min(side, _MEASURED_SIDE) // 4 * 4 for side in frame.shape[:2])
    y, x = (frame.shape[0] - height) // 2, (frame.shape[1] - width) // 2
    cropped: Pixels = frame[y : y + height, x : x + width].copy()
    return cropped


def _picture(frame: Pixels) -> torch.Tensor:
    return torch.from_numpy(frame).permute(2, 0, 1).float() / 255


def _reduced(picture: torch.Tensor, kind: str) -> torch.Tensor:
    size = (picture.shape[1] // 4, picture.shape[2] // 4)
    return rounded(resize(picture, size, "bicubic") if kind == "bi" else blur_and_decimate(picture, 4))


def _gains(model: nn.Module, low: list[torch.Tensor], truth: torch.Tensor) -> dict[str, float]:
    centre = low[len(low) // 2]
    base = resize(centre, (truth.shape[1], truth.shape[2]), "bicubic")
    neighbours: list[torch.Tensor | None] = [frame for frame in low if frame is not centre]
    before = psnr_y(base, truth)
    gains = {}
    for name, beside in (("window", bring_beside(centre, neighbours)[None]), ("alone", None)):
        made = base + model(centre[None], beside, 4)[0]
        gains[name] = psnr_y(made, truth) - before
    return {name: gain for name, gain in gains.items() if math.isfinite(gain)}
