"""Work that any thread leaves for the one that polls."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress


class Mailbox:
    """A queue of work, and a descriptor that becomes readable when some lies in it.

    ``post`` may be called from anywhere, signal handlers included; all else only by the thread that polls ``fd``.
    """

    def __init__(self) -> None:
        self.fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._work: deque[Callable[[], None]] = deque()
        self._rung = False

    def post(self, work: Callable[[], None]) -> None:
        """Have the polling thread do this."""
        self._work.append(work)
        if self._rung:
            return  # it is awake, or about to be, and looks again before it sleeps
        self._rung = True
        with suppress(OSError, ValueError):  # closed in between: nobody polls any more
            os.eventfd_write(self.fd, 1)

    def run(self) -> None:
        """Do all that lies here, and what is added meanwhile."""
        if self._rung:
            self._hush()
        while self._work:
            while self._work:
                self._work.popleft()()
            self._rung = False  # from now on ``post`` rings; what came before that is seen by the next look

    def close(self) -> None:
        """Later work is dropped."""
        descriptor, self.fd = self.fd, -1
        os.close(descriptor)

    def _hush(self) -> None:
        try:
            os.eventfd_read(self.fd)
        except BlockingIOError:
            return  # whoever rings has not come to it yet: that wakes us once for nothing
