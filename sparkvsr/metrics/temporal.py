"""Steadiness: how much consecutive frames differ once motion is taken out."""

from __future__ import annotations

import torch

from sparkvsr.motion import Flow
from sparkvsr.warp import carry


def temporal_difference(frame: torch.Tensor, following: torch.Tensor, flow: Flow, crop: int = 8) -> float:
    """Mean |following carried back by ``flow`` − frame| in 1/255, pictures [3, H, W].

    ``flow`` [H, W, 2] leads from ``frame`` to ``following`` and is best measured on the truth. A result is steady
    when this is no higher than the truth's own.
    """
    if frame.shape != following.shape or tuple(flow.shape[:2]) != tuple(frame.shape[1:]):
        raise ValueError(
            f"expected one size for all, found {tuple(frame.shape)}, {tuple(following.shape)}, flow {flow.shape}"
        )
    height, width = frame.shape[1:]
    error = (carry(following, flow) - frame).abs()
    return 255.0 * float(error[:, crop : height - crop, crop : width - crop].mean(dtype=torch.float64))
