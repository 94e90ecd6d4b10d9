"""The one pass of the published method: latents and reference in, x0 out. Guidance is a mix of two such results."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import torch

from sparkvsr.cogvideox.models import STEP, Models, Tensors, network_kinds

OFFSET: Final = 2.0
"""Value of the ``ofs`` input in the published method."""


def predict_x0(models: Models, source: torch.Tensor, reference: torch.Tensor | None) -> torch.Tensor:
    """x0 [F, 16, h, w] float32 of source latents of that shape; h and w even.

    ``reference``: latents in their slots, zeros elsewhere; None: all zeros, the blind pass.
    """
    lowered = source.to(models.dtype)
    given = torch.zeros_like(lowered) if reference is None else reference.to(models.dtype)
    velocity = _velocity(models, torch.cat([lowered, given], dim=1))
    return models.keep * source.float() - models.turn * velocity.float()


def _velocity(models: Models, latents: torch.Tensor) -> torch.Tensor:
    """[F, 32, h, w] to [F, 16, h, w]. An odd number of latents is made even by the first one twice."""
    doubled = latents.shape[0] % 2
    sequence = torch.cat([latents[:doubled], latents]).unsqueeze(0)
    head = models.transformer.config.attention_head_dim
    cosine, sine = rotary(head, sequence.shape[1] // 2, latents.shape[2] // 2, latents.shape[3] // 2)
    inputs = {
        "hidden_states": sequence,
        "encoder_hidden_states": models.prompt,
        "timestep": torch.tensor([STEP], device=latents.device),
        "ofs": torch.full((1,), OFFSET, device=latents.device, dtype=latents.dtype),
        "cosine": cosine.to(latents.device),
        "sine": sine.to(latents.device),
    }

    def work(given: Tensors) -> torch.Tensor:
        return _transformed(models.transformer, **given)

    output = work(inputs) if models.run is None else models.run(work, inputs)
    return output[0, doubled:]


def _transformed(transformer: Any, cosine: torch.Tensor, sine: torch.Tensor, **given: torch.Tensor) -> torch.Tensor:
    output: torch.Tensor = transformer(**given, image_rotary_emb=(cosine, sine), return_dict=False)[0]
    return output


@lru_cache(maxsize=4)
def rotary(channels: int, frames: int, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosine and sine [frames·height·width, channels] by which positions enter; sizes in patches, counted from 0."""
    network_kinds()  # diffusers may have to be told something before any part of it is imported
    from diffusers.models.embeddings import get_3d_rotary_pos_embed

    turns: tuple[torch.Tensor, torch.Tensor] = get_3d_rotary_pos_embed(
        embed_dim=channels,
        crops_coords=None,
        grid_size=(height, width),
        temporal_size=frames,
        grid_type="slice",
        max_size=(height, width),
    )
    return turns
