"""The engine loop: what is computed, what is not, and that no result depends on it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.engines import CopyEngine, registry_of
from support.requests import frame, keyframe, picture, request_for

from sparkvsr import engine as science
from sparkvsr.color import Guide, Transfer, upscale_alpha
from sparkvsr.engine import CancelledError, EngineRegistry, EngineSettings, Watch
from sparkvsr.frames import Depth, Frame, Premultiplication, fingerprint
from sparkvsr.media import write_still
from sparkvsr_backend import plan
from sparkvsr_backend.buffers import Lease, OutputBuffer
from sparkvsr_backend.cache import Budgets
from sparkvsr_backend.engine_loop import EngineLoop
from sparkvsr_backend.errors import (
    BadKeyframeError,
    EngineFailedError,
    NeedFrames,
    OutOfMemoryError,
    UnknownEngineError,
    UnsupportedSettingError,
)
from sparkvsr_backend.keyframe_files import KeyframeFiles
from sparkvsr_backend.requests import Precision, RenderRequest, Target, View

PLENTY = Budgets.share_out(64 << 20)


def loop_of(engine: CopyEngine | None = None, budgets: Budgets = PLENTY) -> EngineLoop:
    return EngineLoop(registry_of(engine or CopyEngine()), budgets=budgets)


def put(loop: EngineLoop, *frames: Frame) -> None:
    for one in frames:
        loop.frames.put(fingerprint(one), one)


def pixels(loop: EngineLoop, request: RenderRequest) -> torch.Tensor:
    return loop.render(request).frame.pixels.clone()


# --- pixels through ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("takes_views", [True, False])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float16", "float32"])
@pytest.mark.parametrize("components", [3, 4])
def test_an_engine_that_copies_changes_no_sample(takes_views: bool, dtype: str, components: int) -> None:
    loop, source = loop_of(CopyEngine(takes_views=takes_views)), frame(dtype=dtype, components=components)
    put(loop, source)
    result = loop.render(request_for(source))
    assert torch.equal(result.frame.pixels, source.pixels)
    assert result.frame.format == source.format


def test_views_and_copies_give_the_same_bytes() -> None:
    """The quick way, that leaves pixels where they are, is no other way: values outside 0..1 and NaN included."""
    wild = picture(seed=3)
    wild[0, 0, :3] = (np.nan, np.inf, -np.inf)
    wild[1, 1, :3] = (7.0, -2.0, 1e6)
    for array in (picture(), wild, picture(components=3) * 3 - 1):
        source = Frame.from_numpy(array)
        results = []
        for takes_views in (True, False):
            loop = loop_of(CopyEngine(takes_views=takes_views))
            put(loop, source)
            results.append(pixels(loop, request_for(source)))
        assert torch.equal(results[0], results[1])
        assert bool(torch.isfinite(results[0]).all())


def test_scene_linear_highlights_and_negatives_come_back() -> None:
    array = picture(components=3)
    array[0, 0] = (16.0, -0.5, 900.0)
    source = Frame.from_numpy(array)
    loop = loop_of()
    put(loop, source)
    result = pixels(loop, request_for(source, transfer=Transfer.LINEAR))
    assert np.allclose(result.numpy(), array, rtol=1e-4, atol=1e-6)


def test_premultiplied_colour_is_taken_apart_and_put_together() -> None:
    array = picture()
    array[..., 3] = np.linspace(0.1, 1.0, 8, dtype=np.float32)
    array[..., :3] *= array[..., 3:]
    source = Frame.from_numpy(array, Premultiplication.PREMULTIPLIED)
    loop = loop_of()
    put(loop, source)
    assert np.allclose(pixels(loop, request_for(source)).numpy(), array, atol=1e-6)
    straight = pixels(loop, request_for(source, premultiplication=Premultiplication.STRAIGHT)).numpy()
    assert np.allclose(straight[..., :3] * straight[..., 3:], array[..., :3], atol=1e-6)


def test_alpha_is_enlarged_on_its_own() -> None:
    source = frame()
    loop = loop_of()
    put(loop, source)
    result = pixels(loop, request_for(source, scale=2))
    planes = source.pixels.permute(2, 0, 1)
    guide = Guide(planes[:3], result.permute(2, 0, 1)[:3])
    assert torch.equal(result[..., 3], upscale_alpha(planes[3:].contiguous(), (12, 16), guide)[0].clamp(0, 1))
    assert torch.equal(result[::2, ::2, :3], source.pixels[..., :3])
    plain = pixels(loop, request_for(source, scale=2, view=View.SOURCE))
    assert torch.equal(plain[..., 3], upscale_alpha(planes[3:].contiguous(), (12, 16))[0].clamp(0, 1))


def test_a_source_without_alpha_gives_an_opaque_picture() -> None:
    source = frame(components=3)
    loop = loop_of()
    put(loop, source)
    result = pixels(loop, request_for(source, components=4, premultiplication=Premultiplication.PREMULTIPLIED))
    assert torch.equal(result[..., 3], torch.ones(6, 8))
    assert torch.equal(result[..., :3], source.pixels)


def test_a_fixed_size_host_gets_its_size_and_a_window_is_cut_from_the_whole() -> None:
    source = frame()
    loop = loop_of()
    put(loop, source)
    whole = pixels(loop, request_for(source, scale=4, target=Target.whole(20, 15)))
    assert whole.shape == (15, 20, 4)
    part = pixels(loop, request_for(source, scale=4, target=Target(width=20, height=15, window=(3, 2, 11, 9))))
    assert torch.equal(part, whole[2:9, 3:11])


def test_depth_and_components_are_what_the_host_asked_for() -> None:
    source = frame()
    loop = loop_of()
    put(loop, source)
    result = pixels(loop, request_for(source, depth=Depth.BYTE, components=3))
    assert result.dtype == torch.uint8
    assert torch.equal(result, (source.pixels[..., :3] * 255).round().to(torch.uint8))


# --- what is computed ----------------------------------------------------------------------------------------------


def a_clip(count: int = 5) -> list[Frame]:
    return [frame(seed=number) for number in range(count)]


def test_scrubbing_back_computes_nothing_and_needs_no_pixels() -> None:
    engine = CopyEngine(takes_views=False)
    loop, clip = loop_of(engine), a_clip()
    put(loop, *clip)
    first = [pixels(loop, request_for(one, time=t)) for t, one in enumerate(clip)]
    calls = dict(engine.calls)
    loop.frames.clear()
    for t in (4, 2, 0, 3, 1):
        result = loop.render(request_for(clip[t], time=t, session="another", generation=7))
        assert result.cached
        assert torch.equal(result.frame.pixels, first[t])
    assert engine.calls == calls


def test_moving_guidance_computes_no_propagation() -> None:
    engine = CopyEngine(takes_views=False)
    loop, source, hero = loop_of(engine), frame(), frame(seed=9)
    put(loop, source, hero)
    use = keyframe(0, hero, source)
    results = [pixels(loop, request_for(source, guidance=g, keyframes=(use,))) for g in (0.0, 0.5, 1.0)]
    assert engine.calls == {"encode_source": 1, "encode_keyframe": 1, "propagate": 1, "decode": 3}
    assert torch.equal(results[0], source.pixels)
    assert torch.equal(results[2][..., :3], hero.pixels[..., :3])


def test_changing_one_of_several_keyframes_recomputes_only_what_uses_it() -> None:
    engine = CopyEngine(takes_views=False)
    loop, clip = loop_of(engine), a_clip(6)
    heroes = {0: frame(seed=20), 3: frame(seed=21)}
    put(loop, *clip, *heroes.values(), edited := frame(seed=30))

    def render_all() -> list[bool]:
        uses = {t: keyframe(t, hero, clip[t]) for t, hero in heroes.items()}
        reach = {0: (0,), 1: (0, 3), 2: (0, 3), 3: (3,), 4: (3,), 5: (3,)}
        requests = [request_for(clip[t], time=t, keyframes=tuple(uses[k] for k in reach[t])) for t in range(6)]
        return [loop.render(request).cached for request in requests]

    assert not any(render_all())
    assert all(render_all())
    heroes[0] = edited
    before = dict(engine.calls)
    assert render_all() == [False, False, False, True, True, True]
    assert {call: engine.calls[call] - before[call] for call in before} == {
        "encode_source": 0,
        "encode_keyframe": 1,
        "propagate": 3,
        "decode": 3,
    }


def test_the_blind_and_the_source_view_need_no_keyframe() -> None:
    engine = CopyEngine(takes_views=False)
    loop, source = loop_of(engine), frame()
    put(loop, source)
    use = keyframe(0, frame(seed=9), frame(seed=8))  # pixels that were never put
    assert torch.equal(pixels(loop, request_for(source, view=View.BLIND, keyframes=(use,))), source.pixels)
    assert torch.equal(pixels(loop, request_for(source, view=View.SOURCE, keyframes=(use,))), source.pixels)
    assert engine.calls.get("encode_keyframe") is None


def test_frames_that_the_engine_does_not_look_at_change_no_key() -> None:
    loop, source = loop_of(CopyEngine(window=1)), frame()
    near, far = frame(seed=1), frame(seed=2)
    put(loop, source, near)
    own = (0, fingerprint(source))
    loop.render(request_for(source, window=(own, (1, fingerprint(near)))))
    wide = (own, (1, fingerprint(near)), (2, fingerprint(far)))
    assert loop.render(request_for(source, window=wide)).cached
    assert not loop.render(request_for(source, window=(own,))).cached


def test_equal_requests_at_once_compute_once() -> None:
    engine = CopyEngine(takes_views=False, pause_s=0.2)
    loop, source = loop_of(engine), frame()
    put(loop, source)
    with ThreadPoolExecutor(4) as pool:
        results = [task.result(20) for task in [pool.submit(loop.render, request_for(source)) for _ in range(4)]]
    assert engine.calls["propagate"] == 1
    assert sorted(result.cached for result in results) == [False, True, True, True]
    assert all(torch.equal(result.frame.pixels, source.pixels) for result in results)


@pytest.mark.parametrize("budget", [0, 2000, 1 << 20])
@pytest.mark.parametrize("takes_views", [True, False])
def test_results_depend_neither_on_order_nor_on_what_was_kept(budget: int, takes_views: bool) -> None:
    budgets = replace(PLENTY, source_latents=budget, keyframe_latents=budget, propagations=budget, results=budget)
    clip, hero = a_clip(), frame(seed=9)
    use = keyframe(2, hero, clip[2])
    requests = [request_for(clip[t], time=t, guidance=g, keyframes=(use,)) for t in range(5) for g in (0.3, 1.0)]

    def render(order: list[int]) -> dict[int, torch.Tensor]:
        loop = loop_of(CopyEngine(takes_views=takes_views), budgets)
        put(loop, *clip, hero)
        return {index: pixels(loop, requests[index]) for index in order}

    expected = render(list(range(10)))
    for order in ([9, 0, 8, 1, 7, 2, 6, 3, 5, 4], [0, 0, 5, 5, 0, 1, 2, 3, 4, 6, 7, 8, 9]):
        found = render(order)
        assert all(torch.equal(found[index], expected[index]) for index in found)


# --- missing pixels ------------------------------------------------------------------------------------------------


def test_everything_missing_is_asked_for_at_once() -> None:
    loop = loop_of()
    source, hero, own = frame(), frame(seed=1), frame(seed=2)
    with pytest.raises(NeedFrames) as caught:
        loop.render(request_for(source, keyframes=(keyframe(3, hero, own),)))
    assert set(caught.value.fingerprints) == {fingerprint(one) for one in (source, hero, own)}
    put(loop, source)
    with pytest.raises(NeedFrames) as caught:
        loop.render(request_for(source, keyframes=(keyframe(3, hero, own),)))
    assert set(caught.value.fingerprints) == {fingerprint(hero), fingerprint(own)}


def test_cached_latents_stand_for_pixels() -> None:
    loop = loop_of(CopyEngine(takes_views=False))
    source, hero = frame(components=3), frame(seed=1, components=3)
    put(loop, source, hero)
    use = keyframe(0, hero, source)
    loop.render(request_for(source, keyframes=(use,)))
    loop.frames.clear()
    assert not loop.render(request_for(source, guidance=0.5, keyframes=(use,))).cached


def test_frames_larger_than_the_caches_are_made_all_the_same() -> None:
    loop = loop_of(CopyEngine(takes_views=False), Budgets(0, 0, 0, 0, 0))
    source, hero = frame(), frame(seed=1)
    request = request_for(source, keyframes=(keyframe(0, hero, source),))
    for _ in range(2):
        with pytest.raises(NeedFrames):
            loop.render(request)
        put(loop, source, hero)
        assert torch.equal(pixels(loop, request)[..., :3], hero.pixels[..., :3])


def test_an_evicted_frame_is_asked_for_again() -> None:
    source, other = frame(), frame(seed=1)
    loop = loop_of(budgets=replace(PLENTY, frames=source.nbytes, results=0))
    put(loop, source, other)
    for one in (source, other):
        loop.render(request_for(one))
    with pytest.raises(NeedFrames):
        loop.render(request_for(source, guidance=0.5))
    put(loop, source)
    assert torch.equal(pixels(loop, request_for(source)), source.pixels)


# --- keyframes -----------------------------------------------------------------------------------------------------


def saved(folder: Path, name: str, array: np.ndarray) -> str:
    path = folder / name
    write_still(path, Frame.from_numpy(array, Premultiplication.OPAQUE))
    return str(path)


def test_a_file_counts_by_content(tmp_path: Path) -> None:
    engine = CopyEngine(takes_views=False)
    loop, source = loop_of(engine), frame(components=3)
    put(loop, source)
    array = picture(seed=5, components=3, dtype="uint8")
    first = saved(tmp_path, "a.png", array)
    result = loop.render(request_for(source, keyframes=(keyframe(0, first),)))
    assert np.allclose(result.frame.pixels.numpy(), array / 255.0, atol=1e-6)
    second = str(tmp_path / "b.png")
    Path(second).write_bytes(Path(first).read_bytes())
    assert loop.render(request_for(source, keyframes=(keyframe(0, second),))).cached
    os.utime(first, (1, 1))
    assert loop.render(request_for(source, keyframes=(keyframe(0, first),))).cached
    saved(tmp_path, "a.png", picture(seed=6, components=3, dtype="uint8"))
    assert not loop.render(request_for(source, keyframes=(keyframe(0, first),))).cached


def test_a_file_rewritten_in_place_and_given_its_old_time_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sparkvsr_backend.keyframe_files._SETTLED_NS", 0)
    path, files = tmp_path / "key.png", KeyframeFiles()
    contents = []
    for byte in (b"a", b"b"):
        with path.open("r+b" if path.exists() else "wb") as file:
            file.write(byte * 100)
        os.utime(path, (1, 1))
        time.sleep(0.05)  # the file system's clock ticks
        contents += [files.content(str(path)), files.content(str(path))]
    assert contents[0] == contents[1] != contents[2] == contents[3]


def test_float_files_are_scene_linear(tmp_path: Path) -> None:
    loop, source = loop_of(), frame(components=3)
    put(loop, source)
    array = np.full((6, 8, 3), 0.2140, np.float32)
    path = saved(tmp_path, "a.exr", array)
    display = loop.render(request_for(source, keyframes=(keyframe(0, path),))).frame.pixels
    assert torch.allclose(display, torch.full_like(display, 0.5), atol=1e-3)
    scene = loop.render(request_for(source, transfer=Transfer.LINEAR, keyframes=(keyframe(0, path),))).frame.pixels
    assert torch.allclose(scene, torch.full_like(scene, 0.2140), atol=1e-3)


@pytest.mark.parametrize("kind", ["missing", "relative", "folder", "no picture", "pipe"])
def test_a_file_that_is_no_picture_is_named(tmp_path: Path, kind: str) -> None:
    loop, source = loop_of(), frame()
    put(loop, source)
    path = tmp_path / "k.png"
    if kind == "no picture":
        path.write_text("hello")
    if kind == "pipe":
        os.mkfifo(path)
    where = {"relative": "k.png", "folder": str(tmp_path)}.get(kind, str(path))
    with pytest.raises(BadKeyframeError):
        loop.render(request_for(source, keyframes=(keyframe(0, where),)))


def test_a_picture_of_another_size_is_resampled_and_told(tmp_path: Path) -> None:
    loop, source = loop_of(), frame(components=3)
    put(loop, source)
    path = saved(tmp_path, "a.png", np.full((12, 16, 3), 128, np.uint8))
    request = request_for(source, keyframes=(keyframe(0, path),))
    result = loop.render(request)
    assert [notice.name for notice in result.notices] == ["PictureResampled"]
    assert "16×12" in result.notices[0].text
    assert loop.render(request).notices == result.notices  # from the cache as well
    assert loop.render(replace(request, settings=replace(request.settings, guidance=0.5))).notices == result.notices


def test_what_is_told_from_the_cache_names_the_keyframe_of_this_request(tmp_path: Path) -> None:
    loop, source = loop_of(), frame(components=3)
    put(loop, source)
    path = saved(tmp_path, "a.png", np.full((12, 16, 3), 128, np.uint8))
    first, elsewhere = (
        loop.render(request_for(source, time=time, keyframes=(keyframe(time + 2, path),))) for time in (0, 500)
    )
    assert elsewhere.cached
    assert first.notices[0].text.startswith("keyframe 2:")
    assert elsewhere.notices[0].text.startswith("keyframe 502:")


def test_a_label_is_how_a_keyframe_is_called_and_nothing_else(tmp_path: Path) -> None:
    loop, source, other = loop_of(), frame(components=3), frame(12, 16)
    put(loop, source, other)
    resampled = keyframe(2, saved(tmp_path, "a.png", np.full((12, 16, 3), 128, np.uint8)))
    loop.render(request_for(source, keyframes=(resampled,)))
    told = loop.render(request_for(source, keyframes=(replace(resampled, label=-40),)))
    assert told.cached, "a label is no part of a key"
    assert told.notices[0].text.startswith("keyframe -40:")
    for bad in (
        keyframe(7, saved(tmp_path, "b.png", np.zeros((12, 12, 3), np.uint8))),
        keyframe(7, str(tmp_path / "missing.png")),
        keyframe(7, frame(seed=2), other),
    ):
        put(loop, frame(seed=2))
        with pytest.raises(BadKeyframeError, match="keyframe 1007"):
            loop.render(request_for(source, keyframes=(replace(bad, label=1007),)))


def test_a_picture_of_another_aspect_ratio_is_refused(tmp_path: Path) -> None:
    loop, source = loop_of(), frame(components=3)
    put(loop, source)
    path = saved(tmp_path, "a.png", np.zeros((12, 12, 3), np.uint8))
    with pytest.raises(BadKeyframeError, match=r"keyframe 7: .*aspect") as caught:
        loop.render(request_for(source, keyframes=(keyframe(7, path),)))
    assert "12×12" in caught.value.found


def test_a_source_frame_of_another_size_is_refused() -> None:
    loop, source, other, hero = loop_of(), frame(), frame(12, 16), frame(seed=2)
    put(loop, source, other, hero)
    with pytest.raises(BadKeyframeError, match="differs in size"):
        loop.render(request_for(source, keyframes=(keyframe(7, hero, other),)))


def test_a_picture_unlike_its_source_is_told_but_not_in_a_host_blind_to_time() -> None:
    loop, source, hero = loop_of(CopyEngine(agreement_value=0.3)), frame(), frame(seed=2)
    put(loop, source, hero)
    told = loop.render(request_for(source, keyframes=(keyframe(7, hero, source),))).notices
    assert [notice.name for notice in told] == ["KeyframeUnlikeSource"]
    assert "keyframe 7" in told[0].text
    assert "check the offset" in told[0].text
    assert loop.render(request_for(source, keyframes=(keyframe(7, hero),))).notices == ()


# --- views ---------------------------------------------------------------------------------------------------------


def test_views_show_what_they_say() -> None:
    loop, source, hero = loop_of(), frame(components=3), frame(seed=2, components=3)
    put(loop, source, hero)

    def view(which: View, **settings: float) -> torch.Tensor:
        return pixels(loop, request_for(source, view=which, keyframes=(keyframe(0, hero, source),), **settings))

    assert torch.equal(view(View.SOURCE), source.pixels)
    assert torch.allclose(view(View.DIFFERENCE), hero.pixels - source.pixels + 0.5, atol=1e-6)
    assert torch.equal(view(View.CONFIDENCE), torch.ones(6, 8, 3))
    assert len(view(View.INFLUENCE).unique()) == 3  # the hue of the only keyframe everywhere
    split = view(View.SPLIT, split=0.25)
    assert torch.equal(split[:, :2], source.pixels[:, :2])
    assert torch.allclose(split[:, 2:], hero.pixels[:, 2:], atol=1e-6)


def test_data_views_are_opaque() -> None:
    loop, source = loop_of(), frame()
    put(loop, source)
    assert torch.equal(pixels(loop, request_for(source, view=View.CONFIDENCE))[..., 3], torch.ones(6, 8))


def test_confidence_is_told_in_numbers() -> None:
    loop, source, hero = loop_of(), frame(), frame(seed=2)
    put(loop, source, hero)
    plain = loop.render(request_for(source))
    assert (plain.confidence_mean, plain.confidence_low) == (1.0, 0.0)
    keyed = loop.render(request_for(source, keyframes=(keyframe(0, hero, source),)))
    assert (keyed.confidence_mean, keyed.confidence_low) == (1.0, 0.0)


# --- outputs in slots ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("takes_views", [True, False])
def test_the_slot_comes_back_once_its_copy_is_made(takes_views: bool) -> None:
    loop, source, freed = loop_of(CopyEngine(takes_views=takes_views)), frame(), []
    put(loop, source)
    out = OutputBuffer(torch.zeros(6, 8, 4), Lease(lambda: freed.append("slot")))
    later: list[Callable[[], None]] = []
    result = loop.render(request_for(source), out, defer=later.append)
    assert result.frame.pixels.data_ptr() == out.pixels.data_ptr()
    out.lease.give_back()  # type: ignore[union-attr]  # the server's own share
    assert freed == []
    later[0]()
    assert freed == ["slot"]
    out.pixels.fill_(-1)  # the link uses its slot again
    again = loop.render(request_for(source))
    assert again.cached
    assert torch.equal(again.frame.pixels, source.pixels)


def test_what_is_cached_of_views_does_not_lie_in_the_slot() -> None:
    """Latents that alias a slot must not survive it: the slot is overwritten, the results stay."""
    loop, slot = loop_of(CopyEngine(takes_views=True)), frame()
    source, hero = Frame(slot.pixels.clone(), slot.format), frame(seed=4)
    put(loop, hero)
    key, freed = fingerprint(source), []
    loop.frames.lend(key, slot, Lease(lambda: freed.append(1)), "link")
    use = keyframe(1, hero, None)
    first = pixels(loop, request_for(source, keyframes=(use,)))
    loop.frames.settle(key)
    assert freed == [1]
    slot.pixels.fill_(0.125)
    half = pixels(loop, request_for(source, guidance=0.5, keyframes=(use,)))
    expected = source.pixels[..., :3] + 0.5 * (hero.pixels[..., :3] - source.pixels[..., :3])
    assert torch.allclose(half[..., :3], expected, atol=1e-6)
    assert torch.equal(pixels(loop, request_for(source, keyframes=(use,))), first)


def test_a_cached_result_is_copied_into_the_slot() -> None:
    loop, source = loop_of(), frame()
    put(loop, source)
    loop.render(request_for(source))
    out = OutputBuffer(torch.zeros(6, 10, 4)[:, :8])
    assert loop.render(request_for(source), out).cached
    assert torch.equal(out.pixels, source.pixels)


class OtherPicture(CopyEngine):
    """Takes its source as it lies, and gives back something else of the same size."""

    def encode_source(self, window: Any, settings: EngineSettings, watch: Watch) -> Any:
        return super().encode_source(window, settings, watch) * 0.5


@pytest.mark.parametrize("kind", ["ordinary", "bright", "not a number"])
@pytest.mark.parametrize("engine", [CopyEngine, OtherPicture])
def test_a_result_in_a_slot_is_the_result_elsewhere(engine: type[CopyEngine], kind: str) -> None:
    """Ordinary samples are copied to the slot while they are looked through, before the engine has said anything."""
    array = picture(600, 512, seed=9)
    array[300, 200, 1] = {"ordinary": 1.0, "bright": 1.5, "not a number": np.nan}[kind]
    source = Frame.from_numpy(array, Premultiplication.STRAIGHT)
    results = []
    for out in (None, OutputBuffer(torch.full((600, 512, 4), 7.0)), OutputBuffer(torch.zeros(600, 520, 4)[:, :512])):
        loop = loop_of(engine())
        put(loop, source)
        results.append(loop.render(request_for(source), out).frame.pixels)
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])


# --- refusals ------------------------------------------------------------------------------------------------------


def test_an_unknown_engine_is_named() -> None:
    with pytest.raises(UnknownEngineError, match="nobody"):
        loop_of().render(request_for(frame(), engine="nobody"))


class ExactEngine(CopyEngine):
    """Has one precision."""

    def encode_source(self, window: Any, settings: EngineSettings, watch: Watch) -> Any:
        if settings.precision != "float32":
            raise science.UnsupportedSettingError(f"expected the precision float32, found {settings.precision}")
        return super().encode_source(window, settings, watch)


def test_what_the_engine_refuses_keeps_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "has_bfloat16", lambda device: True)  # so that it is the engine that refuses
    loop, source = loop_of(ExactEngine()), frame(8, 8)
    put(loop, source)
    with pytest.raises(UnsupportedSettingError, match="expected the precision float32, found bfloat16"):
        loop.render(request_for(source, precision=Precision.BFLOAT16))


def test_a_failing_engine_is_named_and_the_next_render_works() -> None:
    engine = CopyEngine(fail=True)
    loop, source = loop_of(engine), frame()
    put(loop, source)
    with pytest.raises(EngineFailedError, match="ValueError: this engine was told to fail"):
        loop.render(request_for(source))
    engine.fail = False
    assert torch.equal(pixels(loop, request_for(source)), source.pixels)


def test_an_engine_that_cannot_be_made_is_named() -> None:
    def refuse(device: torch.device) -> CopyEngine:
        raise OSError("no weights")

    registry = EngineRegistry({"copy": refuse})
    with pytest.raises(EngineFailedError, match="no weights"):
        EngineLoop(registry).render(request_for(frame()))


def test_memory_that_runs_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = CopyEngine()
    loop, source = loop_of(engine), frame()
    put(loop, source)

    def starve(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(engine, "encode_source", starve)
    with pytest.raises(OutOfMemoryError):
        loop.render(request_for(source))


def test_a_cancelled_render_stops_and_spoils_nothing() -> None:
    engine = CopyEngine(pause_s=30.0)
    loop, source = loop_of(engine), frame()
    put(loop, source)
    cancelled = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        watch = Watch(cancelled=cancelled.is_set)
        leader = pool.submit(loop.render, request_for(source), None, watch)
        follower = pool.submit(loop.render, request_for(source), None, watch)
        cancelled.set()
        for task in (leader, follower):
            with pytest.raises(CancelledError):
                task.result(5)
    engine.pause_s = 0.0
    assert torch.equal(pixels(loop, request_for(source)), source.pixels)


def test_progress_goes_forward_through_the_whole() -> None:
    loop, source = loop_of(CopyEngine(pause_s=0.1)), frame()
    put(loop, source)
    told: list[float] = []
    loop.render(request_for(source), watch=Watch(progress=lambda fraction, stage: told.append(fraction)))
    assert told == sorted(told)
    assert told
    assert min(told) >= 0.4
    assert max(told) <= 0.9


def test_a_slow_engine_does_not_keep_the_links_slots() -> None:
    """Converted pictures are memory of our own, so the slot of the source goes back before the engine starts."""
    engine = CopyEngine(takes_views=False)
    loop, slot, freed = loop_of(engine), frame(), []
    loop.frames.lend(fingerprint(slot), slot, Lease(lambda: freed.append(dict(engine.calls))), "link")
    assert torch.equal(pixels(loop, request_for(slot)), slot.pixels)
    assert freed == [{}]
