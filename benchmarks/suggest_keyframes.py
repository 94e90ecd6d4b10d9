"""Suggested keyframes against evenly spaced ones of the same number: the lite engine on real clips, against the truth.

Mean over the frames that are no keyframes of PSNR (dB, 8-bit BT.601 luma, 8 pixels cropped), every ``--step``-th of
them. Three ways to space evenly: from the first frame on, from the first to the last, and in the middle of equal parts.
"""

from __future__ import annotations

import argparse
import time
from contextlib import closing
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from sparkvsr.color import unpack
from sparkvsr.engine import Engine, EngineSettings, Keyframe, Mix, Watch, WindowFrame, default_registry
from sparkvsr.frames import Frame
from sparkvsr.keyframes.suggest import suggest
from sparkvsr.media import open_clip
from sparkvsr.metrics import psnr_y
from sparkvsr.propagation import keyframes_in_reach
from sparkvsr.resample import resize

SCALE = 4
SETTINGS = EngineSettings(scale=SCALE)
DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


def evenly(count: int, frames: int) -> dict[str, tuple[int, ...]]:
    """The usual ways to space keyframes."""
    ends = [round(i * (frames - 1) / (count - 1)) for i in range(count)] if count > 1 else [0]
    return {
        "from the first on": tuple(i * frames // count for i in range(count)),
        "first to last": tuple(ends),
        "middles": tuple(int((i + 0.5) * frames / count) for i in range(count)),
    }


class Measured:
    """A clip, reduced, through the engine."""

    def __init__(self, engine: Engine, path: Path) -> None:
        self.engine, self.name = engine, path.stem
        with closing(open_clip(path)) as clip:
            self.frames: list[Frame] = [clip.read(number) for number in clip.numbers]
        self.keyframes: dict[int, Any] = {}
        self.known: dict[tuple[int, tuple[int, ...]], float] = {}

    def truth(self, t: int) -> torch.Tensor:
        picture = unpack(self.frames[t])[0]
        height, width = (side // SCALE * SCALE for side in picture.shape[1:])
        return picture[:, :height, :width].contiguous()

    def source(self, t: int) -> torch.Tensor:
        """The frame reduced, 8-bit as a decoder gives it."""
        truth = self.truth(t)
        small = resize(truth, (truth.shape[1] // SCALE, truth.shape[2] // SCALE), "bicubic")
        return small.clamp(0, 1).mul(255).round().div(255)

    def mean(self, keyframes: tuple[int, ...], step: int) -> float:
        frames = [t for t in range(0, len(self.frames), step) if t not in keyframes]
        return fmean(self._psnr(t, keyframes_in_reach(t, keyframes)) for t in frames)

    def _psnr(self, t: int, used: tuple[int, ...]) -> float:
        if (t, used) not in self.known:
            latents = self.engine.encode_source([WindowFrame(0, self.source(t))], SETTINGS, Watch())
            keyed = [Keyframe(k - t, self._keyframe(k)) for k in used]
            (carried,) = self.engine.propagate(latents, keyed, SETTINGS, Watch())
            made = self.engine.decode(carried, Mix(), Watch()).frame
            self.known[t, used] = psnr_y(made.clamp(0, 1), self.truth(t))
        return self.known[t, used]

    def _keyframe(self, k: int) -> Any:
        if k not in self.keyframes:
            self.keyframes[k] = self.engine.encode_keyframe(self.truth(k), self.source(k), SETTINGS, Watch())
        return self.keyframes[k]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=[3], help="how many keyframes (default: 3)")
    parser.add_argument("--step", type=int, default=3, help="measure every so many frames (default: 3)")
    parser.add_argument("--clips", nargs="*", help="paths in shared/data (default: those of val.txt)")
    options = parser.parse_args()
    engine = default_registry().create("lite", torch.device("cpu"))
    totals: dict[tuple[int, str], list[float]] = {}
    print(f"engine {engine.info.identity}", flush=True)
    for name in options.clips or (DATA / "val.txt").read_text().split():
        measured = Measured(engine, DATA / name)
        for count in options.counts:
            measure(measured, count, options.step, totals)
    for (count, way), found in sorted(totals.items()):
        print(f"{count} keyframes, {way}: {fmean(found):.2f} dB", flush=True)


def measure(measured: Measured, count: int, step: int, totals: dict[tuple[int, str], list[float]]) -> None:
    """One clip with one number of keyframes, told and added to the totals."""
    start = time.perf_counter()
    chosen = suggest(count, 0, len(measured.frames) - 1, measured.source)
    spent = time.perf_counter() - start
    figures = {"suggested": measured.mean(chosen, step)}
    figures |= {way: measured.mean(even, step) for way, even in evenly(count, len(measured.frames)).items()}
    for way, figure in figures.items():
        totals.setdefault((count, way), []).append(figure)
    shown = ", ".join(f"{way} {figure:.2f}" for way, figure in figures.items())
    print(f"{measured.name} ({len(measured.frames)}): {chosen} in {spent:.0f} s: {shown}", flush=True)


if __name__ == "__main__":
    main()
