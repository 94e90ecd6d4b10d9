"""The plugin's pixels are the command line's, bit for bit, in every host, order and number of threads."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import shot as shots
from support.shot import FRAMES, Shot

from sparkvsr_backend.client import Client

bridge = pytest.importorskip("sparkvsr_bridge")

pytestmark = [pytest.mark.ofx, pytest.mark.timeout(300)]

RESIZING = ("nuke", "natron", "strict", "fusion", "resolve-fusion")
FIXED_SIZE = ("resolve", "flame", "vegas")


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Shot:
    return shots.make(tmp_path_factory.mktemp("shot"))


@pytest.fixture(scope="module")
def expected(shot: Shot, tmp_path_factory: pytest.TempPathFactory) -> dict[int, np.ndarray]:
    return shots.by_command_line(shot, tmp_path_factory.mktemp("cli"), "--cuts", str(shots.CUT))


@pytest.fixture(scope="module")
def expected_fit(shot: Shot, tmp_path_factory: pytest.TempPathFactory) -> dict[int, np.ndarray]:
    height, width = shot.frames[0].shape[:2]
    folder = tmp_path_factory.mktemp("cli-fit")
    return shots.by_command_line(shot, folder, "--cuts", str(shots.CUT), "--fit", f"{width}x{height}")


def assert_same(rendered: dict[int, np.ndarray], expected: dict[int, np.ndarray]) -> None:
    for t, picture in rendered.items():
        np.testing.assert_array_equal(picture[..., :3], expected[t], err_msg=f"frame {t}")


def host_of(bundle: Path, personality: str, **overrides: Any) -> Any:
    return bridge.Host(bundle, personality=personality, overrides=overrides)


@pytest.mark.parametrize("personality", RESIZING)
def test_resizing_hosts(bundle: Path, shot: Shot, expected: dict[int, np.ndarray], personality: str) -> None:
    instance = shots.connected(host_of(bundle, personality), shot)
    assert_same({t: instance.render(t) for t in range(FRAMES)}, expected)


@pytest.mark.parametrize("personality", FIXED_SIZE)
def test_fixed_size_hosts(bundle: Path, shot: Shot, expected_fit: dict[int, np.ndarray], personality: str) -> None:
    instance = shots.connected(host_of(bundle, personality), shot)
    assert_same({t: instance.render(t) for t in range(FRAMES)}, expected_fit)


def test_any_order(bundle: Path, shot: Shot, expected: dict[int, np.ndarray]) -> None:
    instance = shots.connected(host_of(bundle, "nuke"), shot)
    order = [*range(FRAMES)] * 2
    random.Random(3).shuffle(order)
    for t in order:
        assert_same({t: instance.render(t)}, expected)


def test_four_host_threads(bundle: Path, shot: Shot, expected: dict[int, np.ndarray]) -> None:
    instance = shots.connected(host_of(bundle, "natron"), shot)
    with Client() as client:
        client.clear()
    assert_same(instance.render_many(list(range(FRAMES)), threads=4), expected)


def test_after_a_backend_restart(bundle: Path, shot: Shot, expected: dict[int, np.ndarray]) -> None:
    instance = shots.connected(host_of(bundle, "nuke"), shot)
    assert_same({4: instance.render(4)}, expected)
    with Client() as client:
        client.shutdown()
    assert_same({t: instance.render(t) for t in (4, 3, 9)}, expected)


def test_half_floats_agree_within_their_precision(
    bundle: Path, shot: Shot, expected_fit: dict[int, np.ndarray]
) -> None:
    halves = [frame.astype(np.float16) for frame in shot.frames]
    instance = shots.connected(host_of(bundle, "flame"), Shot(shot.folder, halves, shot.keyframes))
    picture = instance.render(5)
    assert picture.dtype == np.float16
    np.testing.assert_allclose(picture[..., :3].astype(np.float32), expected_fit[5], rtol=4e-3, atol=2e-3)


def test_keyframes_from_the_clip_equal_keyframes_from_files(
    bundle: Path, shot: Shot, expected: dict[int, np.ndarray]
) -> None:
    instance = shots.connected(host_of(bundle, "nuke"), shot)
    instance.set("keyframeFiles", "")
    instance.connect(
        "Keyframes", shot.keyframes.get, frame_range=(0, FRAMES - 1), premultiplication="straight", depth="float"
    )
    assert_same({t: instance.render(t) for t in range(FRAMES)}, expected)


def test_flagged_keys_equal_the_typed_list(bundle: Path, shot: Shot, expected: dict[int, np.ndarray]) -> None:
    instance = shots.connected(host_of(bundle, "nuke"), shot)
    instance.set("keyframeList", "")
    for t in shots.KEYFRAMES:
        instance.press("flagKeyframe", t)
    assert_same({t: instance.render(t) for t in (1, 5, 6, 9)}, expected)


def test_a_trimmed_clip_gives_the_same_pixels(bundle: Path, shot: Shot, expected: dict[int, np.ndarray]) -> None:
    """Frames 4..9 alone: frame 6 uses keyframe 5 in both, frames 7..9 keyframe 8."""
    host = host_of(bundle, "nuke")
    instance = shots.connected(host, shot)
    instance.connect("Source", shot.frames[4:], first=4, premultiplication="straight")
    assert_same({t: instance.render(t) for t in (5, 6, 7, 8, 9)}, expected)


def test_numbers_shifted_by_the_frame_offset(bundle: Path, shot: Shot, expected: dict[int, np.ndarray]) -> None:
    """A host that counts from 1001: the lists and files still name frames 0..9."""
    host = host_of(bundle, "nuke")
    instance = shots.connected(host, shot)
    instance.connect("Source", shot.frames, first=1001, premultiplication="straight")
    instance.set("frameOffset", -1001)
    assert_same({t: instance.render(1001 + t) for t in (0, 3, 6, 8)}, expected)


def test_a_window_is_a_part_of_the_frame(bundle: Path, shot: Shot, expected: dict[int, np.ndarray]) -> None:
    instance = shots.connected(host_of(bundle, "nuke"), shot)
    height = expected[3].shape[0]
    x1, y1, x2, y2 = 17, 5, 101, 77  # from the bottom left, as hosts count
    picture = instance.render(3, window=(x1, y1, x2, y2))
    np.testing.assert_array_equal(picture[..., :3], expected[3][height - y2 : height - y1, x1:x2])
