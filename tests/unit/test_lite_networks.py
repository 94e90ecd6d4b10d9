"""The trained networks around their weights: seams, precision, range; an untrained fusion changes nothing."""

from __future__ import annotations

import pytest
import torch

from sparkvsr.engine import EngineSettings, Keyframe, Mix, Watch, WindowFrame
from sparkvsr.lite import inference
from sparkvsr.lite.blind import LanczosBlind, TrainedBlind
from sparkvsr.lite.engine import LiteEngine
from sparkvsr.lite.inference import Precisions, blind_detail
from sparkvsr.lite.network import BlindNetwork, FusionNetwork
from sparkvsr.lite.parts import LiteParts, handmade_parts

CPU = torch.device("cpu")
WATCH = Watch()


def picture(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def untrained(fusion: FusionNetwork | None = None) -> LiteEngine:
    torch.manual_seed(0)
    network = Precisions(fusion or FusionNetwork(), CPU)
    return LiteEngine(CPU, LiteParts(LanczosBlind(), network, "test"))


def rendered(engine: LiteEngine, scale: int, mix: Mix, size: tuple[int, int] = (22, 27)) -> torch.Tensor:
    settings = EngineSettings(scale)
    truth = picture(3, size[0] * scale, size[1] * scale)
    source = torch.nn.functional.interpolate(truth[None], size, mode="area")[0]
    latents = engine.encode_source([WindowFrame(0, source)], settings, WATCH)
    keyframes = [
        Keyframe(
            offset, engine.encode_keyframe(truth.roll(offset, dims=2), source.roll(offset, dims=2), settings, WATCH)
        )
        for offset in (-1, 1)
    ]
    (propagation,) = engine.propagate(latents, keyframes, settings, WATCH)
    return engine.decode(propagation, mix, WATCH).frame


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize("trust", [0.0, 0.7])
def test_an_untrained_fusion_is_the_handmade_engine(scale: int, trust: float) -> None:
    mix = Mix(1.0, trust)
    made = rendered(untrained(), scale, mix)
    handmade = rendered(LiteEngine(CPU, handmade_parts()), scale, mix)
    assert made.shape == handmade.shape
    # whole cells and half resolution are the only differences, at ×1 and where sides are odd
    assert (made - handmade).abs().mean() < (1e-6 if scale == 4 else 0.02)


def test_fusion_adds_nothing_where_the_gate_is_shut() -> None:
    fusion = FusionNetwork()
    with torch.no_grad():
        torch.nn.init.normal_(fusion.pixels.weight)
        torch.nn.init.normal_(fusion.pixels.bias)
    engine = untrained(fusion)
    settings = EngineSettings(4)
    source = picture(3, 24, 32)
    latents = engine.encode_source([WindowFrame(0, source)], settings, WATCH)
    foreign = engine.encode_keyframe(1.0 - picture(3, 96, 128, seed=2), picture(3, 24, 32, seed=1), settings, WATCH)
    (propagation,) = engine.propagate(latents, [Keyframe(1, foreign)], settings, WATCH)
    decoded = engine.decode(propagation, Mix(), WATCH)
    shut = decoded.confidence[0] < 1e-6
    assert shut.float().mean() > 0.5
    assert (decoded.frame - decoded.blind)[:, shut].abs().max() < 1e-4


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_strips_show_no_seam(scale: int, monkeypatch: pytest.MonkeyPatch) -> None:
    network = BlindNetwork(16, 6)
    frame = picture(3, 90, 40)
    whole = blind_detail(network, frame, scale)
    monkeypatch.setattr(inference, "_CELLS", 40 * 25)
    assert whole.shape == (3, 90 * scale, 40 * scale)
    assert torch.allclose(blind_detail(network, frame, scale), whole, atol=1e-5)


def test_fusion_in_strips_shows_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(1)
    fusion = FusionNetwork()
    with torch.no_grad():
        for layer in (fusion.pixels, fusion.latent, fusion.gate):
            torch.nn.init.normal_(layer.weight, std=0.05)
    whole = rendered(untrained(fusion), 4, Mix(), (90, 24))
    monkeypatch.setattr(inference, "_CELLS", 24 * 30)
    assert torch.allclose(rendered(untrained(fusion), 4, Mix(), (90, 24)), whole, atol=1e-4)


def test_bfloat16_is_close_to_float32() -> None:
    torch.manual_seed(0)
    blind = TrainedBlind(Precisions(BlindNetwork(), CPU))
    frame = picture(3, 40, 48)
    error = blind.upscale(frame, 4, "bfloat16") - blind.upscale(frame, 4, "float32")
    assert error.square().mean().sqrt() < 10 ** (-50 / 20)


def test_highlights_and_negatives_survive_the_network() -> None:
    blind = TrainedBlind(Precisions(BlindNetwork(), CPU))
    frame = torch.full((3, 16, 16), 3.0)
    assert (blind.upscale(frame, 4, "float32") - 3.0).abs().max() < 0.5
    assert (blind.upscale(frame.neg(), 4, "float32") + 3.0).abs().max() < 0.5


@pytest.mark.parametrize("colour", [-0.5, 0.0, 0.18, 1.0, 3.0])
@pytest.mark.parametrize("scale", [1, 4])
def test_a_flat_colour_stays_that_colour(colour: float, scale: int) -> None:
    network = BlindNetwork()
    with torch.no_grad():
        torch.nn.init.ones_(network.tails[str(scale)].bias)
    blind = TrainedBlind(Precisions(network, CPU))
    made = blind.upscale(torch.full((3, 12, 12), colour), scale, "float32")
    assert torch.allclose(made, torch.full_like(made, colour), atol=1e-6)
