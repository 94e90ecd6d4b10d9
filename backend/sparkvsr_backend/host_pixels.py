"""Pixels in host memory, copied and looked through as fast as memory goes.

The compiled half (backend/native) does it for large pictures without gaps; numpy for all others, and for all where it
was not built. One thread each: memory is the limit, and a second one would have to be woken first.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

_STREAMED_FROM = 4 << 20  # what is larger does not stay in the caches anyway
# Among floats from 0 up the bits are in the order of the values; those of negatives, of -0 and of NaN lie above.
_BITS_OF_ONE = 0x3F800000

try:
    from sparkvsr_backend._pixels import copy, copy_within_unit, within_unit
except ImportError:

    def copy(target: npt.NDArray[Any], source: npt.NDArray[Any]) -> None:
        """Through the caches."""
        np.copyto(target, source)

    def within_unit(samples: npt.NDArray[np.float32]) -> bool:
        """By the largest of the bits."""
        return bool(samples.view(np.uint32).max() <= _BITS_OF_ONE)

    def copy_within_unit(target: npt.NDArray[np.float32], source: npt.NDArray[np.float32]) -> bool:
        """One after the other."""
        if not within_unit(source):
            return False
        np.copyto(target, source)
        return True


def copy_pixels(target: torch.Tensor, source: torch.Tensor) -> None:
    """Copy host pixels of one shape and type, which may not overlap."""
    to, found = target.numpy(), source.numpy()
    if _is_streamed(to, found):
        copy(to, found)
    else:
        np.copyto(to, found)


def copy_if_within_unit(target: torch.Tensor, source: torch.Tensor) -> bool:
    """Copy float32 host pixels if all samples lie in 0..1; otherwise no, and ``target`` is undefined.

    To look through a large picture takes as long as to copy it: here it is read once for both.
    """
    to, found = target.numpy(), source.numpy()
    if _is_streamed(to, found):
        return copy_within_unit(to, found)
    if not are_within_unit(source):
        return False
    np.copyto(to, found)
    return True


def are_within_unit(pixels: torch.Tensor) -> bool:
    """Whether all float32 host samples lie in 0..1; no where one is NaN or -0."""
    samples = pixels.numpy()
    if samples.flags.c_contiguous:
        return within_unit(samples)
    return bool(samples.view(np.uint32).max() <= _BITS_OF_ONE)


def _is_streamed(target: npt.NDArray[Any], source: npt.NDArray[Any]) -> bool:
    return target.nbytes >= _STREAMED_FROM and target.flags.c_contiguous and source.flags.c_contiguous
