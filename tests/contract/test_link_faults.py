"""The link against a backend that misbehaves: every failure has a name, comes in time, and the next call works."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest
from support.fake_backend import (
    ATTACH,
    CANCEL,
    DONE,
    ERROR,
    HELLO,
    NEED,
    PING,
    PONG,
    PROGRESS,
    PUT,
    RELEASE,
    RENDER,
    STATUS,
    FakeBackend,
    Header,
)

from sparkvsr_bridge.link import Link, LinkError

pytestmark = pytest.mark.timeout(60)

WIDTH, HEIGHT = 24, 10


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((HEIGHT, WIDTH, 4), dtype=np.float32)


def quick_link(**options: Any) -> Link:
    return Link(**{"allow_spawn": False, "silence": 0.8, "handshake": 1.0, "slot_wait": 1.0, **options})


def render(link: Link, fingerprint: bytes, **options: Any) -> Any:
    return link.render(target=(WIDTH, HEIGHT), frames=[(0, fingerprint)], **options)


def round_trip(link: Link, seed: int = 0) -> None:
    """A picture goes there and comes back; the caller's part of NEED included."""
    source = picture(seed)
    fingerprint = link.put(source)
    outcome = render(link, fingerprint)
    if outcome.need:
        link.put(source, force=True)
        outcome = render(link, fingerprint)
    np.testing.assert_array_equal(outcome.pixels, source)


def failure(call: Callable[[], Any]) -> tuple[LinkError, float]:
    """The error of a call, and the seconds until it came."""
    begin = time.monotonic()
    with pytest.raises(LinkError) as caught:
        call()
    return caught.value, time.monotonic() - begin


@pytest.fixture
def fake(fresh_runtime_dir: Path) -> FakeBackend:
    return FakeBackend(fresh_runtime_dir)


# ---- a good backend, so that the rest means something ----


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32])
@pytest.mark.parametrize("components", [3, 4])
def test_pixels_of_every_depth_make_the_round_trip(
    fake: FakeBackend, shared: bool, dtype: type, components: int
) -> None:
    source = (np.random.default_rng(1).random((HEIGHT, WIDTH, components)) * 200).astype(dtype)
    depth = {1: "byte", 2: "short" if dtype is np.uint16 else "half", 4: "float"}[source.itemsize]
    with fake.running():
        link = quick_link(allow_shared_memory=shared)
        outcome = render(link, link.put(source), depth=depth, components=components)
    np.testing.assert_array_equal(outcome.pixels, source)
    assert (outcome.confidence_mean, outcome.confidence_low) == (0.5, 0.25)
    assert outcome.notices == [("KeyframeUnlikeSource", "check the offset")]


def test_rows_of_any_stride_give_the_same_frame(fake: FakeBackend) -> None:
    source = picture()
    padded = np.zeros((HEIGHT, WIDTH + 5, 4), np.float32)
    padded[:, :WIDTH] = source
    flipped = np.ascontiguousarray(source[::-1])[::-1]
    target = np.zeros((HEIGHT, WIDTH + 3, 4), np.float32)
    with fake.running():
        link = quick_link()
        assert link.put(source) == link.put(padded[:, :WIDTH]) == link.put(flipped)
        render(link, link.put(source), out=target[:, :WIDTH])
    np.testing.assert_array_equal(target[:, :WIDTH], source)
    assert not target[:, WIDTH:].any()


def test_a_known_frame_sends_nothing(fake: FakeBackend) -> None:
    with fake.running():
        link = quick_link()
        for likely in (False, True, False, True):
            link.put(picture(), likely_known=likely)
        link.status()
    assert fake.count(PUT) == 1
    counters = link.counters()
    assert (counters["frames_put"], counters["frames_known"]) == (1, 3)
    assert counters["bytes_put"] == picture().nbytes


def test_a_forgotten_frame_is_needed_and_put_again(fake: FakeBackend) -> None:
    with fake.running():
        link = quick_link()
        fingerprint = link.put(picture())
        link.status()
        fake.frames.clear()
        assert render(link, fingerprint).need == [fingerprint]
        link.put(picture(), likely_known=True)  # the link has learned that it is not known any more
        np.testing.assert_array_equal(render(link, fingerprint).pixels, picture())
    assert link.counters()["needs"] == 1


