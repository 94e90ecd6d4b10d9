"""A real server process: frames there and back by both carriers, nothing twice; cancel and priorities."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from support.backend_process import BackendProcess, backend_process, wait_for
from support.requests import frame, request_for

import sparkvsr_backend.protocol as wire
from sparkvsr.frames import Depth, Frame, PixelFormat, fingerprint
from sparkvsr_backend.client import Client, ClientRing, RemoteError, inline_output
from sparkvsr_backend.requests import Priority, RenderRequest

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def backend() -> Iterator[BackendProcess]:
    with (
        tempfile.TemporaryDirectory(prefix="svsr-", dir="/tmp") as folder,
        backend_process(Path(folder, "run"), "--workers", "2", "--cache-gb", "0.25") as process,
    ):
        yield process


@pytest.fixture
def client(backend: BackendProcess) -> Iterator[Client]:
    with backend.client() as connection:
        connection.clear()
        yield connection


def put_inline(client: Client, source: Frame) -> None:
    payload = source.pixels.contiguous().numpy().tobytes()
    client.send(wire.Put(fingerprint=fingerprint(source), image=wire.Image.inline(source.format)), [payload])


def render_inline(client: Client, request: RenderRequest) -> tuple[wire.Done, torch.Tensor]:
    """DONE and the pixels. Raises RemoteError; fails on NEED."""
    message = wire.Render(id=client.next_id(), request=request, output=inline_output(request.output))
    answer = client.request(message)
    if isinstance(answer.message, wire.Error):
        raise RemoteError(answer.message)
    assert isinstance(answer.message, wire.Done), answer.message
    array = np.frombuffer(answer.parts[0], request.output.depth.numpy_dtype).reshape(request.output.shape)
    return answer.message, torch.from_numpy(array.copy())


def start(client: Client, request: RenderRequest) -> int:
    number = client.next_id()
    client.send(wire.Render(id=number, request=request, output=inline_output(request.output)))
    return number


def ends(client: Client, count: int, timeout_s: float = 30.0) -> list[wire.Message]:
    """The next DONE, NEED and ERROR messages, in the order they came."""
    found: list[wire.Message] = []
    deadline = time.monotonic() + timeout_s
    while len(found) < count:
        message = client.receive(deadline - time.monotonic()).message
        if isinstance(message, (wire.Done, wire.Need, wire.Error)):
            found.append(message)
    return found


def unique_frame(**options: object) -> Frame:
    """A frame that no other test has put."""
    return frame(seed=time.perf_counter_ns() % 2**31, **options)  # type: ignore[arg-type]


# --- there and back ------------------------------------------------------------------------------------------------


def test_welcome_says_who_serves(client: Client, backend: BackendProcess) -> None:
    welcome = client.welcome
    assert welcome is not None
    assert (welcome.proto, welcome.pid, welcome.device) == (1, backend.process.pid, "cpu")
    assert welcome.carriers == ("shm", "inline")
    assert {"copy", "slow"} <= {card.name for card in welcome.engines}
    assert welcome.limits.header_bytes == wire.HEADER_BYTES


@pytest.mark.parametrize("depth", list(Depth))
def test_a_frame_goes_there_and_back_inline(client: Client, depth: Depth) -> None:
    source = unique_frame(dtype=str(depth.numpy_dtype))
    put_inline(client, source)
    done, result = render_inline(client, request_for(source))
    assert torch.equal(result, source.pixels)
    assert not done.cached


def test_a_frame_goes_there_and_back_through_shared_memory(client: Client) -> None:
    source = unique_frame()
    ring = ClientRing(client, source.nbytes, slots=4)
    ring.pixels(0, source.format).copy_(source.pixels)
    client.send(wire.Put(fingerprint=fingerprint(source), image=ring.image(0, source.format)))
    render = wire.Render(id=client.next_id(), request=request_for(source), output=ring.image(3, source.format))
    done = client.expect(wire.Done, render)
    assert (done.image.segment, done.image.slot) == (0, 3)
    assert torch.equal(ring.pixels(3, source.format), source.pixels)
    assert releases(client, 2) == {0, 3}
    for slot in range(4):  # every slot is the link's again: what it writes there changes nothing
        ring.pixels(slot, source.format).fill_(-1)
    assert torch.equal(render_inline(client, request_for(source))[1], source.pixels)


def releases(client: Client, count: int) -> set[int]:
    """The next slots that come back."""
    found: set[int] = set()
    while len(found) < count:
        message = client.receive(5.0).message
        if isinstance(message, wire.Release):
            found.update(message.slots)
    return found


def test_padded_rows_are_read_and_written_where_they_lie(client: Client) -> None:
    source = unique_frame(components=3, dtype="uint16")
    ring = ClientRing(client, 4096, slots=2)
    layout, row_bytes = source.format, source.format.row_bytes + 10
    memory = ring.memory(0)
    memory[:] = 7
    rows = memory[: 6 * row_bytes].reshape(6, row_bytes)
    rows[:, : layout.row_bytes] = source.pixels.numpy().reshape(6, -1).view(np.uint8)
    image = wire.Image.in_slot(layout, 0, 0, row_bytes)
    client.send(wire.Put(fingerprint=fingerprint(source), image=image))
    target = wire.Image.in_slot(layout, 0, 1, row_bytes)
    client.expect(wire.Done, wire.Render(id=client.next_id(), request=request_for(source), output=target))
    out = ring.memory(1)[: 5 * row_bytes + layout.row_bytes]
    found = np.lib.stride_tricks.as_strided(out, (6, layout.row_bytes), (row_bytes, 1))
    assert np.array_equal(found, rows[:, : layout.row_bytes])


def test_padded_rows_travel_inline_too(client: Client) -> None:
    source = unique_frame(components=3)
    put_inline(client, source)
    layout = source.format
    output = wire.Image(**{**vars(inline_output(layout)), "row_bytes": layout.row_bytes + 16})
    answer = client.request(wire.Render(id=client.next_id(), request=request_for(source), output=output))
    assert isinstance(answer.message, wire.Done)
    rows = np.frombuffer(answer.parts[0] + bytes(16), np.uint8).reshape(6, layout.row_bytes + 16)
    assert np.array_equal(rows[:, : layout.row_bytes].copy().view(np.float32).reshape(6, 8, 3), source.pixels.numpy())


def test_a_detached_segment_keeps_what_was_put_in_it(client: Client) -> None:
    source = unique_frame()
    ring = ClientRing(client, source.nbytes, slots=2, number=5)
    ring.pixels(0, source.format).copy_(source.pixels)
    client.send(wire.Put(fingerprint=fingerprint(source), image=ring.image(0, source.format)))
    client.send(wire.Detach(id=client.next_id(), segment=5))
    assert torch.equal(render_inline(client, request_for(source))[1], source.pixels)
    with pytest.raises(RemoteError, match="segment"):
        client.expect(wire.Pong, wire.Detach(id=client.next_id(), segment=5))


# --- nothing twice -------------------------------------------------------------------------------------------------


def test_what_is_missing_is_asked_for(client: Client) -> None:
    source = unique_frame()
    request = request_for(source)
    answer = client.request(wire.Render(id=client.next_id(), request=request, output=inline_output(request.output)))
    assert isinstance(answer.message, wire.Need)
    assert answer.message.fingerprints == (fingerprint(source),)
    put_inline(client, source)
    assert torch.equal(render_inline(client, request)[1], source.pixels)


def test_scrubbing_back_sends_and_computes_nothing(client: Client) -> None:
    clip = [unique_frame() for _ in range(4)]
    for source in clip:
        put_inline(client, source)
    first = [render_inline(client, request_for(source, time=t))[1] for t, source in enumerate(clip)]
    before = client.status()
    for t in (3, 1, 0, 2):
        done, result = render_inline(client, request_for(clip[t], time=t))
        assert done.cached
        assert torch.equal(result, first[t])
    after = client.status()
    assert after.frames == before.frames
    assert after.requests.rendered == before.requests.rendered
    assert after.requests.cached == before.requests.cached + 4
    for tier in ("source_latents", "keyframe_latents", "propagations"):
        assert after.cache[tier].misses == before.cache[tier].misses


def test_a_second_client_finds_what_the_first_one_sent(client: Client, backend: BackendProcess) -> None:
    source = unique_frame()
    put_inline(client, source)
    render_inline(client, request_for(source))
    with backend.client() as other:
        assert render_inline(other, request_for(source, session="other"))[0].cached


def test_clearing_empties_every_tier(client: Client) -> None:
    source = unique_frame()
    put_inline(client, source)
    render_inline(client, request_for(source))
    assert client.status().cache["results"].entries == 1
    client.clear()
    assert {tier for tier, counters in client.status().cache.items() if counters.entries} == set()


def test_memory_stays_within_its_budget(client: Client) -> None:
    """Far more than the budget goes through; the least recently used goes, and is asked for again."""
    layout = PixelFormat(1024, 512, 4)
    budget = client.status().cache["frames"].budget_bytes
    sources = [frame(512, 1024, seed=seed) for seed in range(budget // layout.nbytes + 3)]
    for source in sources:
        put_inline(client, source)
        render_inline(client, request_for(source))
    tiers = client.status().cache
    assert all(tier.bytes <= tier.budget_bytes for tier in tiers.values())
    assert tiers["frames"].evictions > 0
    request = request_for(sources[0], guidance=0.5)
    answer = client.request(wire.Render(id=client.next_id(), request=request, output=inline_output(request.output)))
    assert isinstance(answer.message, wire.Need)


# --- order and cancelling ------------------------------------------------------------------------------------------


def test_the_socket_answers_while_engines_work(client: Client) -> None:
    sources = [unique_frame() for _ in range(4)]
    for source in sources:
        put_inline(client, source)
    for source in sources:
        start(client, request_for(source, engine="slow"))
    worst = 0.0
    for _ in range(40):
        before = time.monotonic()
        client.ping()
        worst = max(worst, time.monotonic() - before)
        time.sleep(0.01)
    assert worst < 0.4
    assert len(ends(client, 4)) == 4


def test_a_cancelled_render_gets_no_answer_and_stops(client: Client) -> None:
    source = unique_frame()
    put_inline(client, source)
    running = start(client, request_for(source, engine="endless"))
    wait_for(lambda: client.status().queue == 1, 5, "the render to run")
    before = time.monotonic()
    client.send(wire.Cancel(id=running))
    wait_for(lambda: client.status().queue == 0, 5, "the render to stop")
    assert time.monotonic() - before < 2.0
    assert torch.equal(render_inline(client, request_for(source))[1], source.pixels)
    assert client.status().requests.cancelled >= 1


def test_one_that_is_slow_for_once_hinders_nobody(client: Client, backend: BackendProcess) -> None:
    """All of its kind were quick, so that it runs where the socket is served."""
    for _ in range(6):
        source = unique_frame()
        put_inline(client, source)
        render_inline(client, request_for(source, engine="moody"))
    put_inline(client, source := unique_frame())
    number = start(client, request_for(source, engine="moody", guidance=2.0))
    wait_for(lambda: client.status().queue == 1, 5, "the render to run")
    with backend.client() as other:
        assert torch.equal(render_inline(other, request_for(source))[1], source.pixels)
    client.send(wire.Cancel(id=number))
    wait_for(lambda: client.status().queue == 0, 5, "the render to stop")


def test_a_cancelled_renders_slot_comes_back(client: Client) -> None:
    source = unique_frame()
    put_inline(client, source)
    ring = ClientRing(client, source.nbytes, slots=2)
    request = request_for(source, engine="endless")
    for slot in (0, 1):  # one that runs, one that waits behind an equal one
        number = client.next_id()
        client.send(wire.Render(id=number, request=request, output=ring.image(slot, source.format)))
        client.send(wire.Cancel(id=number))
    assert releases(client, 2) == {0, 1}


def test_the_artist_does_not_wait_for_a_batch(client: Client, backend: BackendProcess) -> None:
    """Two workers, four slow batch frames, one at a time: an interactive one is done while most of them wait."""
    with backend.client() as farm:
        sources = [unique_frame() for _ in range(5)]
        for source in sources:
            put_inline(client, source)
        client.ping()  # messages of two connections have no order: what the farm speaks of shall be there
        for source in sources[:4]:
            start(farm, request_for(source, engine="slow", priority=Priority.BATCH))
        wait_for(lambda: client.status().queue >= 2, 5, "the batch to run and to wait")
        _, result = render_inline(client, request_for(sources[4], engine="copy"))
        assert client.status().queue >= 2
        assert torch.equal(result, sources[4].pixels)
        assert [message for message in ends(farm, 4) if not isinstance(message, wire.Done)] == []


def test_progress_is_told(client: Client) -> None:
    source = unique_frame()
    put_inline(client, source)
    number = start(client, request_for(source, engine="slow"))
    told: list[float] = []
    while True:
        message = client.receive(10.0).message
        if isinstance(message, wire.Done):
            break
        if isinstance(message, wire.Progress):
            assert message.id == number
            told.append(message.fraction)
    assert told == sorted(told)
    assert told


def test_a_failing_engine_is_named_and_harms_nobody(client: Client) -> None:
    source = unique_frame()
    put_inline(client, source)
    with pytest.raises(RemoteError, match="EngineFailed: ValueError: this engine was told to fail"):
        render_inline(client, request_for(source, engine="broken"))
    assert torch.equal(render_inline(client, request_for(source))[1], source.pixels)


def test_an_unknown_engine_is_refused_by_name(client: Client) -> None:
    with pytest.raises(RemoteError, match="UnknownEngine"):
        render_inline(client, request_for(unique_frame(), engine="sparkvsr-5b"))


def test_an_engine_that_cannot_be_made_is_not_offered_and_refuses_by_name(client: Client) -> None:
    assert client.welcome is not None
    assert "missing" not in {card.name for card in client.welcome.engines}
    with pytest.raises(RemoteError, match=r"EngineFailed: .*no weights"):
        render_inline(client, request_for(unique_frame(), engine="missing"))
