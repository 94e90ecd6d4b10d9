"""The socket's thread: it owns the ROUTER, checks what comes in, and hands it to those who deal with it.

That thread never waits for anything but the sockets, and copies no more than a megabyte of pixels, so it answers
while engines work.
Whatever a peer sends, the worst that happens is an ERROR to that peer.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import zmq

import sparkvsr_backend.protocol as wire
from sparkvsr_backend import handshake
from sparkvsr_backend.budget import agreed
from sparkvsr_backend.desk import Desk
from sparkvsr_backend.engine_loop import EngineLoop
from sparkvsr_backend.errors import (
    BackendError,
    BadMessageError,
    EngineFailedError,
    NotWelcomeError,
    ShuttingDownError,
)
from sparkvsr_backend.intake import SETTLE_POLL_MS, Intake
from sparkvsr_backend.log import RateLimit, event
from sparkvsr_backend.mailbox import Mailbox
from sparkvsr_backend.memory import most_cache_bytes
from sparkvsr_backend.outbox import Outbox
from sparkvsr_backend.peers import Peer, watch_process
from sparkvsr_backend.protocol import Message
from sparkvsr_backend.rendering import error_message
from sparkvsr_backend.renders import Renders
from sparkvsr_backend.slots import Slots
from sparkvsr_backend.version import VERSION
from sparkvsr_backend.workers import Settler

_DRAIN_AT_ONCE = 64
_IDLE_POLL_MS = 500
_PROBE_EVERY_S = 2.0
_SEND_QUEUE = 1024
_FLUSH_MS = 300

Handler = Callable[[Peer, Any, list[zmq.Frame]], None]


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


class Server:
    """Serves one engine loop on one ROUTER socket.

    ``run`` blocks; ``stop`` may be called from anywhere, signals included.
    """

    def __init__(self, loop: EngineLoop, options: ServerOptions) -> None:
        self._loop = loop
        self._options = options
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context(io_threads=1)
        self._socket = _router(self._context, options.frame_bytes)
        self._desk = Desk(Outbox(self._socket, self._lost), Mailbox(), Settler(_settling_failed))
        self._slots = Slots(self._desk, loop.pin, self._complain)
        self._intake = Intake(loop.frames, self._desk, self._slots, options.frame_bytes)
        self._renders = Renders(loop, options.workers, self._desk, self._slots, lambda: self._turn(0))
        self._handlers = self._make_handlers()
        self._peers: dict[bytes, Peer] = {}
        self._by_pidfd: dict[int, Peer] = {}
        self._poller = zmq.Poller()
        self._limit = RateLimit()
        self._started = self._idle_since = time.monotonic()
        self._next_probe = 0.0
        self._findable = True
        self._stop_at: float | None = None
        self._engines = handshake.engine_cards(loop)

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
        self._poller.register(self._desk.mailbox.fd, zmq.POLLIN)
        self._idle_since = time.monotonic()
        try:
            while not (reason := self._reason_to_end()):
                self._turn(SETTLE_POLL_MS if self._intake.is_waiting else _IDLE_POLL_MS)
            return reason
        finally:
            self._close()

    def stop(self, finish_s: float = 1.0) -> None:
        """End soon: nothing new is started, what runs is cancelled. Safe in a signal handler."""
        self._desk.mailbox.post(lambda: self._begin_stop(finish_s, cancel=True))

    def _turn(self, patience_ms: int) -> None:
        """Wait for something to do, and do it."""
        ready = dict(self._poller.poll(patience_ms))
        self._run_mailbox()
        if self._socket in ready:
            self._receive()
        for descriptor in ready:
            if descriptor in self._by_pidfd:
                self._forget(self._by_pidfd[descriptor], "its process ended")
        self._intake.settle_old()
        self._run_mailbox()
        if time.monotonic() >= self._next_probe:
            self._probe()

    def _run_mailbox(self) -> None:
        self._desk.mailbox.run()
        self._slots.send_releases()

    def _probe(self) -> None:
        """A sign of life to everybody, which also finds those who are gone."""
        self._next_probe = time.monotonic() + _PROBE_EVERY_S
        self._findable = self._options.is_findable()
        for peer in list(self._peers.values()):
            self._reply(peer, wire.Pong())

    def _reason_to_end(self) -> str:
        now = time.monotonic()
        if self._stop_at is not None and (now >= self._stop_at or not self._renders.is_busy):
            self._run_mailbox()
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
        self._renders.finish(cancel=cancel)

    def _close(self) -> None:
        farewell = error_message(ShuttingDownError("the backend is about to exit"), 0)
        for peer in list(self._peers.values()):
            self._reply(peer, farewell)
            self._forget(peer, "the backend ends")
        self._renders.stop()
        self._desk.settler.stop()
        self._socket.close(linger=_FLUSH_MS)
        self._context.term()
        self._desk.mailbox.close()

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
        handler = self._handlers.get(type(message))
        if handler is None:
            raise BadMessageError("type", expected="a message to the backend", found=message.TYPE.name)
        handler(peer, message, parts)

    def _complain(self, route: bytes, error: BackendError, request_id: int) -> None:
        self._limit.warn("refused", name=error.name, message=error.message, expected=error.expected, found=error.found)
        if route in self._peers and request_id:
            self._renders.count_failure()
        self._desk.outbox.send(route, error_message(error, request_id))

    # --- connections -----------------------------------------------------------------------------------------------

    def _on_hello(self, route: bytes, hello: wire.Hello) -> None:
        if route in self._peers:
            self._forget(self._peers[route], "it said HELLO again")
        version = handshake.agreed_version(hello, self._options.token)
        if self._stop_at is not None:
            raise ShuttingDownError("the backend is about to exit")
        peer = self._peers[route] = Peer(route, hello, handshake.agreed_carriers(hello), watch_process(hello.pid))
        if peer.pidfd is not None:
            self._by_pidfd[peer.pidfd] = peer
            self._poller.register(peer.pidfd, zmq.POLLIN)
        carriers = ",".join(peer.carriers)
        event("welcome", client=hello.client.name, host=hello.host.name, pid=hello.pid, carriers=carriers)
        self._reply(peer, self._welcome(hello, version))

    def _welcome(self, hello: wire.Hello, version: int) -> wire.Welcome:
        options = self._options
        return handshake.welcome(
            hello,
            version,
            instance=options.instance,
            device=options.device,
            frame_bytes=options.frame_bytes,
            engines=self._engines,
            arithmetic=self._loop.arithmetic,
        )

    def _forget(self, peer: Peer, why: str) -> None:
        """The connection is over: its requests stop, its slots and leases are forgotten, its segments are
        unmapped when unused.
        """
        if peer.gone:
            return
        peer.gone = True
        event("farewell", client=peer.hello.client.name, pid=peer.hello.pid, why=why)
        self._peers.pop(peer.route, None)
        self._desk.outbox.forget(peer.route)
        if peer.pidfd is not None:
            self._poller.unregister(peer.pidfd)
            del self._by_pidfd[peer.pidfd]
            peer.close()
        self._renders.forget(peer)
        self._intake.forget(peer)
        if peer.budget != wire.Budget() and self._stop_at is None:
            self._limit_caches()

    def _lost(self, route: bytes, why: str) -> None:
        peer = self._peers.get(route)
        if peer is not None:
            self._forget(peer, why)

    def _reply(self, peer: Peer, message: Message) -> None:
        self._desk.outbox.send(peer.route, message)

    # --- small talk ------------------------------------------------------------------------------------------------

    def _make_handlers(self) -> dict[type[Message], Handler]:
        return {
            wire.Ping: self._on_ping,
            wire.Status: self._on_status,
            wire.Clear: self._on_clear,
            wire.Shutdown: self._on_shutdown,
            wire.Bye: self._on_bye,
            wire.Attach: self._slots.on_attach,
            wire.Detach: self._intake.on_detach,
            wire.Put: self._intake.on_put,
            wire.Render: self._on_render,
            wire.Cancel: self._renders.on_cancel,
            wire.Analyse: self._renders.on_analyse,
            wire.Budget: self._on_budget,
        }

    def _on_ping(self, peer: Peer, message: wire.Ping, _: list[zmq.Frame]) -> None:
        self._reply(peer, wire.Pong(id=message.id))

    def _on_status(self, peer: Peer, message: wire.Status, _: list[zmq.Frame]) -> None:
        status = wire.StatusReply(
            id=message.id,
            version=VERSION,
            instance=self._options.instance,
            pid=os.getpid(),
            uptime_s=time.monotonic() - self._started,
            device=self._options.device,
            requests=self._renders.counters,
            frames=self._intake.counters,
            cache=self._loop.counters(),
            sessions=len(set().union(*(other.sessions for other in self._peers.values()))),
            queue=self._renders.under_way,
            clients=len(self._peers),
        )
        self._reply(peer, status)

    def _on_clear(self, peer: Peer, message: wire.Clear, _: list[zmq.Frame]) -> None:
        def clear() -> None:
            self._loop.clear()
            self._desk.mailbox.post(lambda: self._reply(peer, wire.Pong(id=message.id)))

        self._desk.settler.submit(clear)  # giving gigabytes back takes its time

    def _on_budget(self, peer: Peer, message: wire.Budget, _: list[zmq.Frame]) -> None:
        peer.budget = replace(message, id=0)
        event("budget", client=peer.hello.client.name, ram_gb=message.ram_gb, vram_gb=message.vram_gb)
        self._limit_caches(lambda: self._reply(peer, wire.Pong(id=message.id)))

    def _limit_caches(self, then: Callable[[], None] = lambda: None) -> None:
        ram, vram = agreed((peer.budget for peer in self._peers.values()), most_cache_bytes())

        def limit() -> None:
            self._loop.limit(ram, vram)
            self._desk.mailbox.post(then)

        self._desk.settler.submit(limit)  # giving gigabytes back takes its time

    def _on_shutdown(self, peer: Peer, message: wire.Shutdown, _: list[zmq.Frame]) -> None:
        event("shutdown", asked_by=peer.hello.client.name)
        self._reply(peer, wire.Pong(id=message.id))
        self._begin_stop(self._options.finish_s, cancel=False)

    def _on_bye(self, peer: Peer, message: wire.Bye, _: list[zmq.Frame]) -> None:
        self._forget(peer, "it said BYE")

    def _on_render(self, peer: Peer, message: wire.Render, parts: list[zmq.Frame]) -> None:
        self._intake.require_size(message.output)
        self._renders.on_render(peer, message, parts)


def _router(context: zmq.Context[zmq.Socket[bytes]], frame_bytes: int) -> zmq.Socket[bytes]:
    socket = context.socket(zmq.ROUTER)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
    socket.setsockopt(zmq.MAXMSGSIZE, frame_bytes + wire.HEADER_BYTES)
    socket.setsockopt(zmq.SNDHWM, _SEND_QUEUE)
    socket.setsockopt(zmq.HEARTBEAT_IVL, 5000)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 20000)
    return socket


def _settling_failed(error: BaseException) -> None:
    event("settling_failed", level=40, error=f"{type(error).__name__}: {error}")
