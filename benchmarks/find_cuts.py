"""Cuts where there are none, and where there are: real clips one by one, and joined together.

Of every clip of ``--lists`` the first ``--frames`` frames are looked at. Alone, a clip has no cut. The halves of all
of them joined together, in the order of their names, have one where each begins.
"""

from __future__ import annotations

import argparse
import time
from contextlib import closing
from pathlib import Path

from sparkvsr.color import unpack
from sparkvsr.cuts import find_cuts
from sparkvsr.looks import Look, look_at
from sparkvsr.media import open_clip

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


def looks_of(path: Path, most: int) -> list[Look]:
    """Of the first frames of a clip."""
    with closing(open_clip(path)) as clip:
        return [look_at(unpack(clip.read(number))[0]) for number in clip.numbers[:most]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lists", nargs="+", default=["val.txt", "train.txt"], help="in shared/data")
    parser.add_argument("--frames", type=int, default=48, help="of each clip (default: 48)")
    options = parser.parse_args()
    names = sorted({name for one in options.lists for name in (DATA / one).read_text().split()})
    clips = {name: looks_of(DATA / name, options.frames) for name in names}
    start, frames, false = time.perf_counter(), 0, 0
    for name, looks in clips.items():
        found = find_cuts(range(len(looks)), looks.__getitem__)
        frames, false = frames + len(looks), false + len(found)
        if found:
            print(f"{name}: {found}", flush=True)
    spent = time.perf_counter() - start
    print(f"alone: {false} cuts in {frames} frames of {len(clips)} clips, {spent / frames * 1e3:.0f} ms a frame")
    joined: list[Look] = []
    expected = []
    for looks in clips.values():
        half = looks[: max(2, len(looks) // 2)]
        expected.append(len(joined))
        joined += half
    found = find_cuts(range(len(joined)), joined.__getitem__)
    true = set(expected[1:])
    missed, wrong = sorted(true - set(found)), sorted(set(found) - true)
    print(f"joined: {len(true)} cuts, {len(true & set(found))} found, missed {missed}, wrong {wrong}", flush=True)


if __name__ == "__main__":
    main()
