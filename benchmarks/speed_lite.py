"""How fast the lite engine is beside Real-ESRGAN x4plus, and where the time of a frame goes.

480×270 to 1920×1080 on two cores unless told otherwise, in both precisions; the other network is the published
architecture with random weights, in the type in which it is fastest here. The best of several runs counts, since other
programs only ever add to it. CPU time above wall time means several cores at work.
"""

from __future__ import annotations

import argparse
import copy
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch import nn

from quality.lineup import HANDMADE, HANDMADE_LANCZOS, KEYED, Networks, networks
from quality.process import like_the_backend
from quality.tables import Sheet, write_markdown
from rrdbnet import RRDBNet
from sparkvsr import evidence, motion
from sparkvsr.arithmetic import has_bfloat16
from sparkvsr.engine import EngineSettings, Keyframe, Mix, Watch, WindowFrame
from sparkvsr.lite import fusion, handmade
from sparkvsr.lite.blind import LanczosBlind, TrainedBlind
from sparkvsr.lite.engine import LiteEngine
from sparkvsr.lite.inference import PRECISIONS, Precisions
from sparkvsr.lite.parts import LiteParts
from sparkvsr.resample import blur, resize
from sparkvsr.warp import carry

TOOL = "benchmarks/speed_lite.py"
REQUIRED = 12.0  # times the frames per second of the other network
_TRIAL = 64  # side of the picture on which the fastest type is found


@dataclass(frozen=True)
class Time:
    """Milliseconds."""

    wall: float
    cpu: float

    def __sub__(self, other: Time) -> Time:
        return Time(max(0.0, self.wall - other.wall), max(0.0, self.cpu - other.cpu))

    def __add__(self, other: Time) -> Time:
        return Time(self.wall + other.wall, self.cpu + other.cpu)


def best_of(runs: int, work: Callable[[], object], *, warm: bool = True) -> Time:
    """The least wall and the least CPU time of ``runs``, after one that does not count."""
    if warm:
        work()
    walls, processors = [], []
    for _ in range(runs):
        wall, processor = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return Time(min(walls) * 1e3, min(processors) * 1e3)


