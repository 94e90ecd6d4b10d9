"""The plugin's Transfer menu means what the command line's --transfer means, bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support import shot as shots

from sparkvsr.cli import main
from sparkvsr.media import read_still

bridge = pytest.importorskip("sparkvsr_bridge")

pytestmark = [pytest.mark.ofx, pytest.mark.timeout(300)]

FRAME = 4


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> shots.Shot:
    return shots.make(tmp_path_factory.mktemp("shot"))


@pytest.mark.parametrize(
    ("option", "name"),
    [("sRGB", "srgb"), ("Rec.709", "rec709"), ("ACEScct", "acescct"), ("LogC3", "logc3"), ("PQ", "pq"), ("HLG", "hlg")],
)
def test_each_curve_of_the_menu_is_the_command_lines(
    bundle: Path, shot: shots.Shot, tmp_path: Path, option: str, name: str
) -> None:
    words = ["--keyframes", shot.keyframe_pattern, "--cuts", str(shots.CUT), "--range", str(FRAME)]
    curve = ["--transfer", name, "--output-transfer", name, "--float", "--quiet"]
    assert main(["upscale", shot.frame_pattern, str(tmp_path / "hr.exr"), *words, *curve]) == 0
    instance = shots.connected(bridge.Host(bundle, personality="nuke"), shot)
    instance.set("inputTransfer", option)
    expected = read_still(tmp_path / "hr.exr").frame.numpy()
    found = instance.render(FRAME)
    np.testing.assert_array_equal(found[..., :3], expected)
    assert np.isfinite(found).all()
