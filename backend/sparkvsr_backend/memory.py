"""How much memory the caches may take by default."""

from __future__ import annotations

import re
from pathlib import Path

_FALLBACK = 4 << 30
_LEAST, _MOST = 256 << 20, 256 << 30


def default_cache_bytes() -> int:
    """Half of the memory that is free now, within the limits of the control group."""
    return cache_bytes_of(_available_bytes(), _group_limit())


def cache_bytes_of(available: int | None, limit: int | None) -> int:
    """Half of the smaller of both, within reason."""
    known = [size for size in (available, limit) if size is not None]
    return min(max((min(known) if known else 2 * _FALLBACK) // 2, _LEAST), _MOST)


def _available_bytes() -> int | None:
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


def _group_limit() -> int | None:
    try:
        text = Path("/sys/fs/cgroup/memory.max").read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None
