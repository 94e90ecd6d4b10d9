"""What kind of machine computes: machines of one kind make the same bytes of the same inputs, others nearly the same.

Libraries choose their way to add up by the instructions that a processor has, and sums in another order round
otherwise. So the kind is told, and a project can be bound to it. Machines can also be made alike: with
``SPARKVSR_ISA=avx2`` in the environment a processor computes with the instructions that all since 2013 have, at the
price of what newer ones could do.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import MutableMapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import torch

VARIABLE: Final = "SPARKVSR_ISA"
COMMON: Final = "avx2"
# What torch, oneDNN and MKL ask; they read it when they are loaded, or first used.
_ASKED: Final = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "AVX2"}
_VENDORS: Final = {"GenuineIntel": "intel", "AuthenticAMD": "amd"}


class UnknownIsaError(ValueError):
    """The environment names instructions that nobody can be held to."""


def hold_to_common(environment: MutableMapping[str, str] | None = None) -> bool:
    """Have this process compute with common instructions, where the environment says so; before torch is imported.

    Raises UnknownIsaError for another word, RuntimeError when torch is there already.
    """
    environment = os.environ if environment is None else environment
    wanted = environment.get(VARIABLE, "")
    if wanted in ("", "auto"):
        return False
    if wanted != COMMON:
        raise UnknownIsaError(f"expected {VARIABLE} to be auto or {COMMON}, found {wanted!r}")
    held = all(environment.get(name) == value for name, value in _ASKED.items())
    if not held and "torch" in sys.modules:
        raise RuntimeError(f"{VARIABLE}={COMMON} comes too late: torch is loaded")
    environment.update(_ASKED)
    return True


def arithmetic_of(device: torch.device) -> str:
    """The kind of machine, such as ``cpu-amd-avx2 torch-2.13.0`` or ``cuda-sm90-nvidia-h200 torch-2.13.0``."""
    import torch

    release = torch.__version__.partition("+")[0]
    if device.type != "cuda":
        return f"{device.type}-{_processor() if device.type == 'cpu' else 'any'} torch-{release}"
    major, minor = torch.cuda.get_device_capability(device)
    name = re.sub(r"[^a-z0-9]+", "-", torch.cuda.get_device_name(device).lower()).strip("-")
    return f"cuda-sm{major}{minor}-{name} torch-{release}"


def has_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is computed as such: a processor without the instructions is slower by it than by float32, and
    makes nearly what one makes that has them.
    """
    import torch

    if device.type != "cpu":
        return True
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()) and _has_instructions()


@cache
def _has_instructions() -> bool:
    import torch

    if os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper() == _ASKED["ONEDNN_MAX_CPU_ISA"]:
        return False
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


@cache
def _processor() -> str:
    """Vendor and instructions; of common instructions the vendor does not count."""
    import torch

    level = torch.backends.cpu.get_cpu_capability().lower()
    if all(os.environ.get(name) == value for name, value in _ASKED.items()):
        return f"common-{level}"
    if torch.cpu._is_amx_tile_supported():
        level += "-amx"
    elif torch.cpu._is_avx512_bf16_supported():
        level += "-bf16"
    return f"{_vendor()}-{level}"


def _vendor() -> str:
    try:
        found = re.search(r"^vendor_id\s*:\s*(\S+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return _VENDORS.get(found[1], "other") if found else "other"
