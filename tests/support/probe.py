"""The probe: the plugin with a link that needs no backend, and what it wrote down."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SCRIPTS = itertools.count()  # makes each script a new one for the probe, which outlives the test
REPOSITORY = Path(__file__).resolve().parent.parent.parent


def probe_bundle() -> Path:
    """The bundle that the build made for tests."""
    tree = Path(os.environ.get("SPARKVSR_BUILD_TREE", REPOSITORY / "build" / "editable"))
    return tree / "ofx_bridge" / "plugin" / "tests" / "SparkVSRProbe.ofx.bundle"


@dataclass
class Probe:
    """What the probe was asked, and what it shall answer."""

    bundle: Path
    log: Path
    patch: pytest.MonkeyPatch

    def answer(self, *answers: str) -> None:
        """Answers of the next renders, the last one for ever; see ofx_bridge/plugin/tests/probe_link.cpp."""
        self.patch.setenv("SPARKVSR_PROBE_SCRIPT", " ".join((f"#{next(SCRIPTS)}", *answers)))

    def finds(self, *frames: int) -> None:
        """What analyses find."""
        self.patch.setenv("SPARKVSR_PROBE_FRAMES", " ".join(map(str, frames)))

    def forget(self) -> None:
        """Start a new page."""
        self.log.write_text("")

    def calls(self, kind: str) -> list[dict[str, Any]]:
        """All calls of one kind: ``process``, ``put``, ``render``, ``analyse``, ``budget``, ``clear``, ``shutdown``."""
        if not self.log.exists():
            return []
        lines = (json.loads(line) for line in self.log.read_text().splitlines())
        return [line for line in lines if line["call"] == kind]

    def request(self) -> dict[str, Any]:
        """The last render request."""
        return self.calls("render")[-1]


def picture(width: int, height: int, channels: int = 4, *, seed: int = 0, dtype: type = np.float32) -> np.ndarray:
    """[height, width, channels]: every pixel is different, so that a wrong place shows."""
    if np.issubdtype(dtype, np.integer):
        top = np.iinfo(dtype).max
        return np.random.default_rng(seed).integers(0, top, (height, width, channels), dtype=dtype, endpoint=True)
    return np.random.default_rng(seed).random((height, width, channels), dtype=np.float32).astype(dtype)


def as_floats(pixels: np.ndarray) -> np.ndarray:
    """Integers as 0..1."""
    return pixels / np.iinfo(pixels.dtype).max if np.issubdtype(pixels.dtype, np.integer) else pixels


def film(length: int, width: int = 8, height: int = 6, channels: int = 4) -> list[np.ndarray]:
    """Frames that all differ."""
    return [picture(width, height, channels, seed=n) for n in range(length)]


def nearest(source: np.ndarray, factor: int) -> np.ndarray:
    """What the probe answers at ``factor`` times the size."""
    return source.repeat(factor, axis=0).repeat(factor, axis=1)


def keyframe_times(request: dict[str, Any]) -> Sequence[int]:
    """Times of the keyframes in a request."""
    return [use["time"] for use in request["keyframes"]]
