"""Resizing and smoothing of [C, H, W] float pictures: replicated borders, the same bytes for any thread count.

Sample centres of both sizes share the picture's edges (pixel k covers k .. k+1). A pass is an ``embedding_bag``: each
output row is a weighted sum of a few input rows, added up in a fixed order by one thread, on the CPU and on CUDA
alike.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

Kernel = Literal["lanczos3", "bicubic", "linear", "area", "gaussian"]

# σ of the Gaussian reduction in output pixels: 1.6 source pixels at ×4, the usual "blur and decimate".
GAUSSIAN_SIGMA = 0.4
_GAUSSIAN_REACH = 4.0
_BLUR_REACH = 3.0

_Array = npt.NDArray[np.float64]
_Taps = tuple[torch.Tensor, torch.Tensor]


def resize(picture: torch.Tensor, size: tuple[int, int], kernel: Kernel = "bicubic") -> torch.Tensor:
    """Resample [C, h, w] float32 to [C, *size].

    When shrinking, the kernel is widened to the output's pixel (antialiasing). ``bicubic`` has a = −0.5; ``area`` is
    the exact mean over the output pixel's footprint; ``gaussian`` has σ = 0.4 output pixels. Values are not clamped.
    Raises ValueError for an unknown kernel, an empty size, or a picture of another shape or type.
    """
    _check(picture)
    height, width = size
    if height < 1 or width < 1:
        raise ValueError(f"expected a size of at least 1×1, found {height}×{width}")
    if kernel not in get_args(Kernel):
        raise ValueError(f"expected one of {', '.join(get_args(Kernel))}, found {kernel!r}")
    rows = None if height == picture.shape[1] else _resize_taps(picture.shape[1], height, kernel)
    columns = None if width == picture.shape[2] else _resize_taps(picture.shape[2], width, kernel)
    return _separable(picture, rows, columns, rows_first=height < picture.shape[1])


def blur(picture: torch.Tensor, sigma: float) -> torch.Tensor:
    """Gaussian smoothing of [C, H, W] float32 with ``sigma`` in pixels, cut at 3 σ and normalised."""
    _check(picture)
    if not sigma > 0:
        raise ValueError(f"expected a sigma above 0, found {sigma}")
    return _separable(
        picture, _blur_taps(picture.shape[1], sigma), _blur_taps(picture.shape[2], sigma), rows_first=True
    )


def _check(picture: torch.Tensor) -> None:
    if picture.dim() != 3 or picture.dtype != torch.float32:
        raise ValueError(f"expected a float32 picture [C, H, W], found {picture.dtype} {tuple(picture.shape)}")


def _separable(picture: torch.Tensor, rows: _Taps | None, columns: _Taps | None, *, rows_first: bool) -> torch.Tensor:
    if rows is not None and rows_first:
        picture = _combine_rows(picture, rows)
    if columns is not None:
        turned = _combine_rows(picture.transpose(1, 2), columns)
        picture = turned.transpose(1, 2).contiguous()
    if rows is not None and not rows_first:
        picture = _combine_rows(picture, rows)
    return picture


def _combine_rows(picture: torch.Tensor, taps: _Taps) -> torch.Tensor:
    """[C, h, W] -> [C, H, W]: row k becomes the weighted sum of the rows that ``taps`` name."""
    channels, height, width = picture.shape
    indices, weights = (part.to(picture.device, non_blocking=True) for part in taps)
    first_rows = torch.arange(channels, dtype=torch.int32, device=picture.device).view(-1, 1, 1) * height
    every_row = (indices.unsqueeze(0) + first_rows).reshape(-1, indices.shape[1])
    combined = F.embedding_bag(
        every_row,
        picture.reshape(channels * height, width),
        per_sample_weights=weights.repeat(channels, 1),
        mode="sum",
    )
    return combined.view(channels, -1, width)


@lru_cache(maxsize=256)
def _resize_taps(size_in: int, size_out: int, kernel: Kernel) -> _Taps:
    """Indices (int32) and weights (float32), both [size_out, taps]; indices beyond a border name the border's row."""
    ratio = size_in / size_out
    stretch = max(ratio, 1.0)
    if kernel == "area":
        return _area_taps(size_in, size_out)
    function, support = _KERNELS[kernel]
    reach = support * stretch
    centres = (np.arange(size_out) + 0.5) * ratio - 0.5
    firsts = np.ceil(centres - reach - 1e-6).astype(np.int64)
    positions = firsts[:, None] + np.arange(math.floor(2 * reach + 1e-5) + 1)[None, :]
    weights = function((positions - centres[:, None]) / stretch)
    return _finish(positions, weights, size_in)


def _area_taps(size_in: int, size_out: int) -> _Taps:
    edges = np.arange(size_out + 1) * (size_in / size_out)
    firsts = np.floor(edges[:-1] + 1e-9).astype(np.int64)
    count = int(np.max(np.ceil(edges[1:] - 1e-9) - firsts))
    positions = firsts[:, None] + np.arange(max(count, 1))[None, :]
    overlap = np.minimum(positions + 1, edges[1:, None]) - np.maximum(positions, edges[:-1, None])
    return _finish(positions, np.clip(overlap, 0.0, None), size_in)


@lru_cache(maxsize=64)
def _blur_taps(size: int, sigma: float) -> _Taps:
    reach = math.ceil(_BLUR_REACH * sigma)
    steps = np.arange(-reach, reach + 1)
    positions = np.arange(size)[:, None] + steps[None, :]
    weights = np.broadcast_to(np.exp(-0.5 * (steps / sigma) ** 2), positions.shape)
    return _finish(positions, weights, size)


def _finish(positions: npt.NDArray[np.int64], weights: _Array, size_in: int) -> _Taps:
    indices = np.clip(positions, 0, size_in - 1).astype(np.int32)
    normalised = weights / weights.sum(axis=1, keepdims=True)
    return torch.from_numpy(indices), torch.from_numpy(normalised.astype(np.float32))


def _lanczos3(x: _Array) -> _Array:
    return np.where(np.abs(x) < 3.0, np.sinc(x) * np.sinc(x / 3.0), 0.0)


def _cubic(x: _Array) -> _Array:
    """Keys' cubic convolution with a = −0.5."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return np.where(x <= 1.0, near, np.where(x < 2.0, far, 0.0))


def _triangle(x: _Array) -> _Array:
    return np.clip(1.0 - np.abs(x), 0.0, None)


def _gaussian(x: _Array) -> _Array:
    inside = np.abs(x) <= _GAUSSIAN_REACH * GAUSSIAN_SIGMA + 1e-6  # mirrored taps stay together in spite of rounding
    return np.where(inside, np.exp(-0.5 * (x / GAUSSIAN_SIGMA) ** 2), 0.0)


_KERNELS = {
    "lanczos3": (_lanczos3, 3.0),
    "bicubic": (_cubic, 2.0),
    "linear": (_triangle, 1.0),
    "gaussian": (_gaussian, _GAUSSIAN_REACH * GAUSSIAN_SIGMA),
}
