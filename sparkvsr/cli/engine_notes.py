"""What engines choose by themselves, such as where weights lie, as notes on the screen."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sparkvsr.cli.screen import Screen

_LOGGER = logging.getLogger("sparkvsr")


class _Notes(logging.Handler):
    def __init__(self, screen: Screen) -> None:
        super().__init__()
        self._screen = screen

    def emit(self, record: logging.LogRecord) -> None:
        """Tell it; a warning as one."""
        tell = self._screen.warn if record.levelno >= logging.WARNING else self._screen.note
        tell(record.getMessage())


@contextmanager
def engine_notes(screen: Screen) -> Iterator[None]:
    """For the length of a with-block."""
    handler, level = _Notes(screen), _LOGGER.level
    _LOGGER.addHandler(handler)
    _LOGGER.setLevel(logging.INFO)
    try:
        yield
    finally:
        _LOGGER.removeHandler(handler)
        _LOGGER.setLevel(level)
