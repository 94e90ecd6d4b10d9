"""Line plots of what was measured, drawn by OpenCV."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from .acceptance import gain
from .experiments import ENGINES, INTERVALS, STEADY, STEADY_KEYFRAME, at
from .lineup import BLIND, HANDMADE, HANDMADE_LANCZOS, KEYED
from .records import Differences, Figures

Colour = tuple[int, int, int]
Picture = np.ndarray[Any, np.dtype[np.uint8]]

_COLOURS: dict[str, Colour] = {
    BLIND: (120, 120, 120),
    HANDMADE_LANCZOS: (120, 170, 220),
    HANDMADE: (30, 95, 170),
    KEYED: (205, 80, 30),
}
_INK, _GRID, _PAPER = (35, 35, 35), (222, 222, 222), (255, 255, 255)
_WIDTH, _HEIGHT, _LEGEND = 1800, 470, 52  # of the whole, of a row of panels, of the names above
_LEFT, _RIGHT, _TOP, _BOTTOM = 96, 24, 48, 78  # margins of a panel
_TEXT = 0.75
_SHIFT = 4  # fractional bits of the places of lines
_cv2: Any = cv2  # its stubs know no optional arguments


@dataclass(frozen=True)
class Line:
    """Points of one variant, ascending in x."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Panel:
    """One pair of axes. ``marked``: an x that gets a line of its own."""

    title: str
    lines: Sequence[Line]
    marked: float | None = None


def distance_plot(figures: Figures) -> Picture:
    """Gain over blind against the distance to the nearest keyframe, a panel for each reduction."""
    panels = []
    for reduction in figures.names("reduction"):
        part = figures.where(reduction=reduction)
        lines = [Line(name, _gain_by_distance(part, name)) for name in ENGINES]
        panels.append(Panel(f"{reduction}: gain over blind in dB", lines))
    return draw(panels, "frames to the nearest keyframe", columns=2)


def _gain_by_distance(figures: Figures, variant: str) -> list[tuple[float, float]]:
    """At the distances that every clip has, so that each point is a mean of the same clips."""
    pairs = Differences([pair for interval in INTERVALS for pair in gain(figures, at(interval), variant).pairs])
    clips = len(pairs.by_clip())
    parts = {one.distance: pairs.at(one.distance, one.distance) for one, _ in pairs.pairs}
    return [(distance, part.mean()) for distance, part in sorted(parts.items()) if len(part.by_clip()) == clips]


def steady_plot(figures: Figures, reduction: str) -> Picture:
    """The output's warped difference over the truth's, frame by frame around a keyframe, a panel for each clip."""
    change = figures.where(experiment=STEADY, reduction=reduction, measure="change")
    panels = []
    for clip in change.names("clip"):
        own = change.where(clip=clip)
        names = [name for name in (BLIND, *ENGINES) if own.where(variant=name)]
        lines = [Line(name, [(one.t + 0.5, one.value) for one in own.where(variant=name).records]) for name in names]
        panels.append(Panel(clip, lines, STEADY_KEYFRAME))
    return draw(panels, "frame", columns=3)


