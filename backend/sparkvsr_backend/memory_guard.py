"""A peer that shrinks the file behind shared memory must not end the process by SIGBUS: its memory then reads as zeros.

The compiled half (backend/native) watches regions from the signal's handler; nothing is asked while pixels are copied.
Without it (a source tree that was not built) a segment is used as it is.
"""

from __future__ import annotations

import weakref

import numpy as np
import numpy.typing as npt

_NO_REGION = -1

try:
    from sparkvsr_backend._guard import release, shrank, watch
except ImportError:

    def watch(memory: npt.NDArray[np.uint8]) -> int:
        """Cannot."""
        return _NO_REGION

    def release(region: int) -> None:
        """Nothing was watched."""

    def shrank(region: int) -> bool:
        """Nobody would know."""
        return False


class Watched:
    """Watches ``memory``, which must begin where its mapping does, until the last view of it dies."""

    def __init__(self, memory: npt.NDArray[np.uint8]) -> None:
        self._region = watch(memory)
        if self._region != _NO_REGION:
            # Views hold the array, the array holds the mapping: this runs before the memory is unmapped.
            weakref.finalize(memory, release, self._region).atexit = False

    @property
    def shrank(self) -> bool:
        """Whether a part of the memory was gone when it was touched. It never comes back."""
        return shrank(self._region)
