"""The one warp by which everything a keyframe has to give travels to a frame."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from sparkvsr.motion import Flow

_cv2: Any = cv2  # its stubs know no optional arguments
_REMAP_LIMIT = 32767  # cv2.remap counts pixels in 16 bits
_Map = npt.NDArray[np.float32]


def carry(picture: torch.Tensor, flow: Flow) -> torch.Tensor:
    """[C, H, W] float32 sampled at p + flow ([H, W, 2], the same size) by cubic convolution; borders replicated."""
    if picture.device.type == "cpu" and max(picture.shape) < _REMAP_LIMIT:
        return _carry_on_cpu(picture, flow)
    return _carry_on_device(picture, torch.from_numpy(flow).to(picture.device))


def _carry_on_cpu(picture: torch.Tensor, flow: Flow) -> torch.Tensor:
    where = _pixel_places(*flow.shape[:2]) + flow
    source = np.ascontiguousarray(picture.permute(1, 2, 0).numpy())
    carried = _cv2.remap(source, where, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    planes = torch.from_numpy(carried.reshape(source.shape))
    return planes.permute(2, 0, 1).contiguous()


def _carry_on_device(picture: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
    height, width = flow.shape[:2]
    x = torch.arange(width, dtype=torch.float32, device=flow.device) + flow[..., 0]
    y = torch.arange(height, dtype=torch.float32, device=flow.device).unsqueeze(1) + flow[..., 1]
    grid = torch.stack([(x + 0.5) * (2.0 / width) - 1.0, (y + 0.5) * (2.0 / height) - 1.0], dim=-1)
    return F.grid_sample(
        picture.unsqueeze(0), grid.unsqueeze(0), mode="bicubic", padding_mode="border", align_corners=False
    ).squeeze(0)


@lru_cache(maxsize=4)
def _pixel_places(height: int, width: int) -> _Map:
    """[H, W, 2]: the x and y of every pixel."""
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    places = np.stack([x, y], axis=-1)
    places.flags.writeable = False
    return places
