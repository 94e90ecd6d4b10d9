"""The transformer's pass over a picture of any size: whole, or in tiles that melt into each other in x0."""

from __future__ import annotations

import torch

from sparkvsr.cogvideox.geometry import SPATIAL
from sparkvsr.cogvideox.models import Models
from sparkvsr.cogvideox.network import predict_x0
from sparkvsr.cogvideox.tiles import tiles_of
from sparkvsr.engine import Watch


def tiled_x0(
    models: Models, source: torch.Tensor, reference: torch.Tensor | None, tile: int, overlap: int, watch: Watch
) -> torch.Tensor:
    """x0 [F, 16, h, w] float32 on the processor, of latents of that shape. ``tile``, ``overlap``: in pixels."""
    grid = tiles_of((source.shape[2], source.shape[3]), tile // SPATIAL, overlap // SPATIAL)
    total = torch.zeros_like(source, dtype=torch.float32, device="cpu")
    for number, part in enumerate(grid):
        watch.step(number / len(grid), "transformer")
        rows, columns = part.rows(1), part.columns(1)
        given = None if reference is None else reference[:, :, rows, columns].to(models.device)
        x0 = predict_x0(models, source[:, :, rows, columns].to(models.device), given).cpu()
        total[:, :, rows, columns] += x0 if len(grid) == 1 else x0 * part.weight(1, x0.device)
    return total
