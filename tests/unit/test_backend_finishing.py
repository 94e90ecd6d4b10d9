"""Grain and sharpness through the engine loop: where they show, where not, and that they belong to the frame alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from support.engines import CopyEngine, registry_of
from support.requests import keyframe, request_for

from sparkvsr.color import Transfer
from sparkvsr.finish import add_grain, measure_grain, sharpen
from sparkvsr.frames import Frame, fingerprint
from sparkvsr.resample import resize
from sparkvsr_backend import keys
from sparkvsr_backend.cache import Budgets
from sparkvsr_backend.engine_loop import EngineLoop
from sparkvsr_backend.errors import NeedFrames
from sparkvsr_backend.requests import RenderRequest, Target, View

HEIGHT, WIDTH = 40, 56
FINISHED = (View.RESULT, View.SPLIT)
BARE = tuple(view for view in View if view not in FINISHED)


def grainy(seed: int = 0, components: int = 3) -> Frame:
    """A smooth picture with noise of σ 8/255."""
    generator = torch.Generator().manual_seed(seed)
    smooth = resize(torch.rand(3, 4, 5, generator=torch.Generator().manual_seed(99)), (HEIGHT, WIDTH), "bicubic")
    picture = (0.3 + 0.4 * smooth + torch.randn(3, HEIGHT, WIDTH, generator=generator) * 8 / 255).permute(1, 2, 0)
    if components == 4:
        alpha = torch.linspace(0.1, 1.0, WIDTH).expand(HEIGHT, WIDTH).unsqueeze(2)
        picture = torch.cat([picture, alpha], dim=2)
    return Frame.from_numpy(np.ascontiguousarray(picture.numpy()))


def loop_of(*frames: Frame) -> EngineLoop:
    loop = EngineLoop(registry_of(CopyEngine()), budgets=Budgets.share_out(64 << 20))
    for one in frames:
        loop.frames.put(fingerprint(one), one)
    return loop


def pixels(loop: EngineLoop, request: RenderRequest) -> torch.Tensor:
    return loop.render(request).frame.pixels.clone()


def test_without_amounts_the_engines_own_samples_come() -> None:
    source = grainy()
    assert torch.equal(pixels(loop_of(source), request_for(source, grain=0.0, sharpness=0.0)), source.pixels)


def test_the_result_is_what_the_library_makes_sharpness_first() -> None:
    source = grainy()
    found = pixels(loop_of(source), request_for(source, scale=2, grain=0.75, sharpness=0.5))
    colour = source.pixels.permute(2, 0, 1)
    engines = colour.repeat_interleave(2, 1).repeat_interleave(2, 2)
    expected = add_grain(sharpen(engines, 0.5, 2), measure_grain(colour), 0.75, 2, fingerprint(source))
    assert torch.equal(found.permute(2, 0, 1), expected)


@pytest.mark.parametrize("setting", ["grain", "sharpness"])
@pytest.mark.parametrize("view", list(View))
def test_only_the_finished_result_shows_it(setting: str, view: View) -> None:
    source, hero = grainy(), grainy(5)

    def shown(amount: float) -> torch.Tensor:
        request = request_for(source, view=view, keyframes=(keyframe(3, hero, source),), **{setting: amount})
        return pixels(loop_of(source, hero), request)

    assert torch.equal(shown(0.0), shown(1.0)) == (view not in FINISHED)


@pytest.mark.parametrize("setting", ["grain", "sharpness"])
def test_the_keys_know_where_it_shows(setting: str) -> None:
    def key(view: View, amount: float) -> bytes:
        return keys.result_key("e-1", request_for(grainy(), view=view, **{setting: amount}), [])

    assert all(key(view, 0.0) != key(view, 1.0) for view in FINISHED)
    assert all(key(view, 0.0) == key(view, 1.0) for view in BARE)


@pytest.mark.parametrize("setting", ["grain", "sharpness"])
def test_moving_it_computes_nothing_before_the_mix(setting: str) -> None:
    source = grainy()
    engine = CopyEngine(takes_views=False)
    loop = EngineLoop(registry_of(engine), budgets=Budgets.share_out(64 << 20))
    loop.frames.put(fingerprint(source), source)
    for amount in (0.0, 0.5, 1.0):
        loop.render(request_for(source, **{setting: amount}))
    assert engine.calls["encode_source"] == engine.calls["propagate"] == 1
    assert engine.calls["decode"] == 3


def test_a_split_view_leaves_its_source_alone() -> None:
    source = grainy()
    loop = loop_of(source)
    bare, finished = (
        pixels(loop, request_for(source, view=View.SPLIT, grain=one, sharpness=one)) for one in (0.0, 1.0)
    )
    assert torch.equal(bare[:, : WIDTH // 2], finished[:, : WIDTH // 2])
    assert not torch.equal(bare[:, WIDTH // 2 :], finished[:, WIDTH // 2 :])


def test_alpha_is_left_alone_and_not_guided_by_grain() -> None:
    source = grainy(components=4)
    bare, finished = (pixels(loop_of(source), request_for(source, scale=2, grain=one)) for one in (0.0, 1.0))
    assert torch.equal(bare[..., 3], finished[..., 3])
    assert not torch.equal(bare[..., :3], finished[..., :3])


def test_the_same_frame_has_the_same_grain_whenever_and_in_whatever_order() -> None:
    frames = [grainy(seed) for seed in range(3)]

    def rendered(order: list[int], time: int) -> dict[int, torch.Tensor]:
        loop = loop_of(*frames)
        return {one: pixels(loop, request_for(frames[one], time=time + one, grain=1.0)) for one in order}

    forwards, backwards = rendered([0, 1, 2], 0), rendered([2, 0, 1], 40)
    for one in range(3):
        assert torch.equal(forwards[one], backwards[one])


def test_another_frame_has_another_grain() -> None:
    """However alike the frames are: what is added to two of them is not."""
    first = grainy()
    second = Frame.from_numpy(np.ascontiguousarray(np.nextafter(first.pixels.numpy(), np.float32(2.0))))
    loop = loop_of(first, second)
    added = [pixels(loop, request_for(one, grain=1.0)) - one.pixels for one in (first, second)]
    assert abs(np.corrcoef(added[0].flatten().numpy(), added[1].flatten().numpy())[0, 1]) < 0.1


def test_a_part_of_the_frame_has_the_grain_of_the_whole() -> None:
    source = grainy()
    whole = pixels(loop_of(source), request_for(source, scale=2, grain=1.0, sharpness=0.5))
    part = Target(width=2 * WIDTH, height=2 * HEIGHT, window=(10, 6, 40, 30))
    found = pixels(loop_of(source), request_for(source, scale=2, target=part, grain=1.0, sharpness=0.5))
    assert torch.equal(found, whole[6:30, 10:40])


def test_grain_is_measured_once_and_then_the_pixels_are_not_asked_for() -> None:
    source = grainy()
    engine = CopyEngine(takes_views=False)
    loop = EngineLoop(registry_of(engine), budgets=Budgets.share_out(64 << 20))
    with pytest.raises(NeedFrames):
        loop.render(request_for(source, grain=1.0))
    loop.frames.put(fingerprint(source), source)
    loop.render(request_for(source, grain=0.0))
    loop.frames.clear()
    with pytest.raises(NeedFrames):
        loop.render(request_for(source, grain=0.5))
    loop.frames.put(fingerprint(source), source)
    loop.render(request_for(source, grain=0.5))
    loop.frames.clear()
    loop.render(request_for(source, grain=1.0))
    assert loop.counters()["analysis"].entries == 1


@pytest.mark.parametrize("transfer", list(Transfer))
def test_every_curve_gives_finite_pixels_of_about_the_sources_grain(transfer: Transfer) -> None:
    source = grainy()
    made = pixels(loop_of(source), request_for(source, transfer=transfer, grain=1.0, sharpness=1.0))
    assert bool(torch.isfinite(made).all())
    assert not torch.equal(made, source.pixels)


def test_highlights_and_values_that_are_no_numbers_are_survived() -> None:
    array = grainy().pixels.numpy().copy()
    array[0, 0], array[1, 1], array[2, 2] = 1000.0, -0.5, np.nan
    source = Frame.from_numpy(array)
    settings: dict[str, Any] = {"transfer": Transfer.LINEAR, "grain": 1.0, "sharpness": 1.0}
    made = pixels(loop_of(source), request_for(source, **settings))
    assert bool(torch.isfinite(made).all())
    assert float(made[0, 0].min()) > 500.0
    assert float(made[1, 1].max()) < -0.2
