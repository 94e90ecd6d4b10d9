"""Pictures as tensors: the small clip of support.small_clip, reduced to LR, for tests of engines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from support import small_clip

from sparkvsr.resample import Kernel, resize


@dataclass(frozen=True)
class Pictures:
    """``truth`` [3, H, W] and ``source`` [3, h, w] of each frame, float32, 0..1."""

    truth: list[torch.Tensor]
    source: list[torch.Tensor]


def clip(
    frames: int = 6,
    scale: int = 4,
    width: int = 192,
    height: int = 144,
    kernel: Kernel = "bicubic",
    cut: int | None = None,
) -> Pictures:
    """A moving clip whose truth is known; sides must be multiples of ``scale``."""
    arrays = small_clip.truth(frames, width, height, cut=cut)
    truth = [torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1))).clamp(0, 1) for array in arrays]
    return Pictures(truth, [resize(one, (height // scale, width // scale), kernel) for one in truth])
