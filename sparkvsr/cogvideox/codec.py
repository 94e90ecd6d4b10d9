"""The autoencoder: pictures to latents and back, without randomness, whole or in tiles that melt into each other."""

from __future__ import annotations

import torch

from sparkvsr.cogvideox.geometry import SPATIAL
from sparkvsr.cogvideox.models import Models
from sparkvsr.cogvideox.tiles import Tile, tiles_of
from sparkvsr.engine import Watch

_REPEATS = 4
"""A reference is encoded as so many equal frames, of which the first latent counts."""


def encode(models: Models, pictures: torch.Tensor, tile: int, overlap: int, watch: Watch) -> torch.Tensor:
    """Latents [F', 16, H/8, W/8] float32 of pictures [F, 3, H, W] in 0..1, the mode of their distribution, scaled.

    ``tile``, ``overlap``: in pixels, multiples of 16; ``tile`` 0: whole.
    """
    height, width = pictures.shape[2] // SPATIAL, pictures.shape[3] // SPATIAL
    grid = tiles_of((height, width), tile // SPATIAL, overlap // SPATIAL)
    joined = _Joined()
    for number, part in enumerate(grid):
        watch.step(number / len(grid), "encode")
        seen = pictures[:, :, part.rows(SPATIAL), part.columns(SPATIAL)]
        joined.add(_encode_whole(models, seen), part, (height, width), 1)
    return joined.result


def encode_reference(models: Models, picture: torch.Tensor, tile: int, overlap: int, watch: Watch) -> torch.Tensor:
    """The reference latent [16, H/8, W/8] of a picture [3, H, W] in 0..1."""
    return encode(models, picture.expand(_REPEATS, -1, -1, -1), tile, overlap, watch)[0]


def decode(models: Models, latents: torch.Tensor, tile: int, overlap: int, watch: Watch) -> torch.Tensor:
    """Pictures [F, 3, H, W] of x0 [F', 16, H/8, W/8], nominally 0..1, not clamped, in the network's type."""
    height, width = latents.shape[2], latents.shape[3]
    grid = tiles_of((height, width), tile // SPATIAL, overlap // SPATIAL)
    joined = _Joined()
    for number, part in enumerate(grid):
        watch.step(number / len(grid), "decode")
        seen = latents[:, :, part.rows(1), part.columns(1)]
        joined.add(_decode_whole(models, seen), part, (height * SPATIAL, width * SPATIAL), SPATIAL)
    return joined.result


def _encode_whole(models: Models, pictures: torch.Tensor) -> torch.Tensor:
    video = (pictures.to(models.device, models.dtype) * 2.0 - 1.0).transpose(0, 1).unsqueeze(0)
    latents: torch.Tensor = models.vae.encode(video).latent_dist.mode()
    return latents[0].transpose(0, 1).float() * models.scaling


def _decode_whole(models: Models, latents: torch.Tensor) -> torch.Tensor:
    video = (latents / models.scaling).to(models.device, models.dtype).transpose(0, 1).unsqueeze(0)
    pictures: torch.Tensor = models.vae.decode(video).sample
    return pictures[0].transpose(0, 1) * 0.5 + 0.5


class _Joined:
    """Adds up weighted tiles. A picture in one tile stays as it is."""

    def __init__(self) -> None:
        self._sum: torch.Tensor | None = None

    @property
    def result(self) -> torch.Tensor:
        """[F, C, H, W]."""
        if self._sum is None:
            raise RuntimeError("expected at least one tile, found none")
        return self._sum

    def add(self, part: torch.Tensor, tile: Tile, size: tuple[int, int], step: int) -> None:
        """``part`` [F, C, h, w] into a picture of ``size``; ``step``: pixels of a tile's unit."""
        if (part.shape[2], part.shape[3]) == size:
            self._sum = part
            return
        if self._sum is None:
            self._sum = part.new_zeros((part.shape[0], part.shape[1], *size))
        weight = tile.weight(step, part.device).to(part.dtype)
        self._sum[:, :, tile.rows(step), tile.columns(step)] += part * weight
