"""Running the networks: precision, memory format, and strips that bound the memory.

Precision is a setting, never a guess: the same weights in ``float32`` or ``bfloat16``, channels last. Large pictures
are worked on in strips of whole rows; where they lie depends on the picture's size alone, and each sees as many rows
around it as the network's reach, so that no seam shows.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import fields
from threading import Lock
from typing import Final, TypeVar, cast

import torch
from torch import nn

from sparkvsr.lite.network import GRID, FusionInput, FusionOutput

PRECISIONS: Final = {"float32": torch.float32, "bfloat16": torch.bfloat16}
SEEN: Final = (-0.25, 1.25)  # values beyond are to the networks as these
_CELLS = 480 * 960  # of a strip, at the resolution of the heavy work
_BLIND_REACH = 16
_FUSION_REACH = 16

_Network = TypeVar("_Network", bound=nn.Module)


class Precisions:
    """One network in each precision that was asked for; copies are made on first use."""

    def __init__(self, network: nn.Module, device: torch.device) -> None:
        self._network = network.eval().requires_grad_(False)
        self._device = device
        self._made: dict[str, nn.Module] = {}
        self._lock = Lock()

    def of(self, precision: str) -> nn.Module:
        """The network with weights of ``precision``."""
        with self._lock:
            if precision not in self._made:
                own = copy.deepcopy(self._network).to(self._device, PRECISIONS[precision])
                self._made[precision] = channels_last(own)
            return self._made[precision]


def channels_last(network: _Network) -> _Network:
    """The network with its weights in the memory format that convolutions on CPUs are fast in."""
    return cast("_Network", network.to(memory_format=torch.channels_last))  # type: ignore[call-overload]


@torch.no_grad()
def blind_detail(network: nn.Module, frame: torch.Tensor, scale: int) -> torch.Tensor:
    """What bicubic interpolation lacks: [3, h, w] to [3, h·scale, w·scale], float32."""
    dtype = next(network.parameters()).dtype
    shown = _prepared(frame.clamp(*SEEN), dtype)
    height, width = frame.shape[1:]
    detail = frame.new_empty((3, height * scale, width * scale))
    for rows, seen in _strips(height, width, _BLIND_REACH):
        part = network(shown[:, :, seen], scale)[0]
        first = (rows.start - seen.start) * scale
        count = (rows.stop - rows.start) * scale
        detail[:, rows.start * scale : rows.stop * scale] = part[:, first : first + count]
    return detail


@torch.no_grad()
def fuse(network: nn.Module, known: FusionInput) -> FusionOutput:
    """The fusion network on one frame."""
    height, width = known.blind.shape[-2:]
    parts = []
    for rows, seen in _strips(height // GRID, width // GRID, _FUSION_REACH):
        made: FusionOutput = network(_rows_of(known, seen))
        first, last = rows.start - seen.start, rows.stop - seen.start
        parts.append(
            FusionOutput(
                made.refinement[..., first * GRID : last * GRID, :],
                made.motion[..., first * GRID // 2 : last * GRID // 2, :],
                made.agreement[..., first * GRID // 2 : last * GRID // 2, :],
                made.latent[..., first:last, :],
            )
        )
    if len(parts) == 1:
        return parts[0]
    return FusionOutput(
        *(torch.cat([getattr(part, one.name) for part in parts], dim=-2) for one in fields(FusionOutput))
    )


def _rows_of(known: FusionInput, cells: slice) -> FusionInput:
    fine = slice(cells.start * GRID, cells.stop * GRID)
    half = slice(fine.start // 2, fine.stop // 2)
    return FusionInput(
        known.blind[..., fine, :],
        known.contrast[..., half, :],
        known.keyed[..., fine, :],
        known.unlike[..., half, :],
        known.disagreement[..., half, :],
        known.motion[..., half, :],
        known.agreement[..., half, :],
        known.strength,
    )


def _prepared(picture: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return picture.unsqueeze(0).to(dtype).contiguous(memory_format=torch.channels_last)


def _strips(height: int, width: int, reach: int) -> Iterator[tuple[slice, slice]]:
    """Rows to be made and rows to be seen for them."""
    count = max(1, -(-height * width // _CELLS))
    tall = -(-height // count)
    for top in range(0, height, tall):
        bottom = min(height, top + tall)
        yield slice(top, bottom), slice(max(0, top - reach), min(height, bottom + reach))