def scene(height: int, width: int) -> torch.Tensor:
    """A picture [3, H, W] with structure at several sizes."""
    generator = torch.Generator().manual_seed(0)
    layers = [resize(torch.rand(3, height // n, width // n, generator=generator), (height, width)) for n in (4, 16, 64)]
    return (sum(layers, torch.zeros(3, height, width)) / 3).clamp(0, 1)


def engine_of(trained: Networks, device: torch.device) -> tuple[str, LiteParts]:
    """The trained engine, or as much of it as there is."""
    if trained.blind is None:
        return HANDMADE_LANCZOS, LiteParts(LanczosBlind(), None, "speed")
    blind = TrainedBlind(Precisions(trained.blind, device))
    if trained.fusion is None:
        return HANDMADE, LiteParts(blind, None, "speed")
    return KEYED, LiteParts(blind, Precisions(trained.fusion, device), "speed")


class Shot:
    """A frame between two keyframes, at work in one precision and quality."""

    def __init__(
        self,
        parts: LiteParts,
        device: torch.device,
        options: argparse.Namespace,
        precision: str,
        quality: str = "full",
    ) -> None:
        self._parts, self._watch = parts, Watch()
        self._settings = EngineSettings(options.scale, precision, quality)
        self._engine = LiteEngine(device, parts)
        size = (options.height, options.width)
        picture = scene(options.height * options.scale, options.width * options.scale)
        moved = blur(picture, 0.5).roll((2, 3), dims=(1, 2))
        self._picture, self._source = picture, resize(picture, size)
        self._window = [WindowFrame(0, resize(moved, size))]
        self._latents = self._engine.encode_source(self._window, self._settings, self._watch)
        known = self._engine.encode_keyframe(picture, self._source, self._settings, self._watch)
        later = self._engine.encode_keyframe(picture.roll(4, dims=1), self._source, self._settings, self._watch)
        self._keyframes = [Keyframe(-3, known), Keyframe(5, later)]

    def blind(self) -> object:
        """A frame without keyframes."""
        return self._engine.decode(self._propagate(self._encode(), []), Mix(), self._watch)

    def keyed(self) -> object:
        """A frame between two keyframes whose latents are known."""
        return self._engine.decode(self._propagate(self._encode(), self._keyframes), Mix(), self._watch)

    def times(self, runs: int) -> dict[str, Time]:
        """Each part of ``keyed``, their sum, and what a keyframe costs once."""
        latents, keyframes = self._latents, self._keyframes
        frame = self._window[0].picture
        pairs = list(zip(keyframes, self._flows(), strict=True))
        carried = self._propagate(latents, keyframes)
        moving = best_of(runs, lambda: [handmade.move(latents, one, flow) for one, flow in pairs])
        warps = best_of(runs, lambda: [self._warps(one, flow) for one, flow in pairs])
        parts = {
            "blind part": best_of(runs, lambda: self._blind(frame)),
            "frame at half size, contrast": best_of(runs, lambda: self._contrast(frame)),
            "motion: two flows, side by side": best_of(runs, self._flows),
            "warps: two keyframes and their source frames": warps,
            "evidence, and what the frame knows better": moving - warps,
            **self._fusion_times(pairs, runs),
            "decode": best_of(runs, lambda: self._engine.decode(carried, Mix(), self._watch)),
        }
        return {
            **parts,
            "sum": sum(parts.values(), Time(0.0, 0.0)),
            "a keyframe's latents, once a keyframe": best_of(runs, self._encode_keyframe),
        }

    def _fusion_times(self, pairs: Sequence[tuple[Keyframe, motion.Flow]], runs: int) -> dict[str, Time]:
        if self._parts.fusion is None:
            return {}
        network = self._parts.fusion.of(self._settings.precision)
        moved = [handmade.move(self._latents, one, flow) for one, flow in pairs]
        given = best_of(runs, lambda: fusion.known_of(self._latents, moved))
        refined = best_of(runs, lambda: fusion.refined(network, self._latents, moved))
        return {"proposals, and the fusion network's input": given, "fusion network": refined - given}

    def held(self) -> str:
        """Megabytes that caches hold."""
        carried = self._propagate(self._latents, self._keyframes)
        held = {"frame": self._latents.nbytes, "keyframe": self._keyframes[0].latents.nbytes, "result": carried.nbytes}
        return ", ".join(f"{name} {nbytes / 1e6:.0f} MB" for name, nbytes in held.items())

    def _blind(self, frame: torch.Tensor) -> torch.Tensor:
        return self._parts.blind.upscale(frame, self._settings.scale, self._settings.precision)

    def _warps(self, keyframe: Keyframe, flow: motion.Flow) -> object:
        coarse = motion.shrink(flow, (self._latents.small.shape[1], self._latents.small.shape[2]))
        return carry(keyframe.latents.picture, flow), carry(keyframe.latents.small, coarse)

    def _encode_keyframe(self) -> object:
        return self._engine.encode_keyframe(self._picture, self._source, self._settings, self._watch)

    def _encode(self) -> Any:
        return self._engine.encode_source(self._window, self._settings, self._watch)

    def _propagate(self, latents: Any, keyframes: Sequence[Keyframe]) -> Any:
        return next(iter(self._engine.propagate(latents, keyframes, self._settings, self._watch)))

    def _contrast(self, frame: torch.Tensor) -> torch.Tensor:
        small = resize(frame, evidence.size_of(frame, self._settings.scale), "lanczos3")
        return evidence.contrast(small, frame.shape[1] * self._settings.scale / small.shape[1])

    def _flows(self) -> list[motion.Flow]:
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda one: motion.measure(self._latents.gray, one.latents.gray), self._keyframes))


class Rival:
    """Real-ESRGAN x4plus' architecture, in the type and memory format in which it is fastest."""

    def __init__(self, device: torch.device) -> None:
        torch.manual_seed(0)
        self._device = device
        network = RRDBNet().eval().requires_grad_(False)
        trial = torch.rand(1, 3, _TRIAL, _TRIAL, device=device)
        # An emulated type is never the fastest, and its trial takes minutes.
        types = [dtype for dtype in PRECISIONS if dtype != "bfloat16" or has_bfloat16(device)]
        ways = [(dtype, layout) for dtype in types for layout in (torch.channels_last, torch.contiguous_format)]
        networks_by_way = {way: self._prepared(network, way) for way in ways}
        times = {way: best_of(2, lambda way=way: self._run(networks_by_way[way], trial, way)).wall for way in ways}
        self.way = min(times, key=times.__getitem__)
        self._network = networks_by_way[self.way]

    def time(self, height: int, width: int, runs: int) -> Time:
        """One frame, ×4."""
        frame = resize(scene(height * 4, width * 4), (height, width)).unsqueeze(0).to(self._device)
        return best_of(runs, lambda: self._run(self._network, frame, self.way), warm=False)

    def _prepared(self, network: RRDBNet, way: tuple[str, torch.memory_format]) -> nn.Module:
        own: Any = copy.deepcopy(network).to(self._device, PRECISIONS[way[0]])
        placed: nn.Module = own.to(memory_format=way[1])
        return placed

    @torch.no_grad()
    def _run(self, network: nn.Module, frame: torch.Tensor, way: tuple[str, torch.memory_format]) -> torch.Tensor:
        made: torch.Tensor = network(frame.to(PRECISIONS[way[0]]).contiguous(memory_format=way[1]))
        return made.float()


def speed_sheets(options: argparse.Namespace) -> list[Sheet]:
    """Frames per second of both, and the engine's time step by step."""
    device = torch.device(options.device)
    name, parts = engine_of(networks(options.blind, options.fusion), device)
    shots = {precision: Shot(parts, device, options, precision) for precision in options.precisions}
    where = f"{options.width}×{options.height} ×{options.scale}, {torch.get_num_threads()} threads, {options.device}"
    whole = Sheet(f"Frames per second, {where}, {name}", ["", "wall ms", "CPU ms", "frames per second"])
    detail = Sheet(f"Where the time goes, {where}: milliseconds", ["", *_heads(options.precisions)])
    rates = {}
    for precision, shot in shots.items():
        for kind, found in _whole_times(shot, options.runs).items():
            rates[precision, kind] = 1e3 / found.wall
            whole.rows.append([f"{kind}, {precision}", *_cells(found), f"{1e3 / found.wall:.2f}"])
    _drafts(whole, rates, Shot(parts, device, options, "float32", "draft"), options.runs)
    times = [shot.times(options.runs) for shot in shots.values()]
    for step in times[0]:
        detail.rows.append([step, *(cell for found in times for cell in _cells(found[step]))])
    detail.rows.append(["held in caches", next(iter(shots.values())).held(), *[""] * (2 * len(shots) - 1)])
    if options.scale == 4 and not options.alone:
        _beside_the_rival(whole, rates, options, device)
    return [whole, detail]


def _whole_times(shot: Shot, runs: int) -> dict[str, Time]:
    works = {"without keyframes": shot.blind, "between two keyframes": shot.keyed}
    return {kind: best_of(runs, work) for kind, work in works.items()}


def _drafts(whole: Sheet, rates: dict[tuple[str, str], float], shot: Shot, runs: int) -> None:
    """What scrubbing gains by the quality draft, beside the faster precision."""
    for kind, found in _whole_times(shot, runs).items():
        full = max(rate for (_, one), rate in rates.items() if one == kind)
        whole.rows.append([f"{kind}, draft", *_cells(found), f"{1e3 / found.wall:.2f}"])
        whole.rows.append([f"{kind}, draft: times as fast as full", "", "", f"{1e3 / found.wall / full:.1f}"])


def _heads(precisions: Sequence[str]) -> list[str]:
    return [f"{precision}, {kind}" for precision in precisions for kind in ("wall", "CPU")]


def _cells(found: Time) -> list[str]:
    return [f"{found.wall:.0f}", f"{found.cpu:.0f}"]


def _beside_the_rival(
    whole: Sheet, rates: dict[tuple[str, str], float], options: argparse.Namespace, device: torch.device
) -> None:
    rival = Rival(device)
    found = rival.time(options.height, options.width, options.rival_runs)
    layout = "channels last" if rival.way[1] == torch.channels_last else "channels first"
    name = f"Real-ESRGAN x4plus' architecture, {rival.way[0]}, {layout}"
    whole.rows.append([name, *_cells(found), f"{1e3 / found.wall:.3f}"])
    for kind in dict.fromkeys(kind for _, kind in rates):
        ratio = max(rate for (_, one), rate in rates.items() if one == kind) * found.wall / 1e3
        verdict = "ok" if ratio >= REQUIRED else "NOT MET"
        whole.rows.append([f"{kind}, times as fast (required: {REQUIRED:g})", "", "", f"{ratio:.1f} {verdict}"])


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--width", type=int, default=480)
    parser.add_argument("--height", type=int, default=270)
    parser.add_argument("--scale", type=int, default=4)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--rival-runs", type=int, default=1, help="of the other network, which takes long")
    parser.add_argument("--alone", action="store_true", help="leave the other network out")
    parser.add_argument("--precisions", nargs="+", choices=tuple(PRECISIONS), default=list(PRECISIONS))
    parser.add_argument("--cores", type=int, default=2, help="processor cores that may be used")
    parser.add_argument("--blind", type=Path, help="weights of the blind part, or a training run's checkpoint")
    parser.add_argument("--fusion", type=Path, help="weights of the fusion network, or a training run's checkpoint")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--markdown", type=Path, help="write the tables there; into their place where it has one")
    return parser.parse_args(arguments)


def keep_to(cores: int) -> None:
    """Leave this process so many of the cores that it has."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    torch.set_num_threads(cores)


def main(arguments: Sequence[str]) -> None:
    options = parse_arguments(arguments)
    keep_to(options.cores)
    tables = speed_sheets(options)
    console = Console()
    for table in tables:
        console.print(table.on_screen())
    if options.markdown is not None:
        write_markdown(options.markdown, TOOL, "\n".join(table.markdown() for table in tables))


if __name__ == "__main__":
    like_the_backend()
    main(sys.argv[1:])
