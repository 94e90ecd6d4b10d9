"""Nothing that a peer sends, or fails to send, hurts the server or another peer."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgpack
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.backend_process import BackendProcess, backend_process, python_path, wait_for
from support.requests import frame, request_for

import sparkvsr_backend.client as client_module
import sparkvsr_backend.protocol as wire
from sparkvsr.frames import PixelFormat, fingerprint
from sparkvsr_backend.buffers import SHM_DIRECTORY, ByteArray
from sparkvsr_backend.client import Client, ClientRing, RemoteError, inline_output

pytestmark = pytest.mark.timeout(180)

LAYOUT = PixelFormat(8, 6, 4)


@pytest.fixture(scope="module")
def backend() -> Iterator[BackendProcess]:
    with (
        tempfile.TemporaryDirectory(prefix="svsr-", dir="/tmp") as folder,
        backend_process(Path(folder, "run"), "--cache-gb", "0.25", "--frame-mb", "4") as process,
    ):
        yield process
        assert "Traceback" not in process.log_text()


@pytest.fixture
def client(backend: BackendProcess) -> Iterator[Client]:
    with backend.client() as connection:
        yield connection


@pytest.fixture
def stranger(backend: BackendProcess) -> Iterator[Client]:
    """A connection that has not said HELLO."""
    connection = backend.client(hello=False, timeout_s=5.0)
    yield connection
    connection.close(say_bye=False)


def still_serves(backend: BackendProcess) -> None:
    source = frame(seed=secrets.randbits(31))
    with backend.client() as friend:
        payload = source.pixels.numpy().tobytes()
        friend.send(wire.Put(fingerprint=fingerprint(source), image=wire.Image.inline(source.format)), [payload])
        request = request_for(source)
        answer = friend.request(wire.Render(id=friend.next_id(), request=request, output=inline_output(LAYOUT)))
        assert isinstance(answer.message, wire.Done), answer.message
        assert answer.parts[0] == payload


def error_to(client: Client, header: bytes, *parts: bytes) -> wire.Error:
    client.send_raw(header, parts)
    message = client.receive(5.0).message
    assert isinstance(message, wire.Error), message
    return message


# --- handshake -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["", "0" * 64, "é" * 64, "x" * 128])
def test_a_wrong_token_is_refused(stranger: Client, backend: BackendProcess, token: str) -> None:
    with pytest.raises(RemoteError) as caught:
        stranger.say_hello("stranger", ("inline",), token=token)
    assert caught.value.remote_name == "WrongToken"
    with pytest.raises(RemoteError, match="NotWelcome"):
        stranger.ping()
    assert backend.process.poll() is None


@pytest.mark.parametrize(("lowest", "highest"), [(2, 9), (0, 0)])
def test_a_protocol_nobody_speaks_is_refused(stranger: Client, lowest: int, highest: int) -> None:
    hello = wire.Hello(id=1, proto_min=lowest, proto_max=highest, token=stranger.endpoint.token)
    with pytest.raises(RemoteError) as caught:
        stranger.expect(wire.Welcome, hello)
    assert caught.value.remote_name == "WrongProtocol"
    assert caught.value.expected == "1..1"
    assert caught.value.found == f"{lowest}..{highest}"


def test_a_range_that_holds_our_version_is_welcome(stranger: Client) -> None:
    hello = wire.Hello(id=1, proto_min=0, proto_max=7, token=stranger.endpoint.token, carriers=("cuda-ipc", "inline"))
    welcome = stranger.expect(wire.Welcome, hello)
    assert (welcome.proto, welcome.carriers) == (1, ("inline",))


@pytest.mark.parametrize("message", [wire.Ping(id=1), wire.Status(id=2), wire.Shutdown(id=3), wire.Bye(id=4)])
def test_nothing_is_answered_before_hello(stranger: Client, backend: BackendProcess, message: wire.Message) -> None:
    answer = stranger.request(message).message
    assert isinstance(answer, wire.Error)
    assert (answer.name, answer.id) == ("NotWelcome", message.id)
    assert backend.process.poll() is None


@pytest.mark.parametrize("pid", [0, 1, 2**31 - 1, 2**31, 2**63 - 1])
def test_any_process_number_is_taken(stranger: Client, backend: BackendProcess, pid: int) -> None:
    """It is another side's word: one that no system call takes must not end the backend."""
    hello = wire.Hello(id=1, proto_min=1, proto_max=1, token=stranger.endpoint.token, pid=pid)
    stranger.expect(wire.Welcome, hello)
    still_serves(backend)


# --- malformed messages --------------------------------------------------------------------------------------------


def test_a_truncated_message_is_refused(client: Client, backend: BackendProcess) -> None:
    whole = wire.encode(wire.Status(id=5))
    for length in range(len(whole)):
        assert error_to(client, whole[:length]).name == "BadMessage"
    still_serves(backend)


