"""A clip made smaller: the low-resolution source whose truth is known."""

from __future__ import annotations

from dataclasses import replace

from sparkvsr.color import pack, unpack
from sparkvsr.frames import Frame, PixelFormat
from sparkvsr.media.clip import Clip, GeneratedClip
from sparkvsr.media.errors import UnsupportedMediaError
from sparkvsr.resample import Kernel, resize


def reduced(frame: Frame, factor: int, kernel: Kernel = "bicubic") -> Frame:
    """A frame ``factor`` times smaller a side, antialiased in the samples' own encoding, at the same depth."""
    layout = frame.format
    size = (layout.height // factor, layout.width // factor)
    rgb, alpha = unpack(frame)
    small = PixelFormat(size[1], size[0], layout.components, layout.depth, layout.premultiplication)
    return pack(resize(rgb, size, kernel), None if alpha is None else resize(alpha, size, kernel), small)


def cropped(frame: Frame, width: int, height: int) -> Frame:
    """The middle of a frame."""
    layout = frame.format
    left, top = (layout.width - width) // 2, (layout.height - height) // 2
    pixels = frame.pixels[top : top + height, left : left + width]
    return Frame(pixels, replace(layout, width=width, height=height))


def divisible(clip: Clip, factor: int) -> Clip:
    """The clip, its edges cut to multiples of ``factor``. Raises UnsupportedMediaError when it is too small."""
    layout = clip.info.layout
    width, height = layout.width - layout.width % factor, layout.height - layout.height % factor
    if min(width, height) < factor:
        raise UnsupportedMediaError(
            "the clip is too small", expected=f"at least {factor}x{factor}", found=f"{layout.width}x{layout.height}"
        )
    if (width, height) == (layout.width, layout.height):
        return clip
    info = replace(clip.info, layout=replace(layout, width=width, height=height))
    return GeneratedClip(info, clip.numbers, lambda number: cropped(clip.read(number), width, height))


def reduced_clip(clip: Clip, factor: int, kernel: Kernel = "bicubic") -> Clip:
    """A clip ``factor`` times smaller; its sides must be multiples of it."""
    layout = clip.info.layout
    info = replace(clip.info, layout=replace(layout, width=layout.width // factor, height=layout.height // factor))
    return GeneratedClip(info, clip.numbers, lambda number: reduced(clip.read(number), factor, kernel))
