"""The blind part: what the source frame alone gives. A trained network takes this place later."""

from __future__ import annotations

import torch

from sparkvsr.resample import resize

_LUMA = (0.299, 0.587, 0.114)


def upscale(picture: torch.Tensor, scale: int) -> torch.Tensor:
    """[3, h, w] to [3, h·scale, w·scale] by Lanczos (3 lobes); the picture itself at ×1."""
    if scale == 1:
        return picture
    height, width = picture.shape[1:]
    return resize(picture, (height * scale, width * scale), "lanczos3")


def luma(picture: torch.Tensor) -> torch.Tensor:
    """BT.601 luma [1, H, W] of a working picture [3, H, W]."""
    brightness = picture[0:1] * _LUMA[0]
    return brightness.add_(picture[1:2], alpha=_LUMA[1]).add_(picture[2:3], alpha=_LUMA[2])
