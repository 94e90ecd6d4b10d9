"""A small shot on disk and in memory, and the two ways to render it: the plugin, and the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from support import small_clip

from sparkvsr.frames import Frame, Premultiplication
from sparkvsr.media import read_still, write_still
from sparkvsr_backend.client import Client
from sparkvsr_backend.protocol import StatusReply

FRAMES = 10
CUT = 7
KEYFRAMES = (0, 5, 8)


@dataclass(frozen=True)
class Shot:
    """Scene-linear pictures: LR frames ``lr.%04d.exr`` and HR keyframes ``key.%04d.exr``; the cut is at frame 7."""

    folder: Path
    frames: list[np.ndarray]  # float32 RGBA [h, w, 4], linear
    keyframes: dict[int, np.ndarray]  # float32 RGBA [H, W, 4], linear

    @property
    def frame_pattern(self) -> str:
        return str(self.folder / "lr.%04d.exr")

    @property
    def keyframe_pattern(self) -> str:
        return str(self.folder / "key.%04d.exr")


def _linear(frames: list[np.ndarray]) -> list[np.ndarray]:
    return [np.where(f <= 0.04045, f / 12.92, ((f + 0.055) / 1.055) ** 2.4).astype(np.float32) for f in frames]


def make(folder: Path) -> Shot:
    """Write the shot. One highlight and one negative make sure that nothing is clipped on the way."""
    truth = small_clip.truth(FRAMES, cut=CUT)
    low, high = _linear(small_clip.reduce(truth)), _linear(truth)
    for frame in low:
        frame[3, 4] = (12.0, 3.0, -0.05)
    shot = Shot(folder, small_clip.rgba(low), {t: small_clip.rgba([high[t]])[0] for t in KEYFRAMES})
    for t, frame in enumerate(low):
        write_picture(folder / f"lr.{t:04d}.exr", frame)
    for t in KEYFRAMES:
        write_picture(folder / f"key.{t:04d}.exr", high[t])
    return shot


def write_picture(path: Path, rgb: np.ndarray) -> None:
    write_still(path, Frame.from_numpy(np.ascontiguousarray(rgb), premultiplication=Premultiplication.OPAQUE))


def by_command_line(
    shot: Shot, out: Path, *extra: str, environment: dict[str, str] | None = None
) -> dict[int, np.ndarray]:
    """All frames, float32 RGB, as ``sparkvsr upscale`` writes them into ``out``; ``environment``: beside the usual."""
    command = [
        *(sys.executable, "-m", "sparkvsr.cli", "upscale", shot.frame_pattern, str(out / "hr.%04d.exr")),
        *("--float", "--quiet", "--keyframes", shot.keyframe_pattern, *extra),
    ]
    subprocess.run(command, check=True, timeout=240, env={**os.environ, **(environment or {})})
    return written(out)


def written(folder: Path) -> dict[int, np.ndarray]:
    """All frames, float32 RGB, that the command line wrote into a folder."""
    return {t: read_still(folder / f"hr.{t:04d}.exr").frame.pixels.numpy() for t in range(FRAMES)}


def connected(host: Any, shot: Shot, **source: Any) -> Any:
    """An instance with the shot as its Source, its keyframes as files, and the cut stored."""
    instance = host.create_instance()
    instance.connect("Source", shot.frames, premultiplication="straight", **source)
    instance.set("scale", 4)
    instance.set("inputTransfer", "Scene-linear")
    instance.set("keyframeFiles", shot.keyframe_pattern)
    instance.set("keyframeList", " ".join(map(str, KEYFRAMES)))
    instance.set("cuts", str(CUT))
    return instance


def backend_status() -> StatusReply:
    """The counters of the backend that the plugin has started."""
    with Client() as client:
        return client.status()
