"""What is done to a finished picture, at the artist's wish: sharpness, and the source's grain given back.

Both work on the working picture at the output's scale, sharpness first, before transfer curve and target. At an amount
of 0 neither is called, so a result without them is the engine's own, bit for bit.
"""

from sparkvsr.finish.grain import Grain, add_grain, measure_grain
from sparkvsr.finish.sharpness import sharpen

__all__ = ["Grain", "add_grain", "measure_grain", "sharpen"]
