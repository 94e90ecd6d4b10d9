"""Who runs next: interactive before prefetch before batch, clients in turn, each client's requests in order.

No threads here.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from sparkvsr_backend.requests import Priority

J = TypeVar("J")


@dataclass(frozen=True)
class Ticket(Generic[J]):
    """A job in the queue; ``client`` and ``number`` name it."""

    client: Hashable
    number: int
    priority: Priority
    job: J


@dataclass
class Scheduler(Generic[J]):
    """A queue of jobs.

    ``background_slots``: how many prefetch and batch jobs may run at once, so that a worker stays free for the artist.
    Within a priority the client that was served longest ago comes first; a client's own jobs keep their order.
    """

    background_slots: int = 1
    _queues: dict[Priority, OrderedDict[Hashable, deque[Ticket[J]]]] = field(
        default_factory=lambda: {priority: OrderedDict() for priority in Priority}
    )
    _background_running: int = 0

    def __len__(self) -> int:
        return sum(len(queue) for clients in self._queues.values() for queue in clients.values())

    def push(self, ticket: Ticket[J]) -> None:
        """Add a job at the end of its client's queue."""
        self._queues[ticket.priority].setdefault(ticket.client, deque()).append(ticket)

    def pop(self) -> Ticket[J] | None:
        """The job to start now, or None when nothing may start. ``done`` must follow for each."""
        for priority, clients in self._queues.items():
            if not clients or not self._may_start(priority):
                continue
            client, queue = clients.popitem(last=False)
            ticket = queue.popleft()
            if queue:
                clients[client] = queue
            self._background_running += priority is not Priority.INTERACTIVE
            return ticket
        return None

    def done(self, ticket: Ticket[J]) -> None:
        """A job that was popped has ended, in whatever way."""
        self._background_running -= ticket.priority is not Priority.INTERACTIVE

    def queued_of(self, client: Hashable) -> int:
        """How many jobs of a client wait."""
        return sum(len(clients.get(client, ())) for clients in self._queues.values())

    def cancel(self, client: Hashable, number: int) -> list[Ticket[J]]:
        """Take the client's job of this number out of the queue; empty when it is not there."""
        return self._remove(client, lambda ticket: ticket.number == number)

    def drop_client(self, client: Hashable) -> list[Ticket[J]]:
        """Take all jobs of a client out of the queue."""
        return self._remove(client, lambda _: True)

    def drop_all(self) -> list[Ticket[J]]:
        """Empty the queue."""
        clients = {client for queues in self._queues.values() for client in queues}
        return [ticket for client in clients for ticket in self.drop_client(client)]

    def _may_start(self, priority: Priority) -> bool:
        return priority is Priority.INTERACTIVE or self._background_running < self.background_slots

    def _remove(self, client: Hashable, wanted: Callable[[Ticket[J]], bool]) -> list[Ticket[J]]:
        removed: list[Ticket[J]] = []
        for clients in self._queues.values():
            queue = clients.get(client)
            if queue is None:
                continue
            removed += [ticket for ticket in queue if wanted(ticket)]
            kept = deque(ticket for ticket in queue if not wanted(ticket))
            if kept:
                clients[client] = kept
            else:
                del clients[client]
        return removed
