"""Where the time of one lite frame goes: wall and CPU time of each step, 480×270 to 1920×1080 unless told otherwise.

The best of several runs counts, since other programs only ever add to it. CPU time above wall time means several
cores at work.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence

import torch
from rich.console import Console
from rich.table import Table

from sparkvsr import motion
from sparkvsr.engine import EngineSettings, Keyframe, Mix, Watch, WindowFrame, default_registry
from sparkvsr.resample import blur, resize


def best_of(runs: int, work: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU milliseconds, each the least of ``runs`` after one to warm up."""
    work()
    walls, processors = [], []
    for _ in range(runs):
        wall, processor = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return min(walls) * 1e3, min(processors) * 1e3


def scene(height: int, width: int) -> torch.Tensor:
    """A picture [3, H, W] with structure at several sizes."""
    generator = torch.Generator().manual_seed(0)
    layers = [resize(torch.rand(3, height // n, width // n, generator=generator), (height, width)) for n in (4, 16, 64)]
    return (sum(layers, torch.zeros(3, height, width)) / 3).clamp(0, 1)


def budget(width: int, height: int, scale: int, runs: int, device: str) -> Table:
    """One row for each step of a frame between two keyframes."""
    engine = default_registry().create("lite", torch.device(device))
    settings, watch = EngineSettings(scale), Watch()
    picture = scene(height * scale, width * scale)
    moved = blur(picture, 0.5).roll((2, 3), dims=(1, 2))
    window = [WindowFrame(0, resize(moved, (height, width)))]
    source = resize(picture, (height, width))
    latents = engine.encode_source(window, settings, watch)
    known = engine.encode_keyframe(picture, source, settings, watch)
    one, two = [Keyframe(-3, known)], [Keyframe(-3, known), Keyframe(5, known)]
    carried = next(iter(engine.propagate(latents, two, settings, watch)))
    steps: dict[str, Callable[[], object]] = {
        "source frame (once per frame)": lambda: engine.encode_source(window, settings, watch),
        "keyframe (once per keyframe)": lambda: engine.encode_keyframe(picture, source, settings, watch),
        "one DIS flow at output size": lambda: motion.measure(latents.gray, known.gray),
        "propagate, one keyframe": lambda: list(engine.propagate(latents, one, settings, watch)),
        "propagate, two keyframes": lambda: list(engine.propagate(latents, two, settings, watch)),
        "decode, two keyframes": lambda: engine.decode(carried, Mix(), watch),
    }
    table = Table(title=f"{width}×{height} ×{scale}, {torch.get_num_threads()} threads, {device}; ms")
    for name in ("step", "wall", "CPU"):
        table.add_column(name, justify="left" if name == "step" else "right")
    for name, work in steps.items():
        table.add_row(name, *(f"{value:.0f}" for value in best_of(runs, work)))
    held = {"source": latents.nbytes, "keyframe": known.nbytes, "propagation": carried.nbytes}
    table.caption = "held in caches: " + ", ".join(f"{name} {nbytes / 1e6:.0f} MB" for name, nbytes in held.items())
    return table


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description="Where the time of one lite frame goes.")
    parser.add_argument("--width", type=int, default=480)
    parser.add_argument("--height", type=int, default=270)
    parser.add_argument("--scale", type=int, default=4)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args(arguments)
    Console().print(budget(options.width, options.height, options.scale, options.runs, options.device))


if __name__ == "__main__":
    main(sys.argv[1:])
