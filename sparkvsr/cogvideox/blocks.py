"""The two networks, and the blocks that each of them consists of: where work can be stopped, moved and compiled."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

import torch

from sparkvsr.cogvideox.models import Models


class Part(Enum):
    """Which network works."""

    TRANSFORMER = "transformer"
    AUTOENCODER = "autoencoder"


def blocks_of(models: Models, part: Part) -> Iterator[torch.nn.Module]:
    """All blocks; each works for a small part of a second."""
    if part is Part.TRANSFORMER:
        yield from models.transformer.transformer_blocks
        return
    for half in (models.vae.encoder, models.vae.decoder):
        yield from (module for module in half.modules() if type(module).__name__ == "CogVideoXResnetBlock3D")
