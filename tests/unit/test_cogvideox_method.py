"""The engine's pass against the published algorithm, written down independently (tests/support/published_method.py)."""

from pathlib import Path

import pytest
import torch
from support import published_method

from sparkvsr.cogvideox import codec
from sparkvsr.cogvideox.layout import SCHEDULER_CONFIG, find_checkpoint
from sparkvsr.cogvideox.models import Models, alpha_at, load_models
from sparkvsr.cogvideox.network import predict_x0
from sparkvsr.engine import Watch

TOLERANCE = 1e-5
# (frames, height, width, {frame: seed of its reference}, guidance): odd and even numbers of latents, several sizes.
CASES = [
    (9, 32, 48, {0: 1}, 1.0),
    (9, 48, 32, {0: 1, 8: 2}, 1.7),
    (5, 32, 32, {4: 3}, 0.4),
    (13, 16, 48, {4: 1, 12: 2}, 2.0),
    (1, 32, 32, {0: 5}, 1.0),
    (17, 32, 16, {}, 1.0),
]


@pytest.fixture(scope="module")
def models(tiny_checkpoint: Path) -> Models:
    return load_models(find_checkpoint(tiny_checkpoint), torch.device("cpu"), torch.float32)


def picture(seed: int, *shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("frames", "height", "width", "references", "guidance"), CASES)
@torch.no_grad()
def test_the_pass_is_the_published_one(
    models: Models,
    tiny_checkpoint: Path,
    frames: int,
    height: int,
    width: int,
    references: dict[int, int],
    guidance: float,
) -> None:
    video = picture(0, frames, 3, height, width)
    pictures = {frame: picture(seed, 3, height, width) for frame, seed in references.items()}
    wanted = published_method.run(tiny_checkpoint, video, pictures, guidance)

    watch = Watch()
    source = codec.encode(models, video, 0, 0, watch)
    slots = torch.zeros_like(source)
    for frame, reference in pictures.items():
        slots[frame // 4] = codec.encode_reference(models, reference, 0, 0, watch)
    blind = predict_x0(models, source, None)
    keyed = predict_x0(models, source, slots)
    decoded = codec.decode(models, blind + guidance * (keyed - blind), 0, 0, watch)

    for name, found in {"source": source, "slots": slots, "blind": blind, "keyed": keyed}.items():
        assert largest(found.transpose(0, 1), wanted[name]) <= TOLERANCE, name
    assert largest(decoded, wanted["decoded"]) <= TOLERANCE
    assert float(wanted["decoded"].std()) > 0.05  # the comparison means something
    if references:
        assert largest(keyed, blind) > 1e-3


def test_the_step_keeps_what_was_computed_for_the_shipped_schedule() -> None:
    alpha = alpha_at(399, SCHEDULER_CONFIG)
    assert alpha == pytest.approx(0.393544, abs=5e-7)
    assert alpha**0.5 == pytest.approx(0.627331, abs=5e-7)
    assert (1 - alpha) ** 0.5 == pytest.approx(0.778753, abs=5e-7)


def largest(first: torch.Tensor, second: torch.Tensor) -> float:
    assert first.shape == second.shape
    return float((first - second).abs().max())
