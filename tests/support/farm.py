"""A render node of the story: reads jobs from a folder, opens each project in a host, renders, writes the pixels.

``python farm.py FOLDER``: FOLDER/jobs.json names personality, project and keyframes of each job, FOLDER/shot.npz holds
the frames; FOLDER/JOB.npz gets the pictures. Backend and plugin come from the environment, as on a farm.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np


def main(folder: Path) -> None:
    from support.story import SCRUBBED, WAYS, Shot

    from sparkvsr_bridge import bundle_path

    arrays = np.load(folder / "shot.npz")
    parts: dict[str, dict[int, Any]] = {"truth": {}, "low": {}, "soft": {}}
    for name in arrays.files:
        part, _, time = name.partition("-")
        parts[part][int(time)] = arrays[name]
    shot = Shot(**parts)
    for job in json.loads((folder / "jobs.json").read_text()):
        way = WAYS[job["personality"]]
        pictures = _render(way, shot, job, Path(bundle_path()), SCRUBBED)
        np.savez(folder / f"{way.personality}.npz", **{str(t): pixels for t, pixels in pictures.items()})


def _render(way: Any, shot: Any, job: dict[str, Any], bundle: Path, frames: tuple[int, ...]) -> dict[int, Any]:
    from support.story import Desk

    from sparkvsr_bridge import Host

    with Host(bundle, way.renders_as) as host:
        desk = Desk.open(host, way, shot, Path(job["folder"]), job["project"])
        if way.pictures == "clip":
            desk.connect_pictures(set(job["keyframes"]))
        return desk.scrub(frames)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    main(Path(sys.argv[1]))
