"""Sizes and counts of the published method: pure functions of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SPATIAL: Final = 8
"""Pixels of a latent pixel's side."""
TEMPORAL: Final = 4
"""Frames of a latent, but the first, which has one."""
SIZE_MULTIPLE: Final = 16
"""Pixels that a side of the output must be a multiple of: latent sides are even, as patches are 2×2."""
LENGTH_STEP: Final = 8
"""Lengths are 8n + 1."""


@dataclass(frozen=True, slots=True)
class Padding:
    """A picture's size, and the size that the network works at: right and bottom are filled."""

    height: int
    width: int

    @property
    def padded(self) -> tuple[int, int]:
        """(height, width), multiples of 16."""
        return _up(self.height, SIZE_MULTIPLE), _up(self.width, SIZE_MULTIPLE)

    @property
    def amount(self) -> tuple[int, int, int, int]:
        """For ``torch.nn.functional.pad``: left, right, top, bottom."""
        height, width = self.padded
        return 0, width - self.width, 0, height - self.height

    @property
    def latent(self) -> tuple[int, int]:
        """(height, width) of the latents, both even."""
        height, width = self.padded
        return height // SPATIAL, width // SPATIAL


def padded_length(frames: int) -> int:
    """Frames that the network works on, at least ``frames``: 8n + 1. Raises ValueError below 1."""
    if frames < 1:
        raise ValueError(f"expected at least one frame, found {frames}")
    return _up(frames - 1, LENGTH_STEP) + 1


def latent_length(frames: int) -> int:
    """Latents of 4n + 1 frames. Raises ValueError for another number."""
    if frames < 1 or (frames - 1) % TEMPORAL:
        raise ValueError(f"expected 4n + 1 frames, found {frames}")
    return (frames - 1) // TEMPORAL + 1


def latent_of(frame: int) -> int:
    """The latent that holds a frame: 0 holds frame 0, i holds 4i − 3 .. 4i."""
    return -(-frame // TEMPORAL)


def frame_of_slot(slot: int) -> int:
    """The one frame that a reference in this slot stands for exactly."""
    return slot * TEMPORAL


def tokens(latents: int, height: int, width: int) -> int:
    """Tokens that the transformer sees of ``latents`` latents of this latent size, text left out."""
    return (latents + latents % 2) // 2 * (height // 2) * (width // 2)


def _up(number: int, step: int) -> int:
    return -(-number // step) * step
