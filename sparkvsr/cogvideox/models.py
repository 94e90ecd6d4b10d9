"""The networks of a checkpoint, loaded strictly: transformer, autoencoder, prompt embedding, and the step's numbers."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, TypeAlias

import torch

from sparkvsr.cogvideox.errors import WeightsDamagedError
from sparkvsr.cogvideox.layout import PROMPT_KEY, SCHEDULER_CONFIG, TRANSFORMER_CONFIG, VAE_CONFIG, Checkpoint
from sparkvsr.cogvideox.tensors import load_into, read_tensor
from sparkvsr.engine import EngineUnavailableError

PACKAGES: Final = ("diffusers", "safetensors")
STEP: Final = 399
"""The one timestep of the published method."""


Tensors: TypeAlias = Mapping[str, torch.Tensor]
Runner: TypeAlias = Callable[[Callable[[Tensors], torch.Tensor], Tensors], torch.Tensor]


@dataclass(frozen=True, slots=True)
class Models:
    """What a pass needs. ``keep``, ``turn``: √ᾱ and √(1 − ᾱ) at the timestep.

    ``run``: does a pass that is a function of tensors by name; None: just calls it.
    """

    transformer: Any
    vae: Any
    prompt: torch.Tensor  # [1, text tokens, channels]
    keep: float
    turn: float
    dtype: torch.dtype
    device: torch.device
    run: Runner | None = None

    @property
    def scaling(self) -> float:
        """Factor from the autoencoder's latents to the transformer's."""
        return float(self.vae.config.scaling_factor)


def require_packages() -> None:
    """Raises EngineUnavailableError, which says what to install."""
    absent = [name for name in PACKAGES if find_spec(name) is None]
    if absent:
        raise EngineUnavailableError(
            f"expected the packages {', '.join(PACKAGES)}, found no {', '.join(absent)}; "
            "pip install 'sparkvsr[cogvideox]'"
        )


def network_kinds() -> tuple[Any, Any]:
    """The classes of transformer and autoencoder. Raises EngineUnavailableError when they cannot be imported."""
    require_packages()
    _pass_over_broken_torchvision()
    try:
        from diffusers import AutoencoderKLCogVideoX, CogVideoXTransformer3DModel
    except (ImportError, RuntimeError) as error:
        raise EngineUnavailableError(
            f"expected a diffusers that can be imported, found one that cannot: {error}; "
            "pip install --upgrade 'sparkvsr[cogvideox]'"
        ) from error
    return CogVideoXTransformer3DModel, AutoencoderKLCogVideoX


def _pass_over_broken_torchvision() -> None:
    """A torchvision made for another torch raises when it is imported, and diffusers imports what it finds.

    These networks have no use for it.
    """
    if find_spec("torchvision") is None or "torchvision" in sys.modules:
        return
    try:
        import_module("torchvision")
    except (ImportError, RuntimeError):
        import_module("diffusers.utils.import_utils").__dict__["_torchvision_available"] = False


def load_models(checkpoint: Checkpoint, device: torch.device, dtype: torch.dtype) -> Models:
    """Load everything onto ``device``. Raises EngineUnavailableError, WeightsDamagedError."""
    transformer_kind, vae_kind = network_kinds()
    transformer = _built(transformer_kind, _config(checkpoint.transformer_config, TRANSFORMER_CONFIG))
    _require_published_form(transformer.config)
    vae = _built(vae_kind, _vae_config(checkpoint.vae_config))
    load_into(transformer, checkpoint.transformer, dtype, device)
    load_into(vae, checkpoint.vae, dtype, device)
    prompt = read_tensor(checkpoint.prompt, PROMPT_KEY, (1, None, transformer.config.text_embed_dim))
    alpha = alpha_at(STEP, _config(checkpoint.scheduler_config, SCHEDULER_CONFIG))
    keep, turn = math.sqrt(alpha), math.sqrt(1.0 - alpha)
    # A copy in any case: see load_into.
    return Models(transformer, vae, prompt.to(device, dtype, copy=True), keep, turn, dtype, device)


def alpha_at(step: int, config: Mapping[str, Any]) -> float:
    """ᾱ of the shipped schedule: scaled-linear betas, signal-to-noise shift, then no signal at the last step."""
    if config.get("beta_schedule") != "scaled_linear":
        raise WeightsDamagedError(f"expected beta_schedule scaled_linear, found {config.get('beta_schedule')!r}")
    low, high = math.sqrt(config["beta_start"]), math.sqrt(config["beta_end"])
    betas = torch.linspace(low, high, int(config["num_train_timesteps"]), dtype=torch.float64).square()
    alphas = (1.0 - betas).cumprod(dim=0)
    shift = float(config.get("snr_shift_scale", 1.0))
    alphas = alphas / (shift + (1.0 - shift) * alphas)
    if config.get("rescale_betas_zero_snr"):
        roots = alphas.sqrt()
        alphas = ((roots - roots[-1]) * (roots[0] / (roots[0] - roots[-1]))).square()
    return float(alphas[step])


def _built(kind: Any, config: Mapping[str, Any]) -> Any:
    """A network without tensors."""
    known = {key: value for key, value in config.items() if not key.startswith("_")}
    try:
        with torch.device("meta"):
            return kind(**known)
    except (TypeError, ValueError) as error:
        raise WeightsDamagedError(
            f"expected a configuration of {kind.__name__}, found one it refuses: {error}"
        ) from None


def _vae_config(path: Path | None) -> dict[str, Any]:
    config = {key: value for key, value in _config(path, VAE_CONFIG).items() if key not in _VAE_LEFT_OUT}
    blocks = len(config["block_out_channels"])
    config["down_block_types"] = ("CogVideoXDownBlock3D",) * blocks
    config["up_block_types"] = ("CogVideoXUpBlock3D",) * blocks
    return config


_VAE_LEFT_OUT = ("down_block_types", "up_block_types")


def _config(path: Path | None, published: Mapping[str, Any]) -> dict[str, Any]:
    if path is None:
        return dict(published)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsDamagedError(f"{path}: expected a JSON map, found {error}") from None
    if not isinstance(content, dict):
        raise WeightsDamagedError(f"{path}: expected a JSON map, found {type(content).__name__}")
    return content


def _require_published_form(config: Any) -> None:
    """The arithmetic of the engine holds for this form of network only."""
    wanted = {"in_channels": 32, "out_channels": 16, "patch_size": 2, "patch_size_t": 2}
    found = {name: getattr(config, name) for name in wanted}
    if found != wanted:
        raise WeightsDamagedError(f"expected a transformer with {wanted}, found {found}")
