"""Ctrl-C: one line and exit code 130, wherever it comes. Needs the standard library alone: it is there first."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 130
WORDS = "Interrupted: nothing half-written is left behind"
_PATIENCE = 3


def leave_at_once(number: int = signal.SIGINT, frame: FrameType | None = None) -> None:
    """The handler while modules are loaded: an import must not be left halfway, and there is nothing to clean up."""
    os.write(2, f"error: {WORDS}\n".encode())
    os._exit(INTERRUPTED)


class Interruptions:
    """The handler while a command works: the first Ctrl-C unwinds, the next ones must not disturb that."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Raises KeyboardInterrupt the first time; who presses once more after the second time means it."""
        self._count += 1
        if self._count == 1:
            raise KeyboardInterrupt
        if self._count >= _PATIENCE:
            os.write(2, b"error: Interrupted: before everything half-written was removed\n")
            os._exit(INTERRUPTED)


@contextmanager
def guarded_loading(ends_process: bool) -> Iterator[None]:
    """``leave_at_once`` until the command says ``working``. ``ends_process``: nothing follows that may be interrupted.

    A signal handler is the main thread's affair: in another thread this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, leave_at_once)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN if ends_process else before)


def working() -> None:
    """From here on Ctrl-C unwinds, so that files in the making are removed."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, Interruptions())
