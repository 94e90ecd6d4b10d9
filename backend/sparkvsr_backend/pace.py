"""How long requests of a kind have taken: whether the next of its kind is worth waking a thread for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

QUICK_S = 0.003
_KINDS = 256
_RECENT = 4


class Pace:
    """Remembers how each kind has fared of late; ``quick_s``: what counts as quick. Not thread-safe."""

    def __init__(self, quick_s: float = QUICK_S) -> None:
        self.quick_s = quick_s
        self._streaks: OrderedDict[Hashable, int] = OrderedDict()

    def note(self, kind: Hashable, seconds: float, *, counts: bool) -> None:
        """One of this kind took so long; without ``counts`` it was not the whole work, and proves only slowness."""
        quick = seconds <= self.quick_s
        if quick and not counts:
            return
        self._streaks[kind] = self._streaks.get(kind, 0) + 1 if quick else 0
        self._streaks.move_to_end(kind)
        if len(self._streaks) > _KINDS:
            self._streaks.popitem(last=False)

    def is_quick(self, kind: Hashable) -> bool:
        """Whether the last few of this kind were all quick; no for a kind that is new."""
        return self._streaks.get(kind, 0) >= _RECENT
