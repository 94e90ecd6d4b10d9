"""``sparkvsr train``: make the lite engine's weights again, or other ones from other material."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparkvsr.cli.devices import pick_device
from sparkvsr.cli.errors import SUCCESS, MissingPartError, UsageError
from sparkvsr.cli.screen import Screen

if TYPE_CHECKING:
    from sparkvsr.training.recipe import Job
    from sparkvsr.training.runner import Report

_STAGES = ("all", "blind", "pieces", "1", "2")


def configure(command: argparse.ArgumentParser) -> None:
    """Options of ``train``."""
    command.add_argument("engine", choices=["lite"], help="whose networks")
    command.add_argument("--data", type=Path, required=True, help="folder with clips, photographs and their lists")
    command.add_argument("--output", type=Path, required=True, help="folder for checkpoints and weights")
    command.add_argument("--stage", choices=_STAGES, default="all", help="one part of the recipe (default: all)")
    command.add_argument("--seed", type=int, default=0, help="of samples and first weights (default: 0)")
    command.add_argument(
        "--part", type=float, default=1.0, metavar="0..1", help="part of the recipe's steps, to try it out (default: 1)"
    )
    command.add_argument(
        "--device", choices=["auto", "cpu", "cuda"], default="auto", help="default: cuda where there is one"
    )
    command.add_argument("--tensorboard", action="store_true", help="write curves to OUTPUT/curves (extra `train`)")


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Train what was asked for; a run that was broken off goes on where it was."""
    from sparkvsr.training import material, recipe

    if not 0.0 < options.part <= 1.0:
        raise UsageError("the part of the recipe", expected="a number above 0, at most 1", found=str(options.part))
    job = recipe.Job(options.data, options.output, options.seed, pick_device(options.device), options.part)
    curves = _curves(options.output) if options.tensorboard else None
    load = cache(lambda: material.load(options.data))
    stages: dict[str, Callable[[recipe.Tell], None]] = {
        "blind": lambda tell: recipe.blind(job, load, tell),
        "pieces": lambda tell: recipe.pieces(job, load, tell),
        "1": lambda tell: recipe.stage(job, 1, tell),
        "2": lambda tell: recipe.stage(job, 2, tell),
    }
    for name, work in stages.items():
        if options.stage in ("all", name):
            _followed(name, work, screen, curves)
    screen.result(f"{_outcome(job, options.stage)}")
    return SUCCESS


def _followed(name: str, work: Callable[[Any], None], screen: Screen, curves: Any) -> None:
    title = {"blind": "blind part", "pieces": "pieces"}.get(name, f"stage {name}")
    with screen.follow(title) as bar:

        def tell(report: Report) -> None:
            bar.at(report.step, report.steps, "  ".join(_shown(report.figures)))
            if curves is not None:
                for figure, value in report.figures.items():
                    curves.add_scalar(f"{name}/{figure}", value, report.step)

        work(tell)


def _shown(figures: dict[str, float]) -> list[str]:
    return [f"{name} {value:.4g}" for name, value in figures.items() if name != "rate"]


def _outcome(job: Job, stage: str) -> str:
    last = {"blind": "blind", "1": "stage1"}.get(stage, "fusion")
    return str(job.pieces("train") if stage == "pieces" else job.weights(last))


def _curves(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MissingPartError("TensorBoard is not installed", advice="pip install 'sparkvsr[train]'") from error
    return SummaryWriter(str(folder / "curves"))
