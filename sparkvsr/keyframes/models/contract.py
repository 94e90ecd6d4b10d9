"""What an image model promises, and how its pictures are checked and kept whole outside 0..1."""

from __future__ import annotations

from typing import Protocol

import torch

from sparkvsr.engine import EngineError, Watch
from sparkvsr.resample import resize

ASPECT_TOLERANCE = 0.01


class ImageModelError(EngineError):
    """An image model cannot be had, or failed, or gave something that is no picture. Its keyframe is left out."""


class ImageModel(Protocol):
    """Makes a larger picture of one picture. Thread-safe; equal inputs give equal pictures."""

    @property
    def identity(self) -> bytes:
        """Changes whenever the same picture could become another one."""

    def enlarge(self, picture: torch.Tensor, watch: Watch) -> torch.Tensor:
        """A larger [3, H, W] float32 of [3, h, w] float32, both sRGB in 0..1.

        Any size of the same aspect ratio. Raises ImageModelError, and CancelledError where the request was withdrawn.
        """


def make_picture(model: ImageModel, source: torch.Tensor, watch: Watch) -> torch.Tensor:
    """A keyframe's picture [3, H, W] from its source frame [3, h, w], both working pictures.

    The model sees 0..1; what lies outside (highlights, negatives) is enlarged plainly and given back to its picture.
    Raises ImageModelError, CancelledError.
    """
    seen = source.clamp(0.0, 1.0).contiguous()
    made = _checked(model.enlarge(seen, watch), seen)
    beyond = source - seen
    if not bool(beyond.any()):
        return made
    return made + resize(beyond.contiguous(), (made.shape[1], made.shape[2]), "lanczos3")


def _checked(made: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
    if made.dim() != 3 or made.shape[0] != 3 or made.dtype != torch.float32:
        raise ImageModelError(f"expected a float32 picture [3, H, W], found {made.dtype} {tuple(made.shape)}")
    (height, width), (rows, columns) = seen.shape[1:], made.shape[1:]
    if rows < height or columns < width:
        raise ImageModelError(f"expected a picture larger than {width}×{height}, found {columns}×{rows}")
    if abs(columns / rows / (width / height) - 1.0) > ASPECT_TOLERANCE:
        raise ImageModelError(f"expected the aspect ratio of {width}×{height}, found {columns}×{rows}")
    if not bool(made.isfinite().all()):
        raise ImageModelError("expected numbers, found NaN or Inf in the picture")
    return made.to(seen.device)
