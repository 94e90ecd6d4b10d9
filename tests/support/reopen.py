"""Opens a saved project in a process of its own, and renders from it.

python reopen.py BUNDLE PERSONALITY PROJECT.json SOURCE.npz OUT.npz
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np


def rendered_elsewhere(
    bundle: Path, personality: str, project: Any, source: Iterable[np.ndarray], times: Iterable[int], folder: Path
) -> Mapping[int, np.ndarray]:
    """Frames that a fresh host process renders from a project; its Source is ``source``, straight alpha."""
    (folder / "project.json").write_text(json.dumps(project))
    np.savez(folder / "source.npz", times=np.array(list(times)), frames=np.stack(list(source)))
    command = [sys.executable, __file__, str(bundle), personality]
    subprocess.run([*command, *(str(folder / n) for n in ("project.json", "source.npz", "out.npz"))], check=True)
    with np.load(folder / "out.npz") as made:
        return {int(name): made[name] for name in made.files}


def main(bundle: str, personality: str, project: str, source: str, out: str) -> None:
    from sparkvsr_bridge import Host

    with np.load(source) as given:
        times, frames = [int(t) for t in given["times"]], list(given["frames"])
    with Host(bundle, personality) as host:
        instance = host.create_instance(project=json.loads(Path(project).read_text()))
        instance.connect("Source", frames, premultiplication="straight")
        np.savez(out, **{str(t): instance.render(t) for t in times})


if __name__ == "__main__":
    main(*sys.argv[1:])
