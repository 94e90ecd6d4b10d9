"""Networks of the published shapes with random weights: values do not matter for time, and nothing is downloaded."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from sparkvsr.cogvideox import codec
from sparkvsr.cogvideox import engine as engine_module
from sparkvsr.cogvideox.layout import SCHEDULER_CONFIG, TRANSFORMER_CONFIG, VAE_CONFIG
from sparkvsr.cogvideox.models import STEP, Models, alpha_at, network_kinds
from sparkvsr.cogvideox.options import EngineOptions
from sparkvsr.cogvideox.record import Record
from sparkvsr.cogvideox.residency import Loaded, Networks
from sparkvsr.cogvideox.tiny import TINY_TRANSFORMER, TINY_VAE

# Layers and channels of a network between the tiny one and the published one, for the split on a processor.
MIDDLE_TRANSFORMER = {**TRANSFORMER_CONFIG, "num_attention_heads": 8, "num_layers": 6, "text_embed_dim": 256}
MIDDLE_VAE = {**VAE_CONFIG, "block_out_channels": [32, 64, 64, 128], "layers_per_block": 2}
SIZES = {
    "tiny": (TINY_TRANSFORMER, TINY_VAE),
    "middle": (MIDDLE_TRANSFORMER, MIDDLE_VAE),
    "published": (TRANSFORMER_CONFIG, VAE_CONFIG),
}


@dataclass
class Timings:
    """Seconds by stage; on a processor those of its cores together, which other programs do not add to."""

    device: torch.device
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def timed(self, name: str, work: Callable[[], Any]) -> Any:
        clock = time.process_time if self.device.type == "cpu" else time.perf_counter
        synchronize(self.device)
        start = clock()
        result = work()
        synchronize(self.device)
        self.seconds[name] += clock() - start
        return result

    def rounded(self) -> dict[str, float]:
        return {name: round(seconds, 3) for name, seconds in self.seconds.items()}


class RandomNetworks(Networks):
    """Networks that come from no checkpoint."""

    def __init__(self, loaded: Loaded, options: EngineOptions, budget: int | None) -> None:
        super().__init__(Record(Path(), {}), loaded.models.device, options, budget)
        self._only = loaded

    def _loaded(self, dtype: torch.dtype) -> Loaded:
        return self._only


@contextmanager
def split(timings: Timings) -> Iterator[None]:
    """The engine's encoding, passes and decoding are timed, each on its own; weights that move are not among it."""

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *arguments: timings.timed(name, lambda: function(*arguments))

    places = ((codec, "encode", "encode"), (codec, "decode", "decode"), (engine_module, "tiled_x0", "transformer"))
    known = [(module, attribute, getattr(module, attribute)) for module, attribute, _ in places]
    try:
        for module, attribute, name in places:
            setattr(module, attribute, timed(name, getattr(module, attribute)))
        yield
    finally:
        for module, attribute, function in known:
            setattr(module, attribute, function)


def synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def random_models(size: str, device: torch.device, dtype: torch.dtype, seed: int = 0) -> Models:
    """``size``: a name in SIZES. Signals stay of order 1 through any depth."""
    transformer_config, vae_config = SIZES[size]
    transformer_kind, vae_kind = network_kinds()
    blocks = {"down_block_types": ("CogVideoXDownBlock3D",) * 4, "up_block_types": ("CogVideoXUpBlock3D",) * 4}
    with torch.device("meta"):
        transformer = transformer_kind(**transformer_config)
        vae = vae_kind(**vae_config, **blocks)
    random = torch.Generator(device).manual_seed(seed)
    for module in (transformer, vae):
        module.to(dtype).to_empty(device=device).requires_grad_(False).eval()
        for name, parameter in module.named_parameters():
            _fill(parameter, name, random)
    config = transformer.config
    shape = (1, config.max_text_seq_length, config.text_embed_dim)
    prompt = torch.randn(shape, device=device, dtype=dtype, generator=random)
    alpha = alpha_at(STEP, SCHEDULER_CONFIG)
    return Models(transformer, vae, prompt, alpha**0.5, (1 - alpha) ** 0.5, dtype, device)


def _fill(parameter: torch.Tensor, name: str, random: torch.Generator) -> None:
    if parameter.dim() > 1:
        parameter.normal_(0.0, parameter[0].numel() ** -0.5, generator=random)
    else:
        parameter.fill_(float("norm" in name and name.endswith("weight")))