# ---- before WELCOME ----


def test_no_backend_is_a_named_error(fresh_runtime_dir: Path) -> None:
    error, seconds = failure(lambda: quick_link().put(picture()))
    assert error.name == "BackendNotFound"
    assert str(fresh_runtime_dir) in str(error)
    assert seconds < 1


def test_a_stale_endpoint_file_is_no_backend(fake: FakeBackend) -> None:
    with fake.running():
        pass
    error, seconds = failure(lambda: quick_link().put(picture()))
    assert error.name == "BackendNotFound"
    assert seconds < 1


def test_hello_without_an_answer(fake: FakeBackend) -> None:
    fake.mute = {HELLO}
    with fake.running():
        error, seconds = failure(lambda: quick_link().put(picture()))
    assert error.name == "BackendSilent"
    assert 0.9 < seconds < 2


def test_wrong_token(fake: FakeBackend) -> None:
    with fake.running():
        fake.token, written = "b" * 64, fake.token
        error, _ = failure(lambda: quick_link().put(picture()))
        assert error.name == "WrongToken"
        fake.token = written
        round_trip(quick_link())


@pytest.mark.parametrize("proto_range", [(0, 0), (2, 5)])
def test_an_endpoint_of_another_protocol(fake: FakeBackend, proto_range: tuple[int, int]) -> None:
    fake.proto_range = proto_range
    with fake.running():
        error, _ = failure(lambda: quick_link().put(picture()))
    assert error.name == "WrongProtocol"
    assert (error.expected, error.found) == ("1..1", f"{proto_range[0]}..{proto_range[1]}")
    assert fake.received == []


def test_a_protocol_that_was_not_offered(fake: FakeBackend) -> None:
    fake.proto = 9
    with fake.running():
        error, _ = failure(lambda: quick_link().put(picture()))
    assert (error.name, error.found) == ("WrongProtocol", "9")


def test_the_backends_refusal_keeps_its_name(fake: FakeBackend) -> None:
    fake.hello = lambda client, header: fake.error(client, header, "WrongProtocol")  # type: ignore[method-assign]
    with fake.running():
        error, _ = failure(lambda: quick_link().put(picture()))
    assert error.name == "WrongProtocol"


@pytest.mark.parametrize(
    "answer",
    [b"", b"\xc1", b"\x81\xa4type", msgpack.packb({"type": 2, "id": 1}), msgpack.packb([1, 2]), b"\x91" * 100_000],
    ids=["empty", "garbage", "truncated", "without fields", "a list", "deeply nested"],
)
def test_a_broken_welcome(fake: FakeBackend, answer: bytes) -> None:
    fake.hello = lambda client, header: fake.send(client, answer)  # type: ignore[method-assign]
    with fake.running():
        error, seconds = failure(lambda: quick_link().put(picture()))
    assert error.name == "BadMessage"
    assert seconds < 1


@pytest.mark.parametrize(
    "address", ["tcp://10.0.0.1:5555", "tcp://*:5555", "tcp://example.com:80", "udp://127.0.0.1:1"]
)
def test_a_remote_address_is_refused(fresh_runtime_dir: Path, address: str) -> None:
    error, seconds = failure(lambda: quick_link(address=address).put(picture()))
    assert (error.name, error.found) == ("RemoteAddressRefused", address)
    assert seconds < 1


def test_a_remote_address_in_the_endpoint_file_is_refused(fake: FakeBackend) -> None:
    fake.address = "tcp://10.0.0.1:5555"
    fake.announce()
    error, _ = failure(lambda: quick_link().put(picture()))
    fake.close()
    assert error.name == "RemoteAddressRefused"


def test_the_token_is_not_shown_to_another_address(fake: FakeBackend, tmp_path: Path) -> None:
    with fake.running():
        round_trip(quick_link(address=fake.address))
        error, _ = failure(lambda: quick_link(address=f"ipc://{tmp_path}/other.sock").put(picture()))
    assert error.name == "BackendNotFound"
    assert error.found == fake.address


