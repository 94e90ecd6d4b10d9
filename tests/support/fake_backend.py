"""A backend that copies its source, with every answer open to sabotage: in a thread, or as a process of its own.

python fake_backend.py [--slow SECONDS] [--mute] [--report FILE] [--delay SECONDS]
"""

from __future__ import annotations

import argparse
import fcntl
import json
import mmap
import os
import secrets
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgpack
import zmq

HELLO, WELCOME, ERROR, PING, PONG, ATTACH, ATTACHED, PUT, RELEASE, RENDER = range(1, 11)
NEED, PROGRESS, DONE, CANCEL, STATUS, STATUS_REPLY, BYE, SHUTDOWN, CLEAR, DETACH = range(11, 21)
ANALYSE, ANALYSED, BUDGET = range(21, 24)

Header = dict[str, Any]


class FakeBackend:
    """Answers correctly until a test says otherwise: subclass it, or set the public attributes."""

    def __init__(self, folder: Path, *, instance: str | None = None, token: str | None = None) -> None:
        self.folder = folder
        self.instance = instance or secrets.token_hex(8)
        self.token = token or secrets.token_hex(32)
        self.address = f"ipc://{folder}/{self.instance}.sock"
        self.pid = os.getpid()
        self.proto_range = (1, 1)
        self.proto = 1
        self.mute: set[int] = set()
        self.render_seconds = 0.0
        self.idle_limit = float("inf")
        self.carriers = ["shm", "inline"]
        self.received: list[Header] = []
        self.frames: dict[bytes, bytes] = {}
        self.segments: dict[tuple[bytes, int], tuple[mmap.mmap, int]] = {}
        self.ended = False
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.linger = 0
        self._socket.bind(self.address)
        self._later: list[tuple[float, bytes, Header]] = []

    # ---- its life ----

    def announce(self) -> None:
        """Write the endpoint file as docs/protocol.md says."""
        text = json.dumps(
            {
                "endpoint": self.address,
                "token": self.token,
                "pid": self.pid,
                "start_time": 0,
                "proto_min": self.proto_range[0],
                "proto_max": self.proto_range[1],
                "version": "0",
            }
        )
        new = self.folder / f"endpoint.{self.instance}"
        new.touch(mode=0o600)
        new.write_text(text)
        new.rename(self.folder / "endpoint-v1.json")

    def serve(self) -> None:
        heard = time.monotonic()
        while not self.ended and time.monotonic() < heard + self.idle_limit:
            if self._socket.poll(10):
                heard = time.monotonic()
                client, header, *parts = self._socket.recv_multipart()
                self.handle(client, msgpack.unpackb(header), parts)
            now = time.monotonic()
            due = [item for item in self._later if item[0] <= now]
            self._later = [item for item in self._later if item[0] > now]
            for _, client, header in due:
                self.finish(client, header)
        self.close()

    def close(self) -> None:
        self._socket.close()
        self._context.term()
        for memory, _ in self.segments.values():
            memory.close()

    @contextmanager
    def running(self) -> Iterator[FakeBackend]:
        self.announce()
        thread = threading.Thread(target=self.serve)
        thread.start()
        try:
            yield self
        finally:
            self.ended = True
            thread.join(5)
            assert not thread.is_alive(), "the fake backend hangs"

    # ---- what it does with messages ----

    def handle(self, client: bytes, header: Header, parts: list[bytes]) -> None:
        self.received.append(header)
        if header["type"] in self.mute:
            return
        handlers = {
            HELLO: self.hello,
            PING: self.pong,
            SHUTDOWN: self.shutdown,
            CLEAR: self.pong,
            ATTACH: self.attach,
            DETACH: self.detach,
            STATUS: self.status,
            RENDER: self.render,
            ANALYSE: self.analyse,
            BUDGET: self.pong,
        }
        if header["type"] == PUT:
            self.put(client, header, parts)
        elif header["type"] in handlers:
            handlers[header["type"]](client, header)

    def hello(self, client: bytes, header: Header) -> None:
        if header["token"] != self.token:
            self.error(client, header, "WrongToken")
        else:
            self.send(client, self.welcome(header))

    def welcome(self, header: Header) -> Header:
        return {
            "type": WELCOME,
            "id": header["id"],
            "proto": self.proto,
            "server": {"name": "fake", "version": "0"},
            "instance": self.instance,
            "pid": self.pid,
            "device": "cpu",
            "engines": [],
            "carriers": [name for name in self.carriers if name in header["carriers"]],
            "limits": {"header_bytes": 1 << 20, "frame_bytes": 1 << 31},
        }

    def pong(self, client: bytes, header: Header) -> None:
        self.send(client, {"type": PONG, "id": header["id"]})

    def shutdown(self, client: bytes, header: Header) -> None:
        self.pong(client, header)
        self.ended = True

    def status(self, client: bytes, header: Header) -> None:
        self.send(client, {"type": STATUS_REPLY, "id": header["id"], "instance": self.instance})

    def attach(self, client: bytes, header: Header) -> None:
        file = os.open("/dev/shm" + header["name"], os.O_RDWR | os.O_NOFOLLOW)
        memory = mmap.mmap(file, header["slot_bytes"] * header["slots"])
        os.close(file)
        Path("/dev/shm" + header["name"]).unlink(missing_ok=True)  # the link does it too, unless it was killed just now
        self.segments[client, header["segment"]] = (memory, header["slot_bytes"])
        self.send(client, {"type": ATTACHED, "id": header["id"], "segment": header["segment"]})

    def detach(self, client: bytes, header: Header) -> None:
        self.segments.pop((client, header["segment"]))[0].close()

    def put(self, client: bytes, header: Header, parts: list[bytes]) -> None:
        image = header["image"]
        if image["carrier"] == "inline":
            self.frames[header["fingerprint"]] = parts[image["part"] - 1]
            return
        memory, slot_bytes = self.segments[client, image["segment"]]
        begin = image["slot"] * slot_bytes
        self.frames[header["fingerprint"]] = memory[begin : begin + image["row_bytes"] * image["height"]]
        self.release(client, image)

    def render(self, client: bytes, header: Header) -> None:
        missing = [print_ for _, print_ in header["window"] if print_ not in self.frames]
        if missing:
            self.send(client, {"type": NEED, "id": header["id"], "fingerprints": missing})
            self.release(client, header["output"])
        elif self.render_seconds:
            self._later.append((time.monotonic() + self.render_seconds, client, header))
        else:
            self.finish(client, header)

    def analyse(self, client: bytes, header: Header) -> None:
        """Finds the last frame, once it has all; asks for one at a time."""
        missing = [print_ for _, print_ in header["frames"] if print_ not in self.frames]
        if missing:
            self.send(client, {"type": NEED, "id": header["id"], "fingerprints": missing[:1]})
        else:
            self.send(client, {"type": ANALYSED, "id": header["id"], "frames": [header["frames"][-1][0]]})

    def finish(self, client: bytes, header: Header) -> None:
        """DONE and RELEASE, in this order."""
        self.deliver(client, header, self.done(header))
        self.release(client, header["output"])

    def done(self, header: Header) -> Header:
        return {
            "type": DONE,
            "id": header["id"],
            "image": header["output"],
            "cached": False,
            "confidence": {"mean": 0.5, "low": 0.25},
            "notices": [{"name": "KeyframeUnlikeSource", "text": "check the offset"}],
            "timings": {},
        }

    def deliver(self, client: bytes, header: Header, done: Header) -> None:
        pixels = self.frames[header["window"][0][1]]
        output = header["output"]
        if output["carrier"] == "inline":
            self.send(client, done, pixels)
            return
        memory, slot_bytes = self.segments[client, output["segment"]]
        begin = output["slot"] * slot_bytes
        memory[begin : begin + len(pixels)] = pixels
        self.send(client, done)

    def release(self, client: bytes, image: Header) -> None:
        if image["carrier"] == "shm":
            self.send(client, {"type": RELEASE, "id": 0, "segment": image["segment"], "slots": [image["slot"]]})

    def error(self, client: bytes, header: Header, name: str) -> None:
        self.send(client, {"type": ERROR, "id": header["id"], "name": name, "message": "", "expected": "", "found": ""})

    def send(self, client: bytes, header: Header | bytes, *parts: bytes) -> None:
        packed = header if isinstance(header, bytes) else msgpack.packb(header)
        self._socket.send_multipart([client, packed, *parts])

    def count(self, kind: int) -> int:
        return sum(header["type"] == kind for header in self.received)


