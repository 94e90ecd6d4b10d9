"""The runtime directory, the lock, the endpoint file, the log: what starting and ending stand on."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from logging.handlers import RotatingFileHandler
from pathlib import Path

import pytest

from sparkvsr_backend import log, memory, runtime
from sparkvsr_backend.errors import (
    AlreadyRunningError,
    BackendNotFoundError,
    InsecureRuntimeDirectoryError,
    OutOfMemoryError,
    RemoteAddressRefusedError,
)
from sparkvsr_backend.launcher import ServeOptions, default_workers, parse_arguments, run
from sparkvsr_backend.runtime import Endpoint, Lock

ENDPOINT = Endpoint("ipc:///run/x/backend-v1.sock", "ab" * 32, 42, 1.5, 1, 1, "0.1.0")


@pytest.fixture
def private(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    runtime.secure_directory(folder, create=True)
    return folder


# --- addresses -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    ["ipc:///tmp/a.sock", "tcp://127.0.0.1:5555", "tcp://127.8.9.1:*", "tcp://[::1]:5555", "tcp://127.0.0.1:0"],
)
def test_addresses_of_this_machine_are_accepted(address: str) -> None:
    assert runtime.check_address(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "tcp://0.0.0.0:5555",
        "tcp://*:5555",
        "tcp://192.168.1.2:5555",
        "tcp://[::]:5555",
        "tcp://localhost:5555",
        "tcp://127.0.0.1.evil.example:5555",
        "tcp://127.0.0.1:5555;tcp://0.0.0.0:1",
        "tcp://127.0.0.1",
        "ipc://relative.sock",
        "ipc://@abstract",
        "inproc://x",
        "udp://127.0.0.1:1",
        "",
        "ipc:///" + "x" * 120,
    ],
)
def test_all_others_are_refused_by_name(address: str) -> None:
    with pytest.raises(RemoteAddressRefusedError):
        runtime.check_address(address)


# --- the directory -------------------------------------------------------------------------------------------------


def test_where_the_directory_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARKVSR_RUNTIME_DIR", "/a/b")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    assert runtime.runtime_directory() == Path("/a/b")
    monkeypatch.delenv("SPARKVSR_RUNTIME_DIR")
    assert runtime.runtime_directory() == Path("/run/user/1000/sparkvsr")
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert runtime.runtime_directory() == Path(f"/tmp/sparkvsr-{os.geteuid()}")


def test_a_new_directory_is_private(private: Path) -> None:
    assert private.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o750, 0o701, 0o777])
def test_a_directory_open_to_others_is_refused(private: Path, mode: int) -> None:
    private.chmod(mode)
    for create in (True, False):
        with pytest.raises(InsecureRuntimeDirectoryError, match="0o"):
            runtime.secure_directory(private, create=create)
    assert private.stat().st_mode & 0o777 == mode


def test_a_link_or_a_file_in_its_place_is_refused(private: Path, tmp_path: Path) -> None:
    link, file = tmp_path / "link", tmp_path / "file"
    link.symlink_to(private)
    file.write_text("")
    for path in (link, file):
        with pytest.raises(InsecureRuntimeDirectoryError):
            runtime.secure_directory(path, create=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_another_users_directory_is_refused(private: Path) -> None:
    os.chown(private, 12345, -1)
    with pytest.raises(InsecureRuntimeDirectoryError, match="uid"):
        runtime.secure_directory(private, create=True)


# --- the endpoint file ---------------------------------------------------------------------------------------------


def test_the_endpoint_file_is_private_and_whole(private: Path) -> None:
    runtime.write_endpoint(private, ENDPOINT)
    assert [path.name for path in private.iterdir()] == [runtime.ENDPOINT_FILE]
    assert (private / runtime.ENDPOINT_FILE).stat().st_mode & 0o777 == 0o600
    assert runtime.read_endpoint(private) == ENDPOINT


@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_what_is_no_endpoint_file_is_refused_by_name(private: Path, kind: str) -> None:
    path = private / runtime.ENDPOINT_FILE
    make = {"link": lambda: path.symlink_to("/etc/passwd"), "folder": path.mkdir, "pipe": lambda: os.mkfifo(path)}
    make[kind]()
    with pytest.raises(InsecureRuntimeDirectoryError):
        runtime.read_endpoint(private)


def test_a_start_that_the_system_refuses_is_said_in_a_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "umask", lambda mask: mask)
    assert run(ServeOptions(directory=Path("/proc/nothing"))) == 1
    assert capsys.readouterr().err.startswith("FileNotFoundError: ")


def test_a_reader_never_finds_half_a_file(private: Path) -> None:
    stop = threading.Event()

    def rewrite() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            runtime.write_endpoint(private, replace(ENDPOINT, pid=number))

    writer = threading.Thread(target=rewrite)
    runtime.write_endpoint(private, ENDPOINT)
    writer.start()
    try:
        for _ in range(300):
            assert runtime.read_endpoint(private).token == ENDPOINT.token
    finally:
        stop.set()
        writer.join()


def test_no_file_means_no_backend(private: Path, tmp_path: Path) -> None:
    for folder in (private, tmp_path / "nowhere"):
        with pytest.raises(BackendNotFoundError):
            runtime.read_endpoint(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"endpoint": "ipc:///x"}', "null"])
def test_a_file_that_makes_no_sense_means_no_backend(private: Path, text: str) -> None:
    (private / runtime.ENDPOINT_FILE).write_text(text)
    (private / runtime.ENDPOINT_FILE).chmod(0o600)
    with pytest.raises(BackendNotFoundError):
        runtime.read_endpoint(private)


def test_a_file_that_others_may_read_is_not_trusted(private: Path) -> None:
    runtime.write_endpoint(private, ENDPOINT)
    (private / runtime.ENDPOINT_FILE).chmod(0o644)
    with pytest.raises(InsecureRuntimeDirectoryError):
        runtime.read_endpoint(private)


def test_a_file_that_names_a_remote_address_is_not_followed(private: Path) -> None:
    runtime.write_endpoint(private, replace(ENDPOINT, endpoint="tcp://10.0.0.1:5555"))
    with pytest.raises(RemoteAddressRefusedError):
        runtime.read_endpoint(private)


# --- the lock ------------------------------------------------------------------------------------------------------


def test_only_one_holds_the_lock_and_the_file_goes_with_it(private: Path) -> None:
    path = private / runtime.LOCK_FILE
    first = Lock(path)
    with pytest.raises(AlreadyRunningError):
        Lock(path)
    first.give_back()
    assert not path.exists()
    Lock(path).give_back()


def test_a_lock_left_by_a_dead_backend_is_free(private: Path) -> None:
    path = private / runtime.LOCK_FILE
    path.touch(0o600)
    Lock(path).give_back()


def test_the_lock_is_never_held_twice(private: Path) -> None:
    """Many threads lock, check that they are alone, remove the file and let go."""
    path = private / runtime.LOCK_FILE
    holders: list[int] = []
    worst: list[int] = []

    def contend() -> None:
        for _ in range(150):
            try:
                lock = Lock(path)
            except AlreadyRunningError:
                continue
            holders.append(1)
            worst.append(len(holders))
            holders.pop()
            lock.give_back()

    threads = [threading.Thread(target=contend) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert worst
    assert max(worst) == 1


def test_a_lock_file_open_to_others_is_refused(private: Path) -> None:
    path = private / runtime.LOCK_FILE
    path.touch()
    path.chmod(0o666)
    with pytest.raises(InsecureRuntimeDirectoryError):
        Lock(path)


# --- options, memory, log ------------------------------------------------------------------------------------------


def test_options_of_serve() -> None:
    assert parse_arguments([]) == ServeOptions()
    chosen = parse_arguments(
        ["--device", "cuda", "--idle-timeout", "5", "--cache-gb", "0.5", "--workers", "3", "--log", "-"]
    )
    assert chosen == ServeOptions(device="cuda", idle_timeout_s=5.0, cache_bytes=1 << 29, workers=3, log="-")


@pytest.mark.parametrize(("cpus", "workers"), [(1, 2), (2, 2), (16, 4), (128, 4)])
def test_one_worker_is_never_alone(cpus: int, workers: int) -> None:
    assert default_workers(cpus) == workers


def test_caches_take_half_of_what_there_is() -> None:
    gib = 1 << 30
    assert memory.cache_bytes_of(24 * gib, None) == 12 * gib
    assert memory.cache_bytes_of(24 * gib, 4 * gib) == 2 * gib
    assert memory.cache_bytes_of(100 << 20, None) == 256 << 20
    assert memory.cache_bytes_of(None, None) == 4 * gib
    assert memory.default_cache_bytes() >= 256 << 20
    assert memory.largest_frame_bytes() >= 256 << 20


def test_a_frame_too_large_to_work_on_is_refused_before_the_system_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_bytes", lambda: 2 << 30)
    memory.require_room(3840 * 2160)
    memory.require_room((2 << 30) // 120)
    with pytest.raises(OutOfMemoryError, match="lower the scale"):
        memory.require_room(15360 * 8640)
    monkeypatch.setattr(memory, "available_bytes", lambda: None)
    memory.require_room(15360 * 8640)


@pytest.fixture
def logged(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "logs" / "backend.log"
    loggers = (log.LOGGER, log.SCIENCE)
    before = [(list(one.handlers), one.level, one.propagate) for one in loggers]
    log.log_to(path)
    yield path
    for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
        for handler in logger.handlers[:]:
            if handler not in handlers:
                logger.removeHandler(handler)
                handler.close()
        logger.setLevel(level)
        logger.propagate = propagate


def test_what_engines_say_is_an_event_too(logged: Path) -> None:
    logging.getLogger("sparkvsr.some.engine").warning("memory ran out; now %s", "in turns")
    (line,) = logged.read_text().splitlines()
    assert line.endswith('level=WARNING event=engine source=sparkvsr.some.engine text="memory ran out; now in turns"')


def test_events_are_lines_of_keys_and_values(logged: Path) -> None:
    log.event("hello", client='Nuke "16"\nevent=forged', pid=3, share=0.5)
    log.event("trouble", logging.WARNING, name="BadSlot")
    lines = logged.read_text().splitlines()
    assert len(lines) == 2
    assert lines[0].split(" ", 2)[1:] == [
        "level=INFO",
        r'event=hello client="Nuke \"16\"\nevent=forged" pid=3 share=0.500',
    ]
    assert lines[1].endswith("level=WARNING event=trouble name=BadSlot")
    assert logged.stat().st_mode & 0o777 == 0o600


def test_the_log_is_rotated(logged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (handler,) = (one for one in log.LOGGER.handlers if isinstance(one, RotatingFileHandler))
    monkeypatch.setattr(handler, "maxBytes", 1000)
    for number in range(100):
        log.event("line", number=number)
    assert logged.stat().st_size <= 1000
    assert sorted(path.name for path in logged.parent.iterdir()) == [
        "backend.log",
        "backend.log.1",
        "backend.log.2",
        "backend.log.3",
    ]


def test_a_repeated_warning_is_counted_instead_of_written(logged: Path) -> None:
    limit = log.RateLimit(interval_s=60.0)
    for _ in range(50):
        limit.warn("refused", name="BadMessage")
    limit.warn("other")
    assert [line.split("event=")[1] for line in logged.read_text().splitlines()] == [
        "refused name=BadMessage kept_back=0",
        "other kept_back=0",
    ]