def test_an_oversized_header_is_refused(client: Client, backend: BackendProcess) -> None:
    error = error_to(client, msgpack.packb({"type": 15, "id": 7, "x": "y" * wire.HEADER_BYTES}))
    assert error.name == "BadMessage"
    still_serves(backend)


def test_a_message_beyond_every_limit_ends_the_connection_only(backend: BackendProcess) -> None:
    """libzmq refuses what is larger than a frame may be: the peer is cut off, nobody else notices."""
    big = backend.client()
    welcome = big.welcome
    assert welcome is not None
    size = welcome.limits.frame_bytes + 2 * wire.HEADER_BYTES
    big.send(wire.Put(fingerprint=b"x" * 16, image=wire.Image.inline(LAYOUT)), [bytes(size)])
    still_serves(backend)
    big.close(say_bye=False)


def test_too_many_parts_are_refused(client: Client) -> None:
    assert error_to(client, wire.encode(wire.Ping(id=1)), *[b""] * (wire.MAX_PARTS + 1)).name == "BadMessage"


@pytest.mark.parametrize("kind", [wire.Pong(id=3), wire.Attached(id=3, segment=0), wire.Need(id=3, fingerprints=())])
def test_messages_of_the_wrong_direction_are_refused(client: Client, kind: wire.Message) -> None:
    error = error_to(client, wire.encode(kind))
    assert (error.name, error.id) == ("BadMessage", 3)


def test_a_payload_of_another_length_is_refused(client: Client) -> None:
    put = wire.encode(wire.Put(fingerprint=b"x" * 16, image=wire.Image.inline(LAYOUT)))
    for parts in ([], [b""], [bytes(LAYOUT.nbytes - 1)], [bytes(LAYOUT.nbytes + 1)]):
        assert error_to(client, put, *parts).name == "BadMessage"
    answer = client.request(
        wire.Render(id=9, request=request_for((b"x" * 16, LAYOUT)), output=inline_output(LAYOUT))
    ).message
    assert isinstance(answer, wire.Need)


def test_an_id_in_use_is_refused(client: Client) -> None:
    request = request_for((secrets.token_bytes(16), LAYOUT))
    assert error_to(client, wire.encode(wire.Render(id=0, request=request, output=inline_output(LAYOUT)))).id == 0


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=20)
    | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)
HARMLESS_TYPES = sorted(set(wire.MESSAGES) - {wire.MessageType.SHUTDOWN, wire.MessageType.HELLO})


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_random_messages_do_no_harm(client: Client, backend: BackendProcess, data: st.DataObject) -> None:
    header = data.draw(
        st.binary(max_size=200)
        | st.builds(
            lambda number, fields: msgpack.packb({**fields, "type": number}),
            st.sampled_from(HARMLESS_TYPES),
            st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=8),
        )
    )
    client.send_raw(header, data.draw(st.lists(st.binary(max_size=64), max_size=3)))
    assert backend.process.poll() is None


FIELDS = (
    "id",
    "segment",
    "name",
    "slot_bytes",
    "slots",
    "fingerprint",
    "image",
    "session",
    "window",
    "target",
    "output",
    "kind",
    "frames",
    "keyframes",
    "cuts",
    "count",
    "settings",
    "vram_gb",
    "ram_gb",
)


def test_after_all_that_the_server_serves(backend: BackendProcess) -> None:
    still_serves(backend)


def test_bad_messages_are_logged_but_not_without_end(client: Client, backend: BackendProcess) -> None:
    before = backend.log_text().count("event=refused")
    for _ in range(500):
        client.send_raw(b"\xc1")
    for _ in range(500):
        assert isinstance(client.receive(5.0).message, wire.Error)
    assert 0 <= backend.log_text().count("event=refused") - before < 10


# --- segments and slots --------------------------------------------------------------------------------------------


def attach_error(client: Client, **changes: object) -> str:
    fields = {"segment": 9, "name": f"/sparkvsr-{'0' * 32}", "slot_bytes": 4096, "slots": 4, **changes}
    answer = client.request(wire.Attach(id=client.next_id(), **fields)).message  # type: ignore[arg-type]
    assert isinstance(answer, wire.Error), answer
    return answer.name


def test_foreign_segments_are_refused(client: Client) -> None:
    assert attach_error(client) == "SegmentRefused"
    assert attach_error(client, name="/etc/passwd") == "SegmentRefused"
    ring = ClientRing(client, 4096, slots=2, number=3)
    assert attach_error(client, segment=ring.number) == "SegmentRefused"


def test_a_link_without_shared_memory_cannot_attach(backend: BackendProcess) -> None:
    with backend.client(carriers=("inline",)) as client:
        assert attach_error(client) == "SegmentRefused"


