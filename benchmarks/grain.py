"""Grain that is known, added to frames of real clips: what is measured of it, and what comes back in a result.

Noise of σ ``--sigmas`` (in 1/255), white or smoothed with σ ``--sizes`` pixels, on top of each clip's own. Expected is
the root of the sum of both squares, where the clip's own is what is measured without it. Shown: brightness, colour.
"""

from __future__ import annotations

import argparse
import itertools
import math
from contextlib import closing
from pathlib import Path
from statistics import fmean, median

import torch

from sparkvsr.color import unpack
from sparkvsr.finish import Grain, add_grain, measure_grain
from sparkvsr.media import open_clip
from sparkvsr.resample import blur, resize

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
SCALE = 4


def noise(shape: torch.Size, sigma: float, size: float, seed: int) -> torch.Tensor:
    """Gaussian, not made as grain is."""
    field = torch.randn(3, shape[1] + 24, shape[2] + 24, generator=torch.Generator().manual_seed(seed))
    if size:
        field = blur(field, size)
        field /= field.std()
    return field[:, 12:-12, 12:-12] * (sigma / 255)


def level(grain: Grain, component: int) -> float:
    """The median over brightness, in 1/255."""
    return median(grain.sigmas[component]) * 255


def frames_of(path: Path, count: int) -> list[torch.Tensor]:
    """Evenly chosen frames, in their own size."""
    with closing(open_clip(path)) as clip:
        numbers = [clip.numbers[i * len(clip.numbers) // count] for i in range(count)]
        return [unpack(clip.read(number))[0] for number in numbers]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sigmas", type=float, nargs="+", default=[4.0])
    parser.add_argument("--sizes", type=float, nargs="+", default=[0.0, 0.7])
    parser.add_argument("--frames", type=int, default=1, help="of each clip (default: 1)")
    options = parser.parse_args()
    errors: dict[tuple[float, float], list[float]] = {}
    for name in (DATA / "val.txt").read_text().split():
        for number, frame in enumerate(frames_of(DATA / name, options.frames)):
            own = measure_grain(frame)
            print(f"{name} {number}: own {level(own, 0):.2f} {level(own, 1):.2f}, size {own.sizes[0]:.2f}", flush=True)
            for sigma, size in itertools.product(options.sigmas, options.sizes):
                found = measure_grain(frame + noise(frame.shape, sigma, size, number))
                expected = [math.hypot(level(own, component), sigma) for component in (0, 1)]
                off = [level(found, component) / expected[component] - 1.0 for component in (0, 1)]
                errors.setdefault((sigma, size), []).extend(off)
                print(
                    f"  σ {sigma:g} size {size:g}: found {level(found, 0):.2f} {level(found, 1):.2f} "
                    f"({off[0]:+.1%} {off[1]:+.1%}), size {found.sizes[0]:.2f}; back {given_back(frame, found):+.1%}",
                    flush=True,
                )
    for (sigma, size), found_errors in errors.items():
        worst = max(map(abs, found_errors))
        print(f"σ {sigma:g} size {size:g}: mean error {fmean(found_errors):+.1%}, worst {worst:.1%}", flush=True)


def given_back(frame: torch.Tensor, grain: Grain) -> float:
    """How far off the grain is in a result that had none, reduced to the source's size."""
    flat = torch.full((3, frame.shape[1] // 2 * SCALE, frame.shape[2] // 2 * SCALE), 0.5)
    made = add_grain(flat, grain, 1.0, SCALE, bytes(16))
    seen = resize(made, (flat.shape[1] // SCALE, flat.shape[2] // SCALE), "area")
    middle = len(grain.sigmas[0]) // 2
    expected = (grain.sigmas[0][middle - 1] + grain.sigmas[0][middle]) / 2 * 255
    return level(measure_grain(seen), 0) / expected - 1.0 if expected else 0.0


if __name__ == "__main__":
    main()
