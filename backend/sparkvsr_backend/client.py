"""A small client: for `sparkvsr status` and `doctor`, for tests and benchmarks.

The plugin uses the C++ link instead.
"""

from __future__ import annotations

import itertools
import mmap
import os
import secrets
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
import zmq

import sparkvsr_backend.protocol as wire
from sparkvsr.frames import PixelFormat
from sparkvsr_backend.buffers import SHM_DIRECTORY, ByteArray, pixels_over
from sparkvsr_backend.errors import BackendError, BackendSilentError
from sparkvsr_backend.protocol import Carrier, Message
from sparkvsr_backend.runtime import Endpoint, read_endpoint, runtime_directory
from sparkvsr_backend.version import VERSION

M = TypeVar("M", bound=Message)

DEFAULT_TIMEOUT_S = 10.0


class RemoteError(BackendError):
    """The backend answered ERROR; ``remote_name`` is the error's name there."""

    def __init__(self, error: wire.Error) -> None:
        super().__init__(f"{error.name}: {error.message}", expected=error.expected, found=error.found)
        self.remote_name = error.name

    def __str__(self) -> str:
        return self.message if not self.expected else f"{self.message} (expected {self.expected}, found {self.found})"


@dataclass
class Answer:
    """A message and its payload parts."""

    message: Message
    parts: list[bytes] = field(default_factory=list)


class Client:
    """One connection. Not thread-safe. Use as a context manager, or call ``close``.

    Raises BackendNotFoundError when no backend runs, InsecureRuntimeDirectoryError when its files cannot be trusted,
    RemoteError when it refuses, BackendSilentError when nothing comes in time.
    """

    def __init__(
        self,
        runtime_dir: Path | str | None = None,
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        carriers: Sequence[str] = ("shm", "inline"),
        name: str = "sparkvsr-client",
        hello: bool = True,
    ) -> None:
        directory = Path(runtime_dir) if runtime_dir is not None else runtime_directory()
        self.endpoint: Endpoint = read_endpoint(directory)
        self._timeout_s = timeout_s
        self._ids = itertools.count(1)
        self._aside: deque[Answer] = deque()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.connect(self.endpoint.endpoint)
        self.welcome: wire.Welcome | None = None
        try:
            if hello:
                self.welcome = self.say_hello(name, carriers)
        except BaseException:
            self.close(say_bye=False)
            raise

    def __enter__(self) -> Client:  # noqa: PYI034 - Self is not in Python 3.10
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self, *, say_bye: bool = True) -> None:
        """Say BYE and let go."""
        if self._socket.closed:
            return
        if say_bye and self.welcome is not None:
            self.send(wire.Bye())
        self._socket.close(linger=200 if say_bye else 0)
        self._context.term()

    def say_hello(self, name: str, carriers: Sequence[str], token: str | None = None) -> wire.Welcome:
        """HELLO; the WELCOME."""
        hello = wire.Hello(
            id=self.next_id(),
            proto_min=wire.PROTOCOL_MIN,
            proto_max=wire.PROTOCOL_MAX,
            token=self.endpoint.token if token is None else token,
            client=wire.Party(name=name, version=VERSION),
            pid=os.getpid(),
            carriers=tuple(carriers),
        )
        return self.expect(wire.Welcome, hello)

    def next_id(self) -> int:
        """A fresh request id."""
        return next(self._ids)

    def status(self) -> wire.StatusReply:
        """Counters of the backend."""
        return self.expect(wire.StatusReply, wire.Status(id=self.next_id()))

    def ping(self) -> None:
        """Return when the backend has answered."""
        self.expect(wire.Pong, wire.Ping(id=self.next_id()))

    def clear(self) -> None:
        """Empty the backend's caches."""
        self.expect(wire.Pong, wire.Clear(id=self.next_id()))

    def shutdown(self) -> None:
        """Ask the backend to finish and exit; it has heard when this returns."""
        self.expect(wire.Pong, wire.Shutdown(id=self.next_id()))

    def expect(self, kind: type[M], message: Message, parts: Sequence[Any] = ()) -> M:
        """Send and wait for an answer of this kind. Raises RemoteError."""
        answer = self.request(message, parts)
        if isinstance(answer.message, wire.Error):
            raise RemoteError(answer.message)
        if not isinstance(answer.message, kind):
            raise BackendError("an unexpected answer", expected=kind.__name__, found=type(answer.message).__name__)
        return answer.message

    def request(self, message: Message, parts: Sequence[Any] = ()) -> Answer:
        """Send and wait for the answer with the same id, progress left out; other messages are kept for ``receive``."""
        self.send(message, parts)
        deadline = time.monotonic() + self._timeout_s
        while True:
            answer = self._from_socket(deadline - time.monotonic())
            wanted = answer.message.id == message.id and not isinstance(answer.message, wire.Progress)
            refused = isinstance(answer.message, wire.Error) and answer.message.id == 0
            if wanted or refused:
                return answer
            self._aside.append(answer)

    def send(self, message: Message, parts: Sequence[Any] = ()) -> None:
        """Send without waiting."""
        self.send_raw(wire.encode(message), parts)

    def send_raw(self, header: bytes, parts: Sequence[Any] = ()) -> None:
        """Send any bytes as a header."""
        self._socket.send_multipart([header, *parts], copy=not parts)

    def receive(self, timeout_s: float | None = None) -> Answer:
        """The next message, those set aside first. Raises BackendSilentError."""
        if self._aside:
            return self._aside.popleft()
        return self._from_socket(self._timeout_s if timeout_s is None else timeout_s)

    def _from_socket(self, timeout_s: float) -> Answer:
        """The next message that means something: the backend's own signs of life are left out."""
        deadline = time.monotonic() + timeout_s
        while self._socket.poll(max(0, round((deadline - time.monotonic()) * 1000))):
            header, *parts = self._socket.recv_multipart()
            answer = Answer(wire.decode(header), parts)
            if answer.message != wire.Pong(id=0):
                return answer
        raise BackendSilentError("no answer in time", expected=f"one within {timeout_s:.1f} s", found="nothing")


