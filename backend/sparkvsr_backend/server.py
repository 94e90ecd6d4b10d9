"""Sockets only: one thread owns the ROUTER, checks what comes in, hands work to the workers, and sends what they leave.

That thread never waits for anything but the sockets and never copies pixels, so it answers while engines work.
Whatever a peer sends, the worst that happens is an ERROR to that peer.
"""

from __future__ import annotations

import hmac
import os
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import zmq

import sparkvsr_backend.protocol as wire
from sparkvsr.frames import Frame
from sparkvsr_backend.buffers import Lease, OutputBuffer, Segment, pixels_over
from sparkvsr_backend.engine_loop import EngineLoop
from sparkvsr_backend.errors import (
    BackendError,
    BadMessageError,
    EngineFailedError,
    NotWelcomeError,
    OutOfMemoryError,
    SegmentRefusedError,
    ShuttingDownError,
    WrongProtocolError,
    WrongTokenError,
)
from sparkvsr_backend.log import RateLimit, event
from sparkvsr_backend.peers import MAX_SEGMENTS, Job, Peer, Ring, watch_process
from sparkvsr_backend.protocol import Carrier, Image, Message
from sparkvsr_backend.rendering import Ended, error_message, refusal_of, render_job
from sparkvsr_backend.scheduler import Ticket
from sparkvsr_backend.version import VERSION
from sparkvsr_backend.workers import Settler, WorkerPool

_DRAIN_AT_ONCE = 64
_IDLE_POLL_MS = 500
_SETTLE_POLL_MS = 20
_SETTLE_AFTER_S = 0.04
_PROBE_EVERY_S = 2.0
_QUEUED_PER_CLIENT = 256
_SEND_QUEUE = 1024
_UNSENT_BYTES = 1 << 30
_FLUSH_MS = 300
_READING_BYTES_PER_S = 6e9
_LONGEST_READING_S = 0.03


@dataclass(frozen=True)
class ServerOptions:
    """What a server is told. ``idle_timeout_s`` None: serve for ever; ``frame_bytes``: the largest frame accepted.

    ``is_findable``: asked every two seconds; once it says no, nobody new will come, and the server ends with its
    last client.
    """

    token: str
    device: str = "cpu"
    workers: int = 2
    idle_timeout_s: float | None = 600.0
    frame_bytes: int = 1 << 30
    finish_s: float = 10.0
    is_findable: Callable[[], bool] = lambda: True
    instance: str = field(default_factory=lambda: secrets.token_hex(8))


@dataclass
class _Counters:
    """What became of the requests; touched by the socket's thread only."""

    rendered: int = 0
    cached: int = 0
    cancelled: int = 0
    failed: int = 0
    needed: int = 0
    received: int = 0
    received_bytes: int = 0


