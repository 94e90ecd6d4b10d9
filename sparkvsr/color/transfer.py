"""Transfer curves by name, and the shaper that makes scene-linear light a working picture."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

import torch

from sparkvsr.color.curves import Curve, HybridLogGamma, acescct, cineon
from sparkvsr.color.ocio import named_curve
from sparkvsr.frames import Name

LARGEST: Final = 65504.0


class Transfer(Name):
    """Transfer curve of a picture, by its name in the protocol."""

    SRGB = "srgb"
    REC709 = "rec709"
    LINEAR = "linear"
    ACESCCT = "acescct"
    CINEON = "cineon"
    LOGC3 = "logc3"
    LOGC4 = "logc4"
    SLOG3 = "slog3"
    VLOG = "vlog"
    LOG3G10 = "log3g10"
    PQ = "pq"
    HLG = "hlg"


# The pinned OpenColorIO config has no curve for the other three; theirs are the published formulas.
_OCIO_NAMES: Final = {
    Transfer.REC709: "Rec.709 - Curve",
    Transfer.LOGC3: "ARRI LogC3 - Curve (EI800)",
    Transfer.LOGC4: "ARRI LogC4 - Curve",
    Transfer.SLOG3: "S-Log3 - Curve",
    Transfer.VLOG: "V-Log - Curve",
    Transfer.LOG3G10: "Log3G10 - Curve",
    Transfer.PQ: "ST-2084 - Curve",
}
_FORMULAS: Final[dict[Transfer, Callable[[], Curve]]] = {
    Transfer.ACESCCT: acescct,
    Transfer.CINEON: cineon,
    Transfer.HLG: HybridLogGamma,
}


@cache
def curve_of(transfer: Transfer) -> Curve | None:
    """The curve between samples and scene-linear light; None for sRGB, the working space itself, and scene-linear."""
    if transfer in (Transfer.SRGB, Transfer.LINEAR):
        return None
    formula = _FORMULAS.get(transfer)
    return named_curve(_OCIO_NAMES[transfer]) if formula is None else formula()


# The sRGB curve up to 1; from there on a logarithm of the same slope, so that a lamp at 1000 stays within reach of the
# tolerances that were made for 0..1. Negatives mirror positives.
_TOE_LINEAR = 0.0031308
_TOE_SLOPE = 12.92
_TOE_WORKING = _TOE_LINEAR * _TOE_SLOPE
_SCALE = 1.055
_OFFSET = 0.055
_GAMMA = 2.4
_SLOPE_AT_ONE = _SCALE / _GAMMA


def to_working(rgb: torch.Tensor, transfer: Transfer) -> torch.Tensor:
    """Working picture of [3, H, W] float32 in ``transfer``; finite for finite samples."""
    if transfer is Transfer.SRGB:
        return rgb.clamp(-LARGEST, LARGEST)
    curve = curve_of(transfer)
    return _shaped(rgb if curve is None else curve.decode(rgb).clamp_(-LARGEST, LARGEST))


def from_working(rgb: torch.Tensor, transfer: Transfer) -> torch.Tensor:
    """The inverse of ``to_working``; finite for every finite picture."""
    if transfer is Transfer.SRGB:
        return rgb
    linear, curve = _unshaped(rgb), curve_of(transfer)
    return linear if curve is None else curve.encode(linear.clamp_(-LARGEST, LARGEST))


def _shaped(linear: torch.Tensor) -> torch.Tensor:
    magnitude = linear.abs()
    curve = _SCALE * magnitude.clamp(_TOE_LINEAR, 1.0).pow(1.0 / _GAMMA) - _OFFSET
    shaped = torch.where(magnitude <= _TOE_LINEAR, magnitude * _TOE_SLOPE, curve)
    highlights = 1.0 + _SLOPE_AT_ONE * magnitude.clamp_min(1.0).log()
    return torch.where(magnitude > 1.0, highlights, shaped).copysign(linear)


def _unshaped(working: torch.Tensor) -> torch.Tensor:
    magnitude = working.abs()
    curve = ((magnitude.clamp(_TOE_WORKING, 1.0) + _OFFSET) / _SCALE).pow(_GAMMA)
    shaped = torch.where(magnitude <= _TOE_WORKING, magnitude / _TOE_SLOPE, curve)
    highlights = ((magnitude.clamp_min(1.0) - 1.0) / _SLOPE_AT_ONE).clamp_max(88.0).exp()
    return torch.where(magnitude > 1.0, highlights, shaped).copysign(working)
