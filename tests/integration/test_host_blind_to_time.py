"""MLT, with the real engine behind: no temporal access, loaded anew for each frame, rows upside down.

The result is pure and right: what the engine gives when a keyframe's source frame is its own picture, reduced.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import small_clip
from support.requests import keyframe, request_for

from sparkvsr.color import Transfer
from sparkvsr.engine import EngineRegistry
from sparkvsr.frames import Frame, Premultiplication, fingerprint
from sparkvsr.lite import create_lite_engine
from sparkvsr.media import write_still
from sparkvsr.propagation import keyframes_in_reach
from sparkvsr_backend.client import Client
from sparkvsr_backend.engine_loop import EngineLoop
from sparkvsr_backend.requests import Target

bridge = pytest.importorskip("sparkvsr_bridge")

pytestmark = [pytest.mark.ofx, pytest.mark.timeout(300)]

FRAMES, CUT, KEYFRAMES = 8, 5, (0, 3, 6)


def shorts(picture: np.ndarray) -> np.ndarray:
    """0..1 as 0..65535, which is how MLT hands pixels on."""
    return np.asarray(np.rint(picture * 65535), np.uint16)


@pytest.fixture(scope="module")
def truth() -> list[np.ndarray]:
    return small_clip.truth(FRAMES, cut=CUT)


@pytest.fixture(scope="module")
def keys(truth: list[np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> dict[int, str]:
    """Files of the keyframes' pictures, 16 bits."""
    folder = tmp_path_factory.mktemp("keys")
    files = {t: folder / f"key.{t:04d}.png" for t in KEYFRAMES}
    for t, path in files.items():
        write_still(path, Frame.from_numpy(shorts(truth[t]), Premultiplication.OPAQUE))
    return {t: str(path) for t, path in files.items()}


@pytest.fixture
def frames(truth: list[np.ndarray]) -> list[np.ndarray]:
    return [shorts(frame) for frame in small_clip.rgba(small_clip.reduce(truth))]


@pytest.fixture
def instance(bundle: Path, frames: list[np.ndarray], keys: dict[int, str]) -> Iterator[Any]:
    with bridge.Host(bundle, personality="mlt") as host:
        instance = host.create_instance()
        instance.connect("Source", frames, premultiplication="straight")
        instance.set("scale", 4)
        instance.set("keyframeFiles", keys[0].replace("0000", "%04d"))
        instance.set("keyframeList", " ".join(map(str, KEYFRAMES)))
        instance.set("cuts", str(CUT))
        yield instance


def by_the_engine(frames: list[np.ndarray], keys: dict[int, str], t: int) -> np.ndarray:
    """The frame at the size of its source, its keyframes without source frames."""
    loop = EngineLoop(EngineRegistry({"lite": create_lite_engine}))
    source = Frame.from_numpy(frames[t], Premultiplication.STRAIGHT)
    loop.frames.put(fingerprint(source), source)
    request = request_for(
        source,
        time=t,
        engine="lite",
        scale=4,
        transfer=Transfer.SRGB,
        cuts=(CUT,),
        target=Target.whole(source.format.width, source.format.height),
        keyframes=tuple(keyframe(k, keys[k]) for k in keyframes_in_reach(t, KEYFRAMES, (CUT,))),
    )
    return loop.render(request).frame.pixels.numpy()


def test_each_frame_is_the_engines(instance: Any, frames: list[np.ndarray], keys: dict[int, str]) -> None:
    for t in range(FRAMES):
        np.testing.assert_array_equal(instance.render(t), by_the_engine(frames, keys, t), err_msg=f"frame {t}")


def test_no_order_and_no_cache_changes_a_frame(instance: Any) -> None:
    first = {t: instance.render(t) for t in range(FRAMES)}
    order = list(range(FRAMES))
    random.Random(5).shuffle(order)
    with Client() as client:
        client.clear()
    for t in order:
        np.testing.assert_array_equal(instance.render(t), first[t], err_msg=f"frame {t}")


def test_each_frame_looks_like_its_source(instance: Any, frames: list[np.ndarray]) -> None:
    """At the size of the source the detail cannot show, but no upside-down or foreign picture can hide."""
    for t in range(FRAMES):
        difference = np.abs(instance.render(t).astype(np.float32) - frames[t]) / 65535
        assert difference.mean() < 0.01, f"frame {t}"
        assert difference.max() < 0.2, f"frame {t}"
