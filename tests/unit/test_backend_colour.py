"""Colour through the engine loop: the order of operations, HDR that survives, and values that are no numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support.engines import CopyEngine, registry_of
from support.requests import keyframe, picture, request_for

from sparkvsr.color import LARGEST, Transfer, from_working, to_working
from sparkvsr.engine import default_registry
from sparkvsr.frames import Frame, Premultiplication, fingerprint
from sparkvsr.media import read_still, write_still
from sparkvsr.resample import resize
from sparkvsr_backend.engine_loop import EngineLoop
from sparkvsr_backend.requests import Target

SCENE = hnp.arrays(np.float32, (5, 6, 3), elements=st.floats(-0.5, 1000.0, width=32))
SIZE = (32, 40)


class SeeingEngine(CopyEngine):
    """Remembers the picture that it was given."""

    seen: torch.Tensor

    def encode_source(self, window: Any, settings: Any, watch: Any) -> Any:
        self.seen = window[0].picture.clone()
        return super().encode_source(window, settings, watch)


def rendered(source: Frame, engine: str = "lite", loop: EngineLoop | None = None, **settings: Any) -> torch.Tensor:
    loop = loop or EngineLoop(default_registry() if engine == "lite" else registry_of(CopyEngine()))
    loop.frames.put(fingerprint(source), source)
    return loop.render(request_for(source, engine=engine, **settings)).frame.pixels.clone()


def close_enough(found: torch.Tensor, expected: torch.Tensor) -> bool:
    error = (found - expected).abs()
    return bool(((error <= 1e-5) | (error <= 1e-3 * expected.abs())).all())


# --- the order of operations ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("transfer", list(Transfer))
def test_the_engine_sees_straight_colour_in_the_working_space(transfer: Transfer) -> None:
    """Depth, then unpremultiplied, then the inverse curve and the shaper; alpha is never shown."""
    array = picture(dtype="float16")
    array[..., 3] = np.maximum(array[..., 3], np.float16(0.25))
    source = Frame.from_numpy(array, Premultiplication.PREMULTIPLIED)
    engine = SeeingEngine()
    rendered(source, "copy", EngineLoop(registry_of(engine)), transfer=transfer)
    planes = torch.from_numpy(array).permute(2, 0, 1).float()
    torch.testing.assert_close(engine.seen, to_working(planes[:3] / planes[3:], transfer))
    assert engine.seen.shape[0] == 3


@pytest.mark.parametrize("transfer", [Transfer.LINEAR, Transfer.LOGC3, Transfer.SRGB])
def test_results_are_resampled_in_the_hosts_curve_and_premultiplied_last(transfer: Transfer) -> None:
    array = picture(8, 12)
    source = Frame.from_numpy(array, Premultiplication.PREMULTIPLIED)
    engine = SeeingEngine()
    loop = EngineLoop(registry_of(engine))
    found = rendered(source, "copy", loop, transfer=transfer, target=Target.whole(18, 12))
    coded = resize(from_working(engine.seen, transfer).contiguous(), (12, 18), "lanczos3")
    alpha = found[..., 3:].permute(2, 0, 1)
    torch.testing.assert_close(found[..., :3].permute(2, 0, 1), coded * alpha, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("transfer", list(Transfer))
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_an_engine_that_copies_gives_every_transfer_back(transfer: Transfer, dtype: str) -> None:
    array = picture(components=3, dtype=dtype)
    source = Frame.from_numpy(array)
    found = rendered(source, "copy", transfer=transfer)
    if dtype == "uint8":
        assert torch.equal(found, source.pixels)
    else:
        assert float((found - source.pixels).abs().max()) < 1e-3


# --- HDR -----------------------------------------------------------------------------------------------------------


@given(SCENE)
def test_scene_linear_pictures_come_back_from_an_engine_that_copies(values: np.ndarray) -> None:
    source = Frame.from_numpy(values)
    assert close_enough(rendered(source, "copy", transfer=Transfer.LINEAR), source.pixels)


def test_scene_linear_exr_goes_in_and_comes_out(tmp_path: Path) -> None:
    ramp = np.geomspace(1e-4, 1000.0, 64 * 3).astype(np.float32).reshape(8, 8, 3)
    ramp[0] = np.linspace(-0.5, 0.0, 24, dtype=np.float32).reshape(8, 3)
    write_still(tmp_path / "in.exr", Frame.from_numpy(ramp, Premultiplication.OPAQUE))
    still = read_still(tmp_path / "in.exr")
    found = rendered(still.frame, "copy", transfer=still.transfer)
    write_still(tmp_path / "out.exr", Frame.from_numpy(found.numpy(), Premultiplication.OPAQUE))
    assert still.transfer is Transfer.LINEAR
    assert close_enough(read_still(tmp_path / "out.exr").frame.pixels, torch.from_numpy(ramp))


def lamps() -> np.ndarray:
    """Scene-linear: dim noise, a lamp at 1000 and a patch at −0.4, each of 12×12 pixels."""
    scene = np.random.default_rng(5).random((*SIZE, 3), dtype=np.float32) * 0.2
    scene[4:16, 4:16] = 1000.0
    scene[18:30, 24:36] = -0.4
    return scene


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_highlights_and_negatives_survive_the_real_engine(scale: int) -> None:
    found = rendered(Frame.from_numpy(lamps()), transfer=Transfer.LINEAR, scale=scale)
    lamp = found[8 * scale : 12 * scale, 8 * scale : 12 * scale]
    hollow = found[22 * scale : 26 * scale, 28 * scale : 32 * scale]
    torch.testing.assert_close(lamp, torch.full_like(lamp, 1000.0), rtol=0.05, atol=0)
    torch.testing.assert_close(hollow, torch.full_like(hollow, -0.4), rtol=0.05, atol=0)


def test_a_keyframes_highlights_reach_the_result() -> None:
    source = Frame.from_numpy(lamps())
    hr = np.repeat(np.repeat(lamps(), 2, axis=0), 2, axis=1)
    shown = Frame.from_numpy(hr)
    loop = EngineLoop(default_registry())
    loop.frames.put(fingerprint(shown), shown)
    used = (keyframe(0, shown, source),)
    found = rendered(source, loop=loop, transfer=Transfer.LINEAR, scale=2, trust=1.0, keyframes=used)
    torch.testing.assert_close(found[12:28, 12:28], torch.from_numpy(hr[12:28, 12:28]), rtol=0.05, atol=0)


# --- alpha ---------------------------------------------------------------------------------------------------------


def cut_out() -> np.ndarray:
    """Straight RGBA: a bright square before a dark ground, its matte soft by a pixel."""
    scene = np.zeros((*SIZE, 4), np.float32)
    scene[..., :3] = (0.1, 0.15, 0.2)
    scene[8:24, 10:30] = (0.9, 0.8, 0.7, 1.0)
    scene[8:24, 9], scene[8:24, 30] = (0.5, 0.475, 0.45, 0.5), (0.5, 0.475, 0.45, 0.5)
    return scene


def premultiplied(scene: np.ndarray) -> np.ndarray:
    return np.concatenate([scene[..., :3] * scene[..., 3:], scene[..., 3:]], axis=2)


def test_premultiplied_and_straight_are_two_ways_to_say_the_same() -> None:
    scene = np.clip(cut_out(), 0.01, 1.0)  # nowhere empty: what is under alpha 0 is lost in premultiplied pictures
    straight = rendered(Frame.from_numpy(scene, Premultiplication.STRAIGHT), scale=2)
    other = Frame.from_numpy(premultiplied(scene), Premultiplication.PREMULTIPLIED)
    found = rendered(other, scale=2)
    np.testing.assert_allclose(found.numpy(), premultiplied(straight.numpy()), atol=2e-5)


def test_alpha_changes_no_colour_that_the_engine_makes() -> None:
    """RGB hosts, opaque RGBA and straight RGBA get the same colour."""
    scene = cut_out()
    colours = [
        rendered(Frame.from_numpy(np.ascontiguousarray(array), kind), scale=2)[..., :3]
        for array, kind in (
            (scene[..., :3], Premultiplication.OPAQUE),
            (scene, Premultiplication.OPAQUE),
            (scene, Premultiplication.STRAIGHT),
        )
    ]
    assert torch.equal(colours[0], colours[1])
    assert torch.equal(colours[0], colours[2])


def test_a_keyframes_edge_sharpens_the_matte() -> None:
    """The keyframe knows where the edge is; alpha follows the colour there."""
    scene = cut_out()
    source = Frame.from_numpy(scene)
    hr = np.repeat(np.repeat(scene[..., :3], 2, axis=0), 2, axis=1)
    hr[16:48, 18], hr[16:48, 61] = hr[0, 0], hr[0, 0]  # of the half-covered pixels, the inner halves are solid
    hr[16:48, 19], hr[16:48, 60] = hr[30, 30], hr[30, 30]
    shown = Frame.from_numpy(np.ascontiguousarray(hr))
    loop = EngineLoop(default_registry())
    loop.frames.put(fingerprint(shown), shown)
    alphas = [
        rendered(source, loop=loop, scale=2, trust=1.0, keyframes=used)[..., 3]
        for used in ((), (keyframe(0, shown, source),))
    ]
    blind, keyed = (alpha[24:40, 18:20] for alpha in alphas)
    assert float(keyed[:, 1].mean() - keyed[:, 0].mean()) > float(blind[:, 1].mean() - blind[:, 0].mean()) + 0.2


# --- no numbers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("transfer", [Transfer.LINEAR, Transfer.SRGB, Transfer.LOGC3])
def test_what_is_no_number_does_not_spread(bad: float, transfer: Transfer) -> None:
    scene = np.abs(lamps())
    spoilt = scene.copy()
    spoilt[16, 2] = bad
    clean = rendered(Frame.from_numpy(scene), transfer=transfer, scale=2)
    found = rendered(Frame.from_numpy(spoilt), transfer=transfer, scale=2)
    assert bool(found.isfinite().all())
    assert float(found.abs().max()) <= 1.5 * LARGEST
    torch.testing.assert_close(found[:, 40:], clean[:, 40:], rtol=0.02, atol=0.02)
    assert torch.equal(found, rendered(Frame.from_numpy(spoilt), transfer=transfer, scale=2))


@pytest.mark.parametrize("premultiplication", list(Premultiplication))
def test_frames_of_nothing_but_no_numbers_are_made(premultiplication: Premultiplication) -> None:
    array = np.full((*SIZE, 4), np.nan, np.float32)
    array[::2, ::3] = np.inf
    source = Frame.from_numpy(array, premultiplication)
    for transfer in (Transfer.LINEAR, Transfer.PQ):
        assert bool(rendered(source, transfer=transfer, scale=2).isfinite().all())


def test_a_keyframe_with_holes_spoils_nothing() -> None:
    source = Frame.from_numpy(np.abs(lamps()))
    hr = np.repeat(np.repeat(np.abs(lamps()), 2, axis=0), 2, axis=1)
    hr[10, 60] = np.nan
    hr[40, 10] = np.inf
    shown = Frame.from_numpy(hr)
    loop = EngineLoop(default_registry())
    loop.frames.put(fingerprint(shown), shown)
    for time in (0, 1):
        used = (keyframe(time, shown, source),)
        found = rendered(source, loop=loop, transfer=Transfer.LINEAR, scale=2, trust=1.0, keyframes=used)
        assert bool(found.isfinite().all())
