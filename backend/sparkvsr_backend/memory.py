"""How much memory there is: for the caches by default, and for the work on one frame."""

from __future__ import annotations

import ctypes
import re
from pathlib import Path

from sparkvsr_backend.errors import OutOfMemoryError

_FALLBACK = 4 << 30
# What an engine holds at once while it makes a frame, in working pictures of the result's size, and what goes unasked.
_PICTURES_AT_WORK = 10
_PICTURE_SAMPLE_BYTES = 3 * 4
_SURELY_FINE = 1 << 30
# Parameters of glibc's mallopt, and what they are set to.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_KEPT_AFTER_FREE = 512 << 20
_FROM_THE_HEAP = 1 << 30
_LEAST, _MOST = 256 << 20, 256 << 30


def default_cache_bytes() -> int:
    """Half of the memory that is free now, within the limits of the control group."""
    return cache_bytes_of(available_bytes(), _group_limit())


def default_vram_bytes(device: str) -> int | None:
    """A quarter of a GPU's memory, as the rest is for the engine; None on a processor."""
    if not device.startswith("cuda"):
        return None
    import torch

    return int(torch.cuda.mem_get_info(torch.device(device))[1]) // 4


def keep_freed_memory() -> bool:
    """Have the C library keep some memory that was freed; False where it is not glibc.

    By default it gives every freed picture back to the system, and touching fresh pages then costs more than the
    arithmetic.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    wanted = ((_M_ARENA_MAX, 1), (_M_MMAP_THRESHOLD, _FROM_THE_HEAP), (_M_TRIM_THRESHOLD, _KEPT_AFTER_FREE))
    accepted = [mallopt(parameter, value) == 1 for parameter, value in wanted]
    return all(accepted)


def largest_frame_bytes() -> int:
    """An eighth of the machine's memory: 3 GiB of 24, where an 8K RGBA float frame takes 0.5."""
    known = [size for size in (_meminfo("MemTotal"), _group_limit()) if size is not None]
    return max((min(known) if known else 2 * _FALLBACK) // 8, _LEAST)


def most_cache_bytes() -> int:
    """Nine tenths of the machine's memory: what caches never go beyond, whatever is wished."""
    known = [size for size in (_meminfo("MemTotal"), _group_limit()) if size is not None]
    return (min(known) if known else 2 * _FALLBACK) // 10 * 9


def cache_bytes_of(available: int | None, limit: int | None) -> int:
    """Half of the smaller of both, within reason."""
    known = [size for size in (available, limit) if size is not None]
    return min(max((min(known) if known else 2 * _FALLBACK) // 2, _LEAST), _MOST)


def available_bytes() -> int | None:
    """Memory that can be had without swapping; None where the system does not say."""
    return _meminfo("MemAvailable")


def _meminfo(name: str) -> int | None:
    try:
        found = re.search(rf"^{name}:\s+(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


def _group_limit() -> int | None:
    try:
        text = Path("/sys/fs/cgroup/memory.max").read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def require_room(pixels: int) -> None:
    """Refuse a frame of so many pixels when working on it would end the process. Raises OutOfMemoryError."""
    needed = pixels * _PICTURES_AT_WORK * _PICTURE_SAMPLE_BYTES
    if needed <= _SURELY_FINE:
        return
    available = available_bytes()
    if available is not None and needed > available:
        raise OutOfMemoryError(
            "the frame is too large to work on here; lower the scale, or give the caches less (--cache-gb)",
            expected=f"at most {available >> 20} MiB",
            found=f"about {needed >> 20} MiB for {pixels} pixels",
        )
