"""Nothing is sent or computed twice; an edited keyframe recomputes its reach, no more. The counters prove it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import shot as shots
from support.shot import FRAMES, Shot

bridge = pytest.importorskip("sparkvsr_bridge")

pytestmark = [pytest.mark.ofx, pytest.mark.timeout(300)]


@pytest.fixture
def shot(tmp_path: Path) -> Shot:
    return shots.make(tmp_path)


@pytest.fixture
def host(bundle: Path, fresh_runtime_dir: Path) -> Iterator[Any]:
    with bridge.Host(bundle, personality="nuke") as host:
        yield host


@pytest.fixture
def instance(host: Any, shot: Shot) -> Any:
    return shots.connected(host, shot)


def rendered() -> int:
    return shots.backend_status().requests.rendered


def received() -> int:
    return shots.backend_status().frames.received


def propagated() -> int:
    return shots.backend_status().cache["propagations"].misses


def test_scrubbing_back_computes_and_sends_nothing(instance: Any) -> None:
    first = {t: instance.render(t) for t in range(FRAMES)}
    before = (rendered(), received())
    for t in reversed(range(FRAMES)):
        np.testing.assert_array_equal(instance.render(t), first[t])
    assert (rendered(), received()) == before
    assert shots.backend_status().requests.cached >= FRAMES


def test_changing_one_keyframe_recomputes_its_reach(instance: Any, shot: Shot) -> None:
    """Keyframe 5 of 0, 5, 8 and a cut at 7 reaches frames 1..6."""
    for t in range(FRAMES):
        instance.render(t)
    before = rendered()
    _graded(shot, 5)
    for t in range(FRAMES):
        instance.render(t)
    assert rendered() - before == len(range(1, 7))


def test_adding_a_keyframe_recomputes_its_reach(instance: Any, shot: Shot) -> None:
    """Taking 5 away changes 1..6, which is its reach; putting it back finds everything in the cache."""
    for t in range(FRAMES):
        instance.render(t)
    before = rendered()
    instance.set("keyframeList", "0 8")
    for t in range(FRAMES):
        instance.render(t)
    assert rendered() - before == len(range(1, 7))
    instance.set("keyframeList", "0 5 8")
    for t in range(FRAMES):
        instance.render(t)
    assert rendered() - before == len(range(1, 7))


def test_moving_guidance_propagates_nothing(instance: Any) -> None:
    instance.render(3)
    before = propagated()
    instance.set("guidance", 0.5)
    half = instance.render(3)
    instance.set("guidance", 0.0)
    blind = instance.render(3)
    assert propagated() == before
    assert not np.array_equal(half, blind)


def test_a_second_instance_finds_what_the_first_one_made(host: Any, shot: Shot, instance: Any) -> None:
    made = instance.render(2)
    before = (rendered(), received())
    other = shots.connected(host, shot)
    np.testing.assert_array_equal(other.render(2), made)
    assert (rendered(), received()) == before


def _graded(shot: Shot, t: int) -> None:
    path = shot.folder / f"key.{t:04d}.exr"
    shots.write_picture(path, shot.keyframes[t][..., :3] * np.float32(1.01))
