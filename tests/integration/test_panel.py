"""The buttons of the panel with a real backend."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import shot as shots
from support.shot import CUT, FRAMES, KEYFRAMES, Shot

bridge = pytest.importorskip("sparkvsr_bridge")

pytestmark = [pytest.mark.ofx, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Shot:
    return shots.make(tmp_path_factory.mktemp("shot"))


@pytest.fixture
def host(bundle: Path, fresh_runtime_dir: Path) -> Iterator[Any]:
    with bridge.Host(bundle, personality="nuke") as host:
        yield host


@pytest.mark.parametrize("personality", ["nuke", "natron", "resolve", "resolve-fusion", "flame", "vegas", "fusion"])
def test_after_propagate_scrubbing_computes_nothing(
    bundle: Path, shot: Shot, fresh_runtime_dir: Path, personality: str
) -> None:
    with bridge.Host(bundle, personality) as host:
        instance = shots.connected(host, shot)
        instance.press("propagateRange", 2)
        assert f"{CUT} of {CUT} frames made" in instance.messages[-1].text
        before = shots.backend_status()
        assert before.requests.rendered == CUT, "the shot that holds frame 2"
        for t in range(CUT):
            instance.render(t)
        after = shots.backend_status()
        assert after.requests.rendered == before.requests.rendered
        assert after.requests.cached == before.requests.cached + CUT
        assert after.frames.received == before.frames.received


def test_propagate_ahead_makes_the_frames_that_a_render_makes(host: Any, shot: Shot) -> None:
    ahead = shots.connected(host, shot)
    ahead.press("propagateRange", 2)
    made = [ahead.render(t) for t in range(CUT)]
    ahead.press("clearCache")
    for t in range(CUT):
        np.testing.assert_array_equal(ahead.render(t), made[t])


def test_clear_cache_makes_all_anew(host: Any, shot: Shot) -> None:
    instance = shots.connected(host, shot)
    picture = instance.render(3)
    before = shots.backend_status().requests.rendered
    instance.press("clearCache")
    np.testing.assert_array_equal(instance.render(3), picture)
    assert shots.backend_status().requests.rendered == before + 1


def test_restart_starts_another_backend(host: Any, shot: Shot) -> None:
    instance = shots.connected(host, shot)
    picture = instance.render(3)
    first = shots.backend_status().pid
    instance.press("restartBackend")
    assert "was ended" in instance.messages[-1].text
    np.testing.assert_array_equal(instance.render(3), picture)
    assert shots.backend_status().pid != first


def test_the_report_knows_the_backend(host: Any, shot: Shot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    instance = shots.connected(host, shot)
    instance.render(3)
    instance.press("hostReport", 3)
    (report,) = (tmp_path / "sparkvsr").iterdir()
    text = report.read_text()
    assert f"pid: {shots.backend_status().pid}" in text
    assert "carrier: shm" in text
    assert '"instance"' in text


def test_drafts_and_finals(host: Any, shot: Shot) -> None:
    """Whatever is shown while the artist works, the final render is the one without a word of drafts."""
    instance = shots.connected(host, shot)
    full = instance.render(3)
    instance.set("quality", "Draft while interactive")
    draft = instance.render(3, interactive=True)
    np.testing.assert_array_equal(instance.render(3), full)
    instance.set("quality", "Draft")
    np.testing.assert_array_equal(instance.render(3, interactive=True), draft)
    np.testing.assert_array_equal(instance.render(3), full)
    assert not np.array_equal(draft, full)


def grainy(t: int) -> np.ndarray:
    """A smooth picture with grain: where there is texture, nobody can tell grain from it."""
    y, x = np.mgrid[0:48, 0:64] / 64.0
    clean = np.stack([0.3 + 0.2 * x, 0.4 + 0.1 * y, 0.35 - 0.1 * x], axis=-1)
    picture = np.ones((48, 64, 4), np.float32)
    picture[..., :3] = clean + np.random.default_rng(t).normal(0, 0.02, clean.shape)
    return picture


@pytest.mark.parametrize("name", ["grain", "sharpness"])
def test_finish_changes_pixels_and_propagates_nothing(host: Any, shot: Shot, name: str) -> None:
    instance = shots.connected(host, shot)
    if name == "grain":
        instance.set("keyframeList", "")
        instance.connect("Source", [grainy(t) for t in range(FRAMES)], premultiplication="straight")
    plain = instance.render(3)
    before = shots.backend_status().cache["propagations"].misses
    instance.set(name, 1.0)
    finished = instance.render(3)
    assert not np.array_equal(finished, plain)
    np.testing.assert_array_equal(instance.render(3), finished)
    assert shots.backend_status().cache["propagations"].misses == before


def test_find_cuts_finds_the_cut(host: Any, shot: Shot) -> None:
    instance = shots.connected(host, shot)
    instance.set("cuts", "")
    instance.set("frameOffset", 100)
    instance.press("findCuts", 0)
    assert instance.get("cuts") == str(CUT + 100)


def test_suggest_flags_frames_that_are_not_flagged(host: Any, shot: Shot) -> None:
    instance = shots.connected(host, shot)
    instance.set("keyframeList", "0")
    instance.set("suggestCount", 2)
    instance.press("suggestKeyframes", 0)
    flagged = [int(time) for time, value in instance.keys("keyframe") if value == 1]
    assert len(flagged) == 2
    assert 0 not in flagged
    assert set(flagged) < set(range(FRAMES))
    assert any(time >= CUT for time in flagged), "the second shot has no keyframe yet"


def test_suggesting_again_sends_nothing(host: Any, shot: Shot) -> None:
    instance = shots.connected(host, shot)
    instance.press("findCuts", 0)
    before = shots.backend_status().frames.received
    instance.set("keyframeList", "")
    instance.press("suggestKeyframes", 0)
    assert shots.backend_status().frames.received == before


def test_auto_makes_the_pictures_that_are_missing(host: Any, shot: Shot) -> None:
    instance = shots.connected(host, shot)
    with_pictures = instance.render(3)
    instance.set("keyframeFiles", "")
    with pytest.raises(bridge.RenderFailed, match="KeyframeWithoutPicture"):
        instance.render(3)
    instance.set("keyframeSource", "Auto")
    instance.set("keyframeModel", "blind")
    made = instance.render(3)
    assert not np.array_equal(made, with_pictures)
    assert len(KEYFRAMES) == 3


def test_another_kind_of_machine_refuses(host: Any, shot: Shot) -> None:
    instance = shots.connected(host, shot)
    picture = instance.render(3)
    instance.press("bindArithmetic")
    assert instance.get("arithmetic")
    np.testing.assert_array_equal(instance.render(3), picture)
    instance.set("arithmetic", "a machine that is not here")
    with pytest.raises(bridge.RenderFailed, match="a machine that is not here"):
        instance.render(3)


def test_a_budget_reaches_the_backend(host: Any, shot: Shot) -> None:
    instance = shots.connected(host, shot)
    instance.render(3)
    before = sum(tier.budget_bytes for tier in shots.backend_status().cache.values())
    instance.set("ramBudget", 0.25)
    after = sum(tier.budget_bytes for tier in shots.backend_status().cache.values())
    assert after < before
    instance.set("ramBudget", 0.0)
    assert sum(tier.budget_bytes for tier in shots.backend_status().cache.values()) == before
