"""One training run: schedule, running mean of the weights, checkpoints, progress. What is learned is the task."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset

from sparkvsr.training import checkpoint

_CLIP = 0.5
_MEAN_DECAY = 0.999
_SAVE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class RunPlan:
    """``rate`` rises over ``warm`` steps, stays, and falls in a straight line to 0 over the last ``fall`` of ``steps``.

    A run may so be made longer or shorter while it is on its level part, and still be what one command gives.
    """

    steps: int
    rate: float = 2e-3
    warm: int = 200
    fall: float = 0.3
    decay: float = 1e-4
    workers: int = 1

    def rate_at(self, step: int) -> float:
        """Learning rate of ``step``, counted from 0."""
        falling = max(1, round(self.steps * self.fall))
        return self.rate * min(1.0, (step + 1) / self.warm, (self.steps - step) / falling)


class Task(Protocol):
    """What a run trains."""

    @property
    def model(self) -> nn.Module:
        """The network that is trained."""

    @property
    def data(self) -> Dataset[Any]:
        """One batch a step."""

    def loss(self, batch: Any) -> tuple[torch.Tensor, dict[str, float]]:
        """The loss of a batch and figures for the log."""

    def measure(self, model: nn.Module) -> dict[str, float]:
        """Figures of merit of ``model``, by name."""


@dataclass(slots=True)
class Report:
    """Where a run is."""

    step: int
    steps: int
    seconds_a_step: float
    figures: dict[str, float]


def run(
    task: Task,
    plan: RunPlan,
    path: Path,
    report: Callable[[Report], None],
    *,
    measure_every: int = 1000,
) -> nn.Module:
    """Train ``task`` by ``plan``; returns the running mean of the weights. Goes on from ``path`` where that exists."""
    model, mean = task.model, copy.deepcopy(task.model)
    mean.requires_grad_(False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=plan.rate, betas=(0.9, 0.99), weight_decay=plan.decay)
    start = int(checkpoint.restore(path, model, mean, optimizer)["step"]) if path.exists() else 0
    saved = began = time.monotonic()
    for step, batch in enumerate(_batches(task.data, start, plan), start):
        figures = _learn(task, optimizer, batch, plan.rate_at(step))
        _follow(mean, model, step)
        now = time.monotonic()
        if (step + 1) % measure_every == 0 or step + 1 == plan.steps:
            figures |= task.measure(mean)
        if now - saved > _SAVE_SECONDS or step + 1 == plan.steps:
            checkpoint.save(path, model, mean, optimizer, {"step": step + 1, "plan": asdict(plan)})
            saved = now
        report(Report(step + 1, plan.steps, (now - began) / (step + 1 - start), figures))
    return mean


def _batches(data: Dataset[Any], start: int, plan: RunPlan) -> Iterator[Any]:
    rest = Subset(data, range(start, plan.steps))
    return iter(
        DataLoader(rest, batch_size=None, num_workers=plan.workers, prefetch_factor=4 if plan.workers else None)
    )


def _learn(task: Task, optimizer: torch.optim.Optimizer, batch: Any, rate: float) -> dict[str, float]:
    for group in optimizer.param_groups:
        group["lr"] = rate
    loss, figures = task.loss(batch)
    optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(task.model.parameters(), _CLIP)
    optimizer.step()
    return {"loss": float(loss.detach()), "rate": rate, **figures}


@torch.no_grad()
def _follow(mean: nn.Module, model: nn.Module, step: int) -> None:
    """Move the running mean; at first it forgets faster, or it would remember the untrained network."""
    decay = min(_MEAN_DECAY, (step + 1) / (step + 20))
    for kept, new in zip(mean.parameters(), model.parameters(), strict=True):
        kept.lerp_(new, 1.0 - decay)
