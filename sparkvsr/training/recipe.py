"""The runs that make the shipped weights, in their order: one command gives them again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import save_file
from torch import nn

from sparkvsr.arithmetic import has_bfloat16
from sparkvsr.lite.blind import TrainedBlind
from sparkvsr.lite.engine import LiteEngine
from sparkvsr.lite.inference import Precisions
from sparkvsr.lite.network import BlindNetwork
from sparkvsr.lite.parts import LiteParts
from sparkvsr.media.atomic import atomic_path
from sparkvsr.training import material, store
from sparkvsr.training.blind import BlindTask, held_out
from sparkvsr.training.fusion import FusionTask
from sparkvsr.training.runner import Report, RunPlan, Task, run

STAGES: Final = ("blind", "pieces", "1", "2")
# Steps, learning rate and the rest of each run; 8 samples a step.
PLANS: Final = {
    "blind": RunPlan(steps=10_000, rate=1.5e-3, fall=0.6),
    "1": RunPlan(steps=600, rate=1e-3, fall=0.5),
    "2": RunPlan(steps=3_500, rate=1e-3),
}
BATCH: Final = 8
PIECES: Final = {"train": 3_600, "held out": 96}
_HELD_OUT_SEED = 1_000_000


@dataclass(frozen=True, slots=True)
class Job:
    """Where to learn from, where to keep checkpoints and weights, and how much of the recipe to do.

    ``part`` of the steps and pieces: 1 is the recipe, less is for trying it out.
    """

    data: Path
    output: Path
    seed: int = 0
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    part: float = 1.0

    def plan(self, stage: str) -> RunPlan:
        """The plan of ``stage``."""
        plan = PLANS[stage]
        return replace(plan, steps=max(1, round(plan.steps * self.part)))

    def checkpoint(self, stage: str) -> Path:
        """Where a run keeps what it needs to go on."""
        return self.output / f"{stage}.checkpoint.safetensors"

    def weights(self, name: str) -> Path:
        """What the engine loads."""
        return self.output / f"{name}.safetensors"

    def pieces(self, name: str) -> Path:
        """The fusion network's material."""
        return self.output / "pieces" / name


Tell = Callable[[Report], None]


def blind(job: Job, material_of: Callable[[], material.Material], tell: Tell) -> None:
    """Train the blind part."""
    plan = job.plan("blind")
    names = (job.data / "val.txt").read_text(encoding="utf-8").split() if (job.data / "val.txt").is_file() else []
    task = BlindTask(material_of(), held_out(job.data, names), job.seed, plan.steps, BATCH, job.device)
    _export(_trained(task, plan, job.checkpoint("blind"), tell), job.weights("blind"))


def pieces(job: Job, material_of: Callable[[], material.Material], tell: Tell) -> None:
    """Make the fusion network's material with the blind part as trained."""
    from safetensors.torch import load_file

    network = BlindNetwork()
    network.load_state_dict(load_file(job.weights("blind")))
    parts = LiteParts(TrainedBlind(Precisions(network, job.device)), None, "training")
    engine = LiteEngine(job.device, parts)
    precision = "bfloat16" if has_bfloat16(job.device) else "float32"
    for name, count in PIECES.items():
        wanted = max(1, round(count * job.part))
        seed = job.seed if name == "train" else job.seed + _HELD_OUT_SEED

        def progress(done: int, total: int = wanted) -> None:
            tell(Report(min(done, total), total, 0.0, {}))

        store.build(job.pieces(name), engine, material_of(), seed, wanted, progress, precision)


def stage(job: Job, number: int, tell: Tell) -> None:
    """Train the fusion network: stage 1, or stage 2 from where stage 1 ended."""
    plan = job.plan(str(number))
    task = FusionTask(job.pieces("train"), job.pieces("held out"), job.seed, plan.steps, BATCH, number, job.device)
    if number == 2:
        from safetensors.torch import load_file

        task.model.load_state_dict(load_file(job.weights("stage1")))
    mean = _trained(task, plan, job.checkpoint(str(number)), tell)
    _export(mean, job.weights("stage1" if number == 1 else "fusion"))


def _trained(task: Task, plan: RunPlan, path: Path, tell: Tell) -> nn.Module:
    return run(task, plan, path, tell)


def _export(network: nn.Module, path: Path) -> None:
    with atomic_path(path) as part:
        save_file({name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()}, str(part))
