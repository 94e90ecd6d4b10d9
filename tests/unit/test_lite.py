"""The lite engine: what keyframes give, what wrong ones must not do, and its promises of purity."""

import itertools
import threading
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from support import pictures

from sparkvsr.engine import (
    CancelledError,
    Decoded,
    EngineError,
    EngineSettings,
    Keyframe,
    Mix,
    Propagation,
    UnsupportedSettingError,
    Watch,
    WindowFrame,
    default_registry,
)
from sparkvsr.lite import create_lite_engine
from sparkvsr.lite.engine import AGREEMENT_NOTICE, LiteEngine, PictureSizeError
from sparkvsr.lite.parts import handmade_parts
from sparkvsr.metrics import psnr_y
from sparkvsr.resample import Kernel, resize

WATCH = Watch()


@pytest.fixture(scope="module", params=["trained", "handmade"])
def engine(request: pytest.FixtureRequest) -> LiteEngine:
    """What ships, and the baseline: both keep every promise."""
    cpu = torch.device("cpu")
    return create_lite_engine(cpu) if request.param == "trained" else LiteEngine(cpu, handmade_parts())


@pytest.fixture(scope="module")
def clip() -> pictures.Pictures:
    return pictures.clip()


def propagate(
    engine: LiteEngine,
    source: torch.Tensor,
    keyframes: Sequence[tuple[int, torch.Tensor, torch.Tensor | None]],
    scale: int = 4,
) -> Propagation:
    """The propagation to ``source`` from keyframes (offset, picture, source frame)."""
    settings = EngineSettings(scale)
    latents = engine.encode_source([WindowFrame(0, source)], settings, WATCH)
    used = [Keyframe(o, engine.encode_keyframe(p, s, settings, WATCH)) for o, p, s in keyframes]
    (propagation,) = engine.propagate(latents, used, settings, WATCH)
    return propagation


def render(engine: LiteEngine, source: torch.Tensor, *keyframes: Any, mix: Mix = Mix(), scale: int = 4) -> Decoded:  # noqa: B008
    return engine.decode(propagate(engine, source, keyframes, scale), mix, WATCH)


def true_keyframe(clip: pictures.Pictures, k: int, t: int) -> tuple[int, torch.Tensor, torch.Tensor]:
    return k - t, clip.truth[k], clip.source[k]


def test_the_registry_offers_it() -> None:
    engine = default_registry().create("lite", torch.device("cpu"))
    assert engine.info.name == "lite"
    assert engine.info.scales == (1, 2, 3, 4)
    assert engine.info.identity


def test_without_keyframes_the_result_is_blind(engine: LiteEngine, clip: pictures.Pictures) -> None:
    decoded = render(engine, clip.source[2])
    assert torch.equal(decoded.frame, decoded.blind)
    interpolated = resize(clip.source[2], (144, 192), "bicubic")
    assert psnr_y(decoded.blind, clip.truth[2]) > psnr_y(interpolated, clip.truth[2])
    assert decoded.influence.shape == (0, 144, 192)
    assert float(decoded.confidence.max()) == 0.0


