"""Time and memory of the 5B engine beside the reference method, with random weights of the published shapes.

    python benchmarks/gpu_sparkvsr_5b.py --output 5b.json                                          # on a card
    python benchmarks/gpu_sparkvsr_5b.py --device cpu --network tiny --sizes 64x64 --frames 5 --budgets 2   # a try

Values of weights do not matter for time, so no download is needed. The reference is the published method written down
plainly: diffusers' modules as they are shipped, eager, bfloat16, SDPA, no text encoder, the autoencoder's own tiling
and slicing, one pass over all frames. Both see the same random frames in the same process.

First comes what must hold (the same bytes wherever the weights lie), then for each size the reference, the engine with
what the planner proposes for each budget, as published (``gate=off,color=off``) and by default, and what each way to be
faster gains. All of it ends within ``--seconds``; what there was no time for is named. docs/engines.md says how to call
it where there is no network.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

if find_spec("cv2") is None:  # then what measures motion, which the default setting does, is left out
    sys.modules["cv2"] = ModuleType("cv2")

from sparkvsr.cogvideox.blocks import Part
from sparkvsr.cogvideox.options import DTYPES, given_options, parse_options
from sparkvsr.cogvideox.planner import GB, Residency, propose
from sparkvsr.cogvideox.residency import Loaded, placed
from sparkvsr_5b.checks import checks
from sparkvsr_5b.networks import SIZES, Timings, random_models, split, synchronize
from sparkvsr_5b.reference import reference
from sparkvsr_5b.subject import SCALE, Material, Subject, recorded_passes

PUBLISHED = "gate=off,color=off"
CHUNKS_AT_ONCE = 3
Figures = dict[str, Any]


@dataclass
class Run:
    """Everything that the measurements share. ``report`` grows, and is written after each of them."""

    options: argparse.Namespace
    loaded: Loaded
    ends: float
    report: Figures = field(default_factory=dict)

    @property
    def device(self) -> torch.device:
        return self.loaded.models.device

    def put(self, room: Figures, name: str, work: Callable[[], Figures]) -> Figures:
        """One piece of work, unless the time is over. What fails is told, and the rest goes on."""
        if time.monotonic() > self.ends:
            room[name] = {"left_out": "no time"}
        else:
            start = time.monotonic()
            try:
                room[name] = work()
            except Exception as error:  # noqa: BLE001 - a report of what failed is worth more than none
                room[name] = {"failed": f"{type(error).__name__}: {error}"}
            print(f"{name}: {json.dumps(room[name])} [{time.monotonic() - start:.0f} s]", flush=True)
        if self.options.output is not None:
            self.options.output.write_text(json.dumps(self.report, indent=2) + "\n", encoding="utf-8")
        return dict(room[name])


def measured(run: Run, work: Callable[[Timings], Any], runs: int = 1) -> Figures:
    """Of the last of so many runs (on a processor one): seconds, their split, and the most memory."""
    cuda = run.device.type == "cuda"
    for _ in range(runs if cuda else 1):
        timings = Timings(run.device)
        if cuda:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(run.device)
        synchronize(run.device)
        start = time.perf_counter()
        work(timings)
        synchronize(run.device)
        whole = time.perf_counter() - start
    found: Figures = {"seconds": round(whole, 3), "split": timings.rounded()}
    if cuda:
        found["peak_gb"] = round(torch.cuda.max_memory_allocated(run.device) / GB, 2)
        found["reserved_gb"] = round(torch.cuda.max_memory_reserved(run.device) / GB, 2)
    return found


def measured_reference(run: Run, material: Material) -> Figures:
    if run.device.type == "cuda":
        torch.cuda.set_per_process_memory_fraction(1.0, run.device)
    for part in Part:
        with placed(run.loaded, part, Residency.RESIDENT):
            pass
    return measured(run, lambda t: reference(run.loaded.models, material.frames, material.keyframe, SCALE, t), runs=2)


def measured_subject(run: Run, subject: Subject, material: Material, beside: Figures, runs: int = 1) -> Figures:
    def work(timings: Timings) -> None:
        with split(timings):
            subject.pictures(run.loaded, material)

    found = measured(run, work, runs)
    found["options"] = subject.options
    if "seconds" in beside:
        found["times_faster"] = round(beside["seconds"] / found["seconds"], 3)
    if beside.get("peak_gb"):
        found["of_its_peak"] = round(found["peak_gb"] / beside["peak_gb"], 3)
    if subject.budget is not None and "reserved_gb" in found:
        found["under_budget"] = found["reserved_gb"] <= subject.budget
    return found


def planned(run: Run, size: tuple[int, int], budget: float, extra: str) -> tuple[Subject, str]:
    """What the planner proposes for chunks as long as the reference's, and why."""
    width, height = size
    names = {dtype: name for name, dtype in DTYPES.items()}
    kept = f"dtype={names[run.loaded.models.dtype]},chunk=33"
    found = propose(
        height,
        width,
        int(budget * GB),
        options=parse_options(kept),
        fixed=set(given_options(kept)),
        form=run.loaded.form,
    )
    return Subject(",".join(filter(None, (found.text, extra))), budget), found.why