class Server:
    """Serves one engine loop on one ROUTER socket.

    ``run`` blocks; ``stop`` may be called from anywhere, signals included.
    """

    def __init__(self, loop: EngineLoop, options: ServerOptions) -> None:
        self._loop = loop
        self._options = options
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context(io_threads=1)
        self._socket = self._make_socket()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._inbox: deque[Callable[[], None]] = deque()
        self._peers: dict[bytes, Peer] = {}
        self._by_pidfd: dict[int, Peer] = {}
        self._poller = zmq.Poller()
        self._workers = WorkerPool(options.workers, self._work)
        self._settler = Settler(self._settling_failed)
        self._counters = _Counters()
        self._limit = RateLimit()
        self._started = time.monotonic()
        self._idle_since = time.monotonic()
        self._next_probe = 0.0
        self._findable = True
        self._stop_at: float | None = None
        self._engines = tuple(card for name in loop.engine_names() for card in self._cards(name))
        self._released: dict[tuple[Peer, Ring], list[int]] = {}
        self._unsent: dict[bytes, deque[tuple[Any, int]]] = {}

    # --- life ------------------------------------------------------------------------------------------------------

    def bind(self, address: str) -> str:
        """Bind and return the endpoint, with the port that was chosen."""
        self._socket.bind(address)
        endpoint = self._socket.getsockopt(zmq.LAST_ENDPOINT)
        return bytes(endpoint).rstrip(b"\0").decode()

    def bind_again(self, address: str, endpoint: str) -> None:
        """Listen anew at an address whose socket file has vanished; connections stay."""
        self._socket.unbind(endpoint)
        self._socket.bind(address)

    def run(self) -> str:
        """Serve until stopped or idle; returns why."""
        self._poller.register(self._socket, zmq.POLLIN)
        self._poller.register(self._wake, zmq.POLLIN)
        self._idle_since = time.monotonic()
        try:
            while not (reason := self._reason_to_end()):
                self._turn()
            return reason
        finally:
            self._close()

    def stop(self, finish_s: float = 1.0) -> None:
        """End soon: nothing new is started, what runs is cancelled. Safe in a signal handler."""
        self._post(lambda: self._begin_stop(finish_s, cancel=True))

    def _turn(self) -> None:
        ready = dict(self._poller.poll(_SETTLE_POLL_MS if self._loop.frames.waiting else _IDLE_POLL_MS))
        if self._wake in ready:
            os.eventfd_read(self._wake)
        self._run_inbox()
        if self._socket in ready:
            self._receive()
        for descriptor in ready:
            if descriptor in self._by_pidfd:
                self._forget(self._by_pidfd[descriptor], "its process ended")
        self._housekeep()

    def _reason_to_end(self) -> str:
        now = time.monotonic()
        if self._stop_at is not None and (now >= self._stop_at or not self._workers.running()):
            self._run_inbox()
            return "stopped"
        if self._peers or self._stop_at is not None:
            self._idle_since = now
            return ""
        if not self._findable:
            return "unreachable"
        limit = self._options.idle_timeout_s
        return "idle" if limit is not None and now - self._idle_since >= limit else ""

    def _begin_stop(self, finish_s: float, *, cancel: bool) -> None:
        if self._stop_at is not None and not cancel:
            return
        self._stop_at = time.monotonic() + finish_s
        for job in self._workers.drop_all():
            self._end_job(refusal_of(job))
            job.give_back()
        for job in self._workers.running() if cancel else ():
            job.shutdown = True
            job.cancelled.set()

    def _close(self) -> None:
        farewell = error_message(ShuttingDownError("the backend is about to exit"), 0)
        for peer in list(self._peers.values()):
            self._reply(peer, farewell)
            self._forget(peer, "the backend ends")
        self._workers.stop()
        self._settler.stop()
        self._socket.close(linger=_FLUSH_MS)
        self._context.term()
        os.close(self._wake)
        self._wake = -1

    # --- between threads -------------------------------------------------------------------------------------------

    def _post(self, work: Callable[[], None]) -> None:
        """Have the socket's thread do this. Called from any thread."""
        self._inbox.append(work)
        wake = self._wake
        if wake >= 0:
            try:
                os.eventfd_write(wake, 1)
            except OSError:
                return  # closed in between: nobody serves any more

    def _run_inbox(self) -> None:
        while self._inbox:
            self._inbox.popleft()()
        if self._released:
            self._send_releases()

    # --- receiving -------------------------------------------------------------------------------------------------

    def _receive(self) -> None:
        """What has come, up to a limit. A refused attempt would give the interpreter away: asking first costs less."""
        for _ in range(_DRAIN_AT_ONCE):
            if not int(self._socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN:
                return
            route, *parts = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
            self._take(bytes(route.buffer), parts)

    def _take(self, route: bytes, parts: list[zmq.Frame]) -> None:
        request_id = 0
        try:
            message = self._decoded(parts)
            request_id = message.id
            self._dispatch(route, message, parts)
        except BadMessageError as error:
            self._complain(route, error, error.request_id or request_id)
        except BackendError as error:
            self._complain(route, error, request_id)
        except Exception as error:  # noqa: BLE001 - one message, whatever is in it, must not end the others' backend
            event("message_failed", level=40, error=f"{type(error).__name__}: {error}")
            self._complain(route, EngineFailedError(f"{type(error).__name__}: {error}"), request_id)

    def _decoded(self, parts: list[zmq.Frame]) -> Message:
        if not 1 <= len(parts) <= wire.MAX_PARTS + 1:
            raise BadMessageError("parts", expected=f"1..{wire.MAX_PARTS + 1}", found=str(len(parts)))
        return wire.decode(parts[0].buffer)

    def _dispatch(self, route: bytes, message: Message, parts: list[zmq.Frame]) -> None:
        if isinstance(message, wire.Hello):
            self._on_hello(route, message)
            return
        peer = self._peers.get(route)
        if peer is None:
            raise NotWelcomeError("say HELLO first", expected="HELLO", found=message.TYPE.name)
        handler = _HANDLERS.get(type(message))
        if handler is None:
            raise BadMessageError("type", expected="a message to the backend", found=message.TYPE.name)
        handler(self, peer, message, parts)

    def _complain(self, route: bytes, error: BackendError, request_id: int) -> None:
        self._limit.warn("refused", name=error.name, message=error.message, expected=error.expected, found=error.found)
        if route in self._peers and request_id:
            self._counters.failed += 1
        self._send(route, error_message(error, request_id))

    # --- handshake -------------------------------------------------------------------------------------------------

    def _on_hello(self, route: bytes, hello: wire.Hello) -> None:
        if route in self._peers:
            self._forget(self._peers[route], "it said HELLO again")
        if not hmac.compare_digest(hello.token.encode(), self._options.token.encode()):
            raise WrongTokenError("the token is not that of the endpoint file")
        proto = min(hello.proto_max, wire.PROTOCOL_MAX)
        if proto < max(hello.proto_min, wire.PROTOCOL_MIN):
            raise WrongProtocolError(
                "no common protocol version",
                expected=f"{wire.PROTOCOL_MIN}..{wire.PROTOCOL_MAX}",
                found=f"{hello.proto_min}..{hello.proto_max}",
            )
        if self._stop_at is not None:
            raise ShuttingDownError("the backend is about to exit")
        self._welcome(route, hello, proto)

    def _welcome(self, route: bytes, hello: wire.Hello, proto: int) -> None:
        carriers = tuple(str(carrier) for carrier in Carrier if str(carrier) in hello.carriers)
        peer = self._peers[route] = Peer(route, hello, carriers, watch_process(hello.pid))
        if peer.pidfd is not None:
            self._by_pidfd[peer.pidfd] = peer
            self._poller.register(peer.pidfd, zmq.POLLIN)
        event("welcome", client=hello.client.name, host=hello.host.name, pid=hello.pid, carriers=",".join(carriers))
        self._reply(
            peer,
            wire.Welcome(
                id=hello.id,
                proto=proto,
                server=wire.Party(name="sparkvsr-backend", version=VERSION),
                instance=self._options.instance,
                pid=os.getpid(),
                device=self._options.device,
                engines=self._engines,
                carriers=carriers,
                limits=wire.Limits(header_bytes=wire.HEADER_BYTES, frame_bytes=self._options.frame_bytes),
            ),
        )

    def _cards(self, name: str) -> tuple[wire.EngineCard, ...]:
        """The engine's card; none for one that cannot be made here, which then refuses by name when it is asked for."""
        try:
            info = self._loop.engine(name).info
        except BackendError as error:
            event("engine_missing", level=30, engine=name, error=str(error))
            return ()
        return (wire.EngineCard(name=name, scales=info.scales, window=info.window, identity=info.identity),)

    # --- small talk ------------------------------------------------------------------------------------------------

    def _on_ping(self, peer: Peer, message: wire.Ping, _: list[zmq.Frame]) -> None:
        self._reply(peer, wire.Pong(id=message.id))

    def _on_status(self, peer: Peer, message: wire.Status, _: list[zmq.Frame]) -> None:
        counted = self._counters
        self._reply(
            peer,
            wire.StatusReply(
                id=message.id,
                version=VERSION,
                instance=self._options.instance,
                pid=os.getpid(),
                uptime_s=time.monotonic() - self._started,
                device=self._options.device,
                requests=wire.RequestCounters(
                    rendered=counted.rendered,
                    cached=counted.cached,
                    cancelled=counted.cancelled,
                    failed=counted.failed,
                    needed=counted.needed,
                ),
                frames=wire.FrameCounters(received=counted.received, received_bytes=counted.received_bytes),
                cache=self._loop.counters(),
                sessions=len(set().union(*(other.sessions for other in self._peers.values()))),
                queue=self._workers.queued() + len(self._workers.running()),
                clients=len(self._peers),
            ),
        )

    def _on_clear(self, peer: Peer, message: wire.Clear, _: list[zmq.Frame]) -> None:
        def clear() -> None:
            self._loop.clear()
            self._post(lambda: self._reply(peer, wire.Pong(id=message.id)))

        self._settler.submit(clear)  # giving gigabytes back takes its time

    def _on_shutdown(self, peer: Peer, message: wire.Shutdown, _: list[zmq.Frame]) -> None:
        event("shutdown", asked_by=peer.hello.client.name)
        self._reply(peer, wire.Pong(id=message.id))
        self._begin_stop(self._options.finish_s, cancel=False)

    def _on_bye(self, peer: Peer, message: wire.Bye, _: list[zmq.Frame]) -> None:
        self._forget(peer, "it said BYE")

    # --- segments --------------------------------------------------------------------------------------------------

    def _on_attach(self, peer: Peer, message: wire.Attach, _: list[zmq.Frame]) -> None:
        if Carrier.SHM.value not in peer.carriers:
            raise SegmentRefusedError("shared memory was not agreed on", expected="shm in HELLO", found="none")
        if message.segment in peer.rings:
            raise SegmentRefusedError("the number is taken", expected="a new number", found=str(message.segment))
        if len(peer.rings) >= MAX_SEGMENTS:
            raise SegmentRefusedError("too many segments", expected=f"at most {MAX_SEGMENTS}", found="one more")
        self._settler.submit(lambda: self._attach(peer, message))  # mapping and pinning take their time

    def _attach(self, peer: Peer, message: wire.Attach) -> None:
        try:
            segment = Segment.attach(message.name, message.slot_bytes, message.slots, self._loop.pin)
        except SegmentRefusedError as error:
            refusal = error
            self._post(lambda: self._complain(peer.route, refusal, message.id))
            return
        self._post(lambda: self._attached(peer, message, segment))

    def _attached(self, peer: Peer, message: wire.Attach, segment: Segment) -> None:
        if peer.gone:
            return
        peer.rings[message.segment] = Ring(message.segment, segment)
        self._reply(peer, wire.Attached(id=message.id, segment=message.segment))

    def _on_detach(self, peer: Peer, message: wire.Detach, _: list[zmq.Frame]) -> None:
        ring = peer.rings.pop(message.segment, None)
        if ring is None:
            raise BadMessageError("segment", expected="an attached segment", found=str(message.segment))
        self._settle_all_of(ring)

    def _lease(self, peer: Peer, ring: Ring, slot: int) -> Lease:
        """Take a slot; when the last share of the lease is given back, it is the link's again."""
        ring.take(slot)
        return Lease(lambda: self._post(lambda: self._release(peer, ring, slot)))

    def _release(self, peer: Peer, ring: Ring, slot: int) -> None:
        ring.ours.discard(slot)
        self._released.setdefault((peer, ring), []).append(slot)

    def _send_releases(self) -> None:
        """Slots that came back together go back together."""
        released, self._released = self._released, {}
        for (peer, ring), slots in released.items():
            if not peer.gone and peer.rings.get(ring.number) is ring:
                self._reply(peer, wire.Release(segment=ring.number, slots=tuple(slots)))

    # --- frames ----------------------------------------------------------------------------------------------------

    def _on_put(self, peer: Peer, message: wire.Put, parts: list[zmq.Frame]) -> None:
        image = message.image
        self._require_size(image)
        if image.carrier is Carrier.INLINE:
            self._loop.frames.put(message.fingerprint, Frame(_inline_pixels(image, parts), image.to_format()))
        else:
            ring = peer.ring(image)
            pixels = ring.segment.pixels(image.slot, image.to_format(), image.row_bytes)
            lease = self._lease(peer, ring, image.slot)
            self._loop.frames.lend(message.fingerprint, Frame(pixels, image.to_format()), lease, owner=ring)
            if ring.is_short:
                self._settle_oldest_of(ring)
        self._counters.received += 1
        self._counters.received_bytes += image.to_format().nbytes

    def _require_size(self, image: Image) -> None:
        if image.span_bytes > self._options.frame_bytes:
            raise OutOfMemoryError(
                "the frame is too large",
                expected=f"at most {self._options.frame_bytes} bytes",
                found=f"{image.span_bytes}",
            )

    def _settle_oldest_of(self, ring: Ring) -> None:
        for fingerprint in self._loop.frames.waiting_of(ring)[:1]:
            self._settle(fingerprint)

    def _settle_all_of(self, ring: Ring) -> None:
        for fingerprint in self._loop.frames.waiting_of(ring):
            self._settle(fingerprint)

    def _settle(self, fingerprint: bytes) -> None:
        self._settler.submit(lambda: self._loop.frames.settle(fingerprint))

    def _settling_failed(self, error: BaseException) -> None:
        event("settling_failed", level=40, error=f"{type(error).__name__}: {error}")

    # --- renders ---------------------------------------------------------------------------------------------------

    def _on_render(self, peer: Peer, message: wire.Render, _: list[zmq.Frame]) -> None:
        if self._stop_at is not None:
            raise ShuttingDownError("the backend is about to exit")
        if not message.id or message.id in peer.jobs:
            raise BadMessageError("id", expected="a number not in use, from 1", found=str(message.id))
        self._require_size(message.output)
        self._require_patience(peer, message)
        job = Job(peer, message, self._output(peer, message.output))
        peer.jobs[message.id] = job
        peer.remember_session(message.request.session)
        self._workers.submit(Ticket(peer, message.id, message.request.priority, job))

    def _require_patience(self, peer: Peer, message: wire.Render) -> None:
        if self._workers.queued_of(peer) >= _QUEUED_PER_CLIENT:
            raise OutOfMemoryError("too many requests wait", expected=f"at most {_QUEUED_PER_CLIENT}", found="one more")
        unsent = self._unsent_bytes(peer.route)
        if message.output.carrier is Carrier.INLINE and unsent > _UNSENT_BYTES:
            raise OutOfMemoryError("results wait unread", expected=f"at most {_UNSENT_BYTES} bytes", found=str(unsent))

    def _output(self, peer: Peer, image: Image) -> OutputBuffer | None:
        """Where the result goes; None: into memory of our own, to be sent inline."""
        layout = image.to_format()
        if image.carrier is Carrier.SHM:
            ring = peer.ring(image)
            pixels = ring.segment.pixels(image.slot, layout, image.row_bytes)
            return OutputBuffer(pixels, self._lease(peer, ring, image.slot))
        if image.row_bytes == layout.row_bytes:
            return None
        return OutputBuffer(pixels_over(np.zeros(image.span_bytes, np.uint8), layout, image.row_bytes))

    def _on_cancel(self, peer: Peer, message: wire.Cancel, _: list[zmq.Frame]) -> None:
        job = peer.jobs.get(message.id)
        if job is not None:
            self._cancel(job)

    def _cancel(self, job: Job) -> None:
        job.cancelled.set()
        if self._workers.cancel(job.peer, job.render.id):
            self._end_job(Ended(job, "cancelled"))
            job.give_back()

    def _work(self, job: Job) -> None:
        """On a worker's thread: from request to answer."""
        try:
            ended = render_job(self._loop, job, lambda message: self._post_progress(job, message))
            self._post(lambda: self._end_job(ended))
        finally:
            job.give_back()

    def _post_progress(self, job: Job, message: Message) -> None:
        self._post(lambda: self._send_unless_over(job, message))

    def _settle_used(self, ended: Ended) -> None:
        """The answer is on its way: what was read and written in slots moves to memory of our own.

        Not while the link copies the result out, as two large copies at once slow each other down.
        """
        if ended.later:
            time.sleep(min(ended.job.render.output.span_bytes / _READING_BYTES_PER_S, _LONGEST_READING_S))
        for work in ended.later:
            work()
        for fingerprint in ended.job.render.request.fingerprints:
            self._loop.frames.settle(fingerprint)

    def _end_job(self, ended: Ended) -> None:
        job = ended.job
        setattr(self._counters, ended.outcome, getattr(self._counters, ended.outcome) + 1)
        job.peer.jobs.pop(job.render.id, None)
        wanted = not job.peer.gone and (job.shutdown or not job.cancelled.is_set())
        if ended.message is not None and wanted:
            self._answer(job, ended.message, ended.payload)
        self._settler.submit(lambda: self._settle_used(ended))

    def _answer(self, job: Job, message: Message, payload: Any) -> None:
        if isinstance(message, wire.Error):
            event("failed", level=30, name=message.name, message=message.message, id=job.render.id)
        self._send(job.peer.route, message, payload)

    def _send_unless_over(self, job: Job, message: Message) -> None:
        if not job.peer.gone and not job.cancelled.is_set():
            self._send(job.peer.route, message)

    # --- sending ---------------------------------------------------------------------------------------------------

    def _reply(self, peer: Peer, message: Message) -> None:
        self._send(peer.route, message)

    def _send(self, route: bytes, message: Message, payload: Any = None) -> None:
        try:
            if payload is None:
                self._socket.send_multipart([route, wire.encode(message)], zmq.NOBLOCK)
            else:
                self._send_pixels(route, message, payload)
        except zmq.ZMQError as error:
            peer = self._peers.get(route)
            if peer is not None:
                self._forget(peer, "it does not read" if error.errno == zmq.EAGAIN else "it went away")

    def _send_pixels(self, route: bytes, message: Message, payload: Any) -> None:
        self._socket.send_multipart([route, wire.encode(message)], zmq.NOBLOCK | zmq.SNDMORE)
        tracker = self._socket.send(payload, zmq.NOBLOCK, copy=False, track=True)
        self._unsent.setdefault(route, deque()).append((tracker, memoryview(payload).nbytes))

    def _unsent_bytes(self, route: bytes) -> int:
        waiting = self._unsent.get(route, deque())
        while waiting and waiting[0][0].done:
            waiting.popleft()
        return sum(nbytes for _, nbytes in waiting)

    # --- housekeeping ----------------------------------------------------------------------------------------------

    def _housekeep(self) -> None:
        for fingerprint in self._loop.frames.waiting_longer_than(_SETTLE_AFTER_S):
            self._settle(fingerprint)
        now = time.monotonic()
        if now >= self._next_probe:
            self._next_probe = now + _PROBE_EVERY_S
            self._findable = self._options.is_findable()
            for peer in list(self._peers.values()):
                self._reply(peer, wire.Pong())

    def _forget(self, peer: Peer, why: str) -> None:
        """The connection is over: its requests stop, its slots and leases are forgotten, its segments are
        unmapped when unused.
        """
        if peer.gone:
            return
        peer.gone = True
        event("farewell", client=peer.hello.client.name, pid=peer.hello.pid, why=why)
        self._peers.pop(peer.route, None)
        self._unsent.pop(peer.route, None)
        if peer.pidfd is not None:
            self._poller.unregister(peer.pidfd)
            del self._by_pidfd[peer.pidfd]
            peer.close()
        for job in list(peer.jobs.values()):
            self._cancel(job)
        for ring in peer.rings.values():
            self._loop.frames.forget_owner(ring)
        peer.rings.clear()

    def _make_socket(self) -> zmq.Socket[bytes]:
        socket = self._context.socket(zmq.ROUTER)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        socket.setsockopt(zmq.MAXMSGSIZE, self._options.frame_bytes + wire.HEADER_BYTES)
        socket.setsockopt(zmq.SNDHWM, _SEND_QUEUE)
        socket.setsockopt(zmq.HEARTBEAT_IVL, 5000)
        socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 20000)
        return socket


