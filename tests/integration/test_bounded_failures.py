"""Death, abort and bad input: every wait ends in time, every failure has a name, and the next render works."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import shot as shots

bridge = pytest.importorskip("sparkvsr_bridge")

pytestmark = [pytest.mark.ofx, pytest.mark.timeout(180)]

BIG = (540, 960)  # takes the engine seconds at ×4


@pytest.fixture
def instance(bundle: Path, tmp_path: Path, fresh_runtime_dir: Path) -> Any:
    rng = np.random.default_rng(1)
    frames = [rng.random((*BIG, 4), dtype=np.float32) for _ in range(3)]
    key = rng.random((BIG[0] * 4, BIG[1] * 4, 3), dtype=np.float32)
    shots.write_picture(tmp_path / "key.0000.exr", key)
    instance = bridge.Host(bundle, personality="nuke").create_instance()
    instance.connect("Source", frames, premultiplication="straight")
    instance.set("scale", 4)
    instance.set("keyframeFiles", str(tmp_path / "key.%04d.exr"))
    instance.set("keyframeList", "0")
    instance.set("view", "Blind")
    instance.render(0)  # the backend is up
    instance.set("view", "Result")
    return instance


def _while_rendering(instance: Any, t: int, interfere: Any) -> tuple[Exception | None, float]:
    """Render in a thread, interfere once the backend works on it: what was raised, and the seconds from then on."""
    caught: list[Exception] = []
    ended: list[float] = []

    def render() -> None:
        try:
            instance.render(t)
        except bridge.RenderFailed as error:
            caught.append(error)
        ended.append(time.monotonic())

    thread = threading.Thread(target=render)
    thread.start()
    while shots.backend_status().queue == 0:
        assert thread.is_alive(), "the frame was done before the test could interfere; make it bigger"
    moment = time.monotonic()
    interfere()
    thread.join(60)
    assert not thread.is_alive()
    return (caught[0] if caught else None), ended[0] - moment


def test_a_killed_backend_fails_the_render_within_two_seconds_and_the_next_one_works(instance: Any) -> None:
    pid = shots.backend_status().pid
    error, seconds = _while_rendering(instance, 1, lambda: os.kill(pid, signal.SIGKILL))
    assert error is not None
    assert "BackendDied" in str(error)
    assert seconds < 2.0
    instance.set("view", "Blind")
    assert np.isfinite(instance.render(1)).all()
    assert shots.backend_status().pid != pid


def test_an_abort_returns_within_150_ms(instance: Any) -> None:
    with pytest.raises(bridge.RenderAborted) as caught:
        instance.render(2, abort_after_ms=300)
    assert caught.value.latency_ms < 150
    instance.set("view", "Source")
    assert instance.render(2).shape == (BIG[0] * 4, BIG[1] * 4, 4)


def test_nothing_is_left_in_shared_memory(instance: Any) -> None:
    names = [path.name for path in Path("/dev/shm").iterdir() if path.name.startswith("sparkvsr-")]
    assert names == []


def test_no_zombie_is_left(instance: Any) -> None:
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    states = [Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] for child in children]
    assert "Z" not in states
