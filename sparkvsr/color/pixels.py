"""Between stored samples and colour with alpha: depth, premultiplication, and values that are no numbers."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from sparkvsr.color.transfer import LARGEST
from sparkvsr.frames import Depth, Frame, PixelFormat, Premultiplication

_LARGEST_QUOTIENT = 1e30  # far from what overflows when an engine adds a few of them


def unpack(frame: Frame) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Colour [3, H, W] float32, unpremultiplied, and alpha [1, H, W] float32 in 0..1 (None for RGB and opaque ones).

    Where premultiplied alpha is 0, colour has no meaning: black takes on the colour around it, so that resampling
    leaves no dark fringe; light without alpha (a glow) keeps its value.
    """
    planes = _as_float(frame)
    colour = planes[:3].contiguous()
    if frame.format.components == 3 or frame.format.premultiplication is Premultiplication.OPAQUE:
        return colour, None
    alpha = planes[3:].clamp(0.0, 1.0)
    if frame.format.premultiplication is Premultiplication.PREMULTIPLIED:
        colour = _unpremultiply(colour, alpha)
    return colour, alpha


def pack(rgb: torch.Tensor, alpha: torch.Tensor | None, layout: PixelFormat, out: torch.Tensor | None = None) -> Frame:
    """Pixels of ``layout`` from colour [3, H, W] and alpha [1, H, W] (None: 1), into ``out`` [H, W, C] when given.

    Integer depths are clamped and rounded to nearest, half is limited to ±65504. Raises ValueError when sizes differ.
    """
    if tuple(rgb.shape) != (3, layout.height, layout.width):
        raise ValueError(f"expected colour of shape {(3, layout.height, layout.width)}, found {tuple(rgb.shape)}")
    if layout.components == 4:
        rgb = torch.cat(_with_alpha(rgb, alpha, layout.premultiplication))
    samples = _to_depth(rgb, layout.depth).permute(1, 2, 0)
    if out is None:
        return Frame(samples.contiguous(), layout)
    frame = Frame(out, layout)
    out.copy_(samples)
    return frame


def _as_float(frame: Frame) -> torch.Tensor:
    planes = frame.pixels.permute(2, 0, 1).to(torch.float32)
    white = frame.format.depth.white
    if white != 1.0:
        return planes / white
    return torch.nan_to_num(planes, nan=0.0, posinf=LARGEST, neginf=-LARGEST)


def _unpremultiply(colour: torch.Tensor, alpha: torch.Tensor) -> torch.Tensor:
    """Division by alpha; one too small to divide by counts as 0, and the quotient is limited to stay finite."""
    covered = alpha >= 1e-6
    straight = torch.where(
        covered, (colour / alpha.clamp_min(1e-6)).clamp(-_LARGEST_QUOTIENT, _LARGEST_QUOTIENT), colour
    )
    if bool(covered.all()):
        return straight
    empty = ~covered & (colour == 0.0).all(dim=0, keepdim=True)
    return torch.where(empty, _surroundings(straight * covered, covered.to(torch.float32)), straight)


def _surroundings(colour: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """For each pixel the mean colour of the smallest 2^n block around it that has any weight."""
    filled = torch.where(weight > 0, colour / weight.clamp_min(1e-12), torch.zeros_like(colour))
    height, width = weight.shape[1:]
    if bool((weight > 0).all()) or (height == 1 and width == 1):
        return filled
    padding = (0, width % 2, 0, height % 2)
    halves = (F.avg_pool2d(F.pad(part, padding).unsqueeze(0), 2).squeeze(0) for part in (colour, weight))
    coarse = _surroundings(*halves).repeat_interleave(2, dim=1).repeat_interleave(2, dim=2)
    return torch.where(weight > 0, filled, coarse[:, :height, :width])


def _with_alpha(
    rgb: torch.Tensor, alpha: torch.Tensor | None, premultiplication: Premultiplication
) -> tuple[torch.Tensor, torch.Tensor]:
    if alpha is None or premultiplication is Premultiplication.OPAQUE:
        return rgb, torch.ones_like(rgb[:1])
    if tuple(alpha.shape) != (1, *rgb.shape[1:]):
        raise ValueError(f"expected alpha of shape {(1, *rgb.shape[1:])}, found {tuple(alpha.shape)}")
    return (rgb * alpha if premultiplication is Premultiplication.PREMULTIPLIED else rgb), alpha


def _to_depth(planes: torch.Tensor, depth: Depth) -> torch.Tensor:
    if depth is Depth.FLOAT:
        return planes
    if depth is Depth.HALF:
        return planes.clamp(-LARGEST, LARGEST).to(torch.float16)
    scaled = torch.nan_to_num(planes, nan=0.0).clamp(0.0, 1.0).mul(depth.white).round_()
    return scaled.to(torch.int32).to(depth.torch_dtype)