@pytest.mark.parametrize("kernel", ["bicubic", "area", "gaussian"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_keyframes_give_detail_whatever_reduced_the_source(engine: LiteEngine, scale: int, kernel: Kernel) -> None:
    clip = pictures.clip(4, scale, kernel=kernel)
    decoded = render(engine, clip.source[1], true_keyframe(clip, 0, 1), true_keyframe(clip, 3, 1), scale=scale)
    gain = psnr_y(decoded.frame, clip.truth[1]) - psnr_y(decoded.blind, clip.truth[1])
    assert gain > (3.0 if scale > 2 else 1.5)


def test_two_keyframes_are_no_worse_than_the_better_one(engine: LiteEngine, clip: pictures.Pictures) -> None:
    near, far = true_keyframe(clip, 1, 2), true_keyframe(clip, 5, 2)
    alone, both = (render(engine, clip.source[2], *used) for used in ([near], [near, far]))
    assert psnr_y(both.frame, clip.truth[2]) > psnr_y(alone.frame, clip.truth[2]) - 0.1
    torch.testing.assert_close(both.influence.sum(0, keepdim=True), both.confidence)
    assert float(both.influence[0].mean()) > float(both.influence[1].mean())


WRONG = {
    "mirrored": lambda clip: clip.truth[0].flip(2),
    "upside down": lambda clip: clip.truth[0].flip(1),
    "foreign": lambda clip: (
        torch.rand(3, 36, 48, generator=torch.Generator().manual_seed(9))
        .repeat_interleave(4, 1)
        .repeat_interleave(4, 2)
    ),
    "over-bright": lambda clip: clip.truth[0] * 1.3,
    "over-bright, clipped": lambda clip: (clip.truth[0] * 1.3).clamp(0, 1),
    "black": lambda clip: torch.zeros_like(clip.truth[0]),
}


@pytest.mark.parametrize("kind", list(WRONG))
def test_wrong_keyframes_cost_nothing(engine: LiteEngine, clip: pictures.Pictures, kind: str) -> None:
    decoded = render(engine, clip.source[1], (-1, WRONG[kind](clip), clip.source[0]))
    assert psnr_y(decoded.frame, clip.truth[1]) > psnr_y(decoded.blind, clip.truth[1]) - 0.05


def test_agreement_tells_a_true_keyframe_from_one_of_another_frame(engine: LiteEngine, clip: pictures.Pictures) -> None:
    settings = EngineSettings(4)
    values = [
        engine.agreement(engine.encode_keyframe(clip.truth[k], clip.source[0], settings, WATCH)) for k in (0, 1, 3)
    ]
    assert values[0] > 0.95 > AGREEMENT_NOTICE > values[1] > values[2]
    assert engine.agreement(engine.encode_keyframe(clip.truth[0], None, settings, WATCH)) == 1.0


def painted(clip: pictures.Pictures, k: int) -> torch.Tensor:
    """A keyframe that differs from its source on purpose, values outside 0..1 included."""
    picture = clip.truth[k].clone()
    picture[:, 40:100, 50:120] = torch.tensor([1.6, 0.1, -0.3]).view(3, 1, 1)
    return picture


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_at_paint_a_keyframe_s_own_frame_is_that_keyframe_exactly(engine: LiteEngine, scale: int) -> None:
    clip = pictures.clip(2, scale)
    picture = painted(clip, 0)
    decoded = render(engine, clip.source[0], (0, picture, clip.source[0]), mix=Mix(1.0, 1.0), scale=scale)
    assert torch.equal(decoded.frame, picture)
    assert torch.equal(decoded.confidence, torch.ones_like(decoded.confidence))


@pytest.mark.parametrize("blind_to_time", [False, True])
def test_when_strict_a_painted_region_is_gated_away(
    engine: LiteEngine, clip: pictures.Pictures, blind_to_time: bool
) -> None:
    picture = painted(clip, 0)
    source = None if blind_to_time else clip.source[0]
    decoded = render(engine, clip.source[0], (0, picture, source))
    inside = (slice(None), slice(60, 80), slice(70, 100))
    torch.testing.assert_close(decoded.frame[inside], decoded.blind[inside], atol=1e-3, rtol=0)
    assert psnr_y(decoded.frame[:, 104:], clip.truth[0][:, 104:]) > 40


def test_trust_lets_paint_travel(engine: LiteEngine, clip: pictures.Pictures) -> None:
    propagation = propagate(engine, clip.source[1], [(-1, painted(clip, 0), clip.source[0])])
    blind, strict, paint = (
        engine.decode(propagation, Mix(g, trust), WATCH).frame[:, 60:80, 70:100]
        for g, trust in ((0, 0), (1, 0), (1, 1))
    )
    assert float((strict - blind).abs().mean()) < 0.01
    assert float((paint[0] - blind[0]).mean()) > 0.3
    assert float((paint[2] - blind[2]).mean()) < -0.3


def test_guidance_is_linear_and_zero_is_blind(engine: LiteEngine, clip: pictures.Pictures) -> None:
    propagation = propagate(engine, clip.source[1], [true_keyframe(clip, 0, 1)])
    none, half, full, double = (engine.decode(propagation, Mix(g), WATCH).frame for g in (0.0, 0.5, 1.0, 2.0))
    assert torch.equal(none, render(engine, clip.source[1]).blind)
    torch.testing.assert_close(half, (none + full) / 2)
    torch.testing.assert_close(double, 2 * full - none, atol=1e-5, rtol=1e-5)


def test_strength_weighs_a_keyframe(engine: LiteEngine, clip: pictures.Pictures) -> None:
    settings = EngineSettings(4)
    latents = engine.encode_source([WindowFrame(0, clip.source[1])], settings, WATCH)
    known = engine.encode_keyframe(clip.truth[0], clip.source[0], settings, WATCH)
    full, half, off = (
        engine.decode(next(engine.propagate(latents, [Keyframe(-1, known, s)], settings, WATCH)), Mix(), WATCH)
        for s in (1.0, 0.5, 0.0)
    )
    torch.testing.assert_close(half.confidence, full.confidence / 2)
    assert torch.equal(off.frame, off.blind)


def test_a_host_blind_to_time_still_gets_detail(engine: LiteEngine, clip: pictures.Pictures) -> None:
    decoded = render(engine, clip.source[1], (-1, clip.truth[0], None))
    assert psnr_y(decoded.frame, clip.truth[1]) > psnr_y(decoded.blind, clip.truth[1]) + 2.0
    wrong = render(engine, clip.source[1], (-1, clip.truth[0].flip(2), None))
    assert psnr_y(wrong.frame, clip.truth[1]) > psnr_y(wrong.blind, clip.truth[1]) - 0.05


def test_highlights_and_negatives_travel_too(engine: LiteEngine, clip: pictures.Pictures) -> None:
    stretched = pictures.Pictures([3.0 * p - 0.5 for p in clip.truth], [3.0 * p - 0.5 for p in clip.source])
    decoded = render(engine, stretched.source[0], true_keyframe(stretched, 0, 0))
    assert float(decoded.frame.max()) > 1.5
    assert float(decoded.frame.min()) < -0.1
    carried = render(engine, stretched.source[1], true_keyframe(stretched, 0, 1))
    assert bool(carried.frame.isfinite().all())


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (8, 8), (3, 400), (400, 2), (33, 57)])
def test_any_size_works(engine: LiteEngine, size: tuple[int, int], scale: int) -> None:
    source = torch.rand(3, *size, generator=torch.Generator().manual_seed(3))
    picture = resize(source, (size[0] * scale, size[1] * scale), "bicubic")
    decoded = render(engine, source, (-2, picture, source), (1, picture, None), scale=scale)
    for result, channels in ((decoded.frame, 3), (decoded.blind, 3), (decoded.confidence, 1), (decoded.influence, 2)):
        assert tuple(result.shape) == (channels, size[0] * scale, size[1] * scale)
        assert bool(result.isfinite().all())
    assert 0.0 <= float(decoded.confidence.min()) <= float(decoded.confidence.max()) <= 1.0


