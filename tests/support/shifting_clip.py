"""A small clip that moves by whole pixels, and its high-resolution truth: cheap, with motion that can be measured."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from sparkvsr.engine import WindowFrame


def clip(
    frames: int, height: int, width: int, scale: int, speed: int = 1
) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """LR frames [3, height, width] and their truth at ``scale``; ``speed``: LR pixels to the right for each frame."""
    random = torch.Generator().manual_seed(7)
    coarse = torch.rand((1, 3, height // 4 + 2, (width + frames * speed) // 4 + 2), generator=random)
    size = (height * scale, (width + frames * speed) * scale)
    scene = F.interpolate(coarse, size=size, mode="bicubic", align_corners=False)[0].clamp(0.0, 1.0)
    truth = []
    for index in range(frames):
        start = (frames - index) * speed * scale
        truth.append(scene[:, :, start : start + width * scale].contiguous())
    return [F.avg_pool2d(picture.unsqueeze(0), scale)[0] for picture in truth], truth


def window(pictures: list[torch.Tensor]) -> list[WindowFrame]:
    return [WindowFrame(index, picture) for index, picture in enumerate(pictures)]
