"""What an artist has set survives save, copy, paste and reopen, and renders the same bytes in a fresh process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import shot as shots
from support.reopen import rendered_elsewhere
from support.shot import FRAMES, Shot

bridge = pytest.importorskip("sparkvsr_bridge")

pytestmark = [pytest.mark.ofx, pytest.mark.timeout(300)]

TIMES = (2, 6, 8)


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Shot:
    return shots.make(tmp_path_factory.mktemp("shot"))


def edited(host: Any, shot: Shot) -> Any:
    """Keys, a typed list, files, and numbers that all differ from their defaults."""
    instance = shots.connected(host, shot)
    instance.set("keyframeList", "1000 1008")
    instance.set("frameOffset", 1000)
    instance.set("keyframeFiles", str(shot.folder / "key.####.exr"))
    instance.set("frameOffset", 0)
    instance.set("keyframeList", "0 8")
    instance.press("flagKeyframe", instance.host_time(5))
    instance.set("trust", 0.3)
    instance.set("splitPosition", 0.25)
    instance.set("keyframeRadius", 6)
    for frame, guidance in ((0, 0.5), (9, 1.5)):
        instance.set_at("guidance", instance.host_time(frame), guidance)
    instance.set_at("keyframeStrength", instance.host_time(0), 1.0)
    instance.set_at("keyframeStrength", instance.host_time(5), 0.6)
    instance.set("ramBudget", 1.5)
    return instance


@pytest.mark.parametrize("personality", ["nuke", "natron", "resolve", "flame", "vegas", "fusion", "resolve-fusion"])
def test_a_project_reopened_elsewhere_renders_the_same_bytes(
    bundle: Path, shot: Shot, fresh_runtime_dir: Path, tmp_path: Path, personality: str
) -> None:
    with bridge.Host(bundle, personality) as host:
        instance = edited(host, shot)
        project = instance.save()
        here = {t: instance.render(t) for t in TIMES}
    there = rendered_elsewhere(bundle, personality, project, shot.frames, TIMES, tmp_path)
    for t in TIMES:
        assert here[t].tobytes() == there[t].tobytes(), f"frame {t} differs"
    assert len({picture.tobytes() for picture in here.values()}) == len(TIMES)


@pytest.mark.parametrize("personality", ["nuke", "natron", "resolve", "flame"])
def test_a_pasted_node_is_the_copied_one(bundle: Path, shot: Shot, fresh_runtime_dir: Path, personality: str) -> None:
    with bridge.Host(bundle, personality) as host:
        copied = edited(host, shot)
        pasted = host.create_instance(project=json.loads(json.dumps(copied.save())))
        assert pasted.save() == copied.save()
        pasted.connect("Source", shot.frames, premultiplication="straight")
        np.testing.assert_array_equal(pasted.render(3), copied.render(3))
        pasted.press("unflagKeyframe", pasted.host_time(5))
        assert len(pasted.keys("keyframe")) < len(copied.keys("keyframe")), "they share nothing"


def test_every_parameter_with_a_value_is_kept_but_the_status(bundle: Path, shot: Shot) -> None:
    with bridge.Host(bundle, "strict") as host:
        params = next(iter(host.describe()["contexts"].values()))["params"]
        carrying = {name for name, param in params.items() if "OfxParamPropDefault" in param}
        assert set(host.create_instance().save()["params"]) == carrying - {"status"}


def test_a_project_from_before_a_parameter_was_there_has_its_default(
    bundle: Path, shot: Shot, fresh_runtime_dir: Path
) -> None:
    """And what the plugin does not know any more is passed over."""
    with bridge.Host(bundle, "nuke") as host:
        instance = shots.connected(host, shot)
        old = instance.save()
        first_release = [
            "engine",
            "scale",
            "outputMode",
            "keyframe",
            "keyframeList",
            "keyframeFiles",
            "frameOffset",
            "guidance",
            "trust",
            "view",
            "splitPosition",
            "inputTransfer",
            "cuts",
            "onError",
            "backend",
            "generation",
            "engineOptions",
        ]
        old["params"] = {name: param for name, param in old["params"].items() if name in first_release}
        old["params"]["gone"] = {"type": "OfxParamTypeDouble", "value": 0.5, "keys": []}
        reopened = host.create_instance(project=old)
        reopened.connect("Source", shot.frames, premultiplication="straight")
        assert len(old["params"]) == len(first_release) + 1
        for t in range(FRAMES):
            np.testing.assert_array_equal(reopened.render(t), instance.render(t))
