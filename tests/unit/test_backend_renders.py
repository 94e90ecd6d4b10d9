"""Where requests run: on workers, or where the socket is served, and what happens there meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.engines import CopyEngine, registry_of
from support.requests import frame, request_for

import sparkvsr_backend.protocol as wire
from sparkvsr.frames import Frame, fingerprint
from sparkvsr_backend.client import inline_output
from sparkvsr_backend.desk import Desk
from sparkvsr_backend.engine_loop import EngineLoop
from sparkvsr_backend.errors import ShuttingDownError
from sparkvsr_backend.mailbox import Mailbox
from sparkvsr_backend.pace import Pace
from sparkvsr_backend.peers import Peer
from sparkvsr_backend.protocol import Message
from sparkvsr_backend.renders import Renders
from sparkvsr_backend.workers import Settler

HERE = threading.main_thread().name


class Sent:
    """An outbox that keeps what it is given."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def send(self, route: bytes, message: Message, payload: Any = None) -> None:
        self.messages.append(message)

    def unsent_bytes(self, route: bytes) -> int:
        return 0


class Bench:
    """Renders without a socket; ``while_pumping``: what comes in whenever the socket is served."""

    def __init__(self) -> None:
        self.engine = CopyEngine("copy", slow_above=1.5)
        self.loop = EngineLoop(registry_of(self.engine))
        self.sent = Sent()
        self.failures: list[BaseException] = []
        self.desk = Desk(self.sent, Mailbox(), Settler(self.failures.append))  # type: ignore[arg-type]
        self.while_pumping: Callable[[], None] = lambda: None
        slots: Any = None  # no shared memory here
        self.pace = Pace(quick_s=10.0)  # however busy the machine is
        self.renders = Renders(self.loop, 2, self.desk, slots, lambda: self.while_pumping(), self.pace)
        hello = wire.Hello(id=1, proto_min=1, proto_max=1, token="", pid=1, carriers=())
        self.peer = Peer(b"route", hello, ())
        self.count = 0

    def start(self, source: Frame, **settings: Any) -> int:
        self.count += 1
        self.loop.frames.put(fingerprint(source), source)
        request = request_for(source, **settings)
        message = wire.Render(id=self.count, request=request, output=inline_output(request.output))
        self.renders.on_render(self.peer, message, [])
        return self.count

    def finish_all(self) -> None:
        deadline = time.monotonic() + 20
        while self.peer.jobs:
            assert time.monotonic() < deadline, "it never ended"
            self.desk.mailbox.run()
            time.sleep(0.001)

    def make_trusted(self) -> None:
        """Small requests were quick, every time."""
        for seed in range(4):
            self.start(frame(seed=seed))
            self.finish_all()
        self.engine.threads.clear()
        self.sent.messages.clear()


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.renders.stop()
    bench.desk.settler.stop()
    bench.desk.mailbox.close()
    assert not bench.failures


def test_a_new_kind_runs_on_a_worker(bench: Bench) -> None:
    bench.start(frame(seed=9))
    bench.finish_all()
    assert bench.engine.threads[0].startswith("render-")
    assert isinstance(bench.sent.messages[0], wire.Done)


def test_a_kind_that_was_always_quick_runs_here(bench: Bench) -> None:
    bench.make_trusted()
    bench.start(frame(seed=9))
    assert bench.engine.threads == [HERE]
    assert [type(message) for message in bench.sent.messages] == [wire.Done]
    assert not bench.peer.jobs


def test_cached_answers_prove_nothing(bench: Bench) -> None:
    for _ in range(9):
        bench.start(frame(seed=1))
        bench.finish_all()
    bench.start(frame(seed=9))
    bench.finish_all()
    assert bench.renders.counters.cached == 8
    assert HERE not in bench.engine.threads


def test_a_large_request_runs_on_a_worker(bench: Bench) -> None:
    bench.make_trusted()
    for seed in range(6):
        bench.start(frame(512, 512, seed=seed))
        bench.finish_all()
    assert HERE not in bench.engine.threads


def test_while_a_worker_is_busy_the_next_one_takes_another(bench: Bench) -> None:
    bench.make_trusted()
    slow = bench.start(frame(16, 16, seed=8), guidance=2.0)  # of a size that is new
    bench.start(frame(seed=9))
    bench.renders.on_cancel(bench.peer, wire.Cancel(id=slow), [])
    bench.finish_all()
    assert HERE not in bench.engine.threads


def test_one_that_is_slow_for_once_lets_the_socket_be_served(bench: Bench) -> None:
    bench.make_trusted()
    second: list[int] = []

    def come_in() -> None:
        bench.desk.mailbox.run()
        if not second:
            assert bench.renders.is_busy
            second.append(bench.start(frame(seed=10)))
        if second[0] not in bench.peer.jobs:  # a worker has answered the second request
            bench.renders.on_cancel(bench.peer, wire.Cancel(id=second[0] - 1), [])

    bench.while_pumping = come_in
    bench.start(frame(seed=9), guidance=2.0)
    assert bench.engine.threads[0] == HERE
    assert bench.engine.threads[1].startswith("render-")
    assert [message.id for message in bench.sent.messages if isinstance(message, wire.Done)] == second
    assert bench.renders.counters.cancelled == 1
    assert not bench.renders.is_busy


def test_one_that_was_slow_here_loses_the_trust_of_its_kind(bench: Bench) -> None:
    bench.make_trusted()
    bench.pace.quick_s = 0.0
    bench.while_pumping = lambda: bench.renders.forget(bench.peer)
    bench.start(frame(seed=9), guidance=2.0)
    bench.start(frame(seed=10))
    bench.finish_all()
    assert bench.engine.threads[1].startswith("render-")


def test_an_end_that_comes_meanwhile_is_told(bench: Bench) -> None:
    bench.make_trusted()
    bench.while_pumping = lambda: bench.renders.finish(cancel=True)
    bench.start(frame(seed=9), guidance=2.0)
    (error,) = [message for message in bench.sent.messages if isinstance(message, wire.Error)]
    assert error.name == "ShuttingDown"
    with pytest.raises(ShuttingDownError):
        bench.start(frame(seed=10))
