"""Who may work: one alone, or one for each network where the device holds both and what both need."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sparkvsr.engine import Watch

_POLL_S = 0.02


@dataclass(eq=False, slots=True)
class _Turn:
    part: Hashable
    alone: bool

    def bears(self, other: _Turn) -> bool:
        """Whether both may have their turn at once."""
        return not self.alone and not other.alone and self.part != other.part


class Turns:
    """Turns in the order of asking; one that bears all before it need not wait for them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._line: list[_Turn] = []  # those at work, and those who wait, in the order of asking

    @property
    def taken(self) -> int:
        """How many work or wait."""
        return len(self._line)

    @contextmanager
    def turn(self, part: Hashable, alone: bool, watch: Watch) -> Iterator[None]:
        """Have ``part`` to oneself, with ``alone`` everything. Raises CancelledError while waiting."""
        turn = _Turn(part, alone)
        with self._changed:
            self._line.append(turn)
        try:
            self._wait(turn, watch)
            yield
        finally:
            with self._changed:
                self._line.remove(turn)
                self._changed.notify_all()

    def _wait(self, turn: _Turn, watch: Watch) -> None:
        with self._changed:
            while not all(turn.bears(other) for other in self._line[: self._line.index(turn)]):
                self._changed.wait(_POLL_S)
                watch.step(0.0, "waiting")
