"""Batches on the way from the loader to the device that learns."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast

import torch

from sparkvsr.arithmetic import has_bfloat16

_Batch = TypeVar("_Batch")


def mixed(device: torch.device) -> torch.autocast:
    """Networks in bfloat16 where the device has it; a processor without it would only be slower."""
    return torch.autocast(device.type, torch.bfloat16, enabled=has_bfloat16(device))


def moved(batch: _Batch, device: torch.device) -> _Batch:
    """The same batch with all tensors of its fields, and of the batches within, on ``device``."""
    if isinstance(batch, torch.Tensor):
        return cast("_Batch", batch.to(device, non_blocking=True))
    if not is_dataclass(batch) or isinstance(batch, type):
        return batch
    parts = {field.name: moved(getattr(batch, field.name), device) for field in fields(batch)}
    return cast("_Batch", replace(cast("Any", batch), **parts))