def test_segments_are_not_unlimited(backend: BackendProcess) -> None:
    with backend.client() as client:
        for number in range(16):
            ClientRing(client, 64, slots=1, number=number)
        with pytest.raises(RemoteError, match="too many segments"):
            ClientRing(client, 64, slots=1, number=16)


def render_error(client: Client, output: wire.Image) -> str:
    request = request_for((secrets.token_bytes(16), LAYOUT))
    answer = client.request(wire.Render(id=client.next_id(), request=request, output=output)).message
    assert isinstance(answer, (wire.Error, wire.Need)), answer
    return answer.name if isinstance(answer, wire.Error) else "Need"


def test_bad_slots_and_strides_are_refused(client: Client) -> None:
    ring = ClientRing(client, LAYOUT.nbytes, slots=2)
    image = wire.Image.in_slot(LAYOUT, 0, 0)
    assert render_error(client, wire.Image(**{**vars(image), "slot": 2})) == "BadSlot"
    assert render_error(client, wire.Image(**{**vars(image), "segment": 4})) == "BadSlot"
    assert render_error(client, wire.Image(**{**vars(image), "row_bytes": 4096})) == "BadSlot"
    assert render_error(client, ring.image(0, LAYOUT)) == "Need"


def test_a_slot_cannot_be_given_twice(client: Client) -> None:
    ring = ClientRing(client, LAYOUT.nbytes, slots=1)
    request = request_for((secrets.token_bytes(16), LAYOUT), engine="endless")
    source = frame(seed=secrets.randbits(31))
    payload = source.pixels.numpy().tobytes()
    client.send(wire.Put(fingerprint=fingerprint(source), image=wire.Image.inline(LAYOUT)), [payload])
    request = request_for(source, engine="endless")
    running = client.next_id()
    client.send(wire.Render(id=running, request=request, output=ring.image(0, LAYOUT)))
    assert render_error(client, ring.image(0, LAYOUT)) == "BadSlot"
    client.send(wire.Cancel(id=running))
    while not isinstance(message := client.receive(5.0).message, wire.Release):
        assert isinstance(message, wire.Progress)
    assert message.slots == (0,)


def test_another_clients_segment_is_out_of_reach(client: Client, backend: BackendProcess) -> None:
    ClientRing(client, LAYOUT.nbytes, slots=2)
    with backend.client() as other:
        assert render_error(other, wire.Image.in_slot(LAYOUT, 0, 0)) == "BadSlot"


@pytest.fixture
def shrinking_ring(client: Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ClientRing, int]]:
    """A segment of two slots, and a descriptor of its file, as a client keeps one that means to shrink it."""
    kept: list[int] = []

    def create(size: int) -> tuple[str, ByteArray]:
        name, memory = create_segment(size)
        kept.append(os.open(SHM_DIRECTORY + name, os.O_RDWR))
        return name, memory

    create_segment = client_module._create
    monkeypatch.setattr(client_module, "_create", create)
    yield ClientRing(client, LAYOUT.nbytes, slots=2), kept[0]
    os.close(kept[0])


def test_a_segment_that_shrinks_under_a_source_frame_hurts_nobody_else(
    client: Client, backend: BackendProcess, shrinking_ring: tuple[ClientRing, int]
) -> None:
    ring, descriptor = shrinking_ring
    source = frame(seed=secrets.randbits(31))
    ring.pixels(0, LAYOUT).copy_(source.pixels)
    client.send(wire.Put(fingerprint=fingerprint(source), image=ring.image(0, LAYOUT)))
    os.ftruncate(descriptor, 0)
    request = request_for(source)
    answer = client.request(wire.Render(id=client.next_id(), request=request, output=inline_output(LAYOUT)))
    assert isinstance(answer.message, (wire.Done, wire.Need, wire.Error))
    assert render_error(client, ring.image(1, LAYOUT)) == "BadSlot"
    assert backend.process.poll() is None
    still_serves(backend)


def test_a_segment_that_shrinks_under_a_result_hurts_nobody_else(
    client: Client, backend: BackendProcess, shrinking_ring: tuple[ClientRing, int]
) -> None:
    ring, descriptor = shrinking_ring
    source = frame(seed=secrets.randbits(31))
    payload = source.pixels.numpy().tobytes()
    client.send(wire.Put(fingerprint=fingerprint(source), image=wire.Image.inline(LAYOUT)), [payload])
    os.ftruncate(descriptor, 0)
    request = request_for(source)
    answer = client.request(wire.Render(id=client.next_id(), request=request, output=ring.image(0, LAYOUT)))
    assert isinstance(answer.message, wire.Done)
    assert render_error(client, ring.image(1, LAYOUT)) == "BadSlot"
    assert backend.process.poll() is None
    still_serves(backend)


