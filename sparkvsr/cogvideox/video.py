"""Between working pictures and what the network sees: base, enlarged, padded, made 8n + 1 frames long."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F

from sparkvsr.cogvideox.geometry import Padding, padded_length


def network_video(bases: Sequence[torch.Tensor], scale: int, dtype: torch.dtype) -> torch.Tensor:
    """[F', 3, H', W'] of frames [3, h, w] in 0..1: bilinear, right and bottom edges and the last frame repeated."""
    padding = Padding(bases[0].shape[1] * scale, bases[0].shape[2] * scale)
    length = padded_length(len(bases))
    video = torch.empty((length, 3, *padding.padded), dtype=dtype)
    for index, base in enumerate(bases):
        video[index] = pad(enlarge(base, scale), padding)
    video[len(bases) :] = video[len(bases) - 1]
    return video


def enlarge(base: torch.Tensor, scale: int) -> torch.Tensor:
    """[3, h, w] to [3, h·scale, w·scale] by bilinear interpolation, as the network was trained."""
    if scale == 1:
        return base
    return F.interpolate(base.unsqueeze(0), scale_factor=scale, mode="bilinear", align_corners=False).squeeze(0)


def pad(picture: torch.Tensor, padding: Padding) -> torch.Tensor:
    """[C, H, W] to the padded size; edges are repeated, since black would darken what lies beside it."""
    return F.pad(picture.unsqueeze(0), padding.amount, mode="replicate").squeeze(0)
