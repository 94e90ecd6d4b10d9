"""The trained weights of this package, as safetensors, and how they are read."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.resources import files
from typing import Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import nn

from sparkvsr.engine import EngineError

Part = Literal["blind", "fusion"]


class WeightsError(EngineError):
    """The weights in the package are missing, broken, or not those of this network."""


@lru_cache(maxsize=4)
def read(part: Part) -> tuple[dict[str, torch.Tensor], str]:
    """Tensors of a network by name, and the SHA-256 of their file. Raises WeightsError."""
    file = files(__name__) / f"{part}.safetensors"
    try:
        packed = file.read_bytes()
        return load(packed), hashlib.sha256(packed).hexdigest()
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"expected the weights {part}.safetensors in the package, found: {error}") from error


def load_into(network: nn.Module, part: Part) -> str:
    """Give ``network`` its trained weights; every tensor must be there and fit. Returns their SHA-256."""
    tensors, digest = read(part)
    try:
        network.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        raise WeightsError(
            f"expected the weights of {type(network).__name__} in {part}.safetensors: {error}"
        ) from error
    return digest
