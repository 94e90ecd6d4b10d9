"""Small pictures of frames, for whatever looks at many of them: cuts, suggested keyframes. And motion between two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
import torch

from sparkvsr import evidence
from sparkvsr.motion import Flow, gray8, luma
from sparkvsr.resample import resize

LONGEST_SIDE: Final = 208
_CELLS: Final = (24, 40)  # in which it is noted what one frame explains of another
_SIGMA: Final = 3.0  # pixels of the small pictures
_WHITE: Final = 65535.0

Plane = npt.NDArray[np.float32]
_cv2: Any = cv2  # its stubs know no optional arguments


@dataclass(frozen=True, slots=True)
class Look:
    """A frame, small: ``levels`` uint16 [3, h, w] of 0..1, neither side above 208."""

    levels: npt.NDArray[np.uint16]

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self.levels.nbytes

    @property
    def picture(self) -> torch.Tensor:
        """Float32 [3, h, w] in 0..1."""
        return torch.from_numpy(self.levels.astype(np.float32) * np.float32(1.0 / _WHITE))


def look_at(picture: torch.Tensor) -> Look:
    """The look of a working picture [3, h, w]; a small one keeps its size."""
    height, width = picture.shape[1:]
    share = min(1.0, LONGEST_SIDE / max(height, width))
    size = (max(1, round(height * share)), max(1, round(width * share)))
    small = resize(picture.clamp(0.0, 1.0).contiguous(), size, "area")
    return Look(small.mul(_WHITE).round_().to(torch.int32).cpu().numpy().astype(np.uint16))


class Seen:
    """A look as it is compared: in 1/255, with its luma, its tolerance of errors, and where its detail is."""

    def __init__(self, picture: torch.Tensor) -> None:
        contrast: Plane = evidence.contrast(picture, 1.0)[0].cpu().numpy()
        self.gray = gray8(luma(picture))
        self.colour = np.ascontiguousarray(picture.permute(1, 2, 0).cpu().numpy()) * np.float32(evidence.UNITS)
        self.tolerance = contrast * evidence.MOTION.slope + evidence.MOTION.base
        size = picture.shape[1:]
        self.places = np.stack(np.meshgrid(*(np.arange(side, dtype=np.float32) for side in size[::-1])), axis=-1)
        self.detail = in_cells(contrast) + np.float32(1e-6)
        self.detail /= self.detail.sum()

    def holding(self, other: Seen, flow: Flow) -> Plane:
        """Where ``other``, moved along ``flow``, explains this frame, by cells: the confidence of the engines' gate."""
        moved = _cv2.remap(other.colour, self.places + flow, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        error = _cv2.GaussianBlur(np.abs(moved - self.colour).mean(axis=2), (0, 0), _SIGMA)
        return in_cells(np.exp(-np.square(error / self.tolerance)))


def in_cells(plane: Plane) -> Plane:
    """The means of a plane's cells, as one row."""
    size = (min(_CELLS[1], plane.shape[1]), min(_CELLS[0], plane.shape[0]))
    cells: Plane = _cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
    return cells.reshape(-1)
