"""The published layout of the checkpoint: which files there are, which the engine reads, how single files are named."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sparkvsr.cogvideox.errors import WeightsMissingError

NAME: Final = "sparkvsr-5b"
REPOSITORY: Final = "JiongzeYu/SparkVSR"

CONFIG: Final = "config.json"
# The embedding of the empty prompt; the published file bears the SHA-256 of the empty text as its name.
PROMPT_FILE: Final = "prompt_embedding.safetensors"
PUBLISHED_PROMPT_FILE: Final = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.safetensors"
PROMPT_KEY: Final = "prompt_embedding"
# What the engine reads of the repository. The text encoder (19 GB) is never among it.
WANTED: Final = (
    "transformer/config.json",
    "transformer/*.safetensors",
    "transformer/*.safetensors.index.json",
    "vae/config.json",
    "vae/*.safetensors",
    "scheduler/scheduler_config.json",
    PROMPT_FILE,
    f"*/{PUBLISHED_PROMPT_FILE}",
    PUBLISHED_PROMPT_FILE,
)

# The published architecture, for checkpoints that come as a bare file of tensors.
TRANSFORMER_CONFIG: Final[dict[str, Any]] = {
    "num_attention_heads": 48,
    "attention_head_dim": 64,
    "in_channels": 32,
    "out_channels": 16,
    "flip_sin_to_cos": True,
    "freq_shift": 0,
    "time_embed_dim": 512,
    "ofs_embed_dim": 512,
    "text_embed_dim": 4096,
    "num_layers": 42,
    "attention_bias": True,
    "sample_width": 170,
    "sample_height": 96,
    "sample_frames": 81,
    "patch_size": 2,
    "patch_size_t": 2,
    "patch_bias": False,
    "temporal_compression_ratio": 4,
    "max_text_seq_length": 226,
    "use_rotary_positional_embeddings": True,
    "use_learned_positional_embeddings": False,
}
VAE_CONFIG: Final[dict[str, Any]] = {
    "block_out_channels": [128, 256, 256, 512],
    "latent_channels": 16,
    "layers_per_block": 3,
    "norm_num_groups": 32,
    "temporal_compression_ratio": 4,
    "scaling_factor": 0.7,
    "invert_scale_latents": True,
}
SCHEDULER_CONFIG: Final[dict[str, Any]] = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "rescale_betas_zero_snr": True,
    "snr_shift_scale": 1.0,
    "prediction_type": "v_prediction",
}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where the parts of a checkpoint lie. Configurations are None where the published one is meant."""

    folder: Path
    transformer: tuple[Path, ...]
    transformer_config: Path | None
    vae: tuple[Path, ...]
    vae_config: Path | None
    scheduler_config: Path | None
    prompt: Path

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that the engine reads."""
        configs = (self.transformer_config, self.vae_config, self.scheduler_config)
        return (*self.transformer, *self.vae, self.prompt, *(path for path in configs if path is not None))


def find_checkpoint(folder: Path) -> Checkpoint:
    """The checkpoint in ``folder``. Raises WeightsMissingError, which names what is not there.

    The transformer may be sharded, one file in ``transformer/``, or one file ``transformer.safetensors`` at the root.
    """
    if not folder.is_dir():
        raise WeightsMissingError(f"expected a folder with the checkpoint, found nothing at {folder}")
    transformer = _tensors(folder, "transformer")
    vae = _tensors(folder, "vae")
    return Checkpoint(
        folder=folder,
        transformer=transformer,
        transformer_config=_present(transformer[0].parent / CONFIG if transformer[0].parent != folder else None),
        vae=vae,
        vae_config=_present(vae[0].parent / CONFIG if vae[0].parent != folder else None),
        scheduler_config=_present(folder / "scheduler" / "scheduler_config.json"),
        prompt=_prompt(folder),
    )


def _tensors(folder: Path, part: str) -> tuple[Path, ...]:
    inside = sorted((folder / part).glob("*.safetensors"))
    if inside:
        return tuple(inside)
    single = folder / f"{part}.safetensors"
    if single.is_file():
        return (single,)
    raise WeightsMissingError(f"{folder}: expected {part}/*.safetensors or {part}.safetensors, found neither")


def _prompt(folder: Path) -> Path:
    candidates = [folder / PROMPT_FILE, *sorted(folder.rglob(PUBLISHED_PROMPT_FILE))]
    for path in candidates:
        if path.is_file():
            return path
    raise WeightsMissingError(
        f"{folder}: expected the embedding of the empty prompt as {PROMPT_FILE} or {PUBLISHED_PROMPT_FILE}, found "
        "neither; `sparkvsr weights fetch sparkvsr-5b --prompt-embedding PLACE` takes it from a file or an address"
    )


def _present(path: Path | None) -> Path | None:
    return path if path is not None and path.is_file() else None
