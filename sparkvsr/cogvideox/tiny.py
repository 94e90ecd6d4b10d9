"""A checkpoint of the published layout with random tensors, small enough for tests on a processor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import torch

from sparkvsr.cogvideox.layout import (
    CONFIG,
    PROMPT_FILE,
    PROMPT_KEY,
    SCHEDULER_CONFIG,
    TRANSFORMER_CONFIG,
    VAE_CONFIG,
)
from sparkvsr.cogvideox.models import network_kinds

TINY_TRANSFORMER: Final[dict[str, Any]] = {
    **TRANSFORMER_CONFIG,
    "num_attention_heads": 2,
    "attention_head_dim": 16,
    "num_layers": 2,
    "time_embed_dim": 16,
    "ofs_embed_dim": 16,
    "text_embed_dim": 24,
    "max_text_seq_length": 6,
}
TINY_VAE: Final[dict[str, Any]] = {
    **VAE_CONFIG,
    "block_out_channels": [8, 8, 8, 8],
    "layers_per_block": 1,
    "norm_num_groups": 2,
}
_SHARDS = 2


def make_tiny(folder: Path, seed: int = 0, dtype: torch.dtype = torch.float32) -> Path:
    """Write the checkpoint (about 3 MB) into ``folder``: equal bytes for an equal seed. The transformer is sharded.

    Raises FileExistsError when the folder holds something.
    """
    if folder.is_dir() and any(folder.iterdir()):
        raise FileExistsError(f"expected an empty folder, found files in {folder}")
    random = torch.Generator().manual_seed(seed)
    transformer_kind, vae_kind = network_kinds()
    transformer = transformer_kind(**TINY_TRANSFORMER)
    vae = vae_kind(
        **TINY_VAE,
        down_block_types=("CogVideoXDownBlock3D",) * 4,
        up_block_types=("CogVideoXUpBlock3D",) * 4,
    )
    _write_shards(folder / "transformer", _random_state(transformer, random, dtype), TINY_TRANSFORMER)
    _write_single(folder / "vae", _random_state(vae, random, dtype), TINY_VAE)
    _write_json(folder / "scheduler" / "scheduler_config.json", SCHEDULER_CONFIG)
    shape = (1, TINY_TRANSFORMER["max_text_seq_length"], TINY_TRANSFORMER["text_embed_dim"])
    _save({PROMPT_KEY: torch.randn(shape, generator=random).to(dtype)}, folder / PROMPT_FILE)
    return folder


def _random_state(module: torch.nn.Module, random: torch.Generator, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """Matrices of gain 1, offsets near 0, norms near 1: signals stay of order 1 through any depth."""
    state = {}
    for name, tensor in module.state_dict().items():
        noise = torch.randn(tensor.shape, generator=random)
        if tensor.dim() > 1:
            noise /= tensor[0].numel() ** 0.5
        else:
            noise = 0.1 * noise + float("norm" in name and name.endswith("weight"))
        state[name] = noise.to(dtype)
    return state


def _write_shards(folder: Path, state: dict[str, torch.Tensor], config: dict[str, Any]) -> None:
    names = list(state)
    files = [f"diffusion_pytorch_model-{n + 1:05d}-of-{_SHARDS:05d}.safetensors" for n in range(_SHARDS)]
    placed = {name: files[index * _SHARDS // len(names)] for index, name in enumerate(names)}
    for file in files:
        _save({name: state[name] for name in names if placed[name] == file}, folder / file)
    total = sum(tensor.numel() * tensor.element_size() for tensor in state.values())
    index = {"metadata": {"total_size": total}, "weight_map": placed}
    _write_json(folder / "diffusion_pytorch_model.safetensors.index.json", index)
    _write_json(folder / CONFIG, config)


def _write_single(folder: Path, state: dict[str, torch.Tensor], config: dict[str, Any]) -> None:
    _save(state, folder / "diffusion_pytorch_model.safetensors")
    _write_json(folder / CONFIG, config)


def _save(tensors: dict[str, torch.Tensor], path: Path) -> None:
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, metadata={"format": "pt"})


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
