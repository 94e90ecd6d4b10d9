"""Tensors from safetensors files into modules, strictly: nothing missing, nothing left over, every shape as it must."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch

from sparkvsr.cogvideox.errors import WeightsDamagedError

_NAMED = 6
# Wrappers that trainers and repackagers leave in front of every name.
_PREFIXES: Final = ("module.", "transformer.", "model.diffusion_model.", "vae.", "first_stage_model.")

Shape = tuple[int, ...]


def shapes_in(files: Sequence[Path]) -> dict[str, tuple[Path, Shape]]:
    """File and shape of every tensor, from the headers alone. Raises WeightsDamagedError, also for a name twice."""
    found: dict[str, tuple[Path, Shape]] = {}
    for path in files:
        with _opened(path) as content:
            for name in content.keys():  # noqa: SIM118 - not a mapping
                if name in found:
                    raise WeightsDamagedError(f"{path.name}: tensor {name} is in {found[name][0].name} already")
                found[name] = (path, tuple(content.get_slice(name).get_shape()))
    return found


def samples_in(files: Sequence[Path]) -> int:
    """Numbers in all tensors, from the headers alone. Raises WeightsDamagedError."""
    return sum(math.prod(shape) for path in files for _, shape in shapes_in([path]).values())


def load_into(module: torch.nn.Module, files: Sequence[Path], dtype: torch.dtype, device: torch.device) -> None:
    """Give a module built on the meta device its tensors as ``dtype`` on ``device``.

    Raises WeightsDamagedError, which names missing, unexpected and misshapen tensors.
    """
    shapes = shapes_in(files)
    prefix = _common_prefix(shapes)
    wanted = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    _require_equal(wanted, {name.removeprefix(prefix): shape for name, (_, shape) in shapes.items()}, files)
    state: dict[str, torch.Tensor] = {}
    for path in files:
        with _opened(path) as content:
            for name in content.keys():  # noqa: SIM118
                tensor = content.get_tensor(name)
                # A copy in any case: the file's tensors lie at odd addresses, where processors round otherwise.
                state[name.removeprefix(prefix)] = tensor.to(device=device, dtype=dtype, copy=True)
    module.load_state_dict(state, strict=True, assign=True)
    module.requires_grad_(False).eval()


def read_tensor(path: Path, key: str, shape: Sequence[int | None]) -> torch.Tensor:
    """One tensor; ``shape``: what it must be, None for any size. Raises WeightsDamagedError."""
    with _opened(path) as content:
        names = list(content.keys())
        if key not in names:
            raise WeightsDamagedError(f"{path}: expected a tensor {key!r}, found {_some(names)}")
        tensor: torch.Tensor = content.get_tensor(key)
    fits = tensor.dim() == len(shape) and all(w in (None, s) for w, s in zip(shape, tensor.shape, strict=True))
    if not fits:
        raise WeightsDamagedError(f"{path}: expected {key!r} of shape {list(shape)}, found {list(tensor.shape)}")
    return tensor


def _opened(path: Path) -> Any:
    from safetensors import SafetensorError, safe_open

    try:
        return safe_open(path, framework="pt", device="cpu")
    except (SafetensorError, OSError) as error:
        raise WeightsDamagedError(f"{path}: expected a safetensors file, found something else: {error}") from None


def _common_prefix(names: Iterable[str]) -> str:
    listed = list(names)
    for prefix in _PREFIXES:
        if listed and all(name.startswith(prefix) for name in listed):
            return prefix
    return ""


def _require_equal(wanted: Mapping[str, Shape], found: Mapping[str, Shape], files: Sequence[Path]) -> None:
    missing = sorted(set(wanted) - set(found))
    unexpected = sorted(set(found) - set(wanted))
    misshapen = [
        f"{name} (expected {list(wanted[name])}, found {list(found[name])})"
        for name in sorted(set(wanted) & set(found))
        if wanted[name] != found[name]
    ]
    kinds = (("missing", missing), ("unexpected", unexpected), ("of another shape", misshapen))
    told = [f"{len(names)} {kind}: {_some(names)}" for kind, names in kinds if names]
    if told:
        place = files[0].parent if len(files) > 1 else files[0]
        raise WeightsDamagedError(f"{place}: expected the tensors of the architecture, found {'; '.join(told)}")


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return f"{shown} and {len(names) - _NAMED} more" if len(names) > _NAMED else shown or "none"