def test_a_runtime_directory_that_others_can_read_is_refused(fresh_runtime_dir: Path) -> None:
    fresh_runtime_dir.chmod(0o755)
    error, _ = failure(lambda: quick_link().put(picture()))
    assert error.name == "InsecureRuntimeDirectory"
    assert "0700" in error.expected
    assert "0755" in error.found


# ---- silence, slowness, death ----


def test_a_backend_that_falls_silent(fake: FakeBackend) -> None:
    with fake.running():
        link = quick_link()
        fingerprint = link.put(picture())
        fake.mute = {RENDER, PING}
        error, seconds = failure(lambda: render(link, fingerprint))
        assert error.name == "BackendSilent"
        assert 0.7 < seconds < 2
        fake.mute = set()
        round_trip(link)


def test_a_slow_backend_is_waited_for(fake: FakeBackend) -> None:
    fake.render_seconds = 2.0  # more than twice the limit on silence
    with fake.running():
        round_trip(quick_link())
        assert fake.count(PING) >= 3


def test_progress_is_passed_on(fake: FakeBackend) -> None:
    def finish(client: bytes, header: Header) -> None:
        for fraction in (0.25, 0.5):
            fake.send(client, {"type": PROGRESS, "id": header["id"], "fraction": fraction, "stage": "motion"})
            time.sleep(0.05)
        FakeBackend.finish(fake, client, header)

    fake.finish = finish  # type: ignore[method-assign]
    seen: list[tuple[float, str]] = []
    with fake.running():
        link = quick_link()
        render(link, link.put(picture()), progress=lambda fraction, stage: seen.append((fraction, stage)))
    assert seen == [(0.25, "motion"), (0.5, "motion")]


def test_two_backends_one_after_the_other(fake: FakeBackend, fresh_runtime_dir: Path) -> None:
    link = quick_link()
    with fake.running():
        fingerprint = link.put(picture())
        render(link, fingerprint)
    with FakeBackend(fresh_runtime_dir).running():
        assert render(link, fingerprint).need == [fingerprint]
        assert link.put(picture(), likely_known=True) == fingerprint
        np.testing.assert_array_equal(render(link, fingerprint).pixels, picture())
    counters = link.counters()
    assert (counters["reconnects"], counters["frames_put"]) == (1, 2)


def test_a_backend_that_exits_while_it_is_asked_is_replaced(fake: FakeBackend, fresh_runtime_dir: Path) -> None:
    second = FakeBackend(fresh_runtime_dir)

    def refuse(client: bytes, header: Header) -> None:
        second.announce()
        fake.error(client, header, "ShuttingDown")

    with second.running():
        fake.render = refuse  # type: ignore[method-assign]
        with fake.running():
            link = quick_link()
            fingerprint = link.put(picture())
            assert render(link, fingerprint).need == [fingerprint]


# ---- abort ----


def test_an_aborted_render_returns_at_once_and_its_late_frame_is_dropped(fake: FakeBackend) -> None:
    fake.render_seconds = 0.4
    with fake.running():
        link = quick_link()
        fingerprint = link.put(picture())
        out = np.zeros((HEIGHT, WIDTH, 4), np.float32)
        error, seconds = failure(lambda: render(link, fingerprint, out=out, abort_after_ms=100))
        assert error.name == "Aborted"
        assert seconds < 0.25
        time.sleep(0.6)
        assert not out.any()
        fake.render_seconds = 0
        round_trip(link, 1)
        assert [header["id"] for header in fake.received if header["type"] == CANCEL] == [
            header["id"] for header in fake.received if header["type"] == RENDER
        ][:1]


def test_abort_is_asked_about_fifty_times_a_second_on_the_callers_thread(fake: FakeBackend) -> None:
    fake.mute = {RENDER}
    threads: set[int] = set()
    polls = 0

    def abort() -> bool:
        nonlocal polls
        threads.add(threading.get_ident())
        polls += 1
        return polls >= 20

    with fake.running():
        link = quick_link()
        fingerprint = link.put(picture())
        _, seconds = failure(lambda: render(link, fingerprint, abort=abort))
    assert threads == {threading.get_ident()}
    assert 0.3 < seconds < 1.2


def test_a_handshake_can_be_aborted(fake: FakeBackend) -> None:
    fake.mute = {HELLO}
    with fake.running():
        error, seconds = failure(lambda: quick_link(handshake=30.0).put(picture(), abort_after_ms=100))
    assert error.name == "Aborted"
    assert seconds < 0.25


