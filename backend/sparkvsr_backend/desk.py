"""What those share who deal with messages for the socket's thread."""

from __future__ import annotations

from dataclasses import dataclass

from sparkvsr_backend.mailbox import Mailbox
from sparkvsr_backend.outbox import Outbox
from sparkvsr_backend.workers import Settler


@dataclass(frozen=True)
class Desk:
    """Where messages leave, how other threads reach the socket's, and who does what has time."""

    outbox: Outbox
    mailbox: Mailbox
    settler: Settler
