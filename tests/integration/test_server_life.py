"""Real server processes: one at a time, in a place that can be trusted, leaving nothing behind."""

from __future__ import annotations

import os
import secrets
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.backend_process import BackendProcess, backend_process, wait_for, wait_until_one_serves
from support.requests import frame, request_for

import sparkvsr_backend.protocol as wire
from sparkvsr.frames import fingerprint
from sparkvsr_backend import runtime
from sparkvsr_backend.client import Client, RemoteError, inline_output
from sparkvsr_backend.errors import BackendNotFoundError

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def home(fresh_runtime_dir: Path) -> Path:
    return fresh_runtime_dir


@pytest.fixture
def started(home: Path) -> Iterator[list[BackendProcess]]:
    """Processes that a test started; whatever is left of them is ended."""
    bill: list[BackendProcess] = []
    yield bill
    for process in bill:
        process.terminate()
        process.log.unlink(missing_ok=True)


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def start_endless(client: Client) -> int:
    source = frame(seed=secrets.randbits(31))
    payload = source.pixels.numpy().tobytes()
    client.send(wire.Put(fingerprint=fingerprint(source), image=wire.Image.inline(source.format)), [payload])
    number = client.next_id()
    request = request_for(source, engine="endless")
    client.send(wire.Render(id=number, request=request, output=inline_output(request.output)))
    wait_for(lambda: client.status().queue == 1, 10, "the render to run")
    return number


def error_of(client: Client, number: int) -> wire.Error:
    while True:
        message = client.receive(10.0).message
        if isinstance(message, wire.Error) and message.id == number:
            return message


def test_sigterm_in_mid_render_ends_it_cleanly(home: Path) -> None:
    with backend_process(home) as backend:
        files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()}
        assert files == {
            runtime.ENDPOINT_FILE: 0o600,
            runtime.LOCK_FILE: 0o600,
            runtime.SOCKET_FILE: files[runtime.SOCKET_FILE],
        }
        assert not files[runtime.SOCKET_FILE] & 0o077
        client = backend.client()
        number = start_endless(client)
        before = time.monotonic()
        backend.process.send_signal(signal.SIGTERM)
        assert error_of(client, number).name == "ShuttingDown"
        assert backend.wait_until_ended() == 0
        assert time.monotonic() - before < 5.0
        client.close(say_bye=False)
        assert left_in(home) == []
        assert "event=ended why=stopped" in backend.log_text()
        assert "Traceback" not in backend.log_text()
    with pytest.raises(BackendNotFoundError):
        Client(home)


def test_shutdown_by_message_finishes_what_runs(home: Path) -> None:
    with backend_process(home, "--workers", "2") as backend, backend.client() as client:
        source = frame()
        payload = source.pixels.numpy().tobytes()
        client.send(wire.Put(fingerprint=fingerprint(source), image=wire.Image.inline(source.format)), [payload])
        request = request_for(source, engine="slow")
        running = client.next_id()
        client.send(wire.Render(id=running, request=request, output=inline_output(request.output)))
        wait_for(lambda: client.status().queue == 1, 10, "the render to run")
        client.shutdown()
        refused = wire.Render(id=client.next_id(), request=request_for(source), output=inline_output(source.format))
        with pytest.raises(RemoteError, match="ShuttingDown"):
            client.expect(wire.Done, refused)
        while not isinstance(message := client.receive(10.0).message, wire.Done):
            assert isinstance(message, wire.Progress)
        assert message.id == running
        assert backend.wait_until_ended() == 0
        assert left_in(home) == []


def test_of_many_that_start_one_serves_and_the_others_leave_quietly(home: Path, started: list[BackendProcess]) -> None:
    started += [BackendProcess(home) for _ in range(3)]
    wait_until_one_serves(home)
    wait_for(lambda: sum(one.process.poll() is None for one in started) == 1, 60, "the losers to leave")
    losers = [one for one in started if one.process.poll() is not None]
    assert [one.process.returncode for one in losers] == [0, 0]
    (winner,) = [one for one in started if one.process.poll() is None]
    with Client(home) as client:
        assert client.welcome is not None
        assert client.welcome.pid == winner.process.pid
    before = time.monotonic()
    late = BackendProcess(home)
    started.append(late)
    assert late.wait_until_ended() == 0
    assert time.monotonic() - before < 10.0
    assert "another backend holds the lock" in late.log_text()