def test_frames_beyond_the_limit_are_refused(client: Client) -> None:
    welcome = client.welcome
    assert welcome is not None
    side = int((welcome.limits.frame_bytes // 16) ** 0.5) + 64
    large = PixelFormat(side, side, 4)
    put = wire.encode(wire.Put(fingerprint=b"x" * 16, image=wire.Image.inline(large)))
    assert error_to(client, put, b"").name == "OutOfMemory"


# --- the end of a connection ---------------------------------------------------------------------------------------


def clients(client: Client) -> int:
    return client.status().clients


def test_after_bye_the_connection_is_forgotten(client: Client, backend: BackendProcess) -> None:
    other = backend.client()
    other.send(wire.Bye())
    wait_for(lambda: clients(client) == 1, 5, "the server to forget")
    with pytest.raises(RemoteError, match="NotWelcome"):
        other.ping()
    other.close(say_bye=False)


def test_a_connection_that_closes_without_a_word_is_forgotten(client: Client, backend: BackendProcess) -> None:
    """Its process lives on, so only the socket tells."""
    other = backend.client()
    assert clients(client) == 2
    other.close(say_bye=False)
    wait_for(lambda: clients(client) == 1, 10, "the server to notice")


KILLED = """
import sys, time
import sparkvsr_backend.protocol as wire
from sparkvsr.frames import fingerprint
from sparkvsr_backend.client import Client, ClientRing
from support.requests import frame, request_for

client = Client(sys.argv[1])
source = frame(seed=int(sys.argv[2]))
ring = ClientRing(client, source.nbytes, slots=4)
for slot in (0, 1):
    ring.pixels(slot, source.format).copy_(source.pixels)
client.send(wire.Put(fingerprint=fingerprint(source), image=ring.image(0, source.format)))
for slot in (2, 3):
    request = request_for(source, engine="endless", guidance=slot / 4)
    client.send(wire.Render(id=client.next_id(), request=request, output=ring.image(slot, source.format)))
while client.status().queue < 2:
    time.sleep(0.01)
print(ring.name, flush=True)
time.sleep(600)
"""


def test_a_killed_client_leaves_nothing_behind(client: Client, backend: BackendProcess) -> None:
    """kill -9 with slots in hand and renders under way: they stop, and its memory is given back."""
    wait_for(lambda: mapped_segments(backend) == 0, 5, "the segments of earlier clients to be unmapped")
    seed = secrets.randbits(31)
    victim = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(backend.directory), str(seed)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": python_path()},
    )
    try:
        assert victim.stdout is not None
        name = victim.stdout.readline().decode().strip()
        assert name.startswith("/sparkvsr-"), "the victim did not get as far as it should"
        assert mapped_segments(backend) == 1
        victim.send_signal(signal.SIGKILL)
        victim.wait(10)
        wait_for(lambda: client.status().queue == 0, 5, "its renders to stop")
        wait_for(lambda: clients(client) == 1, 5, "the server to forget it")
        wait_for(lambda: mapped_segments(backend) == 0, 5, "its segment to be unmapped")
    finally:
        victim.kill()
        victim.wait()
        victim.stdout.close()  # type: ignore[union-attr]
    assert not Path(f"/dev/shm{name}").exists(), "the segment's name was left behind"
    still_serves(backend)


def mapped_segments(backend: BackendProcess) -> int:
    text = Path(f"/proc/{backend.process.pid}/maps").read_text()
    return text.count("/dev/shm/sparkvsr-")


def test_a_client_that_does_not_read_hurts_only_itself(backend: BackendProcess) -> None:
    """Answers pile up until the connection is given up; others are served meanwhile."""
    deaf = backend.client()
    for number in range(20_000):
        deaf.send(wire.Ping(id=number + 10))
    still_serves(backend)
    deaf.close(say_bye=False)


def test_results_that_are_not_read_are_not_piled_up(client: Client, backend: BackendProcess) -> None:
    """A result waits for its reader only up to a limit; here it is far from reached, so all arrive."""
    source = frame(256, 256, seed=secrets.randbits(31))
    payload = source.pixels.numpy().tobytes()
    client.send(wire.Put(fingerprint=fingerprint(source), image=wire.Image.inline(source.format)), [payload])
    for number in range(1000, 1032):
        request = request_for(source, guidance=(number - 1000) / 32)
        client.send(wire.Render(id=number, request=request, output=inline_output(source.format)))
    time.sleep(0.5)
    still_serves(backend)
    found = [client.receive(10.0) for _ in range(32)]
    assert sorted(answer.message.id for answer in found) == list(range(1000, 1032))
    assert all(
        torch.frombuffer(bytearray(answer.parts[0]), dtype=torch.uint8).numel() == source.nbytes for answer in found
    )
