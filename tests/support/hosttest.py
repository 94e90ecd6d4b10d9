"""The plugin that misbehaves on demand (ofx_bridge/host/testplugin), and pictures for it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

REPOSITORY = Path(__file__).resolve().parent.parent.parent


def hosttest_bundle() -> Path:
    """The bundle that the build made for tests."""
    tree = Path(os.environ.get("SPARKVSR_BUILD_TREE", REPOSITORY / "build" / "editable"))
    bundle = tree / "ofx_bridge" / "host" / "testplugin" / "HostTest.ofx.bundle"
    assert bundle.is_dir(), f"{bundle} is not there: configure the build with SPARKVSR_BUILD_TESTS=ON"
    return bundle


def frames(count: int = 5, height: int = 6, width: int = 8, components: int = 4) -> list[NDArray[Any]]:
    """Noise, float32 [height, width, components], different at each time."""
    rng = np.random.default_rng(7)
    return [rng.random((height, width, components), dtype=np.float32) for _ in range(count)]
