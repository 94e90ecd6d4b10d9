"""BUDGET: what several links want the caches to take, made one."""

from __future__ import annotations

from collections.abc import Iterable

from sparkvsr_backend.protocol import Budget

_GIB = 1 << 30


def agreed(wishes: Iterable[Budget], most: int) -> tuple[int | None, int | None]:
    """Bytes of the machine's and of the device's memory: the smallest wish that is not 0, None where nobody has one.

    ``most``: of the machine's memory, whatever is wished.
    """
    kept = list(wishes)
    ram = _smallest(wish.ram_gb for wish in kept)
    return None if ram is None else min(ram, most), _smallest(wish.vram_gb for wish in kept)


def _smallest(gigabytes: Iterable[float]) -> int | None:
    wanted = [int(one * _GIB) for one in gigabytes if one > 0.0]
    return min(wanted, default=None)
