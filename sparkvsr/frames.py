"""Frames: pixels that say what they are (size, sample type, meaning of alpha), and their fingerprint."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import xxhash

MAX_SIDE = 65536


class FrameError(ValueError):
    """Pixels and their description contradict each other; says what was expected and what came."""


class Name(str, Enum):
    """A choice by its name in the protocol: equal to that string, and written as it."""

    def __str__(self) -> str:
        """The bare value, as in Python 3.11's StrEnum."""
        return str(self.value)


class Depth(Name):
    """Sample type, by its name in the protocol. Integer depths map their whole range to 0..1."""

    BYTE = "byte"
    SHORT = "short"
    HALF = "half"
    FLOAT = "float"

    @property
    def code(self) -> int:
        """Number in the fingerprint's seed (docs/protocol.md, section 4)."""
        return _DEPTH_TRAITS[self].code

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample."""
        return _DEPTH_TRAITS[self].sample_bytes

    @property
    def white(self) -> float:
        """The stored value that means 1.0."""
        return _DEPTH_TRAITS[self].white

    @property
    def torch_dtype(self) -> torch.dtype:
        """The tensor type that holds this depth."""
        return _DEPTH_TRAITS[self].torch_dtype

    @property
    def numpy_dtype(self) -> np.dtype[Any]:
        """The array type that holds this depth, little endian."""
        return np.dtype(_DEPTH_TRAITS[self].numpy_name)

    @staticmethod
    def of(dtype: torch.dtype | np.dtype[Any]) -> Depth:
        """The depth that ``dtype`` holds. Raises FrameError for any other type."""
        for depth, traits in _DEPTH_TRAITS.items():
            if dtype == (traits.torch_dtype if isinstance(dtype, torch.dtype) else np.dtype(traits.numpy_name)):
                return depth
        raise FrameError(f"expected samples of uint8, uint16, float16 or float32, found {dtype}")


@dataclass(frozen=True, slots=True)
class _DepthTraits:
    code: int
    sample_bytes: int
    white: float
    torch_dtype: torch.dtype
    numpy_name: str


_DEPTH_TRAITS = {
    Depth.BYTE: _DepthTraits(1, 1, 255.0, torch.uint8, "u1"),
    Depth.SHORT: _DepthTraits(2, 2, 65535.0, torch.uint16, "<u2"),
    Depth.HALF: _DepthTraits(3, 2, 1.0, torch.float16, "<f2"),
    Depth.FLOAT: _DepthTraits(4, 4, 1.0, torch.float32, "<f4"),
}


class Premultiplication(Name):
    """What the colour samples hold where alpha is below 1. ``OPAQUE``: alpha, if there is one, means nothing."""

    PREMULTIPLIED = "premultiplied"
    STRAIGHT = "straight"
    OPAQUE = "opaque"

    @property
    def code(self) -> int:
        """Number in the fingerprint's seed (docs/protocol.md, section 4)."""
        return {"premultiplied": 1, "straight": 2, "opaque": 3}[self.value]


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """Size, components (3 RGB, 4 RGBA), depth and premultiplication of a picture; never its stride.

    Raises FrameError when a number is out of range.
    """

    width: int
    height: int
    components: int = 4
    depth: Depth = Depth.FLOAT
    premultiplication: Premultiplication = Premultiplication.STRAIGHT

    def __post_init__(self) -> None:
        for name, side in (("width", self.width), ("height", self.height)):
            if not 1 <= side <= MAX_SIDE:
                raise FrameError(f"expected a {name} of 1 to {MAX_SIDE} pixels, found {side}")
        if self.components not in (3, 4):
            raise FrameError(f"expected 3 or 4 components, found {self.components}")

    @property
    def row_bytes(self) -> int:
        """Bytes of one tightly packed row."""
        return self.width * self.components * self.depth.sample_bytes

    @property
    def nbytes(self) -> int:
        """Bytes of the tightly packed picture."""
        return self.row_bytes * self.height

    @property
    def in_words(self) -> str:
        """For messages: ``64x48 RGBA byte, straight alpha``."""
        colour = f"{self.width}x{self.height} RGB{'A' * (self.components == 4)} {self.depth}"
        return colour if self.components == 3 else f"{colour}, {self.premultiplication} alpha"

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, components)."""
        return self.height, self.width, self.components


@dataclass(frozen=True, slots=True)
class Frame:
    """Pixels [H, W, C], rows from the top, of ``format.depth``; rows may be padded, samples of a row are adjacent.

    Raises FrameError when pixels and format contradict each other.
    """

    pixels: torch.Tensor
    format: PixelFormat

    def __post_init__(self) -> None:
        if tuple(self.pixels.shape) != self.format.shape:
            raise FrameError(f"expected pixels of shape {self.format.shape}, found {tuple(self.pixels.shape)}")
        if self.pixels.dtype != self.format.depth.torch_dtype:
            raise FrameError(f"expected samples of {self.format.depth.torch_dtype}, found {self.pixels.dtype}")

    @staticmethod
    def from_numpy(array: npt.NDArray[Any], premultiplication: Premultiplication = Premultiplication.STRAIGHT) -> Frame:
        """Wrap [H, W, 3 or 4] of uint8, uint16, float16 or float32, without a copy where torch allows it."""
        if array.ndim != 3:
            raise FrameError(f"expected an array of 3 dimensions [H, W, C], found {array.ndim}")
        array = _torch_ready(array)
        height, width, components = array.shape
        layout = PixelFormat(width, height, components, Depth.of(array.dtype), premultiplication)
        return Frame(torch.from_numpy(array), layout)

    def numpy(self) -> npt.NDArray[Any]:
        """The pixels as [H, W, C]; shares memory when they are on the CPU."""
        array: npt.NDArray[Any] = self.pixels.detach().cpu().numpy()
        return array

    @property
    def nbytes(self) -> int:
        """Bytes of the tightly packed picture."""
        return self.format.nbytes


def _torch_ready(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """torch takes neither negative strides, nor foreign byte order, nor memory that it may not write."""
    usable = array.dtype.isnative and array.flags.writeable and all(stride >= 0 for stride in array.strides)
    return array if usable else np.array(array, dtype=array.dtype.newbyteorder("="), order="C")


def fingerprint_seed(layout: PixelFormat) -> int:
    """The 64-bit seed that makes equal bytes of different meaning differ (docs/protocol.md, section 4)."""
    described = struct.pack(
        "<IIBBBB",
        layout.width,
        layout.height,
        layout.depth.code,
        layout.components,
        layout.premultiplication.code,
        0,
    )
    return xxhash.xxh3_64_intdigest(described, seed=0)


def fingerprint(frame: Frame) -> bytes:
    """16 bytes: XXH3-128, canonical form, over the tightly packed rows from the bottom up; the stride never counts."""
    digest = xxhash.xxh3_128(seed=fingerprint_seed(frame.format))
    rows = frame.numpy()
    for row in range(frame.format.height - 1, -1, -1):
        digest.update(np.ascontiguousarray(rows[row]).data)
    return digest.digest()