class ClientRing:
    """A shared memory segment of a client, attached to the backend; slots are counted as docs/protocol.md says."""

    def __init__(self, client: Client, slot_bytes: int, slots: int, number: int = 0) -> None:
        self.number = number
        self.slot_bytes = -(-slot_bytes // wire.SLOT_ALIGNMENT) * wire.SLOT_ALIGNMENT
        self.free = set(range(slots))
        self.name, self._memory = _create(self.slot_bytes * slots)
        attach = wire.Attach(
            id=client.next_id(), segment=number, name=self.name, slot_bytes=self.slot_bytes, slots=slots
        )
        try:
            client.expect(wire.Attached, attach)
        finally:
            Path(SHM_DIRECTORY + self.name).unlink(missing_ok=True)

    def memory(self, slot: int) -> ByteArray:
        """All bytes of a slot."""
        return self._memory[slot * self.slot_bytes : (slot + 1) * self.slot_bytes]

    def pixels(self, slot: int, layout: PixelFormat) -> torch.Tensor:
        """A slot as [H, W, C], tightly packed."""
        return pixels_over(self.memory(slot)[: layout.nbytes], layout, layout.row_bytes)

    def image(self, slot: int, layout: PixelFormat) -> wire.Image:
        """The slot's descriptor."""
        return wire.Image.in_slot(layout, self.number, slot)

    def take(self) -> int:
        """A free slot, which the message that follows hands to the backend."""
        return self.free.pop()

    def note(self, message: Message) -> None:
        """Take back what a RELEASE gives."""
        if isinstance(message, wire.Release) and message.segment == self.number:
            self.free.update(message.slots)


def _create(size: int) -> tuple[str, ByteArray]:
    name = f"/sparkvsr-{secrets.token_hex(16)}"
    descriptor = os.open(SHM_DIRECTORY + name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, size)
        return name, np.frombuffer(mmap.mmap(descriptor, size), np.uint8)
    finally:
        os.close(descriptor)


def inline_output(layout: PixelFormat) -> wire.Image:
    """Ask for the result as part 1 of DONE."""
    return wire.Image.inline(layout, part=0)


__all__ = ["Answer", "Carrier", "Client", "ClientRing", "RemoteError", "inline_output"]
