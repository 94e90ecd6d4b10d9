"""Overlapping spans and tiles, and the weights by which they are joined: smooth, and 1 everywhere in sum."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch


@dataclass(frozen=True, slots=True)
class Part:
    """A span ``first`` .. ``last`` (exclusive) of all units.

    It comes in over ``fading`` units from ``rise`` on and goes out over as many from ``fall`` on; None: not at all.
    """

    first: int
    last: int
    rise: int | None
    fall: int | None
    fading: int

    def weights(self, step: int) -> list[float]:
        """One weight for each of (last − first)·step samples."""
        samples = range(self.first * step, self.last * step)
        return [self._rising(place, step) - self._fallen(place, step) for place in samples]

    def _rising(self, place: int, step: int) -> float:
        return 1.0 if self.rise is None else fade(place - self.rise * step, self.fading * step)

    def _fallen(self, place: int, step: int) -> float:
        return 0.0 if self.fall is None else fade(place - self.fall * step, self.fading * step)


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of the rows and a part of the columns, in units of ``step`` samples."""

    vertical: Part
    horizontal: Part

    def rows(self, step: int) -> slice:
        """Rows of a picture with ``step`` samples to a unit."""
        return slice(self.vertical.first * step, self.vertical.last * step)

    def columns(self, step: int) -> slice:
        """Columns likewise."""
        return slice(self.horizontal.first * step, self.horizontal.last * step)

    def weight(self, step: int, device: torch.device) -> torch.Tensor:
        """[h, w] float32; the weights of all tiles sum to 1 at every sample."""
        vertical = torch.tensor(self.vertical.weights(step), dtype=torch.float32, device=device)
        horizontal = torch.tensor(self.horizontal.weights(step), dtype=torch.float32, device=device)
        return vertical.unsqueeze(1) * horizontal


def fade(index: int, length: int) -> float:
    """Weight of what comes in, at sample ``index`` of an overlap of ``length``: sin², so that it starts and ends flat.

    What goes out has the rest. Before the overlap it is 0, after it 1.
    """
    if index < 0:
        return 0.0
    return 1.0 if index >= length else math.sin(0.5 * math.pi * (index + 0.5) / length) ** 2


def parts_of(length: int, size: int, overlap: int) -> tuple[Part, ...]:
    """Parts of ``size``, spread evenly over ``length`` at even places, that share ``overlap`` or more.

    Each melts into the next over most of the overlap, but not at its very edges, where networks see their own padding.

    One part of all where ``size`` is 0 or no less than ``length``. Raises ValueError for odd numbers, and for an
    overlap above a quarter of a part.
    """
    if size <= 0 or size >= length:
        return (Part(0, length, None, None, 0),)
    if length % 2 or size % 2 or overlap % 2 or not 0 <= overlap <= size // 4:
        raise ValueError(
            f"expected even numbers and an overlap of at most a quarter, found {length} in parts of {size}, {overlap}"
        )
    count = math.ceil((length - overlap) / (size - overlap))
    firsts = [2 * round((length - size) * index / (count - 1) / 2) for index in range(count)]
    fading = overlap - 2 * (overlap // 8)
    edges = [(following + first + size - fading) // 2 for first, following in pairwise(firsts)]
    return tuple(
        Part(first, first + size, rise, fall, fading)
        for first, rise, fall in zip(firsts, [None, *edges], [*edges, None], strict=True)
    )


def tiles_of(size: tuple[int, int], tile: int, overlap: int) -> tuple[Tile, ...]:
    """Tiles of a picture of ``size`` (height, width), row by row; ``tile`` 0: one of all."""
    columns = parts_of(size[1], tile, overlap)
    return tuple(Tile(row, column) for row in parts_of(size[0], tile, overlap) for column in columns)
