"""The published method as its script runs it, written down plainly: diffusers' modules as they are shipped."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from sparkvsr.cogvideox.models import STEP, Models
from sparkvsr.cogvideox.network import rotary
from sparkvsr_5b.networks import Timings


@torch.no_grad()
def reference(
    models: Models, frames: list[torch.Tensor], keyframe: torch.Tensor, scale: int, timings: Timings
) -> torch.Tensor:
    """Guidance 1, a reference at frame 0, sampled latents; eager, SDPA, its own tiling and slicing, no text encoder."""
    models.vae.enable_slicing()
    models.vae.enable_tiling()
    try:
        video = _enlarged(torch.stack(frames).to(models.device), scale)
        source, known = timings.timed(
            "encode", lambda: (_encode(models, video), _encoded_keyframe(models, keyframe, video))
        )
        x0 = timings.timed("transformer", lambda: _passed(models, source, known))
        return timings.timed("decode", lambda: _decoded(models, x0))
    finally:
        models.vae.disable_slicing()
        models.vae.disable_tiling()


def _enlarged(small: torch.Tensor, scale: int) -> torch.Tensor:
    video = F.interpolate(small, scale_factor=scale, mode="bilinear", align_corners=False)
    height, width = (-(-side // 16) * 16 for side in video.shape[2:])
    return F.pad(video, (0, width - video.shape[3], 0, height - video.shape[2]))


def _encode(models: Models, pictures: torch.Tensor) -> torch.Tensor:
    seen = (pictures * 2 - 1).to(models.dtype).permute(1, 0, 2, 3)[None]
    return models.vae.encode(seen).latent_dist.sample()[0].permute(1, 0, 2, 3) * models.scaling


def _encoded_keyframe(models: Models, keyframe: torch.Tensor, video: torch.Tensor) -> torch.Tensor:
    height, width = video.shape[2:]
    padded = F.pad(keyframe.to(models.device), (0, width - keyframe.shape[2], 0, height - keyframe.shape[1]))
    return _encode(models, padded.expand(4, -1, -1, -1))


def _passed(models: Models, source: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    slots = torch.zeros_like(source)
    slots[0] = known[0]
    both = torch.cat([source, slots], dim=1)
    copies = both.shape[0] % 2
    both = torch.cat([both[:copies], both])[None]
    head = models.transformer.config.attention_head_dim
    turns = rotary(head, both.shape[1] // 2, both.shape[3] // 2, both.shape[4] // 2)
    velocity = models.transformer(
        hidden_states=both,
        encoder_hidden_states=models.prompt,
        timestep=torch.tensor([STEP], device=models.device),
        ofs=torch.full((1,), 2.0, device=models.device, dtype=models.dtype),
        image_rotary_emb=tuple(turn.to(models.device) for turn in turns),
        return_dict=False,
    )[0][0, copies:]
    return models.keep * source - models.turn * velocity


def _decoded(models: Models, x0: torch.Tensor) -> torch.Tensor:
    video = (x0 / models.scaling).permute(1, 0, 2, 3)[None].to(models.dtype)
    pictures = models.vae.decode(video).sample[0].permute(1, 0, 2, 3)
    return (pictures.float() * 0.5 + 0.5).clamp(0, 1).cpu()
