"""Between stored pixels and working pictures: depth, alpha, transfer curve, and the shaper for values outside 0..1.

In: depth -> unpremultiply (``unpack``) -> transfer curve, shaper (``to_working``) -> engine. Out: shaper, transfer
curve (``from_working``) -> resample -> premultiply -> depth (``pack``). A working picture is display-referred: 0..1 is
the range of an sRGB picture. Highlights go on above 1, negatives below 0. Primaries are never touched.

Rule for values that are no numbers: NaN becomes 0 and ±Inf becomes ±65504 (the largest half) in ``unpack``, alpha is
limited to 0..1, and what a curve makes of extreme samples is limited to ±65504. So nothing that an engine averages can
spread NaN or Inf, and the same picture always gives the same pixels.
"""

from sparkvsr.color.alpha import Guide, upscale_alpha, varies
from sparkvsr.color.pixels import pack, unpack
from sparkvsr.color.transfer import LARGEST, Transfer, from_working, to_working

__all__ = [
    "LARGEST",
    "Guide",
    "Transfer",
    "from_working",
    "pack",
    "to_working",
    "unpack",
    "upscale_alpha",
    "varies",
]
