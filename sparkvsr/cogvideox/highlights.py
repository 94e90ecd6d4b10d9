"""Values outside 0..1, which the network has never seen: taken off before it, put back after it, where they belong.

``picture = base + excess``: the base is what a display shows, the excess is 0 in ordinary pictures. Enlarged, the
excess is blurred, and the network has sharpened the base below it; so highlights come back only where the sharp base is
bright, and negatives only where it is dark: no glow around a lamp's edge. A picture within 0..1 passes untouched.
"""

from __future__ import annotations

from typing import Final

import torch

from sparkvsr.resample import resize

# Highlights come back fully where the base is above the second, not at all below the first; negatives mirror that.
_FADES: Final = (0.5, 0.9)


def split(picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Base in 0..1 and excess of [3, h, w]; None where nothing lies outside."""
    base = picture.clamp(0.0, 1.0)
    excess = picture - base
    return base, excess if bool(excess.any()) else None


def join(base: torch.Tensor, excess: torch.Tensor | None) -> torch.Tensor:
    """A picture [3, H, W] from its base in 0..1 and the excess [3, h, w] of the source frame."""
    if excess is None:
        return base
    size = (base.shape[1], base.shape[2])
    bright = resize(excess.clamp_min(0.0), size, "bicubic").clamp_min_(0.0)
    dark = resize(excess.clamp_max(0.0), size, "bicubic").clamp_max_(0.0)
    return base + bright * _rising(base) + dark * _rising(1.0 - base)


def _rising(base: torch.Tensor) -> torch.Tensor:
    low, high = _FADES
    place = ((base - low) / (high - low)).clamp(0.0, 1.0)
    return place.square() * (3.0 - 2.0 * place)
