"""The artist's story in every host: a 50-frame shot, scrubbed blind, keyframes flagged, pictures given, the detail
watched, the confidence read, one more keyframe flagged, only its neighbourhood made again; saved, reopened on a farm:
the same pixels.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import shot as shots
from support import story
from support.story import KEYFRAMES, PASSING, SCRUBBED, WAYS, Desk, Rendered, Shot, Way, psnr

from sparkvsr_backend.client import Client

bridge = pytest.importorskip("sparkvsr_bridge")

pytestmark = [pytest.mark.ofx, pytest.mark.slow, pytest.mark.timeout(300)]

BETWEEN = [t for t in SCRUBBED if t not in KEYFRAMES]
FARM = Path(story.__file__).with_name("farm.py")


@dataclass
class Told:
    """What is left of a story: the project as it was saved, and the pixels that belong to it."""

    project: dict[str, Any]
    keyframes: list[int]
    folder: Path
    pixels: Rendered = field(default_factory=dict)


@pytest.fixture(scope="module")
def shot() -> Shot:
    return story.small_shot()


@pytest.fixture(scope="module")
def told() -> dict[str, Told]:
    """Stories that came to their end, for the farm."""
    return {}


@pytest.fixture
def desk(
    request: pytest.FixtureRequest, bundle: Path, shot: Shot, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    way: Way = WAYS[request.param]
    folder = tmp_path_factory.mktemp(f"keys-{way.personality}")
    with bridge.Host(bundle, way.personality) as host:
        yield Desk.open(host, way, shot, folder)


def rendered() -> int:
    return shots.backend_status().requests.rendered


def forget_all() -> None:
    """Other hosts have made the same pixels before."""
    with Client() as client:
        client.clear()


def assert_same(found: Rendered, expected: Rendered, *but: int) -> None:
    for t in expected:
        if t not in but:
            np.testing.assert_array_equal(found[t], expected[t], err_msg=f"frame {t}")


def confidence(desk: Desk) -> dict[int, float]:
    return {t: float(picture[..., 0].mean()) for t, picture in desk.look("Confidence").items()}


@pytest.mark.parametrize("desk", WAYS, indirect=True)
def test_the_story(desk: Desk, shot: Shot, told: dict[str, Told]) -> None:
    way, truth = desk.way, shot.truth
    desk.render(SCRUBBED[0])
    forget_all()

    # Scrubbing forth and back: the blind result, made once.
    blind = desk.scrub()
    assert blind[12].shape == truth[12].shape
    before = rendered()
    assert_same(desk.scrub(SCRUBBED[::-1]), blind)
    assert rendered() == before

    # Flags without pictures are told, not ignored.
    desk.flag(*KEYFRAMES)
    with pytest.raises(bridge.RenderFailed, match="KeyframeWithoutPicture"):
        desk.render(12)

    # With pictures the detail is there and travels.
    desk.give_pictures(*KEYFRAMES)
    keyed = desk.scrub()
    gain = {t: psnr(keyed[t], truth[t]) - psnr(blind[t], truth[t]) for t in SCRUBBED}
    assert min(gain[t] for t in KEYFRAMES) > 4, gain
    assert min(gain[t] for t in (12, 50)) > 1, gain
    assert_same(desk.look("Blind"), blind)

    # Where something passes that no keyframe shows it does not hold, and the confidence says so.
    held = confidence(desk)
    assert min(BETWEEN, key=held.__getitem__) in PASSING, held
    assert held[36] < held[12] - 0.05, held

    # One more keyframe there: its neighbourhood is made again, nothing else.
    before = rendered()
    desk.flag(36)
    desk.give_pictures(36)
    mended = desk.scrub()
    reached = [t for t in SCRUBBED if 24 < t < 48]
    assert rendered() - before == len(reached)
    assert_same(mended, keyed, *reached)
    assert psnr(mended[36], truth[36]) > psnr(keyed[36], truth[36]) + 2
    assert min(psnr(mended[t], truth[t]) - psnr(keyed[t], truth[t]) for t in reached) > -0.2
    assert confidence(desk)[36] > held[36] + 0.1

    # Unflagged again: the pixels of before, from the cache.
    project = desk.instance.save()
    before = rendered()
    desk.unflag(36)
    assert_same(desk.scrub(), keyed)
    assert rendered() == before
    told[way.personality] = Told(json.loads(json.dumps(project)), sorted(desk.given), desk.folder, mended)


def test_on_a_farm(told: dict[str, Told], shot: Shot, fresh_runtime_dir: Path, tmp_path: Path) -> None:
    """Another process, another backend, the saved projects: the same pixels."""
    if not told:
        pytest.skip("no story was told in this run")
    arrays = {f"{part}-{t}": p for part in ("truth", "low", "soft") for t, p in getattr(shot, part).items()}
    np.savez(tmp_path / "shot.npz", **arrays)
    jobs = [
        {"personality": name, "project": one.project, "keyframes": one.keyframes, "folder": str(one.folder)}
        for name, one in told.items()
    ]
    (tmp_path / "jobs.json").write_text(json.dumps(jobs))
    environment = {**os.environ, "SPARKVSR_RUNTIME_DIR": str(fresh_runtime_dir)}
    subprocess.run([sys.executable, str(FARM), str(tmp_path)], check=True, env=environment, timeout=280)
    for name, one in told.items():
        found = np.load(tmp_path / f"{name}.npz")
        assert_same({int(t): found[t] for t in found.files}, one.pixels)
