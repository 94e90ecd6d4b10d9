"""RENDER and ANALYSE: requests from the queue to their answers."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
import zmq

import sparkvsr_backend.protocol as wire
from sparkvsr_backend.buffers import OutputBuffer, pixels_over
from sparkvsr_backend.desk import Desk
from sparkvsr_backend.engine_loop import EngineLoop
from sparkvsr_backend.errors import BadMessageError, OutOfMemoryError, ShuttingDownError
from sparkvsr_backend.log import event
from sparkvsr_backend.pace import Pace
from sparkvsr_backend.peers import Job, Peer
from sparkvsr_backend.protocol import Carrier, Image, Message
from sparkvsr_backend.rendering import Ended, refusal_of, render_job
from sparkvsr_backend.requests import Priority
from sparkvsr_backend.scheduler import Ticket
from sparkvsr_backend.slots import Slots
from sparkvsr_backend.workers import WorkerPool

_QUEUED_PER_CLIENT = 256
_UNSENT_BYTES = 1 << 30
_READING_BYTES_PER_S = 6e9
_LONGEST_READING_S = 0.03
_SMALL_BYTES = 1 << 20  # copying so much takes no longer than waking a thread that would do it
_PUMP_EVERY_S = 0.01


class Renders:
    """Called by the socket's thread, but for what the workers do.

    A small request of a kind that has always been quick is served on the socket's thread when nothing else runs: to
    wake a worker, and to move what both touch from core to core, takes longer than the work. Should it be slow for
    once, ``pump`` serves the socket whenever the engine asks whether it was cancelled.
    """

    def __init__(
        self,
        loop: EngineLoop,
        workers: int,
        desk: Desk,
        slots: Slots,
        pump: Callable[[], None],
        pace: Pace | None = None,
    ) -> None:
        self._loop = loop
        self._desk = desk
        self._slots = slots
        self._pump = pump
        self._closing = False
        self._here: Job | None = None
        self._pace = pace or Pace()
        self._counts = Counter[str]()
        self._workers = WorkerPool(workers, self._work)

    @property
    def counters(self) -> wire.RequestCounters:
        """What became of the requests."""
        return wire.RequestCounters(**self._counts)

    @property
    def under_way(self) -> int:
        """How many requests wait or run."""
        return self._workers.queued() + len(self._running())

    @property
    def is_busy(self) -> bool:
        """Whether any request runs."""
        return bool(self._running())

    def count_failure(self) -> None:
        """A request was refused before it became a job."""
        self._counts["failed"] += 1

    def on_render(self, peer: Peer, message: wire.Render, _: list[zmq.Frame]) -> None:
        """Serve a request, now or later. Raises ShuttingDownError, BadMessageError, OutOfMemoryError, BadSlotError."""
        self._require_place(peer, message)
        self._require_reader(peer, message)
        job = peer.jobs[message.id] = Job(peer, message, self._output(peer, message.output))
        peer.remember_session(message.request.session)
        if self._may_run_here(job, message):
            self._run_here(job)
        else:
            self._workers.submit(Ticket(peer, message.id, message.request.priority, job))

    def on_analyse(self, peer: Peer, message: wire.Analyse, _: list[zmq.Frame]) -> None:
        """Serve an analysis behind what an artist waits for. Raises ShuttingDownError, BadMessageError,
        OutOfMemoryError.
        """
        self._require_place(peer, message)
        job = peer.jobs[message.id] = Job(peer, message)
        self._workers.submit(Ticket(peer, message.id, Priority.PREFETCH, job))

    def on_cancel(self, peer: Peer, message: wire.Cancel, _: list[zmq.Frame]) -> None:
        """Forget a request; one that runs ends at its next step."""
        job = peer.jobs.get(message.id)
        if job is not None:
            self._cancel(job)

    def forget(self, peer: Peer) -> None:
        """The connection is over: nobody waits for its requests."""
        for job in list(peer.jobs.values()):
            self._cancel(job)

    def finish(self, *, cancel: bool) -> None:
        """Start nothing more, and refuse what waits; with ``cancel`` what runs is stopped as well."""
        self._closing = True
        for job in self._workers.drop_all():
            self._end(refusal_of(job))
        for job in self._running() if cancel else ():
            job.shutdown = True
            job.cancelled.set()

    def stop(self) -> None:
        """End the workers, once their jobs do."""
        self._workers.stop()

    # --- before ----------------------------------------------------------------------------------------------------

    def _require_place(self, peer: Peer, message: wire.Render | wire.Analyse) -> None:
        if self._closing:
            raise ShuttingDownError("the backend is about to exit")
        if not message.id or message.id in peer.jobs:
            raise BadMessageError("id", expected="a number not in use, from 1", found=str(message.id))
        if self._workers.queued_of(peer) >= _QUEUED_PER_CLIENT:
            raise OutOfMemoryError("too many requests wait", expected=f"at most {_QUEUED_PER_CLIENT}", found="one more")

    def _require_reader(self, peer: Peer, message: wire.Render) -> None:
        if message.output.carrier is not Carrier.INLINE:
            return
        unsent = self._desk.outbox.unsent_bytes(peer.route)
        if unsent > _UNSENT_BYTES:
            raise OutOfMemoryError("results wait unread", expected=f"at most {_UNSENT_BYTES} bytes", found=str(unsent))

    def _output(self, peer: Peer, image: Image) -> OutputBuffer | None:
        """Where the result goes; None: into memory of our own, to be sent inline."""
        if image.carrier is Carrier.SHM:
            _, pixels, lease = self._slots.take(peer, image)
            return OutputBuffer(pixels, lease)
        layout = image.to_format()
        if image.row_bytes == layout.row_bytes:
            return None
        return OutputBuffer(pixels_over(np.zeros(image.span_bytes, np.uint8), layout, image.row_bytes))

    def _cancel(self, job: Job) -> None:
        job.cancelled.set()
        if self._workers.cancel(job.peer, job.message.id):
            self._end(Ended(job, "cancelled"))

    def _running(self) -> list[Job]:
        return self._workers.running() + ([] if self._here is None else [self._here])

    # --- on the socket's thread ------------------------------------------------------------------------------------

    def _may_run_here(self, job: Job, message: wire.Render) -> bool:
        idle = self._here is None and self._workers.is_idle
        return idle and self._is_small(message) and self._pace.is_quick(_kind_of(message))

    def _run_here(self, job: Job) -> None:
        start = time.monotonic()
        self._here = job
        try:
            ended = render_job(self._loop, job, lambda message: self._send_progress(job, message), self._pumping(job))
        finally:
            self._here = None
        self._end(ended, time.monotonic() - start)

    def _pumping(self, job: Job) -> Callable[[], bool]:
        due = time.monotonic() + _PUMP_EVERY_S

        def cancelled() -> bool:
            nonlocal due
            if time.monotonic() >= due:
                self._pump()
                due = time.monotonic() + _PUMP_EVERY_S
            return job.cancelled.is_set()

        return cancelled

    # --- on a worker's thread --------------------------------------------------------------------------------------

    def _work(self, job: Job) -> None:
        """From request to answer."""
        start = time.monotonic()
        post = self._desk.mailbox.post
        ended = render_job(self._loop, job, lambda message: post(lambda: self._send_progress(job, message)))
        seconds = time.monotonic() - start
        post(lambda: self._end(ended, seconds))

    # --- after -----------------------------------------------------------------------------------------------------

    def _send_progress(self, job: Job, message: Message) -> None:
        if not job.peer.gone and not job.cancelled.is_set():
            self._desk.outbox.send(job.peer.route, message)

    def _end(self, ended: Ended, seconds: float | None = None) -> None:
        """``seconds``: how long it ran; None where it did not."""
        job = ended.job
        self._counts[ended.outcome] += 1
        job.peer.jobs.pop(job.message.id, None)
        wanted = not job.peer.gone and (job.shutdown or not job.cancelled.is_set())
        if ended.message is not None and wanted:
            self._answer(job, ended.message, ended.payload)
        job.give_back()
        if seconds is not None and isinstance(job.message, wire.Render):
            self._pace.note(_kind_of(job.message), seconds, counts=ended.outcome == "rendered")
            self._tidy(ended, job.message)

    def _answer(self, job: Job, message: Message, payload: Any) -> None:
        if isinstance(message, wire.Error):
            event("failed", level=30, name=message.name, message=message.message, id=job.message.id)
        self._desk.outbox.send(job.peer.route, message, payload)

    def _tidy(self, ended: Ended, render: wire.Render) -> None:
        """The answer is on its way: what was read and written in slots moves to memory of our own."""
        settler = self._desk.settler
        if self._is_small(render):
            settler.do(lambda: self._empty_slots(ended, render))
        else:
            settler.submit(lambda: self._empty_slots_later(ended, render))

    def _empty_slots_later(self, ended: Ended, render: wire.Render) -> None:
        """Not while the link copies the result out, as two large copies at once slow each other down."""
        if ended.later:
            time.sleep(min(render.output.span_bytes / _READING_BYTES_PER_S, _LONGEST_READING_S))
        self._empty_slots(ended, render)

    def _empty_slots(self, ended: Ended, render: wire.Render) -> None:
        for work in ended.later:
            work()
        for fingerprint in render.request.fingerprints:
            self._loop.frames.settle(fingerprint)

    def _is_small(self, render: wire.Render) -> bool:
        layouts = map(self._loop.frames.format_of, render.request.fingerprints)
        nbytes = sum(layout.nbytes for layout in layouts if layout is not None)
        return render.output.span_bytes + nbytes <= _SMALL_BYTES


def _kind_of(render: wire.Render) -> Hashable:
    """What decides how long a request takes, roughly; files count, as reading one is never quick."""
    request = render.request
    files = sum(keyframe.picture.path is not None for keyframe in request.keyframes)
    settings = request.settings
    work = (settings.engine, settings.scale, settings.view, settings.quality, request.output)
    finish = (settings.grain > 0.0, settings.sharpness > 0.0)
    return (*work, *finish, len(request.window), len(request.keyframes), files)
