"""Checkpoints of a run as safetensors: networks, their running mean, the optimizer; nothing that executes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from sparkvsr.media.atomic import atomic_path

_MOMENTS = ("exp_avg", "exp_avg_sq")


class CheckpointError(Exception):
    """A checkpoint cannot be read, or belongs to another network."""


def save(
    path: Path, model: nn.Module, mean: nn.Module, optimizer: torch.optim.Optimizer, facts: dict[str, Any]
) -> None:
    """Write all that a run needs to go on; ``facts`` (JSON) holds its step and plan. Replaces ``path`` at once."""
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    tensors |= {f"mean.{name}": tensor for name, tensor in mean.state_dict().items()}
    for name, parameter in model.named_parameters():
        state = optimizer.state.get(parameter, {})
        tensors |= {f"{moment}.{name}": state[moment] for moment in _MOMENTS if moment in state}
    packed = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with atomic_path(path) as part:
        save_file(packed, str(part), {"facts": json.dumps(facts)})


def restore(path: Path, model: nn.Module, mean: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Load a run in place and return its ``facts``. Raises CheckpointError."""
    try:
        with safe_open(str(path), framework="pt") as file:
            facts: dict[str, Any] = json.loads((file.metadata() or {}).get("facts", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (OSError, SafetensorError, ValueError) as error:
        raise CheckpointError(f"expected a checkpoint in {path}, found: {error}") from error
    try:
        model.load_state_dict(_under("model", tensors))
        mean.load_state_dict(_under("mean", tensors))
    except RuntimeError as error:
        raise CheckpointError(f"expected a checkpoint of this network in {path}, found another: {error}") from error
    for name, parameter in model.named_parameters():
        state = {moment: tensors[f"{moment}.{name}"] for moment in _MOMENTS if f"{moment}.{name}" in tensors}
        if state:
            state = {moment: tensor.to(parameter.device) for moment, tensor in state.items()}
            optimizer.state[parameter] = {"step": torch.tensor(float(facts["step"])), **state}
    return facts


def _under(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    start = prefix + "."
    return {name[len(start) :]: tensor for name, tensor in tensors.items() if name.startswith(start)}
