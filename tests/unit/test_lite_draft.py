"""A draft: quick by leaving out what takes long, of the same look, and never mistaken for what is final."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from support import pictures

from sparkvsr import motion
from sparkvsr.engine import Decoded, EngineSettings, Keyframe, Mix, UnsupportedSettingError, Watch, WindowFrame
from sparkvsr.lite import create_lite_engine
from sparkvsr.lite.engine import LiteEngine
from sparkvsr.lite.inference import Precisions
from sparkvsr.metrics import psnr_y
from sparkvsr.resample import resize

WATCH = Watch()
DRAFT = EngineSettings(quality="draft")


@pytest.fixture(scope="module")
def engine() -> LiteEngine:
    return create_lite_engine(torch.device("cpu"))


@pytest.fixture(scope="module")
def clip() -> pictures.Pictures:
    return pictures.clip()


def render(engine: LiteEngine, clip: pictures.Pictures, t: int, settings: EngineSettings) -> Decoded:
    """Frame ``t`` between keyframes at 0 and 5."""
    latents = engine.encode_source([WindowFrame(0, clip.source[t])], settings, WATCH)
    used = [Keyframe(k - t, engine.encode_keyframe(clip.truth[k], clip.source[k], settings, WATCH)) for k in (0, 5)]
    (carried,) = engine.propagate(latents, used, settings, WATCH)
    return engine.decode(carried, Mix(), WATCH)


def test_a_draft_shows_what_the_keyframes_give(engine: LiteEngine, clip: pictures.Pictures) -> None:
    draft, full = render(engine, clip, 1, DRAFT), render(engine, clip, 1, EngineSettings())
    interpolated = resize(clip.source[1], (144, 192), "bicubic")
    assert psnr_y(draft.frame, clip.truth[1]) > psnr_y(interpolated, clip.truth[1]) + 1.5
    assert psnr_y(draft.frame, full.frame) > 27.0
    assert not torch.equal(draft.frame, full.frame)


def test_a_draft_runs_no_network_and_measures_a_quarter_of_the_pixels(
    engine: LiteEngine, clip: pictures.Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Precisions, precision: str) -> Any:
        raise AssertionError("a network ran")

    seen: list[tuple[int, ...]] = []
    measure = motion.measure

    def spy(frame: motion.Gray, keyframe: motion.Gray) -> motion.Flow:
        seen.append(frame.shape)
        return measure(frame, keyframe)

    monkeypatch.setattr(Precisions, "of", refuse)
    monkeypatch.setattr(motion, "measure", spy)
    render(engine, clip, 1, DRAFT)
    assert seen == [(72, 96), (72, 96)]


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_a_draft_has_the_sizes_of_every_scale(engine: LiteEngine, scale: int) -> None:
    clip = pictures.clip(6, scale, height=36, width=48)
    made = render(engine, clip, 1, EngineSettings(scale, quality="draft"))
    assert made.frame.shape == clip.truth[1].shape
    assert made.confidence.shape[1:] == clip.truth[1].shape[1:]


def test_enlarged_motion_moves_alike() -> None:
    flow = torch.zeros(4, 6, 2).numpy()
    flow[..., 0], flow[..., 1] = 1.5, -0.5
    large = motion.enlarge(flow, (8, 12))
    assert large.shape == (8, 12, 2)
    assert (large[..., 0] == 3.0).all()
    assert (large[..., 1] == -1.0).all()
    assert motion.enlarge(flow, (4, 6)) is flow


def test_other_qualities_are_refused(engine: LiteEngine, clip: pictures.Pictures) -> None:
    assert engine.info.qualities == ("full", "draft")
    with pytest.raises(UnsupportedSettingError, match="quality"):
        engine.encode_source([WindowFrame(0, clip.source[0])], EngineSettings(quality="best"), WATCH)