def test_huge_values_do_not_break_the_gate(engine: LiteEngine) -> None:
    source = torch.rand(3, 24, 24, generator=torch.Generator().manual_seed(4))
    picture = resize(source, (96, 96), "bicubic")
    source[:, 5, 5] = 65504.0
    picture[:, 60, 60] = -65504.0
    decoded = render(engine, source, (-1, picture, source), mix=Mix(1.0, 1.0))
    assert bool(decoded.frame.isfinite().all())
    assert bool(decoded.confidence.isfinite().all())


def _all_bytes(engine: LiteEngine, clip: pictures.Pictures, order: Sequence[int]) -> dict[int, bytes]:
    results = {}
    for t in order:
        decoded = render(
            engine, clip.source[t], true_keyframe(clip, 0, t), true_keyframe(clip, 5, t), mix=Mix(1.1, 0.3)
        )
        results[t] = decoded.frame.numpy().tobytes() + decoded.confidence.numpy().tobytes()
    return results


def test_same_bytes_for_any_number_of_threads_and_any_order(engine: LiteEngine, clip: pictures.Pictures) -> None:
    expected = _all_bytes(engine, clip, (1, 2, 3))
    torch_threads, cv_threads = torch.get_num_threads(), cv2.getNumThreads()
    try:
        for threads, order in zip((1, 2, 4), itertools.permutations((1, 2, 3)), strict=False):
            torch.set_num_threads(threads)
            cv2.setNumThreads(threads)
            assert _all_bytes(engine, clip, order) == expected
    finally:
        torch.set_num_threads(torch_threads)
        cv2.setNumThreads(cv_threads)


