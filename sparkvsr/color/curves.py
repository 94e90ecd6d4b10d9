"""Transfer curves: between code values and scene-linear light, exact both ways on any device.

Shapes are kept; everything is float32. Every curve is defined, monotone and invertible for every finite number: beyond
the codes that its publication defines it goes on as a straight line, or mirrored at 0 where the publication has no toe.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch


class Curve(Protocol):
    """A transfer curve. Code 0..1 is the range of an integer file; linear 1.0 is a diffuse white in diffuse light."""

    def decode(self, coded: torch.Tensor) -> torch.Tensor:
        """Scene-linear light of code values; may be infinite where float32 has no number for it, never NaN."""

    def encode(self, linear: torch.Tensor) -> torch.Tensor:
        """Code values of scene-linear light; finite for finite light."""


@dataclass(frozen=True)
class LogCurve:
    """A camera's log curve: ``log_slope · log_base(lin_slope·x + lin_offset) + log_offset`` from ``lin_break`` on.

    Below it a straight line; ``linear_slope`` None: the tangent.
    """

    base: float
    log_slope: float
    log_offset: float
    lin_slope: float
    lin_offset: float
    lin_break: float
    linear_slope: float | None = None

    def decode(self, coded: torch.Tensor) -> torch.Tensor:
        """Exponential above the break, straight below it."""
        slope, offset = self._line()
        exponent = (coded - self.log_offset) * (math.log(self.base) / self.log_slope)
        curved = (exponent.exp() - self.lin_offset) / self.lin_slope
        return torch.where(coded > self._at(self.lin_break), curved, (coded - offset) / slope)

    def encode(self, linear: torch.Tensor) -> torch.Tensor:
        """Logarithm above the break, straight below it."""
        slope, offset = self._line()
        inside = (linear.clamp_min(self.lin_break) * self.lin_slope + self.lin_offset).log()
        curved = inside * (self.log_slope / math.log(self.base)) + self.log_offset
        return torch.where(linear > self.lin_break, curved, linear * slope + offset)

    def _at(self, linear: float) -> float:
        inside = self.lin_slope * linear + self.lin_offset
        return self.log_slope * math.log(inside, self.base) + self.log_offset

    def _line(self) -> tuple[float, float]:
        inside = self.lin_slope * self.lin_break + self.lin_offset
        slope = self.linear_slope or self.log_slope * self.lin_slope / (inside * math.log(self.base))
        return slope, self._at(self.lin_break) - slope * self.lin_break


@dataclass(frozen=True)
class PowerCurve:
    """``((x + offset) / (1 + offset))^gamma`` with a straight toe that touches it, as in sRGB and BT.709."""

    gamma: float
    offset: float

    def decode(self, coded: torch.Tensor) -> torch.Tensor:
        """Power above the break, straight below it and for negatives."""
        edge, slope = self._toe()
        curved = ((coded.clamp_min(edge) + self.offset) / (1.0 + self.offset)).pow(self.gamma)
        return torch.where(coded > edge, curved, coded * slope)

    def encode(self, linear: torch.Tensor) -> torch.Tensor:
        """Root above the break, straight below it and for negatives."""
        edge, slope = self._toe()
        curved = linear.clamp_min(edge * slope).pow(1.0 / self.gamma) * (1.0 + self.offset) - self.offset
        return torch.where(linear > edge * slope, curved, linear / slope)

    def _toe(self) -> tuple[float, float]:
        """The code where the toe ends, and its slope."""
        edge = self.offset / (self.gamma - 1.0)
        return edge, (((edge + self.offset) / (1.0 + self.offset)) ** self.gamma) / edge


@dataclass(frozen=True)
class PerceptualQuantizer:
    """SMPTE ST 2084: code 1 is 10 000 cd/m², linear 1.0 is 100 cd/m². Mirrored at 0, straight above code 1."""

    m1: float = 2610.0 / 16384.0
    m2: float = 2523.0 / 4096.0 * 128.0
    c1: float = 3424.0 / 4096.0
    c2: float = 2413.0 / 4096.0 * 32.0
    c3: float = 2392.0 / 4096.0 * 32.0
    peak: float = 100.0

    def decode(self, coded: torch.Tensor) -> torch.Tensor:
        """The EOTF, without clamping."""
        magnitude = coded.abs()
        root = magnitude.clamp_max(1.0).pow(1.0 / self.m2)
        inside = ((root - self.c1).clamp_min(0.0) / (self.c2 - self.c3 * root)).pow(1.0 / self.m1)
        return ((inside + (magnitude - 1.0).clamp_min(0.0) * self._slope()) * self.peak).copysign(coded)

    def encode(self, linear: torch.Tensor) -> torch.Tensor:
        """The inverse; black is code 0, where the formula alone would give 7e-7."""
        share = linear.abs() / self.peak
        power = share.clamp_max(1.0).pow(self.m1)
        inside = ((self.c1 + self.c2 * power) / (1.0 + self.c3 * power)).pow(self.m2)
        coded = torch.where(share > 0.0, inside, share) + (share - 1.0).clamp_min(0.0) / self._slope()
        return coded.copysign(linear)

    def _slope(self) -> float:
        """Of the decoded light, as a share of the peak, at code 1."""
        top, bottom = 1.0 - self.c1, self.c2 - self.c3
        logarithmic = 1.0 / top + self.c3 / bottom
        return logarithmic / (self.m1 * self.m2)


@dataclass(frozen=True)
class HybridLogGamma:
    """The camera's curve of BT.2100 HLG, mirrored at 0. ``white``: the linear value of code 1.

    3 puts 18 % grey near code 0.42 and the reference white of code 0.75 at 0.8.
    """

    a: float = 0.17883277
    white: float = 3.0

    def decode(self, coded: torch.Tensor) -> torch.Tensor:
        """Square below code 0.5, exponential above."""
        b, c = self._constants()
        magnitude = coded.abs()
        curved = (((magnitude - c) / self.a).exp() + b) / 12.0
        light = torch.where(magnitude > 0.5, curved, magnitude.clamp_max(0.5).square() / 3.0)
        return (light * self.white).copysign(coded)

    def encode(self, linear: torch.Tensor) -> torch.Tensor:
        """Root below a twelfth of the white, logarithm above."""
        b, c = self._constants()
        share = linear.abs() / self.white
        curved = (share.clamp_min(1.0 / 12.0) * 12.0 - b).log() * self.a + c
        return torch.where(share > 1.0 / 12.0, curved, (share * 3.0).sqrt()).copysign(linear)

    def _constants(self) -> tuple[float, float]:
        b = 1.0 - 4.0 * self.a
        return b, 0.5 - self.a * math.log(4.0 * self.a)


def cineon() -> LogCurve:
    """Kodak's film log: of 10 bits, 0.002 density a code, gamma 0.6, black at 95, white (1.0) at 685.

    Light darker than code 0 goes on along the tangent there.
    """
    per_code = 0.002 / 0.6
    black = 10.0 ** ((95.0 - 685.0) * per_code)
    darkest = (10.0 ** (-685.0 * per_code) - black) / (1.0 - black)
    return LogCurve(10.0, 1.0 / (1023.0 * per_code), 685.0 / 1023.0, 1.0 - black, black, darkest)


def acescct() -> LogCurve:
    """Academy S-2016-001."""
    return LogCurve(2.0, 1.0 / 17.52, 9.72 / 17.52, 1.0, 0.0, 0.0078125, 10.5402377416545)
