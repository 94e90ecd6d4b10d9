"""Engines that work in chunks, in the engine loop: each chunk once, and no frame depends on what was asked before."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch
from support.chunk_engine import ChunkTestEngine, registry_of
from support.requests import frame, keyframe, request_for

from sparkvsr.frames import Frame, fingerprint
from sparkvsr.propagation import chunks_at
from sparkvsr_backend.cache import Budgets
from sparkvsr_backend.engine_loop import EngineLoop
from sparkvsr_backend.errors import EngineFailedError, NeedFrames, UnsupportedSettingError
from sparkvsr_backend.requests import KeyframeUse, RenderRequest, View

FRAMES = 60
CLIP = [frame(seed=seed, components=3) for seed in range(FRAMES)]
PRINTS = [fingerprint(one) for one in CLIP]
PLENTY = Budgets.share_out(64 << 20)
KEYS = {time: frame(seed=1000 + time, components=3) for time in (0, 20, 52)}


def loop_of(engine: ChunkTestEngine, budgets: Budgets | None = None, frames: bool = True) -> EngineLoop:
    loop = EngineLoop(registry_of(engine), budgets=budgets or PLENTY)
    if frames:
        for one in (*CLIP, *KEYS.values()):
            loop.frames.put(fingerprint(one), one)
    return loop


def uses(*times: int) -> tuple[KeyframeUse, ...]:
    return tuple(keyframe(time, KEYS[time], CLIP[time]) for time in times)


def request(time: int, keyframes: tuple[KeyframeUse, ...] = (), **settings: object) -> RenderRequest:
    """As a client asks: all frames that any chunk of the frame may hold."""
    near = tuple((t, PRINTS[t]) for t in range(max(0, time - 48), min(FRAMES, time + 49)))
    asked = request_for(CLIP[time], time=time, engine="chunky", window=near, keyframes=keyframes, **settings)  # type: ignore[arg-type]
    return replace(asked, range=(0, FRAMES - 1))


def pixels(loop: EngineLoop, asked: RenderRequest) -> torch.Tensor:
    return loop.render(asked).frame.pixels.clone()


def test_a_clip_costs_every_chunk_once() -> None:
    engine = ChunkTestEngine()
    loop = loop_of(engine)
    for time in range(FRAMES):
        loop.render(request(time, uses(0, 20, 52)))
    # Chunks 0..32, 24..56 and 48..59; the second has keyframe 52 inside, the first 0 and 20.
    assert [call for call in engine.calls if call[0] != "encode_keyframe"] == [
        ("encode_source", 33),
        ("propagate", 2),
        ("decode_chunk", 33),
        ("encode_source", 33),
        ("propagate", 1),
        ("decode_chunk", 33),
        ("encode_source", 12),
        ("propagate", 1),
        ("decode_chunk", 12),
    ]
    assert engine.counted("encode_keyframe") == 3


def test_no_frame_depends_on_the_order_or_on_what_was_cached() -> None:
    keyframes = uses(0, 20, 52)
    loop = loop_of(ChunkTestEngine())
    in_order = {time: pixels(loop, request(time, keyframes)) for time in range(FRAMES)}
    order = list(range(FRAMES))
    random.Random(1).shuffle(order)
    other = loop_of(ChunkTestEngine())
    for time in order:
        assert torch.equal(pixels(other, request(time, keyframes)), in_order[time])
    for time in (0, 24, 30, 33, 59):
        assert torch.equal(pixels(loop_of(ChunkTestEngine()), request(time, keyframes)), in_order[time])


def test_two_chunks_melt_into_each_other() -> None:
    loop = loop_of(ChunkTestEngine())
    for time in range(FRAMES):
        lengths = sum(0.01 * (c.last - c.first + 1) * c.weight for c in chunks_at(time, 24, (), (0, FRAMES - 1)))
        added = pixels(loop, request(time)) - CLIP[time].pixels
        assert torch.allclose(added, torch.full_like(added, lengths), atol=1e-5)


def test_a_slider_decodes_and_an_edited_keyframe_costs_its_chunks() -> None:
    engine = ChunkTestEngine()
    loop = loop_of(engine)
    for time in range(FRAMES):
        loop.render(request(time, uses(0, 20, 52)))
    engine.calls.clear()
    for time in range(FRAMES):
        loop.render(request(time, uses(0, 20, 52), guidance=0.5))
    assert {call for call, _ in engine.calls} == {"decode_chunk"}
    assert len(engine.calls) == 3
    engine.calls.clear()
    painted = frame(seed=77, components=3)
    loop.frames.put(fingerprint(painted), painted)
    edited = (*uses(0), keyframe(20, painted, CLIP[20]), *uses(52))
    for time in range(FRAMES):
        loop.render(request(time, edited))
    assert engine.calls == [("encode_keyframe", 1), ("propagate", 2), ("decode_chunk", 33)]
    engine.calls.clear()
    for time in reversed(range(FRAMES)):
        assert loop.render(request(time, edited)).cached
    assert not engine.calls


def test_decoded_chunks_are_kept_however_small_the_cache() -> None:
    engine = ChunkTestEngine()
    loop = loop_of(engine, replace(PLENTY, source_latents=0, propagations=0, decoded=0, results=0))
    for time in range(20, 56):
        loop.render(request(time))
    assert engine.counted("decode_chunk") == 3


def test_cuts_and_missing_frames_end_a_chunk() -> None:
    engine = ChunkTestEngine()
    loop = loop_of(engine)
    loop.render(request(10, cuts=(7, 19)))
    whole = request(10)
    loop.render(replace(whole, window=tuple(pair for pair in whole.window if pair[0] not in (5, 13))))
    loop.render(replace(whole, window=((10, PRINTS[10]),)))
    assert [count for call, count in engine.calls if call == "encode_source"] == [12, 7, 1]


def test_cuts_enter_the_key() -> None:
    loop = loop_of(ChunkTestEngine())
    assert not loop.render(request(10)).cached
    assert not loop.render(request(10, cuts=(7,))).cached
    assert loop.render(request(10)).cached


def test_keyframes_that_no_chunk_uses_enter_no_key() -> None:
    loop = loop_of(ChunkTestEngine())
    loop.render(request(10, uses(0, 20)))
    assert loop.render(request(10, uses(0, 20, 52))).cached
    assert not loop.render(request(10, uses(0))).cached


def test_a_grid_that_the_engine_does_not_offer_is_refused() -> None:
    loop = loop_of(ChunkTestEngine())
    with pytest.raises(UnsupportedSettingError, match=r"no such chunk grid.*24, 40.*found 32"):
        loop.render(request(10, grid=32))
    assert torch.allclose(pixels(loop, request(10, grid=40)) - CLIP[10].pixels, torch.tensor(0.49), atol=1e-5)


def test_all_missing_frames_are_asked_for_at_once() -> None:
    loop = loop_of(ChunkTestEngine(), frames=False)
    asked = request(28, uses(20, 52))
    with pytest.raises(NeedFrames) as caught:
        loop.render(asked)
    pictures = [fingerprint(KEYS[time]) for time in (20, 52)]
    assert set(caught.value.fingerprints) == {*PRINTS[:57], *pictures}
    for one in (*CLIP[:30], *KEYS.values()):
        loop.frames.put(fingerprint(one), one)
    with pytest.raises(NeedFrames) as caught:
        loop.render(asked)
    assert set(caught.value.fingerprints) == set(PRINTS[30:57])


def test_frames_of_different_sizes_are_named() -> None:
    loop = loop_of(ChunkTestEngine())
    odd = frame(7, 8, components=3)
    loop.frames.put(fingerprint(odd), odd)
    asked = request(10)
    window = tuple((time, fingerprint(odd) if time == 12 else known) for time, known in asked.window)
    with pytest.raises(EngineFailedError, match="8×6, 8×7"):
        loop.render(replace(asked, window=window))


def test_the_views_show_what_they_mean() -> None:
    engine = ChunkTestEngine()
    loop = loop_of(engine)
    keyed, blind = (pixels(loop, request(28, uses(20, 52), view=view)) for view in (View.RESULT, View.BLIND))
    assert torch.equal(blind, pixels(loop, request(28)))
    difference = pixels(loop, request(28, uses(20, 52), view=View.DIFFERENCE))
    assert torch.allclose(difference, keyed - blind + 0.5, atol=1e-5)
    confidence = pixels(loop, request(28, uses(20, 52), view=View.CONFIDENCE))
    assert torch.allclose(confidence, torch.full_like(confidence, 0.5))
    influence = pixels(loop, request(28, uses(20, 52), view=View.INFLUENCE))
    # Half of the earlier chunk, whose keyframe is 20 (warm), half of the later one, whose keyframe is 52 (cold).
    first, second = 0.5 * 0.52 * 0.5, 0.5 * 0.528 * 0.5
    assert influence[0, 0].tolist() == pytest.approx(
        [first + 0.1 * second, 0.55 * (first + second), 0.1 * first + second]
    )


def test_a_keyframe_between_slots_is_told_with_the_frames_that_fit() -> None:
    loop = loop_of(ChunkTestEngine())
    source = CLIP[21]
    between = replace(keyframe(21, KEYS[20], source), label=1021)
    result = loop.render(request(10, (*uses(0), between)))
    (notice,) = [one for one in result.notices if one.name == "KeyframeBetweenSlots"]
    assert notice.text.startswith("keyframe 1021: ")
    assert notice.text.endswith("frames 1020 and 1024 fit exactly")
    again = loop.render(request(10, (*uses(0), between)))
    assert again.cached
    assert again.notices == result.notices
    assert not [n for n in loop.render(request(10, uses(0, 20))).notices if n.name == "KeyframeBetweenSlots"]


def test_progress_rises_over_both_chunks() -> None:
    from sparkvsr.engine import Watch

    told: list[float] = []

    class Telling(ChunkTestEngine):
        def decode_chunk(self, propagation, mix, watch):  # type: ignore[no-untyped-def]
            watch.step(0.5, "decode")
            return super().decode_chunk(propagation, mix, watch)

    loop_of(Telling()).render(request(28), watch=Watch(progress=lambda fraction, stage: told.append(fraction)))
    assert told == pytest.approx([0.4, 0.9])


def test_a_frame_is_one_of_its_own_where_the_host_gives_no_others() -> None:
    engine = ChunkTestEngine()
    loop = loop_of(engine)
    alone: Frame = CLIP[3]
    result = loop.render(request_for(alone, time=3, engine="chunky"))
    assert torch.allclose(result.frame.pixels, alone.pixels + 0.01, atol=1e-6)
    assert engine.calls == [("encode_source", 1), ("propagate", 0), ("decode_chunk", 1)]
