"""The structured log: one line per event, key=value, rotated, readable by the user alone."""

from __future__ import annotations

import logging
import logging.handlers
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

LOGGER = logging.getLogger("sparkvsr.backend")
SCIENCE = logging.getLogger("sparkvsr")
"""What engines choose by themselves, such as where weights lie; above that of the backend, which keeps to itself."""

_ROTATE_AT = 4 << 20
_KEPT = 3
_PLAIN = re.compile(r"[\w.:/+@%-]+")


def event(name: str, /, level: int = logging.INFO, **values: Any) -> None:
    """Log an event with its values."""
    if LOGGER.isEnabledFor(level):
        LOGGER.log(level, "event=%s%s", name, "".join(f" {key}={_quoted(value)}" for key, value in values.items()))


class _Told(logging.Handler):
    """What the science says, as an event."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log it with its source."""
        event("engine", record.levelno, source=record.name, text=record.getMessage())


class RateLimit:
    """At most one line per name and second; what was kept back is counted."""

    def __init__(self, interval_s: float = 1.0) -> None:
        self._interval = interval_s
        self._last: dict[str, float] = {}
        self._kept_back: dict[str, int] = {}

    def warn(self, name: str, /, **values: Any) -> None:
        """Log a warning unless one of this name has just been logged."""
        now = time.monotonic()
        if now - self._last.get(name, -self._interval) < self._interval:
            self._kept_back[name] = self._kept_back.get(name, 0) + 1
            return
        self._last[name] = now
        event(name, logging.WARNING, **values, kept_back=self._kept_back.pop(name, 0))


def log_to(path: Path | None) -> None:
    """Send events to ``path``, rotated, mode 0600; None: to standard error."""
    handler: logging.Handler
    if path is None:
        handler = logging.StreamHandler(sys.stderr)
    else:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600))
        handler = logging.handlers.RotatingFileHandler(path, maxBytes=_ROTATE_AT, backupCount=_KEPT, encoding="utf-8")
    formatter = logging.Formatter("time=%(asctime)s.%(msecs)03d level=%(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    handler.setFormatter(formatter)
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False
    if not any(isinstance(known, _Told) for known in SCIENCE.handlers):
        SCIENCE.addHandler(_Told())
    SCIENCE.setLevel(logging.INFO)
    SCIENCE.propagate = False


def _quoted(value: Any) -> str:
    text = f"{value:.3f}" if isinstance(value, float) else str(value)
    if _PLAIN.fullmatch(text):
        return text
    escaped = text.encode("unicode_escape").decode("ascii").replace('"', '\\"')
    return f'"{escaped}"'
