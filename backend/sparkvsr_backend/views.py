"""What of a decoded frame is shown: pure functions from tensors to a working picture [3, H, W]."""

from __future__ import annotations

import torch

from sparkvsr.engine import Decoded
from sparkvsr_backend.requests import View

# One hue per keyframe, told apart by most eyes; the earlier keyframe of two is warm, the later one cold.
_HUES = ((1.0, 0.55, 0.1), (0.1, 0.55, 1.0), (0.35, 0.85, 0.35), (0.85, 0.35, 0.85))
_GREY = 0.5


def compose(view: View, decoded: Decoded) -> torch.Tensor:
    """The picture that ``view`` means; source and split need the source frame and are made elsewhere."""
    if view is View.BLIND:
        return _blind(decoded)
    if view is View.DIFFERENCE:
        return decoded.frame - _blind(decoded) + _GREY
    if view is View.CONFIDENCE:
        return decoded.confidence.expand(3, -1, -1)
    if view is View.INFLUENCE:
        return influence_picture(decoded.influence, decoded.confidence)
    return decoded.frame


def _blind(decoded: Decoded) -> torch.Tensor:
    if decoded.blind is None:
        raise ValueError("expected a frame that was decoded without keyframes as well, found none")
    return decoded.blind


def influence_picture(influence: torch.Tensor, confidence: torch.Tensor) -> torch.Tensor:
    """Each keyframe's share in its hue, black where nothing came through: [K, H, W] and [1, H, W] to [3, H, W]."""
    picture = torch.zeros((3, *confidence.shape[1:]), dtype=confidence.dtype, device=confidence.device)
    for index, share in enumerate(influence):
        hue = torch.tensor(_HUES[index % len(_HUES)], dtype=picture.dtype, device=picture.device)
        picture += hue.view(3, 1, 1) * (share * confidence[0])
    return picture


def split_picture(left: torch.Tensor, right: torch.Tensor, position: float) -> torch.Tensor:
    """``left`` up to ``position`` of the width, ``right`` from there on; both [3, H, W]."""
    column = round(position * left.shape[2])
    return torch.cat((left[:, :, :column], right[:, :, column:]), dim=2)


def keeps_alpha(view: View) -> bool:
    """Whether a view shows the picture itself, so that its alpha means something."""
    return view in (View.RESULT, View.SOURCE, View.BLIND, View.SPLIT)


def confidence_summary(confidence: torch.Tensor, keyframes: int) -> tuple[float, float]:
    """(mean, share of pixels below 0.5) of [1, H, W]; (1, 0) without keyframes.

    Summed as integers: no order, no rounding.
    """
    if not keyframes:
        return 1.0, 0.0
    steps = (confidence.clamp(0.0, 1.0) * 65535.0).round().to(torch.int64)
    pixels = confidence.numel()
    return int(steps.sum()) / (65535.0 * pixels), int((confidence < 0.5).sum()) / pixels