def test_same_bytes_from_several_threads_at_once(engine: LiteEngine, clip: pictures.Pictures) -> None:
    expected = _all_bytes(engine, clip, (1, 2))
    found: list[dict[int, bytes]] = []
    threads = [threading.Thread(target=lambda: found.append(_all_bytes(engine, clip, (2, 1)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


def test_arguments_are_left_as_they_were(engine: LiteEngine, clip: pictures.Pictures) -> None:
    copies = [picture.clone() for picture in (*clip.truth, *clip.source)]
    propagation = propagate(engine, clip.source[1], [true_keyframe(clip, 0, 1), true_keyframe(clip, 3, 1)])
    first = engine.decode(propagation, Mix(1.0, 0.5), WATCH)
    again = engine.decode(propagation, Mix(1.0, 0.5), WATCH)
    assert torch.equal(first.frame, again.frame)
    assert all(torch.equal(a, b) for a, b in zip(copies, (*clip.truth, *clip.source), strict=True))


def test_nbytes_is_what_is_held(engine: LiteEngine, clip: pictures.Pictures) -> None:
    settings = EngineSettings(4)
    pixels, evidence = 144 * 192, 72 * 96
    source = engine.encode_source([WindowFrame(0, clip.source[0])], settings, WATCH)
    assert source.nbytes == 4 * (3 * pixels // 16 + 3 * pixels + 4 * evidence) + pixels
    keyframe = engine.encode_keyframe(clip.truth[1], clip.source[1], settings, WATCH)
    assert keyframe.nbytes == 4 * (6 * pixels + 3 * evidence + 5 * pixels // 16) + pixels
    propagation = propagate(engine, clip.source[0], [true_keyframe(clip, 1, 0)])
    refinement = 0 if propagation.data.refinement is None else 3 * pixels
    assert propagation.nbytes == 4 * (6 * pixels + 2 * evidence + 3 * pixels // 16 + refinement)


def test_settings_that_are_not_offered_are_refused(engine: LiteEngine, clip: pictures.Pictures) -> None:
    window = [WindowFrame(0, clip.source[0])]
    with pytest.raises(UnsupportedSettingError, match="found 5"):
        engine.encode_source(window, EngineSettings(5), WATCH)
    with pytest.raises(UnsupportedSettingError, match="float16"):
        engine.encode_source(window, EngineSettings(4, "float16"), WATCH)
    with pytest.raises(EngineError, match="offset 0"):
        engine.encode_source([WindowFrame(1, clip.source[0])], EngineSettings(4), WATCH)


def test_keyframes_of_another_size_are_refused(engine: LiteEngine, clip: pictures.Pictures) -> None:
    settings = EngineSettings(4)
    with pytest.raises(PictureSizeError, match=r"\(3, 144, 192\), found \(3, 140, 192\)"):
        engine.encode_keyframe(clip.truth[0][:, :140], clip.source[0], settings, WATCH)
    with pytest.raises(PictureSizeError, match="multiples of 4"):
        engine.encode_keyframe(clip.truth[0][:, :141], None, settings, WATCH)
    latents = engine.encode_source([WindowFrame(0, clip.source[0])], settings, WATCH)
    small = engine.encode_keyframe(clip.truth[0][:, :72], None, settings, WATCH)
    with pytest.raises(PictureSizeError):
        next(engine.propagate(latents, [Keyframe(1, small)], settings, WATCH))


def test_a_withdrawn_request_stops(engine: LiteEngine, clip: pictures.Pictures) -> None:
    settings = EngineSettings(4)
    latents = engine.encode_source([WindowFrame(0, clip.source[1])], settings, WATCH)
    known = engine.encode_keyframe(clip.truth[0], clip.source[0], settings, WATCH)
    withdrawn = Watch(cancelled=lambda: True)
    with pytest.raises(CancelledError):
        next(engine.propagate(latents, [Keyframe(-1, known)] * 3, settings, withdrawn))
    with pytest.raises(CancelledError):
        engine.encode_source([WindowFrame(0, clip.source[1])], settings, withdrawn)


@pytest.mark.gpu
def test_a_gpu_agrees_with_the_cpu(engine: LiteEngine, clip: pictures.Pictures) -> None:
    device = create_lite_engine(torch.device("cuda"))
    used = (true_keyframe(clip, 0, 1), true_keyframe(clip, 4, 1))
    ours, theirs = (render(one, clip.source[1], *used, mix=Mix(1.0, 0.5)) for one in (engine, device))
    assert theirs.frame.device.type == "cuda"
    assert psnr_y(theirs.frame.cpu(), ours.frame) > 50
    np.testing.assert_allclose(theirs.confidence.cpu().numpy(), ours.confidence.numpy(), atol=0.05)
