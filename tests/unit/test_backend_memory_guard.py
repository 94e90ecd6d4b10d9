"""Memory that a peer takes away: zeros in its place, a mark, and SIGBUS for everything else as ever."""

import gc
import mmap
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from sparkvsr_backend import _guard
from sparkvsr_backend.memory_guard import Watched

PAGES = 64
SIZE = PAGES * mmap.PAGESIZE


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "segment"
    path.write_bytes(b"\x07" * SIZE)
    return path


def mapped(path: Path) -> np.ndarray:
    with path.open("r+b") as file:
        return np.frombuffer(mmap.mmap(file.fileno(), SIZE), np.uint8)


def test_what_is_whole_is_left_alone(file: Path) -> None:
    memory = mapped(file)
    watched = Watched(memory)
    assert memory.sum() == 7 * SIZE
    memory[5] = 1
    assert file.read_bytes()[5] == 1
    assert not watched.shrank


@pytest.mark.parametrize("left", [0, 3 * mmap.PAGESIZE])
def test_what_is_gone_reads_as_zeros_and_takes_writes(file: Path, left: int) -> None:
    memory = mapped(file)
    watched = Watched(memory)
    os.truncate(file, left)
    assert memory[-1] == 0
    assert watched.shrank
    memory[-1] = 9
    assert memory[-1] == 9
    assert memory[:-1].sum() == 0
    assert file.stat().st_size == left


def test_every_thread_that_touches_it_lives_on(file: Path) -> None:
    memory = mapped(file)
    watched = Watched(memory)
    os.truncate(file, 0)
    sums: list[int] = []
    threads = [threading.Thread(target=lambda: sums.append(int(memory.sum()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sums == [0] * 4
    assert watched.shrank


def test_other_regions_are_not_marked(tmp_path: Path) -> None:
    files = [tmp_path / name for name in "ab"]
    for path in files:
        path.write_bytes(b"\x07" * SIZE)
    memories = [mapped(path) for path in files]
    first, second = (Watched(memory) for memory in memories)
    os.truncate(files[0], 0)
    assert memories[0].sum() == 0
    assert memories[1].sum() == 7 * SIZE
    assert (first.shrank, second.shrank) == (True, False)


def test_the_watch_lasts_as_long_as_a_view(file: Path) -> None:
    memory = mapped(file)
    part = memory[SIZE // 2 :]
    watched = Watched(memory)
    del memory
    gc.collect()
    os.truncate(file, 0)
    assert part.sum() == 0
    assert watched.shrank


def test_a_place_is_free_again_when_the_memory_is(file: Path) -> None:
    first = _guard.watch(mapped(file))
    _guard.release(first)
    for _ in range(5000):  # more than there are places
        memory = mapped(file)
        watched = Watched(memory)
        assert watched._region >= 0
        del memory, watched


def test_the_start_of_a_mapping_is_wanted(file: Path) -> None:
    with pytest.raises(ValueError, match="inside a page"):
        _guard.watch(mapped(file)[1:])


def test_any_other_bus_error_still_ends_the_process(file: Path) -> None:
    code = """
import mmap, os, sys
import numpy as np
from sparkvsr_backend.memory_guard import Watched
path = sys.argv[1]
with open(path, "r+b") as file:
    memory = [np.frombuffer(mmap.mmap(file.fileno(), os.path.getsize(path)), np.uint8) for _ in range(2)]
watched = Watched(memory[0])
os.truncate(path, 0)
print(memory[0].sum(), flush=True)
memory[1].sum()
"""
    ended = subprocess.run([sys.executable, "-c", code, file], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout.strip()) == (-signal.SIGBUS, "0"), ended.stderr
