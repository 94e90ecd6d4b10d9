"""Motion from a frame to a keyframe, measured between their blind results by OpenCV's DIS on the CPU."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch

Gray = npt.NDArray[np.uint8]
Flow = npt.NDArray[np.float32]

_cv2: Any = cv2  # its stubs know neither DIS nor optional arguments

# Below this side DIS has no room for its patches: motion counts as zero there, and the gate judges the result.
SMALLEST_SIDE = 16

_LUMA = (0.299, 0.587, 0.114)


def luma(picture: torch.Tensor) -> torch.Tensor:
    """BT.601 luma [1, H, W] of a working picture [3, H, W]."""
    brightness = picture[0:1] * _LUMA[0]
    return brightness.add_(picture[1:2], alpha=_LUMA[1]).add_(picture[2:3], alpha=_LUMA[2])


def gray8(luma: torch.Tensor) -> Gray:
    """What DIS sees: luma [1, H, W] as uint8 [H, W] in CPU memory; values outside 0..1 are clamped."""
    levels = luma[0].clamp(0.0, 1.0).mul(255.0).round_().to(torch.uint8)
    seen: Gray = levels.cpu().numpy()
    return seen


def shrink(flow: Flow, size: tuple[int, int]) -> Flow:
    """The same motion for pictures of ``size`` (height, width), in their pixels; exact means where it gets smaller."""
    height, width = flow.shape[:2]
    if (height, width) == size:
        return flow
    smaller: Flow = _cv2.resize(flow, (size[1], size[0]), interpolation=_cv2.INTER_AREA)
    return smaller * np.array([size[1] / width, size[0] / height], dtype=np.float32)


def enlarge(flow: Flow, size: tuple[int, int]) -> Flow:
    """The same motion for pictures of ``size`` (height, width), in their pixels, in between interpolated."""
    height, width = flow.shape[:2]
    if (height, width) == size:
        return flow
    larger: Flow = _cv2.resize(flow, (size[1], size[0]), interpolation=_cv2.INTER_LINEAR)
    return larger * np.array([size[1] / width, size[0] / height], dtype=np.float32)


def measure(frame: Gray, keyframe: Gray) -> Flow:
    """Flow [H, W, 2] in pixels (x, y): pixel p of ``frame`` is found at p + flow in ``keyframe``.

    OpenCV promises no equal flows for other numbers of threads (4.10 and 5.0 gave them for 1 to 8), so one thread is
    forced for the whole process, and callers measure several flows side by side instead. Pictures with a side below 16
    pixels get zero motion.
    """
    if min(frame.shape) < SMALLEST_SIDE:
        return np.zeros((*frame.shape, 2), dtype=np.float32)
    _cv2.setNumThreads(1)
    estimator = _cv2.DISOpticalFlow_create(_cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow: Flow = estimator.calc(frame, keyframe, None)
    return flow