def test_waiting_for_shared_memory_can_be_aborted(fake: FakeBackend) -> None:
    fake.mute = {ATTACH}
    with fake.running():
        link = quick_link(slot_wait=30.0, silence=30.0)
        error, seconds = failure(lambda: link.put(picture(), abort_after_ms=100))
    assert error.name == "Aborted"
    assert seconds < 0.25


# ---- wrong answers ----


def with_image(**changes: object) -> Callable[[Header], Header]:
    return lambda done: {**done, "image": {**done["image"], **changes}}


@pytest.mark.parametrize(
    "sabotage",
    [
        with_image(width=WIDTH + 1, row_bytes=(WIDTH + 1) * 16),
        with_image(height=HEIGHT - 1),
        with_image(components=3),
        with_image(depth="half"),
        with_image(depth=7),
        with_image(premultiplication="opaque"),
        with_image(row_bytes=1 << 20),
        with_image(row_bytes=8),
        with_image(width=-1),
        with_image(slot=7),
        with_image(slot=4_000_000_000),
        with_image(segment=99),
        with_image(carrier="inline", part=1),
        with_image(carrier="telepathy"),
        lambda done: {**done, "confidence": {"mean": float("nan"), "low": 0.0}},
        lambda done: {**done, "cached": "yes"},
        lambda done: {key: value for key, value in done.items() if key != "image"},
        lambda done: {"type": PONG, "id": done["id"]},
    ],
)
def test_a_wrong_done_fails_its_request_only(fake: FakeBackend, sabotage: Callable[[Header], Header]) -> None:
    fake.done = lambda header: sabotage(FakeBackend.done(fake, header))  # type: ignore[method-assign]
    with fake.running():
        link = quick_link()
        fingerprint = link.put(picture())
        out = np.zeros((HEIGHT, WIDTH, 4), np.float32)
        error, seconds = failure(lambda: render(link, fingerprint, out=out))
        assert error.name == "BadMessage"
        assert seconds < 1
        assert not out.any()
        del fake.done  # type: ignore[method-assign]
        round_trip(link)
    assert link.counters()["reconnects"] == 0


@pytest.mark.parametrize("parts", [[], [b""], [b"\0" * (WIDTH * HEIGHT * 16 - 1)]], ids=["none", "empty", "short"])
def test_inline_pixels_that_are_too_few(fake: FakeBackend, parts: list[bytes]) -> None:
    fake.deliver = lambda client, header, done: fake.send(client, done, *parts)  # type: ignore[method-assign]
    with fake.running():
        link = quick_link(allow_shared_memory=False)
        error, _ = failure(lambda: render(link, link.put(picture())))
    assert error.name == "BadMessage"


@pytest.mark.parametrize(
    "answer",
    [b"", b"\xc1\xc1", b"\x84\xa4type\x0d", b"\0" * ((1 << 20) + 1), msgpack.packb({1: 2}), b"\x91" * 1_000_000],
    ids=["empty", "garbage", "truncated", "oversized", "keys that are numbers", "deeply nested"],
)
def test_what_is_no_header_ends_the_connection_and_the_next_call_makes_another(
    fake: FakeBackend, answer: bytes
) -> None:
    fake.finish = lambda client, header: fake.send(client, answer)  # type: ignore[method-assign]
    with fake.running():
        link = quick_link()
        fingerprint = link.put(picture())
        error, seconds = failure(lambda: render(link, fingerprint))
        assert error.name == "BadMessage"
        assert seconds < 1
        del fake.finish  # type: ignore[method-assign]
        round_trip(link)
    assert link.counters()["reconnects"] == 1


def test_an_error_keeps_its_name_and_ends_nothing(fake: FakeBackend) -> None:
    def refuse(client: bytes, header: Header) -> None:
        fake.send(client, {"type": ERROR, "id": header["id"], "name": "UnknownEngine", "message": "no engine 'x'"})
        fake.release(client, header["output"])

    fake.render = refuse  # type: ignore[method-assign]
    with fake.running():
        link = quick_link()
        fingerprint = link.put(picture())
        error, _ = failure(lambda: render(link, fingerprint))
        assert (error.name, error.message) == ("UnknownEngine", "no engine 'x'")
        del fake.render  # type: ignore[method-assign]
        round_trip(link)


