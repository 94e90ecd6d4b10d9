"""Colour correction: the result keeps its detail, and takes its low frequencies from the source frame.

A wavelet exchange with the coarsest band at cells of 32 output pixels: the means over the cells are compared, and their
difference is added, interpolated between the cells.
"""

from __future__ import annotations

from typing import Final

import torch

from sparkvsr.resample import resize

CELL: Final = 32
"""Output pixels of a cell's side: five dyadic levels."""


def low_band(picture: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Means [3, rows, columns] over the cells of an output of ``size``, of a picture [3, h, w] of any size."""
    rows, columns = cells(size)
    return resize(picture, (rows, columns), "area" if rows <= picture.shape[1] else "linear")


def cells(size: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of cells."""
    return -(-size[0] // CELL), -(-size[1] // CELL)


def corrected(picture: torch.Tensor, wanted: torch.Tensor, weight: torch.Tensor | None) -> torch.Tensor:
    """``picture`` [3, H, W] with the low band ``wanted`` [3, rows, columns].

    ``weight`` [1, h, w] in 0..1 says how far, region by region; None: all the way.
    """
    size = (picture.shape[1], picture.shape[2])
    lacking = wanted - low_band(picture, size)
    if weight is not None:
        lacking = lacking * resize(weight, (lacking.shape[1], lacking.shape[2]), "linear")
    return picture + resize(lacking, size, "linear")