def save(picture: Picture, path: Path) -> None:
    """Write a PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    done, packed = _cv2.imencode(".png", picture[:, :, ::-1], [_cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not done:
        raise RuntimeError("expected OpenCV to encode PNG, found that it cannot")
    path.write_bytes(packed.tobytes())


def draw(panels: Sequence[Panel], below: str, columns: int) -> Picture:
    """All panels in rows of ``columns``, with one legend above."""
    columns = max(1, min(columns, len(panels)))
    rows = math.ceil(len(panels) / columns)
    canvas = np.full((_LEGEND + rows * _HEIGHT, _WIDTH, 3), _PAPER, np.uint8)
    _legend(canvas, list(dict.fromkeys(line.name for panel in panels for line in panel.lines if line.points)))
    width = _WIDTH // columns
    for index, panel in enumerate(panels):
        top, left = _LEGEND + index // columns * _HEIGHT, index % columns * width
        _Axes(canvas[top : top + _HEIGHT, left : left + width], panel).draw(below)
    return canvas


def _legend(canvas: Picture, names: Sequence[str]) -> None:
    x = _LEFT
    for name in names:
        _cv2.line(canvas, (x, 26), (x + 40, 26), _COLOURS[name], 4, _cv2.LINE_AA)
        _text(canvas, name, x + 52, 34, 0.0)
        x += 52 + _text_width(name) + 48


class _Axes:
    """The part of the canvas on which one panel is drawn."""

    def __init__(self, canvas: Picture, panel: Panel) -> None:
        self._canvas, self._panel = canvas, panel
        height, width = canvas.shape[:2]
        self._frame = (_LEFT, _TOP, width - _RIGHT, height - _BOTTOM)  # left, top, right, bottom
        points = [point for line in panel.lines for point in line.points] or [(0.0, 0.0)]
        self._xs = (min(x for x, _ in points), max(max(x for x, _ in points), min(x for x, _ in points) + 1))
        self._low, self._high, self._step = nice_range(min(y for _, y in points), max(y for _, y in points))

    def draw(self, below: str) -> None:
        left, top, right, bottom = self._frame
        _text(self._canvas, self._panel.title, left, top - 14, 0.0)
        _text(self._canvas, below, (left + right) // 2, bottom + 66, 0.5)
        for index in range(round((self._high - self._low) / self._step) + 1):
            value = self._low + index * self._step
            _, y = self._place(self._xs[0], value)
            _cv2.line(self._canvas, (left, round(y)), (right, round(y)), _GRID, 2)
            _text(self._canvas, f"{value:g}", left - 12, round(y) + 8, 1.0)
        self._draw_x_ticks()
        if self._panel.marked is not None:
            x = round(self._place(self._panel.marked, self._low)[0])
            _cv2.line(self._canvas, (x, top), (x, bottom), _INK, 1)
        for line in self._panel.lines:
            places = np.array([self._place(*point) for point in line.points])
            whole = (places * 2**_SHIFT).round().astype(np.int32).reshape(-1, 1, 2)
            _cv2.polylines(self._canvas, [whole], False, _COLOURS[line.name], 4, _cv2.LINE_AA, _SHIFT)

    def _draw_x_ticks(self) -> None:
        first, last, step = nice_range(*self._xs)
        for index in range(round((last - first) / step) + 1):
            value = first + index * step
            if self._xs[0] <= value <= self._xs[1] and value == round(value):
                x, y = self._place(value, self._low)
                _text(self._canvas, f"{value:g}", round(x), round(y) + 32, 0.5)

    def _place(self, x: float, y: float) -> tuple[float, float]:
        left, top, right, bottom = self._frame
        across = (x - self._xs[0]) / (self._xs[1] - self._xs[0])
        return left + across * (right - left), top + (self._high - y) / (self._high - self._low) * (bottom - top)


def nice_range(low: float, high: float, count: int = 5) -> tuple[float, float, float]:
    """The range widened to whole steps, and the step: 1, 2 or 5 times a power of ten, about ``count`` of them."""
    rough = max(high - low, 1e-6) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    bottom, top = math.floor(low / step) * step, math.ceil(high / step) * step
    return bottom, top if top > bottom else bottom + step, step


def _text(canvas: Picture, text: str, x: int, y: int, anchor: float) -> None:
    """Write ``text`` on the base line y; ``anchor`` 0: from x on, 0.5: around x, 1: up to x."""
    place = (x - round(anchor * _text_width(text)), y)
    _cv2.putText(canvas, text, place, _cv2.FONT_HERSHEY_SIMPLEX, _TEXT, _INK, 1, _cv2.LINE_AA)


def _text_width(text: str) -> int:
    return int(_cv2.getTextSize(text, _cv2.FONT_HERSHEY_SIMPLEX, _TEXT, 1)[0][0])
