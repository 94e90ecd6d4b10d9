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


def changed_frames(instance: Any, change: Any) -> tuple[list[int], int]:
    """Frames whose pixels a change changes, and how many the backend has computed for it."""
    before = {t: instance.render(t) for t in range(FRAMES)}
    counted = rendered()
    change()
    after = {t: instance.render(t) for t in range(FRAMES)}
    return [t for t in range(FRAMES) if not np.array_equal(before[t], after[t])], rendered() - counted


def test_a_keyframe_of_other_strength_recomputes_its_reach(instance: Any) -> None:
    """The others keep theirs: their keys say 1."""
    instance.set_at("keyframeStrength", 0, 1.0)
    instance.set_at("keyframeStrength", 5, 1.0)
    instance.set_at("keyframeStrength", 8, 1.0)
    changed, computed = changed_frames(instance, lambda: instance.set_at("keyframeStrength", 5, 0.4))
    assert computed == len(range(1, 7))
    assert set(changed) <= set(range(1, 7))
    assert 5 in changed


def test_flagging_and_unflagging_recompute_the_reach(instance: Any) -> None:
    instance.set("keyframeList", "0 8")
    changed, computed = changed_frames(instance, lambda: instance.press("flagKeyframe", 5))
    assert computed == len(range(1, 7))
    assert set(changed) <= set(range(1, 7))
    _, computed = changed_frames(instance, lambda: instance.press("unflagKeyframe", 5))
    assert computed == 0, "it was made before"


def test_a_narrower_radius_recomputes_what_is_out_of_it(instance: Any) -> None:
    """Within 2 frames of 0, 5 (cut at 7) and 8 nothing changes for 0 and 5; the others lose a keyframe or two."""
    instance.set("keyframeList", "0 5 8")
    _, computed = changed_frames(instance, lambda: instance.set("keyframeRadius", 2))
    assert computed == len([1, 2, 3, 4])


def test_a_changed_source_frame_recomputes_itself(instance: Any, shot: Shot) -> None:
    """Frame 3 is no keyframe: nothing else depends on it."""
    changed, computed = changed_frames(instance, lambda: reconnected(instance, shot, 3))
    assert (changed, computed) == ([3], 1)


def test_a_changed_source_frame_of_a_keyframe_recomputes_the_reach(instance: Any, shot: Shot) -> None:
    changed, computed = changed_frames(instance, lambda: reconnected(instance, shot, 5))
    assert computed == len(range(1, 7))
    assert set(changed) <= set(range(1, 7))
    assert 5 in changed


def reconnected(instance: Any, shot: Shot, t: int) -> None:
    """The artist grades one frame upstream."""
    frames = list(shot.frames)
    frames[t] = (frames[t] * np.array([1.02, 1.02, 1.02, 1.0], np.float32)).astype(np.float32)
    before = received()
    instance.connect("Source", frames, premultiplication="straight")
    instance.render(t)
    assert received() == before + 1, "only the changed frame is sent"


def test_what_the_host_only_forgets_is_not_computed_again(instance: Any) -> None:
    def forget() -> None:
        instance.set("generation", instance.get("generation") + 1)

    assert changed_frames(instance, forget) == ([], 0)


def test_budgets_change_nothing(instance: Any) -> None:
    assert changed_frames(instance, lambda: instance.set("ramBudget", 2.0)) == ([], 0)
