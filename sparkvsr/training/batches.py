"""Batches on the way from the loader to the device that learns."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast

import torch

_Batch = TypeVar("_Batch")


def moved(batch: _Batch, device: torch.device) -> _Batch:
    """The same batch with all tensors of its fields, and of the batches within, on ``device``."""
    if isinstance(batch, torch.Tensor):
        return cast("_Batch", batch.to(device, non_blocking=True))
    if not is_dataclass(batch) or isinstance(batch, type):
        return batch
    parts = {field.name: moved(getattr(batch, field.name), device) for field in fields(batch)}
    return cast("_Batch", replace(cast("Any", batch), **parts))
