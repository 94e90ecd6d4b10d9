"""Chunks that are begun ahead: the same frames in the same order, each chunk once, and only a window in memory."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence

import pytest
import torch
from support.chunk_engine import ChunkTestEngine, registry_of

from sparkvsr.cli.ahead import Ahead
from sparkvsr.cli.clip_renderer import ClipRenderer
from sparkvsr.color import Transfer
from sparkvsr.engine import EngineError, EngineSettings, Mix, Propagation, Watch, WindowFrame
from sparkvsr.frames import Depth, Frame, PixelFormat, Premultiplication
from sparkvsr.media.clip import ClipInfo, GeneratedClip
from sparkvsr_backend.cache import Budgets
from sparkvsr_backend.engine_loop import EngineLoop
from sparkvsr_backend.errors import EngineFailedError
from sparkvsr_backend.requests import Settings

LAYOUT = PixelFormat(16, 8, 3, Depth.FLOAT, Premultiplication.OPAQUE)
SMALL = Budgets(frames=1 << 16, source_latents=0, keyframe_latents=0, propagations=0, results=0, arrivals=1 << 20)


class Film:
    """Frames that are made when they are asked for, and counted for as long as anybody holds them."""

    def __init__(self, frames: int) -> None:
        self.made = self.living = self.most = 0
        self._lock = threading.Lock()
        info = ClipInfo(LAYOUT, Transfer.SRGB)
        self.clip = GeneratedClip(info, range(frames), self._make, window_bytes=4 * LAYOUT.nbytes)

    def _make(self, number: int) -> Frame:
        pixels = torch.full((LAYOUT.height, LAYOUT.width, 3), (number % 251) / 251)
        pixels[0, 0, 0] = number  # no two are equal
        with self._lock:
            self.made += 1
            self.living += 1
            self.most = max(self.most, self.living)
        weakref.finalize(pixels, self._gone)
        return Frame(pixels, LAYOUT)

    def _gone(self) -> None:
        with self._lock:
            self.living -= 1


def renderer_of(film: Film, engine: ChunkTestEngine, budgets: Budgets | None = None) -> ClipRenderer:
    loop = EngineLoop(registry_of(engine), budgets=budgets or Budgets.share_out(64 << 20))
    settings = Settings(engine=engine.name, scale=1, transfer=Transfer.SRGB)
    return ClipRenderer(loop, film.clip, {}, settings, LAYOUT)


def test_frames_come_in_order_with_the_bytes_of_one_by_one() -> None:
    film, engine = Film(130), ChunkTestEngine()
    alone = renderer_of(Film(130), ChunkTestEngine())
    with Ahead(renderer_of(film, engine), range(130)) as frames:
        for number, result in frames:
            assert torch.equal(result.frame.pixels, alone.render(number).frame.pixels), number
    assert number == 129
    assert engine.counted("decode_chunk") == 6  # each chunk once


def test_chunks_are_begun_before_their_frames_are_asked_for() -> None:
    """The first frame is held back until the second chunk is in the making."""

    class Watched(ChunkTestEngine):
        second = threading.Event()

        def encode_source(self, window: Sequence[WindowFrame], settings: EngineSettings, watch: Watch) -> object:
            if float(window[0].picture.max()) >= 24:
                self.second.set()
            return super().encode_source(window, settings, watch)

        def decode_chunk(self, propagation: Propagation, mix: Mix, watch: Watch) -> object:
            assert self.second.wait(60)
            return super().decode_chunk(propagation, mix, watch)

    engine = Watched()
    with Ahead(renderer_of(Film(130), engine), range(130)) as frames:
        assert next(iter(frames))[0] == 0


def test_a_frame_that_fails_does_so_in_its_turn() -> None:
    class Failing(ChunkTestEngine):
        def encode_source(self, window: Sequence[WindowFrame], settings: EngineSettings, watch: Watch) -> object:
            if float(window[-1].picture.max()) > 60:
                raise EngineError("no more")
            return super().encode_source(window, settings, watch)

    seen: list[int] = []

    def render_all() -> None:
        with Ahead(renderer_of(Film(130), Failing()), range(130)) as frames:
            for number, _ in frames:
                seen.append(number)

    with pytest.raises(EngineFailedError, match="no more"):
        render_all()
    assert seen == list(range(48))  # frame 48 is the first that the third chunk has a part in


def test_what_was_begun_ends_with_the_work() -> None:
    class Endless(ChunkTestEngine):
        def encode_source(self, window: Sequence[WindowFrame], settings: EngineSettings, watch: Watch) -> object:
            while float(window[0].picture.max()) >= 24:
                watch.step(0.0, "for ever")
            return super().encode_source(window, settings, watch)

    with Ahead(renderer_of(Film(130), Endless()), range(130)) as frames:
        assert next(iter(frames))[0] == 0


def test_only_chunks_of_the_range_are_begun() -> None:
    engine = ChunkTestEngine()
    with Ahead(renderer_of(Film(130), engine), range(30, 34)) as frames:
        assert [number for number, _ in frames] == [30, 31, 32, 33]
    assert engine.counted("decode_chunk") == 2


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ten_thousand_frames_hold_only_their_window() -> None:
    """Chunks of 33 frames: those of the frame and of the next one, and those being read. Every frame goes through."""
    count = 10_000
    film, engine = Film(count), ChunkTestEngine()
    with Ahead(renderer_of(film, engine, SMALL), range(0, count, 8)) as frames:
        seen = sum(1 for _ in frames)
    assert seen == count // 8
    assert film.made >= count
    assert engine.counted("decode_chunk") == -(-count // 24)
    assert film.most <= 5 * 33
