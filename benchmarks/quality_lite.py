"""What the lite engine gives and costs on clips whose truth is known, and whether that is what it has to reach.

Each clip is reduced by ``--scale``; some of its HR frames become keyframes, true, imperfect or wrong ones, and the
frames between them are measured against the truth: mean over frames, then over clips, of PSNR in dB on 8-bit BT.601
luma, 8 pixels cropped, and more. Prints tables and the acceptance list; docs/quality.md says how to read them.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from quality.acceptance import judge
from quality.clips import EVERY_FRAME, REDUCTIONS, Clip, Listed, listed
from quality.crops import write_crops
from quality.experiments import Run, Sampling
from quality.lineup import Lineup, Networks, networks, shared_motion
from quality.plots import distance_plot, save, steady_plot
from quality.process import like_the_backend
from quality.records import Book, Figures, Record
from quality.sheets import acceptance_sheet, sheets
from quality.stage import Stage
from quality.tables import Sheet, write_markdown
from sparkvsr.engine import EngineSettings
from sparkvsr.lite.inference import PRECISIONS

ROOT = Path(__file__).resolve().parents[1]
TOOL = "benchmarks/quality_lite.py"
PLOTS = {
    "quality_distance.png": "Gain over blind against the distance to the nearest keyframe, mean of the clips",
    "quality_steady.png": "Warped difference of consecutive frames over that of the truth, around the keyframe at 20",
}
FULL = Sampling(step=3, rare=3, radius=8, limit=EVERY_FRAME)
QUICK = Sampling(step=11, rare=4, radius=3, limit=41)


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--clips", nargs="+", help="names in val.txt, or video files; default: all of val.txt")
    parser.add_argument("--scale", type=int, default=4)
    parser.add_argument("--reductions", nargs="+", choices=REDUCTIONS, help="default: bi bd; with --quick bi")
    parser.add_argument("--precision", choices=tuple(PRECISIONS), default=EngineSettings().precision)
    parser.add_argument("--quick", action="store_true", help="few frames of the first 41: minutes, not for the record")
    parser.add_argument("--frames-step", type=int, help=f"measure every so-manieth frame; default {FULL.step}")
    parser.add_argument("--blind", type=Path, help="weights of the blind part, or a training run's checkpoint")
    parser.add_argument("--fusion", type=Path, help="weights of the fusion network, or a training run's checkpoint")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--records", type=Path, help="keep figures there, clip by clip, and go on where they end")
    parser.add_argument("--markdown", type=Path, help="write the tables there; into their place where it has one")
    parser.add_argument("--plots", type=Path, help="write the plots into this folder, as docs/images")
    parser.add_argument("--crops", type=Path, help="write pictures into this folder, as docs/images/crops")
    parser.add_argument("--crops-only", action="store_true", help="measure nothing")
    parser.add_argument("--check", action="store_true", help="exit with 1 where a line of the acceptance is not met")
    options = parser.parse_args(arguments)
    if options.frames_step is not None and options.frames_step < 1:
        parser.error(f"expected a --frames-step of at least 1, found {options.frames_step}")
    options.reductions = options.reductions or (["bi"] if options.quick else ["bi", "bd"])
    return options


def sampling_of(options: argparse.Namespace) -> Sampling:
    base = QUICK if options.quick else FULL
    step = options.frames_step or base.step
    return Sampling(step, base.rare, base.radius, base.limit)


class Bench:
    """The engines and the settings of a run."""

    def __init__(self, options: argparse.Namespace, trained: Networks) -> None:
        self._options, self._trained = options, trained
        self._device = torch.device(options.device)
        self._lineup = Lineup(trained, self._device)
        self._sampling = sampling_of(options)
        self._settings = EngineSettings(options.scale, options.precision)

    @property
    def plan(self) -> str:
        """What the figures depend on, apart from the clips."""
        sampling, options = self._sampling, self._options
        frames = "all frames" if sampling.limit == EVERY_FRAME else f"the first {sampling.limit} frames"
        rare = f"one in {sampling.step * sampling.rare} for imperfect and wrong keyframes and for parts taken away"
        how = f"×{options.scale}, {options.precision}, weights {self._trained.identity}"
        return f"{how}; of {frames} one in {sampling.step}, {rare}"

    def measure(self, one: Listed, book: Book, progress: Progress) -> list[str]:
        """Enter a page for each reduction of a clip; returns their names."""
        pages = {reduction: f"{one.path.stem} {reduction}" for reduction in self._options.reductions}
        missing = [reduction for reduction, page in pages.items() if page not in book]
        if missing or self._options.crops is not None:
            clip = Clip(one.path, self._options.scale, self._sampling.limit)
            stranger = Clip(one.stranger, self._options.scale, 1)
            stages = {reduction: self._stage(clip, stranger, reduction) for reduction in self._options.reductions}
            for reduction in missing:
                book.add(pages[reduction], self._records(stages[reduction], progress))
            if self._options.crops is not None:
                write_crops(stages[self._options.reductions[0]], self._options.crops)
        return list(pages.values())

    def _stage(self, clip: Clip, stranger: Clip, reduction: str) -> Stage:
        return Stage(clip, stranger, reduction, self._lineup, self._settings)

    def _records(self, stage: Stage, progress: Progress) -> list[Record]:
        run = Run(stage, self._sampling, lambda settings: self._fresh(stage, settings))
        if self._options.crops_only:
            return []
        found: list[Record] = []
        for task in progress.track(run.tasks(), description=f"{stage.clip.name} {stage.reduction}"):
            found += task()
        return found

    def _fresh(self, stage: Stage, settings: EngineSettings) -> Stage:
        lineup = Lineup(self._trained, self._device, remember=False)
        return Stage(stage.clip, stage.stranger, stage.reduction, lineup, settings)


def main(arguments: Sequence[str]) -> int:
    """0, or 1 where ``--check`` finds less than is required."""
    options = parse_arguments(arguments)
    bench = Bench(options, networks(options.blind, options.fusion))
    book = Book(bench.plan, options.records)
    console = Console()
    columns = (TextColumn("{task.description:28}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    pages: list[str] = []
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress, shared_motion():
        for one in listed(options.data, options.clips):
            pages += bench.measure(one, book, progress)
            progress.console.print(f"{one.path.stem}: done")
    if options.crops_only:
        return 0
    figures = book.figures(pages)
    lines = judge(figures)
    tables = [*sheets(figures), acceptance_sheet(lines)]
    for table in tables:
        console.print(table.on_screen())
    write_results(options, figures, f"Measured: {bench.plan}.", tables)
    return int(options.check and any(line.passed is False for line in lines))


def write_results(options: argparse.Namespace, figures: Figures, how: str, tables: Sequence[Sheet]) -> None:
    """Plots and Markdown, as far as they are wanted."""
    plots = {}
    if options.plots is not None:
        plots = {"quality_distance.png": distance_plot(figures)}
        plots["quality_steady.png"] = steady_plot(figures, options.reductions[0])
        for name, picture in plots.items():
            save(picture, options.plots / name)
    if options.markdown is not None:
        folder = os.path.relpath(options.plots or ".", options.markdown.parent)
        shown = [f"![{PLOTS[name]}]({Path(folder, name).as_posix()})\n\n*{PLOTS[name]}*\n" for name in plots]
        text = "\n".join([f"{how}\n", *(table.markdown() for table in tables), *shown])
        write_markdown(options.markdown, TOOL, text)


if __name__ == "__main__":
    like_the_backend()
    sys.exit(main(sys.argv[1:]))
