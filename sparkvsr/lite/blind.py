"""The blind part: what the source frame alone gives. A trained network takes this place later."""

from __future__ import annotations

import torch

from sparkvsr.resample import resize


def upscale(picture: torch.Tensor, scale: int) -> torch.Tensor:
    """[3, h, w] to [3, h·scale, w·scale] by Lanczos (3 lobes); the picture itself at ×1."""
    if scale == 1:
        return picture
    height, width = picture.shape[1:]
    return resize(picture, (height * scale, width * scale), "lanczos3")