def test_strangers_and_stragglers_are_ignored(fake: FakeBackend) -> None:
    def finish(client: bytes, header: Header) -> None:
        stranger = header["id"] + 1000
        fake.send(client, {"type": PONG, "id": 0})
        fake.send(client, {"type": 200, "id": 0, "colour": "blue"})
        fake.send(client, fake.welcome({"id": stranger, "carriers": []}))
        fake.send(client, {**fake.done(header), "id": stranger})
        fake.send(client, {"type": NEED, "id": stranger, "fingerprints": [bytes(16)]})
        fake.send(client, {"type": ERROR, "id": stranger, "name": "EngineFailed", "message": ""})
        FakeBackend.finish(fake, client, header)

    fake.finish = finish  # type: ignore[method-assign]
    with fake.running():
        link = quick_link()
        for seed in range(3):
            round_trip(link, seed)
    assert link.counters()["reconnects"] == 0


# ---- slots ----


def test_releasing_slots_that_are_not_its_own_harms_no_frame(fake: FakeBackend) -> None:
    def finish(client: bytes, header: Header) -> None:
        segment = header["output"]["segment"]
        every = {"type": RELEASE, "id": 0, "segment": segment, "slots": list(range(64))}
        fake.send(client, every)
        fake.send(client, {**every, "segment": 77})
        fake.send(client, {**every, "slots": [1 << 31, "one"]})
        FakeBackend.finish(fake, client, header)
        FakeBackend.release(fake, client, header["output"])

    fake.finish = finish  # type: ignore[method-assign]
    with fake.running():
        link = quick_link()
        for seed in range(20):
            round_trip(link, seed)
        assert link.counters()["carrier"] == "shm"


def test_slots_that_never_come_back_do_not_stop_the_link(fake: FakeBackend) -> None:
    fake.release = lambda client, image: None  # type: ignore[method-assign]
    with fake.running():
        link = quick_link(shared_memory_bytes=8 * 65536, slot_wait=0.2)
        for seed in range(6):
            round_trip(link, seed)
        counters = link.counters()
    assert counters["carrier"] == "inline"
    assert counters["carrier_reason"] == "the backend returned no slot in time"


def test_a_refused_segment_means_inline(fake: FakeBackend) -> None:
    fake.attach = lambda client, header: fake.error(client, header, "SegmentRefused")  # type: ignore[method-assign]
    with fake.running():
        link = quick_link()
        round_trip(link)
        counters = link.counters()
    assert counters["carrier"] == "inline"
    assert "SegmentRefused" in counters["carrier_reason"]


def test_a_backend_without_shared_memory_means_inline(fake: FakeBackend) -> None:
    fake.carriers = ["inline"]
    with fake.running():
        link = quick_link()
        round_trip(link)
        assert link.counters()["carrier"] == "inline"
        assert fake.count(ATTACH) == 0


def test_a_frame_above_the_backends_limit_is_refused_here(fake: FakeBackend) -> None:
    def welcome(header: Header) -> Header:
        return {**FakeBackend.welcome(fake, header), "limits": {"header_bytes": 1 << 20, "frame_bytes": 1000}}

    fake.welcome = welcome  # type: ignore[method-assign]
    with fake.running():
        error, _ = failure(lambda: quick_link().put(picture()))
    assert (error.name, error.expected) == ("OutOfMemory", "at most 1000 bytes")


def test_small_requests_have_a_deadline(fake: FakeBackend) -> None:
    fake.mute = {STATUS}
    with fake.running():
        link = quick_link()
        round_trip(link)
        error, seconds = failure(link.status)
    assert error.name == "BackendSilent"
    assert seconds < 2


def test_done_may_pass_release(fake: FakeBackend) -> None:
    def finish(client: bytes, header: Header) -> None:
        fake.release(client, header["output"])
        fake.deliver(client, header, fake.done(header))

    fake.finish = finish  # type: ignore[method-assign]
    with fake.running():
        link = quick_link()
        for seed in range(20):
            round_trip(link, seed)
    assert DONE not in {header["type"] for header in fake.received}
