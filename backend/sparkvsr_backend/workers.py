"""Threads: those that render, and one that copies what has been sent out of the slots."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Hashable

from sparkvsr_backend.peers import Job
from sparkvsr_backend.scheduler import Scheduler, Ticket


class WorkerPool:
    """Runs jobs in the scheduler's order on ``count`` threads."""

    def __init__(self, count: int, run: Callable[[Job], None]) -> None:
        self._run = run
        self._scheduler: Scheduler[Job] = Scheduler(background_slots=max(1, count - 1))
        self._lock = threading.Lock()
        self._calls: queue.SimpleQueue[None] = queue.SimpleQueue()  # each wakes one thread, to see what it can start
        self._running: set[Job] = set()
        self._stopped = False
        self._count = count
        for index in range(count):
            threading.Thread(target=self._work, name=f"render-{index}", daemon=True).start()

    def submit(self, ticket: Ticket[Job]) -> None:
        """Queue a job."""
        with self._lock:
            self._scheduler.push(ticket)
        self._calls.put(None)

    def cancel(self, client: Hashable, number: int) -> list[Job]:
        """Take a job out of the queue; those that run are stopped by their own event."""
        with self._lock:
            return [ticket.job for ticket in self._scheduler.cancel(client, number)]

    def drop_all(self) -> list[Job]:
        """Empty the queue."""
        with self._lock:
            return [ticket.job for ticket in self._scheduler.drop_all()]

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits and nothing runs."""
        with self._lock:
            return not self._running and not len(self._scheduler)

    def running(self) -> list[Job]:
        """The jobs under way."""
        with self._lock:
            return list(self._running)

    def queued(self) -> int:
        """How many jobs wait."""
        with self._lock:
            return len(self._scheduler)

    def queued_of(self, client: Hashable) -> int:
        """How many jobs of a client wait."""
        with self._lock:
            return self._scheduler.queued_of(client)

    def stop(self) -> None:
        """Start nothing more; the threads end when their jobs do."""
        self._stopped = True
        for _ in range(self._count):
            self._calls.put(None)

    def _work(self) -> None:
        while self._work_once():
            pass

    def _work_once(self) -> bool:
        """At most one job, of which no reference stays here while the thread waits: it may hold a segment of a link
        that is gone.
        """
        self._calls.get()
        if self._stopped:
            return False
        ticket = self._next()
        if ticket is not None:
            try:
                self._run(ticket.job)
            finally:
                self._done(ticket)
        return True

    def _next(self) -> Ticket[Job] | None:
        """None where another thread was faster, or nothing may start yet."""
        with self._lock:
            ticket = self._scheduler.pop()
            if ticket is not None:
                self._running.add(ticket.job)
            return ticket

    def _done(self, ticket: Ticket[Job]) -> None:
        with self._lock:
            self._running.discard(ticket.job)
            self._scheduler.done(ticket)
            waiting = len(self._scheduler)
        if waiting:
            self._calls.put(None)  # a background job may have been waiting for its turn


class Settler:
    """One thread for work that may follow a result: copying slots into the cache, mapping segments."""

    def __init__(self, failed: Callable[[BaseException], None]) -> None:
        self._failed = failed
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="settle", daemon=True).start()

    def submit(self, work: Callable[[], None]) -> None:
        """Do this soon."""
        self._work.put(work)

    def do(self, work: Callable[[], None]) -> None:
        """Do this now, on the caller's thread, which lives on whatever happens; a failure is told."""
        try:
            work()
        except Exception as error:  # noqa: BLE001 - see above
            self._failed(error)

    def stop(self) -> None:
        """End once all is done."""
        self._work.put(None)

    def _run(self) -> None:
        while self._run_once():
            pass

    def _run_once(self) -> bool:
        """One piece of work, of which no reference stays here while the thread waits."""
        work = self._work.get()
        if work is None:
            return False
        self.do(work)
        return True
