"""The frames tier: pixels by fingerprint, at first in the link's slots (no copy), later in memory of our own.

Pixels that have arrived are kept, beyond the tier's budget if need be, until a render has read them (or nobody did
for a while): what was asked for is there when it is needed, however small the cache. Only then does the budget
decide.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from sparkvsr.frames import Frame, PixelFormat
from sparkvsr_backend.buffers import BufferPool, Lease, copied
from sparkvsr_backend.cache import Tier
from sparkvsr_backend.errors import NeedFrames, OutOfMemoryError
from sparkvsr_backend.protocol import TierCounters

_REMEMBERED_FORMATS = 100_000
_WELCOME_S = 10.0


@dataclass
class _Fresh:
    """Pixels that still lie in a slot. ``owner``: the connection that put them."""

    frame: Frame
    lease: Lease
    owner: Hashable
    since: float
    settling: bool = False
    read: bool = False


@dataclass
class _Arrival:
    """Pixels of our own that no render has read yet."""

    frame: Frame
    since: float


@dataclass
class FrameStore:
    """Thread-safe. Sizes are remembered beyond the pixels, as some keys need them.

    ``budget``: bytes of frames kept for later; ``room``: bytes of frames that have arrived and were not yet read.
    """

    budget: int
    pool: BufferPool = field(default_factory=BufferPool)
    room: int = 2 << 30
    _arrived: OrderedDict[bytes, _Arrival] = field(default_factory=OrderedDict)
    _fresh: dict[bytes, _Fresh] = field(default_factory=dict)
    _formats: OrderedDict[bytes, PixelFormat] = field(default_factory=OrderedDict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self._tier: Tier[bytes, Frame] = Tier(self.budget)

    def put(self, fingerprint: bytes, frame: Frame) -> None:
        """Keep pixels that are nobody else's. The caller does not change them afterwards."""
        with self._lock:
            self._remember(fingerprint, frame.format)
            self._arrive(fingerprint, frame)

    def lend(self, fingerprint: bytes, frame: Frame, lease: Lease, owner: Hashable) -> None:
        """Take pixels in a slot, and the caller's share of its lease. They are used in place until ``settle``."""
        with self._lock:
            if fingerprint not in self:
                self._remember(fingerprint, frame.format)
                self._fresh[fingerprint] = _Fresh(frame, lease, owner, time.monotonic())
                return
        lease.give_back()  # known already: the slot is free at once

    def __contains__(self, fingerprint: bytes) -> bool:
        with self._lock:
            return fingerprint in self._fresh or fingerprint in self._arrived or fingerprint in self._tier

    def format_of(self, fingerprint: bytes) -> PixelFormat | None:
        """Size and kind of a frame that was here once; None for one never seen."""
        with self._lock:
            return self._formats.get(fingerprint)

    @contextmanager
    def hold(self, fingerprints: tuple[bytes, ...]) -> Iterator[dict[bytes, Frame]]:
        """The frames, in place, for the length of a with-block.

        Raises NeedFrames, or OutOfMemoryError when they never fit.
        """
        with ExitStack() as shares:
            with self._lock:
                frames = {key: self._share(key, shares) for key in dict.fromkeys(fingerprints)}
            missing = [key for key, frame in frames.items() if frame is None]
            if missing:
                self._require_room(tuple(frames))
                raise NeedFrames(missing)
            yield {key: frame for key, frame in frames.items() if frame is not None}
        with self._lock:
            for key in frames:
                self._retire(key)

    def settle(self, fingerprint: bytes) -> None:
        """Copy a frame out of its slot and give our share of the slot back. Nothing to do for others."""
        with self._lock:
            fresh = self._fresh.get(fingerprint)
            if fresh is None or fresh.settling:
                return
            fresh.settling = True
            fresh.lease.share()
        try:
            own = copied(fresh.frame, self.pool)
        except MemoryError:
            own = None  # the pixels are dropped; the link will be asked for them again
        with self._lock:
            if self._fresh.get(fingerprint) is fresh:
                del self._fresh[fingerprint]
                if own is not None and fresh.read:
                    self._tier.put(fingerprint, own, own.nbytes)
                elif own is not None:
                    self._arrive(fingerprint, own)
                fresh.lease.give_back()
        fresh.lease.give_back()

    def waiting_longer_than(self, seconds: float) -> list[bytes]:
        """Frames that still lie in a slot after this time, oldest first."""
        limit = time.monotonic() - seconds
        with self._lock:
            return [key for key, fresh in self._fresh.items() if fresh.since <= limit and not fresh.settling]

    def waiting_of(self, owner: Hashable) -> list[bytes]:
        """Frames that still lie in the slots of a connection, oldest first."""
        with self._lock:
            return [key for key, fresh in self._fresh.items() if fresh.owner == owner and not fresh.settling]

    @property
    def waiting(self) -> int:
        """How many frames still lie in slots."""
        return len(self._fresh)

    def forget_owner(self, owner: Hashable) -> None:
        """Drop what lies in the slots of a connection that has ended."""
        with self._lock:
            gone = [key for key, fresh in self._fresh.items() if fresh.owner == owner]
            leases = [self._fresh.pop(key).lease for key in gone]
        for lease in leases:
            lease.give_back()

    def resize(self, budget: int) -> None:
        """Another budget for frames kept for later; what is beyond it goes at once."""
        with self._lock:
            self.budget = budget
            self._tier.resize(budget)

    def clear(self) -> None:
        """Forget all pixels but those in slots."""
        with self._lock:
            self._arrived.clear()
            self._tier.clear()

    def counters(self) -> TierCounters:
        """A snapshot of the settled frames."""
        return self._tier.counters()

    def _share(self, fingerprint: bytes, shares: ExitStack) -> Frame | None:
        fresh = self._fresh.get(fingerprint)
        if fresh is not None:
            shares.enter_context(fresh.lease.held())
            return fresh.frame
        arrival = self._arrived.get(fingerprint)
        return self._tier.get(fingerprint) if arrival is None else arrival.frame

    def _arrive(self, fingerprint: bytes, frame: Frame) -> None:
        now = time.monotonic()
        self._arrived[fingerprint] = _Arrival(frame, now)
        self._arrived.move_to_end(fingerprint)
        waiting = sum(arrival.frame.nbytes for arrival in self._arrived.values())
        for key, arrival in list(self._arrived.items())[:-1]:
            if waiting <= self.room and arrival.since > now - _WELCOME_S:
                return
            waiting -= arrival.frame.nbytes
            self._retire(key)

    def _retire(self, fingerprint: bytes) -> None:
        """Read, or waited for too long: from now on the budget decides."""
        if fingerprint in self._fresh:
            self._fresh[fingerprint].read = True
        arrival = self._arrived.pop(fingerprint, None)
        if arrival is not None:
            self._tier.put(fingerprint, arrival.frame, arrival.frame.nbytes)

    def _remember(self, fingerprint: bytes, layout: PixelFormat) -> None:
        self._formats[fingerprint] = layout
        self._formats.move_to_end(fingerprint)
        if len(self._formats) > _REMEMBERED_FORMATS:
            self._formats.popitem(last=False)

    def _require_room(self, fingerprints: tuple[bytes, ...]) -> None:
        known = [layout.nbytes for layout in map(self.format_of, fingerprints) if layout is not None]
        if sum(known) > max(self.room, self.budget):
            raise OutOfMemoryError(
                "the frames of this request never fit at once",
                expected=f"at most {max(self.room, self.budget)} bytes",
                found=f"{sum(known)} bytes in {len(known)} frames",
            )
