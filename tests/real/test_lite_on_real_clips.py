"""The lite engine on crops of real clips: keyframes help on every one, wrong ones cost nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch

from sparkvsr.engine import EngineSettings, Keyframe, Mix, Watch, WindowFrame
from sparkvsr.lite import create_lite_engine
from sparkvsr.metrics import psnr_y
from sparkvsr.resample import resize

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

KEYFRAMES = (0, 20)
JUDGED = (4, 10, 17)
HEIGHT, WIDTH = 256, 384
SCALE = 4


def read_crops(path: Path) -> dict[int, torch.Tensor]:
    """The middle of the frames that are needed, [3, 256, 384] in 0..1."""
    crops: dict[int, torch.Tensor] = {}
    with av.open(str(path)) as container:
        for t, frame in enumerate(container.decode(video=0)):
            if t in KEYFRAMES or t in JUDGED:
                pixels = frame.to_ndarray(format="rgb24")
                top, left = (pixels.shape[0] - HEIGHT) // 2, (pixels.shape[1] - WIDTH) // 2
                crop = np.ascontiguousarray(pixels[top : top + HEIGHT, left : left + WIDTH])
                crops[t] = torch.from_numpy(crop).permute(2, 0, 1).float() / 255
            if t >= max(KEYFRAMES):
                break
    return crops


def low(picture: torch.Tensor) -> torch.Tensor:
    """Antialiased bicubic, in 8 bits as a decoder gives it."""
    small = resize(picture, (HEIGHT // SCALE, WIDTH // SCALE), "bicubic")
    return small.clamp(0, 1).mul(255).round().div(255)


@dataclass(frozen=True)
class Gains:
    """dB of keyed over each of them, per judged frame."""

    blind: list[float]
    lanczos: list[float]


def gains(truth: dict[int, torch.Tensor], pictures: dict[int, torch.Tensor]) -> Gains:
    """What ``pictures`` as keyframes give."""
    engine, settings, watch = create_lite_engine(torch.device("cpu")), EngineSettings(scale=SCALE), Watch()
    known: dict[int, Any] = {
        t: engine.encode_keyframe(picture, low(truth[t]), settings, watch) for t, picture in pictures.items()
    }
    result = Gains([], [])
    for t in JUDGED:
        latents = engine.encode_source([WindowFrame(0, low(truth[t]))], settings, watch)
        used = [Keyframe(k - t, latents_of) for k, latents_of in known.items()]
        decoded = engine.decode(next(iter(engine.propagate(latents, used, settings, watch))), Mix(), watch)
        keyed = psnr_y(decoded.frame, truth[t])
        result.blind.append(keyed - psnr_y(decoded.blind, truth[t]))
        result.lanczos.append(keyed - psnr_y(resize(low(truth[t]), (HEIGHT, WIDTH), "lanczos3"), truth[t]))
    return result


@pytest.fixture(scope="module")
def clips(shared_data: Path) -> dict[str, dict[int, torch.Tensor]]:
    names = (shared_data / "val.txt").read_text().split()
    return {name: read_crops(shared_data / name) for name in names}


def test_true_keyframes_help_on_every_clip(clips: dict[str, dict[int, torch.Tensor]]) -> None:
    found = {name: gains(truth, {k: truth[k] for k in KEYFRAMES}) for name, truth in clips.items()}
    over_blind = {name: float(np.mean(one.blind)) for name, one in found.items()}
    assert min(over_blind.values()) > 0.0, over_blind
    over_lanczos = {name: float(np.mean(one.lanczos)) for name, one in found.items()}
    assert np.mean(list(over_lanczos.values())) >= 3.5, over_lanczos


@pytest.mark.parametrize("kind", ["mirrored", "foreign", "over-bright"])
def test_wrong_keyframes_cost_next_to_nothing(clips: dict[str, dict[int, torch.Tensor]], kind: str) -> None:
    names = list(clips)
    for name, other in zip(names, names[1:] + names[:1], strict=True):
        truth = clips[name]
        spoilt = {
            "mirrored": lambda k, truth=truth: truth[k].flip(2),
            "foreign": lambda k, other=other: clips[other][k],
            "over-bright": lambda k, truth=truth: truth[k] * 1.3,
        }[kind]
        assert min(gains(truth, {k: spoilt(k) for k in KEYFRAMES}).blind) >= -0.05, name
