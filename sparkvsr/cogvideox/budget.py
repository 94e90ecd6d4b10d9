"""How many bytes of a device may be used: what was said, what the environment says, or what is free less a margin."""

from __future__ import annotations

import os
from typing import Final

import torch

from sparkvsr import device_memory
from sparkvsr.cogvideox.errors import MemoryBudgetError
from sparkvsr.cogvideox.planner import GB, Card
from sparkvsr.engine import UnsupportedSettingError

VARIABLE: Final = "SPARKVSR_VRAM_GB"
MARGIN: Final = GB // 2
"""Left to others on the device."""
_DRIVER: Final = GB // 2
"""What driver and libraries take beside the allocator."""
_USABLE: Final = 0.8
"""Part of the machine's memory that weights may take."""
_BFLOAT16_FROM: Final = (8, 0)


def budget_of(device: torch.device) -> int | None:
    """Bytes; None on a processor, where nothing limits them but the machine. Raises UnsupportedSettingError."""
    said = device_memory.limit()
    if said is not None and device.type == "cuda":
        return said
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return _gigabytes(chosen)
    if device.type != "cuda":
        return None
    return torch.cuda.mem_get_info(device)[0] + torch.cuda.memory_reserved(device) - MARGIN


def keep_under(device: torch.device, budget: int | None) -> None:
    """Have the allocator refuse what is above the budget, so that an estimate that was too low is found out."""
    if device.type == "cuda" and budget is not None:
        present = torch.cuda.mem_get_info(device)[1]
        tensors = max(budget - _DRIVER, 1)
        torch.cuda.set_per_process_memory_fraction(min(1.0, tensors / present), device)


def card_of(device: torch.device) -> Card:
    """What the planner must know of a device."""
    if device.type != "cuda":
        return Card("cpu")
    return Card("cuda", torch.cuda.get_device_capability(device) >= _BFLOAT16_FROM)


def plannable(device: torch.device) -> int:
    """Bytes to plan for where no budget was named: on a processor, what weights and work may take of the machine."""
    known = budget_of(device)
    return int(_USABLE * _present()) if known is None else known


def require_host_memory(weights: int) -> None:
    """Raises MemoryBudgetError before the system would have to end the process."""
    present = _present()
    if weights > _USABLE * present:
        raise MemoryBudgetError(
            f"the weights: expected room for {weights / GB:.1f} GB, found a machine with {present / GB:.1f} GB; a GPU "
            "takes them in half the size (--device cuda), as the engine option dtype=bfloat16 does"
        )


def require_arithmetic(device: torch.device, dtype: torch.dtype) -> None:
    """Raises UnsupportedSettingError for a stored type that the device has not: it is never replaced by another."""
    if device.type == "cuda" and dtype is torch.bfloat16 and not card_of(device).bfloat16:
        raise UnsupportedSettingError(
            f"expected a device with bfloat16, found {torch.cuda.get_device_name(device)}; the engine option "
            "dtype=float16 gives other pixels and works there"
        )


def _present() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _gigabytes(text: str) -> int:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not value > 0.0:
        raise UnsupportedSettingError(f"expected {VARIABLE} as a number of gigabytes, found {text!r}")
    return int(value * GB)