_HANDLERS: dict[type[Message], Callable[..., None]] = {
    wire.Ping: Server._on_ping,
    wire.Status: Server._on_status,
    wire.Clear: Server._on_clear,
    wire.Shutdown: Server._on_shutdown,
    wire.Bye: Server._on_bye,
    wire.Attach: Server._on_attach,
    wire.Detach: Server._on_detach,
    wire.Put: Server._on_put,
    wire.Render: Server._on_render,
    wire.Cancel: Server._on_cancel,
}


def _inline_pixels(image: Image, parts: list[zmq.Frame]) -> torch.Tensor:
    """[H, W, C] over a payload part, copied only where torch cannot use it as it lies. Raises BadMessageError."""
    if not 1 <= image.part < len(parts):
        raise BadMessageError("image.part", expected=f"1..{len(parts) - 1}", found=str(image.part))
    memory = np.frombuffer(parts[image.part].buffer, np.uint8)
    if memory.nbytes != image.span_bytes:
        raise BadMessageError("payload", expected=f"{image.span_bytes} bytes", found=f"{memory.nbytes} bytes")
    aligned = memory.ctypes.data % image.depth.sample_bytes == 0
    usable = memory if aligned and memory.flags.writeable else memory.copy()
    return pixels_over(usable, image.to_format(), image.row_bytes)
