"""A picture that lies a few pixels beside its source frame, or is slightly larger: found out, and moved to its place.

Both are compared at the source's size by their luma. The alignment is measured by enhanced correlation, which minds
neither brightness nor contrast, so a graded picture is aligned as well as a plain one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from sparkvsr.motion import luma
from sparkvsr.resample import resize

SMALLEST_SIDE: Final = 24  # source pixels: less tells no place
FARTHEST: Final = 0.06  # of the longer side: what lies farther off is no slip but another picture
LARGEST_STRETCH: Final = 0.06
SMALLEST_SLIP: Final = 0.12  # source pixels: true keyframes are measured to within half of it
BETTER_BY: Final = 0.8  # the difference from the source frame must fall below this share of what it was

_LONGEST_SIDE = 960
_SAME = 0.75 / 255.0  # mean difference of luma that leaves nothing to look for
_STEPS = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 200, 1e-6)
_SMOOTHING = 3  # pixels: reductions differ in sharpness, which is not to count as place

_cv2: Any = cv2
_Gray = npt.NDArray[np.float32]
_Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Registration:
    """Where in the picture the source frame's points are found: ``matrix`` (2×3) on shares of width and height.

    ``size``: of the source frame, (h, w).
    """

    matrix: tuple[tuple[float, float, float], tuple[float, float, float]]
    size: tuple[int, int]

    @property
    def shift(self) -> tuple[float, float]:
        """How far to the right and down the picture lay at its centre, in source pixels."""
        height, width = self.size
        moved = [row[0] * 0.5 + row[1] * 0.5 + row[2] - 0.5 for row in self.matrix]
        return moved[0] * width, moved[1] * height

    @property
    def stretch(self) -> tuple[float, float]:
        """How much too wide and too tall its content was; 1: right."""
        return self.matrix[0][0], self.matrix[1][1]

    def apply(self, picture: torch.Tensor) -> torch.Tensor:
        """The picture [3, H, W] in its place, moved once by cubic convolution; its border is repeated outwards."""
        height, width = picture.shape[1:]
        theta = torch.tensor(_for_grid(np.array(self.matrix)), dtype=picture.dtype, device=picture.device)
        grid = F.affine_grid(theta.unsqueeze(0), [1, 3, height, width], align_corners=False)
        moved = F.grid_sample(picture.unsqueeze(0), grid, mode="bicubic", padding_mode="border", align_corners=False)
        return moved.squeeze(0)

    @property
    def in_words(self) -> str:
        """For messages: ``moved by -2.1, 0.4 source pixels, stretched by 0.9 %``."""
        right, down = self.shift
        text = f"moved by {-right:+.1f}, {-down:+.1f} source pixels"
        percent = (sum(self.stretch) / 2.0 - 1.0) * -100.0
        return text if abs(percent) < 0.05 else f"{text}, scaled by {percent:+.1f} %"


def register(picture: torch.Tensor, source: torch.Tensor) -> Registration | None:
    """How ``picture`` [3, H, W] lies beside ``source`` [3, h, w], both working pictures; None where it lies right.

    Also None where nothing is to be gained: too little to compare, another picture, farther off than a slip.
    """
    height, width = source.shape[1:]
    if min(height, width) < SMALLEST_SIDE:
        return None
    size = _comparable_size(height, width)
    wanted, found = _gray(source, size), _gray(picture, size)
    before = _difference(wanted, found)
    if before < _SAME:
        return None
    matrix = _aligned(wanted, found)
    if matrix is None or not _is_a_slip(matrix, size):
        return None
    registration = Registration(_shares(matrix, size), (height, width))
    if _largest_move(matrix, size) * width / size[1] < SMALLEST_SLIP:
        return None
    after = _difference(wanted, _gray(registration.apply(picture), size))
    return registration if after < BETTER_BY * before else None


def _comparable_size(height: int, width: int) -> tuple[int, int]:
    share = min(1.0, _LONGEST_SIDE / max(height, width))
    return max(1, round(height * share)), max(1, round(width * share))


def _gray(picture: torch.Tensor, size: tuple[int, int]) -> _Gray:
    reduced = picture if (picture.shape[1], picture.shape[2]) == size else resize(picture.contiguous(), size, "area")
    gray: _Gray = luma(reduced)[0].clamp(0.0, 1.0).cpu().numpy()
    return gray


def _difference(wanted: _Gray, found: _Gray) -> float:
    """Mean, with the brightness and contrast of ``found`` brought to those of ``wanted``: a grade is no slip."""
    gain = float(wanted.std(dtype=np.float64)) / max(float(found.std(dtype=np.float64)), 1e-6)
    alike = (found - found.mean(dtype=np.float64)) * gain + wanted.mean(dtype=np.float64)
    return float(np.abs(wanted - alike).mean(dtype=np.float64))


def _aligned(wanted: _Gray, found: _Gray) -> _Matrix | None:
    """The affine map (2×3, pixels) from ``wanted`` to ``found``; None where none is found."""
    _cv2.setNumThreads(1)
    start = np.eye(2, 3, dtype=np.float32)
    window = _cv2.createHanningWindow(wanted.shape[::-1], cv2.CV_32F)
    # Copies: where no padding is needed, OpenCV lays the window over its arguments.
    (right, down), _ = _cv2.phaseCorrelate(wanted.copy(), found.copy(), window)
    if max(abs(right), abs(down)) <= FARTHEST * max(wanted.shape):
        start[:, 2] = (right, down)
    matrix = start
    try:
        for motion in (cv2.MOTION_TRANSLATION, cv2.MOTION_AFFINE):
            _, matrix = _cv2.findTransformECC(wanted, found, matrix, motion, _STEPS, None, _SMOOTHING)
    except cv2.error:  # it does not converge: these two have no place in common
        return None
    return np.asarray(matrix, np.float64) if np.isfinite(matrix).all() else None


def _is_a_slip(matrix: _Matrix, size: tuple[int, int]) -> bool:
    turned = max(abs(matrix[0, 1]), abs(matrix[1, 0]))
    stretched = max(abs(matrix[0, 0] - 1.0), abs(matrix[1, 1] - 1.0))
    near = _largest_move(matrix, size) <= FARTHEST * max(size)
    return bool(near and stretched <= LARGEST_STRETCH and turned <= LARGEST_STRETCH)


def _largest_move(matrix: _Matrix, size: tuple[int, int]) -> float:
    """Of the four corners, in pixels."""
    height, width = size
    corners = np.array([[0, 0, 1], [width - 1, 0, 1], [0, height - 1, 1], [width - 1, height - 1, 1]], np.float64)
    return float(np.linalg.norm(corners @ matrix.T - corners[:, :2], axis=1).max())


def _shares(matrix: _Matrix, size: tuple[int, int]) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """The map in shares of width and height instead of pixels, whose centres lie half a pixel inside."""
    height, width = size
    to_pixels = np.array([[width, 0, -0.5], [0, height, -0.5], [0, 0, 1]], np.float64)
    whole = np.linalg.inv(to_pixels) @ np.vstack([matrix, [0, 0, 1]]) @ to_pixels
    rows = [tuple(float(value) for value in row) for row in whole[:2]]
    return (rows[0][0], rows[0][1], rows[0][2]), (rows[1][0], rows[1][1], rows[1][2])


def _for_grid(matrix: _Matrix) -> _Matrix:
    """The map on −1 … 1, as torch's grids count."""
    to_shares = np.array([[0.5, 0, 0.5], [0, 0.5, 0.5], [0, 0, 1]], np.float64)
    whole = np.linalg.inv(to_shares) @ np.vstack([matrix, [0, 0, 1]]) @ to_shares
    return np.asarray(whole[:2], np.float64)