def test_without_clients_it_ends_by_itself_and_with_one_it_does_not(home: Path) -> None:
    with backend_process(home, "--idle-timeout", "1.5") as backend:
        with backend.client() as client:
            time.sleep(2.5)
            client.ping()
        before = time.monotonic()
        assert backend.wait_until_ended(10) == 0
        assert time.monotonic() - before >= 1.0
        assert "event=ended why=idle" in backend.log_text()
        assert left_in(home) == []


@pytest.mark.parametrize("lost", [runtime.ENDPOINT_FILE, runtime.SOCKET_FILE])
def test_what_a_cleaner_took_is_put_back(home: Path, lost: str) -> None:
    with backend_process(home) as backend:
        (home / lost).unlink()
        wait_for((home / lost).exists, 10, f"{lost} to be put back")
        with Client(home) as client:
            assert client.status().pid == backend.process.pid
        assert backend.terminate() == 0
        assert left_in(home) == []


def test_a_backend_that_lost_its_lock_makes_room(home: Path, started: list[BackendProcess]) -> None:
    """Its place is the next one's; it serves its own clients to the end, and takes nothing of the other's away."""
    with backend_process(home) as backend, backend.client() as client:
        for path in home.iterdir():
            path.unlink()
        started.append(BackendProcess(home))
        wait_until_one_serves(home)
        client.ping()
        client.close()
        assert backend.wait_until_ended(15) == 0
        with Client(home) as other:
            assert other.status().pid == started[-1].process.pid


def test_what_a_killed_backend_left_does_not_hinder_the_next(home: Path, started: list[BackendProcess]) -> None:
    first = BackendProcess(home)
    started.append(first)
    first.wait_until_serving()
    token = runtime.read_endpoint(home).token
    first.process.kill()
    first.process.wait()
    assert left_in(home) == sorted([runtime.ENDPOINT_FILE, runtime.LOCK_FILE, runtime.SOCKET_FILE])
    with backend_process(home) as second:
        assert runtime.read_endpoint(home).pid == second.process.pid
        assert runtime.read_endpoint(home).token != token
    assert left_in(home) == []


@pytest.mark.parametrize("how", ["open to others", "a link"])
def test_a_directory_that_cannot_be_trusted_is_refused(home: Path, started: list[BackendProcess], how: str) -> None:
    place = home
    if how == "a link":
        place = home.parent / f"{home.name}-link"
        place.symlink_to(home)
    else:
        home.chmod(0o755)
    try:
        process = BackendProcess(place)
        started.append(process)
        assert process.wait_until_ended() == 1
        assert "InsecureRuntimeDirectory" in process.log_text()
        assert left_in(home) == []
    finally:
        if how == "a link":
            place.unlink()


def test_a_remote_address_is_refused(home: Path, started: list[BackendProcess]) -> None:
    process = BackendProcess(home, "--address", "tcp://0.0.0.0:0")
    started.append(process)
    assert process.wait_until_ended() == 1
    assert "RemoteAddressRefused" in process.log_text()
    assert left_in(home) == []


def test_loopback_tcp_serves_too(home: Path) -> None:
    with backend_process(home, "--address", "tcp://127.0.0.1:*") as backend, backend.client() as client:
        assert backend.directory == home
        assert client.endpoint.endpoint.startswith("tcp://127.0.0.1:")
        client.ping()


def test_a_device_that_is_not_there_is_named(home: Path, started: list[BackendProcess]) -> None:
    process = BackendProcess(home, "--device", "xpu")
    started.append(process)
    assert process.wait_until_ended(60) == 1
    assert "no such device" in process.log_text()
    assert left_in(home) == []


def test_it_outlives_the_process_that_started_it(home: Path, started: list[BackendProcess]) -> None:
    """A host that spawns a backend and ends, taking its terminal along, leaves it serving."""
    starter = BackendProcess(home)
    started.append(starter)
    starter.wait_until_serving()
    os.kill(starter.process.pid, signal.SIGHUP)
    time.sleep(0.3)
    with Client(home) as client:
        client.ping()


def test_the_module_says_how_it_is_used() -> None:
    import sys

    from support.backend_process import python_path

    environment = {**os.environ, "PYTHONPATH": python_path()}
    command = [sys.executable, "-m", "sparkvsr_backend"]
    plain = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (plain.returncode, "usage" in plain.stderr) == (2, True)
    shown = subprocess.run(
        [*command, "serve", "--help"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert shown.returncode == 0
    assert "--idle-timeout" in shown.stdout
