"""How much of a device's memory engines may use, where whoever runs them has said so; read anew for each piece of work.

Never part of a result: engines choose by it only what leaves the bytes alone.
"""

from __future__ import annotations

import threading

_lock = threading.Lock()
_limit: list[int | None] = [None]


def set_limit(nbytes: int | None) -> None:
    """From now on so many bytes; None: as each engine sees fit. Raises ValueError below 1."""
    if nbytes is not None and nbytes < 1:
        raise ValueError(f"expected at least one byte, found {nbytes}")
    with _lock:
        _limit[0] = nbytes


def limit() -> int | None:
    """What was said last."""
    with _lock:
        return _limit[0]
