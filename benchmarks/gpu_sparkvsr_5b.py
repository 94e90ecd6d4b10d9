"""Time and memory of the 5B engine beside the reference method, with random weights of the published shapes.

    python benchmarks/gpu_sparkvsr_5b.py --sizes 1280x720 1920x1080 --budgets 12 16 24 80 --output 5b.json

Values of weights do not matter for time, so no download is needed. The reference is the published method written down
plainly: diffusers' modules as they are shipped, eager, bfloat16, SDPA, no text encoder, the autoencoder's own tiling
and slicing, one pass over all frames. Both see the same random frames in the same process, after a warm-up of each.
``--tiny --device cpu`` tries the script out where there is no GPU; its numbers mean nothing.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from sparkvsr.cogvideox.engine import CogVideoXEngine
from sparkvsr.cogvideox.layout import SCHEDULER_CONFIG, TRANSFORMER_CONFIG, VAE_CONFIG
from sparkvsr.cogvideox.models import STEP, Models, alpha_at, network_kinds
from sparkvsr.cogvideox.network import rotary
from sparkvsr.cogvideox.options import parse_options
from sparkvsr.cogvideox.planner import GB, Work, propose
from sparkvsr.cogvideox.record import Record
from sparkvsr.cogvideox.residency import Loaded, Networks, Part
from sparkvsr.cogvideox.tiny import TINY_TRANSFORMER, TINY_VAE
from sparkvsr.engine import EngineSettings, Keyframe, Mix, Watch, WindowFrame

SCALE = 4


@dataclass
class Timings:
    """Seconds by part."""

    device: torch.device
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def timed(self, name: str, work: Callable[[], Any]) -> Any:
        synchronize(self.device)
        start = time.perf_counter()
        result = work()
        synchronize(self.device)
        self.seconds[name] += time.perf_counter() - start
        return result


class RandomNetworks(Networks):
    """Networks that come from no checkpoint. What each part of them takes is timed."""

    def __init__(self, models: Models, options: Any, budget: int | None, timings: Timings) -> None:
        super().__init__(Record(Path(), {}), models.device, options, budget)
        self._only = Loaded(models)
        self._timings = timings

    def _loaded(self, dtype: torch.dtype) -> Loaded:
        return self._only

    def run(self, part: Part, shape: Work, precision: str, watch: Watch, work: Callable[[Models], Any]) -> Any:
        return self._timings.timed(part.value, lambda: Networks.run(self, part, shape, precision, watch, work))


def synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def random_models(tiny: bool, device: torch.device, dtype: torch.dtype) -> Models:
    transformer_kind, vae_kind = network_kinds()
    blocks = {"down_block_types": ("CogVideoXDownBlock3D",) * 4, "up_block_types": ("CogVideoXUpBlock3D",) * 4}
    with torch.device("meta"):
        transformer = transformer_kind(**(TINY_TRANSFORMER if tiny else TRANSFORMER_CONFIG))
        vae = vae_kind(**(TINY_VAE if tiny else VAE_CONFIG), **blocks)
    for module in (transformer, vae):
        module.to(dtype).to_empty(device=device).requires_grad_(False).eval()
        for parameter in module.parameters():
            parameter.normal_(0.0, 0.02) if parameter.dim() > 1 else parameter.fill_(0.5)
    config = transformer.config
    prompt = torch.randn((1, config.max_text_seq_length, config.text_embed_dim), device=device, dtype=dtype)
    alpha = alpha_at(STEP, SCHEDULER_CONFIG)
    return Models(transformer, vae, prompt, alpha**0.5, (1 - alpha) ** 0.5, dtype, device)


@torch.no_grad()
def reference(models: Models, frames: list[torch.Tensor], keyframe: torch.Tensor, timings: Timings) -> torch.Tensor:
    """The published method, as its script runs it: guidance 1, a reference at frame 0, sampled latents."""
    device, dtype, vae = models.device, models.dtype, models.vae
    vae.enable_slicing()
    vae.enable_tiling()
    small = torch.stack(frames).to(device)
    video = F.interpolate(small, scale_factor=SCALE, mode="bilinear", align_corners=False)
    height, width = (-(-side // 16) * 16 for side in video.shape[2:])
    video = F.pad(video, (0, width - video.shape[3], 0, height - video.shape[2]))

    def encode(pictures: torch.Tensor) -> torch.Tensor:
        seen = (pictures * 2 - 1).to(dtype).permute(1, 0, 2, 3)[None]
        return vae.encode(seen).latent_dist.sample()[0].permute(1, 0, 2, 3) * models.scaling

    def encode_all() -> tuple[torch.Tensor, torch.Tensor]:
        padded = F.pad(keyframe.to(device), (0, width - keyframe.shape[2], 0, height - keyframe.shape[1]))
        return encode(video), encode(padded.expand(4, -1, -1, -1))

    source, known = timings.timed("autoencoder", encode_all)
    slots = torch.zeros_like(source)
    slots[0] = known[0]

    def transform() -> torch.Tensor:
        both = torch.cat([source, slots], dim=1)
        copies = both.shape[0] % 2
        both = torch.cat([both[:copies], both])[None]
        turns = rotary(
            models.transformer.config.attention_head_dim, both.shape[1] // 2, both.shape[3] // 2, both.shape[4] // 2
        )
        velocity = models.transformer(
            hidden_states=both,
            encoder_hidden_states=models.prompt,
            timestep=torch.tensor([STEP], device=device),
            ofs=torch.full((1,), 2.0, device=device, dtype=dtype),
            image_rotary_emb=tuple(turn.to(device) for turn in turns),
            return_dict=False,
        )[0][0, copies:]
        return models.keep * source - models.turn * velocity

    x0 = timings.timed("transformer", transform)
    decoded = timings.timed(
        "autoencoder", lambda: vae.decode((x0 / models.scaling).permute(1, 0, 2, 3)[None].to(dtype)).sample
    )
    result = ((decoded[0].permute(1, 0, 2, 3).float() * 0.5 + 0.5).clamp(0, 1)).cpu()
    vae.disable_slicing()
    vae.use_tiling = False
    return result


def ours(
    models: Models,
    options: str,
    budget: int | None,
    frames: list[torch.Tensor],
    keyframe: torch.Tensor,
    timings: Timings,
) -> torch.Tensor:
    chosen = parse_options(options)
    engine = CogVideoXEngine(RandomNetworks(models, chosen, budget, timings), chosen)
    settings, watch = EngineSettings(scale=SCALE), Watch()
    source = engine.encode_source([WindowFrame(t, frame) for t, frame in enumerate(frames)], settings, watch)
    known = engine.encode_keyframe(keyframe, frames[0], settings, watch)
    (propagation,) = engine.propagate(source, [Keyframe(0, known)], settings, watch)
    chunk = engine.decode_chunk(propagation, Mix(), watch)
    return torch.stack([engine.frame_of(chunk, t).frame for t in range(len(frames))])


def measured(work: Callable[[Timings], Any], device: torch.device) -> dict[str, Any]:
    """Of the second of two runs."""
    for _ in range(2):
        timings = Timings(device)
        if device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(device)
        start = time.perf_counter()
        work(timings)
        synchronize(device)
        whole = time.perf_counter() - start
    peak = torch.cuda.max_memory_allocated(device) / GB if device.type == "cuda" else 0.0
    return {"seconds": round(whole, 3), "peak_gb": round(peak, 2), "split": dict(timings.seconds)}


def compared(models: Models, size: tuple[int, int], count: int, budgets: list[float]) -> dict[str, Any]:
    width, height = size
    random = torch.Generator().manual_seed(0)
    frames = list(torch.rand((count, 3, height // SCALE, width // SCALE), generator=random))
    keyframe = F.interpolate(frames[0][None], scale_factor=SCALE, mode="bilinear")[0]
    report: dict[str, Any] = {"size": f"{width}x{height}", "frames": count}
    report["reference"] = measured(lambda t: reference(models, frames, keyframe, t), models.device)
    work = Work(height, width, count)
    for name, extra in (("published", ",gate=off,color=off"), ("default", "")):
        for budget in budgets:
            proposal = propose(work, parse_options(""), models.dtype, int(budget * GB))
            options = f"dtype=bfloat16,tile={proposal.options.tile},vae={proposal.options.vae}{extra}"
            found = measured(
                lambda t, options=options, budget=budget: ours(models, options, int(budget * GB), frames, keyframe, t),
                models.device,
            )
            found["plan"] = proposal.why
            found["times_faster"] = round(report["reference"]["seconds"] / found["seconds"], 3)
            report[f"{name} {budget:g} GB"] = found
    return report


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["1280x720", "1920x1080"])
    parser.add_argument("--frames", type=int, default=33)
    parser.add_argument("--budgets", nargs="+", type=float, default=[12.0, 16.0, 24.0, 80.0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--output", type=Path)
    return parser.parse_args()


def main() -> None:
    options = parsed()
    models = random_models(options.tiny, torch.device(options.device), torch.bfloat16)
    reports = []
    for text in options.sizes:
        width, height = (int(side) for side in text.split("x"))
        reports.append(compared(models, (width, height), options.frames, options.budgets))
        print(json.dumps(reports[-1], indent=2), flush=True)
    if options.output is not None:
        options.output.write_text(json.dumps(reports, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
