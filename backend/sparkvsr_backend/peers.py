"""What the server knows of a connection: who it is, its segments, which slots are ours, and its requests."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field

from sparkvsr_backend.buffers import OutputBuffer, Segment
from sparkvsr_backend.errors import BadSlotError
from sparkvsr_backend.protocol import Analyse, Budget, Hello, Image, Render

MAX_SEGMENTS = 16
MAX_SESSIONS = 4096
_LARGEST_PID = 2**31 - 1


@dataclass(eq=False)
class Ring:
    """A segment of a link. ``ours``: slots that the backend has; touched by the socket's thread only."""

    number: int
    segment: Segment
    ours: set[int] = field(default_factory=set)

    def take(self, slot: int) -> None:
        """A slot becomes ours. Raises BadSlotError."""
        if not 0 <= slot < self.segment.slots:
            raise BadSlotError("no such slot", expected=f"0..{self.segment.slots - 1}", found=str(slot))
        if slot in self.ours:
            raise BadSlotError("the slot is not the sender's", expected="a slot of the link", found=f"slot {slot}")
        self.ours.add(slot)

    @property
    def is_short(self) -> bool:
        """Whether the link may soon wait for slots."""
        return 2 * len(self.ours) > self.segment.slots


@dataclass(eq=False)
class Job:
    """A request under way. ``cancelled`` is set by CANCEL, by the end of the connection, and by shutdown.

    ``out``: where a frame goes; None: into memory of our own.
    """

    peer: Peer
    message: Render | Analyse
    out: OutputBuffer | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    shutdown: bool = False

    def give_back(self) -> None:
        """Our share of the output slot; what else was lent with it ends in its own time."""
        if self.out is not None and self.out.lease is not None:
            self.out.lease.give_back()


@dataclass(eq=False)
class Peer:
    """A welcome connection."""

    route: bytes
    hello: Hello
    carriers: tuple[str, ...]
    pidfd: int | None = None
    gone: bool = False
    rings: dict[int, Ring] = field(default_factory=dict)
    jobs: dict[int, Job] = field(default_factory=dict)
    sessions: set[str] = field(default_factory=set)
    budget: Budget = field(default_factory=Budget)

    def ring(self, image: Image) -> Ring:
        """The ring of a descriptor. Raises BadSlotError."""
        try:
            return self.rings[image.segment]
        except KeyError:
            known = ", ".join(map(str, self.rings)) or "none"
            raise BadSlotError("no such segment", expected=f"one of: {known}", found=str(image.segment)) from None

    def remember_session(self, session: str) -> None:
        """Count a lease; a link that invents endless names is counted no further."""
        if len(self.sessions) < MAX_SESSIONS:
            self.sessions.add(session)

    def close(self) -> None:
        """Forget the process behind the connection."""
        if self.pidfd is not None:
            os.close(self.pidfd)
            self.pidfd = None


def watch_process(pid: int) -> int | None:
    """A descriptor that becomes readable when the process ends; None where that cannot be had."""
    if not 0 < pid <= _LARGEST_PID or not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None