def take_lock(folder: Path) -> bool:
    """Hold backend-v1.lock for the rest of the process's life."""
    lock = os.open(folder / "backend-v1.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def describe_self(file: Path) -> None:
    """What this process was started with."""
    facts = {
        "pid": os.getpid(),
        "parent": os.getppid(),
        "session": os.getsid(0),
        "environment": dict(os.environ),
        "descriptors": {int(entry.name): str(entry.readlink()) for entry in _open_descriptors()},
        "directory": str(Path.cwd()),
    }
    file.write_text(json.dumps(facts))


def _open_descriptors() -> list[Path]:
    """Without the one that reads the folder."""
    return [entry for entry in list(Path("/proc/self/fd").iterdir()) if entry.is_symlink()]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=["sparkvsr"], help="by which the fixtures know whose process this is")
    parser.add_argument("--slow", type=float, default=0.0)
    parser.add_argument("--mute", action="store_true")
    parser.add_argument("--report", type=Path)
    parser.add_argument("--delay", type=float, default=0.0)
    options = parser.parse_args()
    if options.report:
        describe_self(options.report)
    folder = Path(os.environ["SPARKVSR_RUNTIME_DIR"])
    if not take_lock(folder):
        return 0
    time.sleep(options.delay)
    backend = FakeBackend(folder)
    backend.render_seconds = options.slow
    backend.idle_limit = 20.0
    if options.mute:
        backend.mute = {RENDER}
    backend.announce()
    backend.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
