"""Sharpness and grain of what is shown: which views have them, and how they are put on."""

from __future__ import annotations

import torch

from sparkvsr.finish import Grain, add_grain, sharpen
from sparkvsr_backend import keys
from sparkvsr_backend.keys import Key
from sparkvsr_backend.requests import RenderRequest, Settings


def is_wanted(settings: Settings) -> bool:
    """Whether the view shows a result that is to be touched at all."""
    return keys.shows_finish(settings.view) and (settings.grain > 0.0 or settings.sharpness > 0.0)


def grain_key(request: RenderRequest) -> Key | None:
    """Of the source frame's measured grain; None where none is wanted."""
    settings = request.settings
    if not keys.shows_finish(settings.view) or settings.grain == 0.0:
        return None
    return keys.digest("grain", request.own_frame, settings.transfer.value)


def finished(picture: torch.Tensor, request: RenderRequest, grain: Grain | None) -> torch.Tensor:
    """``picture`` [3, H, W] as the settings want it: sharpness first, so that grain stays as it was measured."""
    settings = request.settings
    if settings.sharpness > 0.0:
        picture = sharpen(picture, settings.sharpness, settings.scale)
    if grain is not None:
        picture = add_grain(picture, grain, settings.grain, settings.scale, request.own_frame)
    return picture
