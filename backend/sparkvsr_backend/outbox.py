"""What goes out through the ROUTER."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import zmq

import sparkvsr_backend.protocol as wire
from sparkvsr_backend.protocol import Message


class Outbox:
    """Sends, and never waits. ``lost`` is told of a route that does not read or is no longer there, and why."""

    def __init__(self, socket: zmq.Socket[bytes], lost: Callable[[bytes, str], None]) -> None:
        self._socket = socket
        self._lost = lost
        self._unsent: dict[bytes, deque[tuple[Any, int]]] = {}

    def send(self, route: bytes, message: Message, payload: Any = None) -> None:
        """A message; ``payload``: pixels of the inline carrier, which nobody changes until they are gone."""
        try:
            if payload is None:
                self._socket.send_multipart([route, wire.encode(message)], zmq.NOBLOCK)
            else:
                self._send_pixels(route, message, payload)
        except zmq.ZMQError as error:
            self._lost(route, "it does not read" if error.errno == zmq.EAGAIN else "it went away")

    def unsent_bytes(self, route: bytes) -> int:
        """Pixels that the peer has not taken yet."""
        waiting = self._unsent.get(route, deque())
        while waiting and waiting[0][0].done:
            waiting.popleft()
        return sum(nbytes for _, nbytes in waiting)

    def forget(self, route: bytes) -> None:
        """The connection is over."""
        self._unsent.pop(route, None)

    def _send_pixels(self, route: bytes, message: Message, payload: Any) -> None:
        self._socket.send_multipart([route, wire.encode(message)], zmq.NOBLOCK | zmq.SNDMORE)
        tracker = self._socket.send(payload, zmq.NOBLOCK, copy=False, track=True)
        self._unsent.setdefault(route, deque()).append((tracker, memoryview(payload).nbytes))
