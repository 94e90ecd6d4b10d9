"""Byte-budgeted LRU tiers with counters, in which two equal requests compute once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from sparkvsr_backend.protocol import TierCounters

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_POLL_S = 0.02


_ON_DEVICE = ("source_latents", "keyframe_latents", "propagations", "decoded")
_IN_MEMORY = ("frames", "results", "analysis")


class GaveUpError(Exception):
    """The caller was cancelled while it waited for another's computation."""


@dataclass(frozen=True)
class Budgets:
    """Bytes that each tier may hold; ``arrivals``: frames that came in and were not yet read, beside the tier."""

    frames: int
    source_latents: int
    keyframe_latents: int
    propagations: int
    results: int
    decoded: int = 0
    analysis: int = 64 << 20
    arrivals: int = 2 << 30

    def within(self, ram: int | None, vram: int | None, device: str) -> Budgets:
        """These budgets, scaled to so many bytes of the machine's and the device's memory (None: as they are).

        Latents and what is made of them lie on the device, frames, results and looks in the machine's memory; on a
        processor all do. ``arrivals`` stays: what was asked for must have room.
        """
        if device.partition(":")[0] == "cpu":
            return self._scaled(_ON_DEVICE + _IN_MEMORY, ram)
        return self._scaled(_ON_DEVICE, vram)._scaled(_IN_MEMORY, ram)

    def _scaled(self, tiers: tuple[str, ...], most: int | None) -> Budgets:
        total = sum(getattr(self, tier) for tier in tiers)
        if most is None or total == 0:
            return self
        return replace(self, **{tier: getattr(self, tier) * most // total for tier in tiers})

    @staticmethod
    def share_out(total: int) -> Budgets:
        """A total, divided by what is dearest to make again and what is largest."""
        percent = total // 100
        return Budgets(
            frames=20 * percent,
            source_latents=10 * percent,
            keyframe_latents=15 * percent,
            propagations=15 * percent,
            results=25 * percent,
            decoded=5 * percent,
            analysis=10 * percent,
        )


class Flight(Generic[K, V]):
    """A computation that others may wait for. Whoever leads it must finish or abandon it."""

    def __init__(self, tier: Tier[K, V], key: K) -> None:
        self._tier = tier
        self._key = key
        self._landed = threading.Event()
        self._value: list[V] = []

    def finish(self, value: V, nbytes: int) -> None:
        """Store the value and wake those who wait."""
        self._value.append(value)
        self._tier._land(self._key, self, value, nbytes)
        self._landed.set()

    def abandon(self) -> None:
        """Nothing came of it; one of those who wait takes over. Harmless after ``finish``."""
        if not self._landed.is_set():
            self._tier._drop_flight(self._key, self)
            self._landed.set()

    def wait(self, cancelled: Callable[[], bool]) -> V | None:
        """The value, or None when the flight was abandoned. Raises GaveUpError."""
        while not self._landed.wait(_POLL_S):
            if cancelled():
                raise GaveUpError
        return self._value[0] if self._value else None


@dataclass
class Claim(Generic[K, V]):
    """Either the value is there, or the caller leads the flight to it."""

    value: V | None = None
    flight: Flight[K, V] | None = None


@dataclass
class _Entry(Generic[V]):
    value: V
    nbytes: int


@dataclass
class Tier(Generic[K, V]):
    """A thread-safe LRU map of at most ``budget`` bytes. A value larger than the budget is handed on but not kept.

    ``least``: so many entries are kept whatever they weigh.
    """

    budget: int
    least: int = 0
    _entries: OrderedDict[K, _Entry[V]] = field(default_factory=OrderedDict)
    _flights: dict[K, Flight[K, V]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _bytes: int = 0
    _hits: int = 0
    _misses: int = 0
    _evictions: int = 0

    def get(self, key: K) -> V | None:
        """The value, counted as a hit or a miss."""
        with self._lock:
            entry = self._touch(key)
            self._count(entry is not None)
            return None if entry is None else entry.value

    def __contains__(self, key: K) -> bool:
        with self._lock:
            return key in self._entries

    def put(self, key: K, value: V, nbytes: int) -> bool:
        """Keep a value; False when it is larger than the whole budget."""
        with self._lock:
            self._remove(key)
            if nbytes > self.budget and not self.least:
                return False
            self._entries[key] = _Entry(value, nbytes)
            self._bytes += nbytes
            self._shrink()
            return True

    def claim(self, key: K, cancelled: Callable[[], bool] = lambda: False) -> Claim[K, V]:
        """The value if it is there or in the making; else a flight to lead. Raises GaveUpError."""
        while True:
            with self._lock:
                entry = self._touch(key)
                if entry is not None:
                    self._count(True)
                    return Claim(value=entry.value)
                flight = self._flights.get(key)
                if flight is None:
                    self._count(False)
                    flight = self._flights[key] = Flight(self, key)
                    return Claim(flight=flight)
            value = flight.wait(cancelled)
            if value is not None:
                self._count(True)
                return Claim(value=value)

    def obtain(self, key: K, make: Callable[[], tuple[V, int]], cancelled: Callable[[], bool] = lambda: False) -> V:
        """The value, made by ``make`` (value, bytes) if it is not there.

        Raises GaveUpError and what ``make`` raises.
        """
        claim = self.claim(key, cancelled)
        if claim.flight is None:
            assert claim.value is not None  # noqa: S101 - one of the two is set, by construction
            return claim.value
        try:
            value, nbytes = make()
        except BaseException:
            claim.flight.abandon()
            raise
        claim.flight.finish(value, nbytes)
        return value

    def resize(self, budget: int) -> None:
        """Another budget; the oldest entries beyond it go at once."""
        with self._lock:
            self.budget = budget
            self._shrink()

    def clear(self) -> None:
        """Forget everything but what is in the making."""
        with self._lock:
            self._entries.clear()
            self._bytes = 0

    def counters(self) -> TierCounters:
        """A snapshot."""
        with self._lock:
            return TierCounters(
                hits=self._hits,
                misses=self._misses,
                entries=len(self._entries),
                bytes=self._bytes,
                budget_bytes=self.budget,
                evictions=self._evictions,
            )

    def _land(self, key: K, flight: Flight[K, V], value: V, nbytes: int) -> None:
        with self._lock:
            self.put(key, value, nbytes)
            self._drop_flight(key, flight)

    def _drop_flight(self, key: K, flight: Flight[K, V]) -> None:
        with self._lock:
            if self._flights.get(key) is flight:
                del self._flights[key]

    def _touch(self, key: K) -> _Entry[V] | None:
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    def _count(self, hit: bool) -> None:
        with self._lock:
            self._hits += hit
            self._misses += not hit

    def _remove(self, key: K) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= entry.nbytes

    def _shrink(self) -> None:
        while self._bytes > self.budget and len(self._entries) > self.least:
            _, entry = self._entries.popitem(last=False)
            self._bytes -= entry.nbytes
            self._evictions += 1
