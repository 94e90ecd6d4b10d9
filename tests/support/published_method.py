"""The published algorithm, written down plainly from its formulas: what the engine's pass is compared with.

It shares nothing with the engine but the networks themselves: its own schedule, rotary positions, slots and mix.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch

STEP = 399


def load(folder: Path) -> tuple[Any, Any, torch.Tensor]:
    """Transformer, autoencoder and prompt by the library's own loader."""
    from diffusers import AutoencoderKLCogVideoX, CogVideoXTransformer3DModel
    from safetensors.torch import load_file

    transformer = CogVideoXTransformer3DModel.from_pretrained(folder / "transformer", low_cpu_mem_usage=False)
    vae = AutoencoderKLCogVideoX.from_pretrained(folder / "vae", low_cpu_mem_usage=False)
    prompt = load_file(folder / "prompt_embedding.safetensors")["prompt_embedding"]
    return transformer.eval(), vae.eval(), prompt


def alpha_bar(folder: Path) -> float:
    """Product of 1 − β up to the step, with the square roots shifted and stretched so that the last one is 0."""
    config = json.loads((folder / "scheduler" / "scheduler_config.json").read_text())
    low, high = config["beta_start"] ** 0.5, config["beta_end"] ** 0.5
    roots, product = [], 1.0
    for index in range(1000):
        product *= 1.0 - (low + (high - low) * index / 999) ** 2
        roots.append(math.sqrt(product))
    return ((roots[STEP] - roots[-1]) * roots[0] / (roots[0] - roots[-1])) ** 2


def rotary(head: int, frames: int, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A quarter of the channels turns by time, three eighths by row, three eighths by column."""
    share = {"t": head // 4, "h": head // 8 * 3, "w": head // 8 * 3}
    cosine = torch.zeros(frames, height, width, head)
    sine = torch.zeros_like(cosine)
    places = torch.meshgrid(torch.arange(frames), torch.arange(height), torch.arange(width), indexing="ij")
    start = 0
    for place, channels in zip(places, share.values(), strict=True):
        for pair in range(channels // 2):
            angle = place.float() / 10000.0 ** (2 * pair / channels)
            for channel in (start + 2 * pair, start + 2 * pair + 1):
                cosine[..., channel] = angle.cos()
                sine[..., channel] = angle.sin()
        start += channels
    return cosine.reshape(-1, head), sine.reshape(-1, head)


def run(
    folder: Path, video: torch.Tensor, references: dict[int, torch.Tensor], guidance: float
) -> dict[str, torch.Tensor]:
    """``video`` [F, 3, H, W] in 0..1, already enlarged and padded; ``references``: pictures [3, H, W] by frame."""
    transformer, vae, prompt = load(folder)
    source = vae.encode((video * 2 - 1).permute(1, 0, 2, 3)[None]).latent_dist.mode()[0] * 0.7
    slots = torch.zeros_like(source)
    for frame, picture in references.items():
        four = (picture * 2 - 1)[None, :, None].repeat(1, 1, 4, 1, 1)
        slots[:, frame // 4] = vae.encode(four).latent_dist.mode()[0, :, 0] * 0.7
    keyed = _x0(folder, transformer, prompt, source, slots)
    blind = _x0(folder, transformer, prompt, source, torch.zeros_like(slots))
    mixed = blind + guidance * (keyed - blind)
    decoded = vae.decode(mixed[None] / 0.7).sample[0].permute(1, 0, 2, 3) * 0.5 + 0.5
    return {"source": source, "slots": slots, "blind": blind, "keyed": keyed, "decoded": decoded}


def _x0(
    folder: Path, transformer: Any, prompt: torch.Tensor, source: torch.Tensor, slots: torch.Tensor
) -> torch.Tensor:
    both = torch.cat([source, slots]).permute(1, 0, 2, 3)[None]  # [1, F, 32, h, w]
    copies = both.shape[1] % 2
    if copies:
        both = torch.cat([both[:, :1], both], dim=1)
    head = transformer.config.attention_head_dim
    turns = rotary(head, both.shape[1] // 2, both.shape[3] // 2, both.shape[4] // 2)
    velocity = transformer(
        hidden_states=both,
        encoder_hidden_states=prompt,
        timestep=torch.tensor([STEP]),
        ofs=torch.tensor([2.0]),
        image_rotary_emb=turns,
    ).sample[0, copies:]
    alpha = alpha_bar(folder)
    return math.sqrt(alpha) * source - math.sqrt(1 - alpha) * velocity.permute(1, 0, 2, 3)