def compared(run: Run, size: tuple[int, int], room: Figures) -> None:
    """The reference, and the engine for every budget: as published first, as those figures are what was asked for."""
    width, height = size
    material = Material.of(height, width, run.options.frames)
    beside = run.put(room, "reference", lambda: measured_reference(run, material))
    for name, extra in (("published", PUBLISHED), ("default", "")):
        for budget in sorted(run.options.budgets, reverse=True):

            def work(budget: float = budget, extra: str = extra) -> Figures:
                subject, why = planned(run, size, budget, extra)
                return {**measured_subject(run, subject, material, beside, runs=2 if extra else 1), "plan": why}

            run.put(room, f"{name}, {budget:g} GB", work)


def ways_to_be_faster(run: Run, size: tuple[int, int], room: Figures, beside: Figures) -> None:
    """Each by itself, on the largest budget."""
    width, height = size
    material = Material.of(height, width, run.options.frames)
    subject, _ = planned(run, size, max(run.options.budgets), PUBLISHED)
    several = [Material.of(height, width, run.options.frames, seed) for seed in range(CHUNKS_AT_ONCE)]

    def with_options(extra: str, runs: int) -> Callable[[], Figures]:
        faster = Subject(f"{subject.options},{extra}", subject.budget)
        return lambda: measured_subject(run, faster, material, beside, runs)

    def recorded() -> Figures:
        with recorded_passes(True):
            return measured_subject(run, subject, material, beside, runs=2)

    def chunks(threads: int) -> Callable[[], Figures]:
        return lambda: measured(run, lambda _: subject.many(run.loaded, several, threads))

    run.put(room, f"{CHUNKS_AT_ONCE} chunks, one after the other", chunks(1))
    run.put(room, f"{CHUNKS_AT_ONCE} chunks, overlapped", chunks(CHUNKS_AT_ONCE))
    run.put(room, "channels last", with_options("channels=last", 1))
    if run.device.type == "cuda":
        run.put(room, "recorded passes", recorded)
    if run.options.compile:
        run.put(room, "compiled transformer", with_options("compile=transformer", 2))
        run.put(room, "compiled, channels last", with_options("compile=all,channels=last", 2))


def machine(device: torch.device) -> Figures:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "processor"
    return {"device": name, "torch": torch.__version__, "cuda": torch.version.cuda}


def parsed(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["1920x1080", "1280x720"], help="of the output")
    parser.add_argument("--frames", type=int, default=33)
    parser.add_argument("--budgets", nargs="+", type=float, default=[12.0, 16.0, 24.0, 80.0], help="gigabytes")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--network", choices=SIZES, default="published")
    parser.add_argument("--dtype", choices=DTYPES, default="bfloat16")
    parser.add_argument("--seconds", type=float, default=540.0, help="begin nothing after so many")
    parser.add_argument("--checks", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--output", type=Path)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    options = parsed(arguments)
    ends = time.monotonic() + options.seconds
    device = torch.device(options.device)
    loaded = Loaded(random_models(options.network, device, DTYPES[options.dtype]))
    run = Run(
        options, loaded, ends, {"machine": machine(device), "network": options.network, "checks": {}, "sizes": {}}
    )
    for name, work in checks(loaded, options.compile).items() if options.checks else ():
        run.put(run.report["checks"], name, work)
    sizes = [(int(width), int(height)) for width, _, height in (text.partition("x") for text in options.sizes)]
    for size in sizes:
        compared(run, size, run.report["sizes"].setdefault("{}x{}".format(*size), {}))
    for size in sizes:
        room = run.report["sizes"]["{}x{}".format(*size)]
        ways_to_be_faster(run, size, room, room["reference"])
    return run.report


if __name__ == "__main__":
    main()
