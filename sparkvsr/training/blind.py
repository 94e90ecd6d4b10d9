"""Training of the blind part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import Dataset

from sparkvsr.lite.inference import channels_last
from sparkvsr.lite.network import BlindNetwork
from sparkvsr.metrics import psnr_y
from sparkvsr.resample import resize
from sparkvsr.training import losses
from sparkvsr.training.batches import mixed, moved
from sparkvsr.training.degradations import blur_and_decimate, rounded
from sparkvsr.training.material import Material, Pixels, Shot, decode
from sparkvsr.training.windows import WindowData, Windows

_STRUCTURE = 0.1  # weight of the gradient loss beside the pixels'
_MEASURED_SIDE = 480


class BlindTask:
    """``BlindNetwork`` on windows of real frames; measured on held-out frames by its gain over bicubic in dB."""

    def __init__(
        self, material: Material, held_out: list[Shot], seed: int, steps: int, batch: int, device: torch.device
    ) -> None:
        torch.manual_seed(seed)
        self.model = channels_last(BlindNetwork()).to(device)
        self._device = device
        self.data: Dataset[Any] = WindowData(material, seed, steps, batch)
        self._held_out = held_out

    def loss(self, batch: Windows) -> tuple[torch.Tensor, dict[str, float]]:
        """Charbonnier and gradient loss of the HR frames."""
        batch = moved(batch, self._device)
        with mixed(self._device):
            detail = self.model(batch.frame.to(memory_format=torch.channels_last), batch.scale)
        made = batch.base + detail.float()
        pixels = losses.charbonnier(made, batch.truth)
        loss = pixels + _STRUCTURE * losses.gradients(made, batch.truth)
        return loss, {f"pixels_x{batch.scale}": float(pixels.detach())}

    @torch.inference_mode()
    def measure(self, model: nn.Module) -> dict[str, float]:
        """Mean gain over bicubic at ×4 from BI and BD, in dB."""
        gains: dict[str, list[float]] = {"bi": [], "bd": []}
        for shot in self._held_out:
            truth = _picture(shot.frames[0])
            for kind, found in gains.items():
                low = _reduced(truth, kind)
                base = resize(low, (truth.shape[1], truth.shape[2]), "bicubic")
                found.append(psnr_y(base + model(low[None].to(self._device), 4)[0].cpu(), truth) - psnr_y(base, truth))
        return {name: sum(values) / len(values) for name, values in gains.items() if values}


def held_out(folder: Path, names: list[str]) -> list[Shot]:
    """The middle frame of each of the clips ``names``, cropped to at most 480 × 480 pixels."""
    shots = []
    for name in names:
        frames = list(decode(folder / name))
        shots.append(Shot(name, (_cropped(frames[len(frames) // 2]),)))
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
