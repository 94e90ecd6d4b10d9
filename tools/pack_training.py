"""Pack this repository's code and the listed training material into one archive, for a machine with a GPU.

    python tools/pack_training.py --data DIR training.tar
    # there: tar xf training.tar && sh run.sh OUTPUT

The archive holds at most 60 MiB. The other machine needs Python with torch, av, opencv-python-headless, numpy, rich and
safetensors; nothing is built there and nothing is fetched.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tarfile
from pathlib import Path

LARGEST = 60 * 2**20
LISTS = ("train.txt", "licence_stated.txt", "photos_train.txt", "val.txt")
RUN = """#!/bin/sh
# usage: sh run.sh OUTPUT [options of `sparkvsr train lite`]
set -e
output=$1
shift
PYTHONPATH=.:backend python3 -m sparkvsr.cli train lite --data data --output "$output" --device cuda "$@"
"""


def wanted(data: Path) -> list[str]:
    """Files of the data folder that training reads; clips to measure on only while there is room."""
    lists = {name: (data / name).read_text(encoding="utf-8").split() for name in LISTS if (data / name).is_file()}
    missing = [name for name in LISTS[:3] if name not in lists]
    if missing:
        raise SystemExit(f"error: expected the lists {', '.join(missing)} in {data}, found none")
    clips = sorted(set(lists["train.txt"]) & set(lists["licence_stated.txt"]))
    return [*lists, *clips, *lists["photos_train.txt"]]


def code() -> list[str]:
    """Python files of the shipped packages."""
    listed = subprocess.run(["git", "ls-files", "sparkvsr", "LICENSE"], check=True, capture_output=True, text=True)
    return [name for name in listed.stdout.split() if Path(name).is_file()]


def pack(data: Path, output: Path) -> int:
    """Write the archive; returns its size in bytes."""
    with tarfile.open(output, "w") as archive:
        for name in code():
            archive.add(name)
        for name in wanted(data):
            if name == "val.txt":  # its clips stay behind: nothing is measured there
                continue
            archive.add(data / name, f"data/{name}")
        script = tarfile.TarInfo("run.sh")
        script.size = len(RUN)
        archive.addfile(script, io.BytesIO(RUN.encode()))
    return output.stat().st_size


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Pack code and training material for a machine with a GPU.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    size = pack(options.data, options.output)
    print(f"{options.output}: {size / 2**20:.1f} MiB")
    if size > LARGEST:
        print(f"error: expected at most {LARGEST / 2**20:.0f} MiB", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
