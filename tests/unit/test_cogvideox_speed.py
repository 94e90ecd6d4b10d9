"""What makes the 5B engine faster: where the bytes must stay they do, where they may move they move by a stated bit."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from support.shifting_clip import clip, window

from sparkvsr.cogvideox import acceleration, graphs, residency
from sparkvsr.cogvideox import engine as engine_module
from sparkvsr.cogvideox.blocks import Part
from sparkvsr.cogvideox.engine import CogVideoXEngine
from sparkvsr.cogvideox.graphs import Graphs
from sparkvsr.cogvideox.models import Tensors
from sparkvsr.cogvideox.options import parse_options
from sparkvsr.cogvideox.planner import GB, Residency
from sparkvsr.cogvideox.record import record_of
from sparkvsr.cogvideox.residency import Networks
from sparkvsr.cogvideox.turns import Turns
from sparkvsr.engine import (
    CancelledError,
    EngineSettings,
    EngineUnavailableError,
    Keyframe,
    Mix,
    UnsupportedSettingError,
    Watch,
)

CPU = torch.device("cpu")
SETTINGS = EngineSettings(scale=2)
COMPILED = 1e-4
"""How far compiled blocks may be from others, in 0..1 (docs/models/sparkvsr-5b.md)."""


@pytest.fixture(autouse=True)
def fresh_shelf(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(residency, "_SHELF", residency._Shelf())


def engine_of(checkpoint: Path, options: str = "", budget: int | None = None) -> CogVideoXEngine:
    chosen = parse_options(options)
    return CogVideoXEngine(Networks(record_of(checkpoint), CPU, chosen, budget), chosen)


def pictures_of(engine: CogVideoXEngine, seed: float = 1.0, watch: Watch | None = None) -> torch.Tensor:
    """All pictures of a chunk of 5 frames with a keyframe; ``seed`` makes it another chunk."""
    pictures, truth = clip(5, 8, 8, 2)
    watch = watch or Watch()
    source = engine.encode_source(window([picture * seed for picture in pictures]), SETTINGS, watch)
    known = engine.encode_keyframe(truth[0] * seed, pictures[0] * seed, SETTINGS, watch)
    (propagation,) = engine.propagate(source, [Keyframe(0, known)], SETTINGS, watch)
    return engine.decode_chunk(propagation, Mix(), watch).pictures


# --- at once ---------------------------------------------------------------------------------------------------------


def test_one_chunk_is_decoded_while_another_is_transformed(
    tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each waits in mid-work until the other is at work too: one after the other, they would for ever."""
    engine = engine_of(tiny_checkpoint, "gate=off")
    alone = [pictures_of(engine, seed) for seed in (1.0, 0.5)]
    pictures, truth = clip(5, 8, 8, 2)
    sources = [
        engine.encode_source(window([picture * seed for picture in pictures]), SETTINGS, Watch()) for seed in (1.0, 0.5)
    ]
    keys = [
        Keyframe(0, engine.encode_keyframe(truth[0] * seed, pictures[0] * seed, SETTINGS, Watch()))
        for seed in (1.0, 0.5)
    ]
    (first,) = engine.propagate(sources[0], [keys[0]], SETTINGS, Watch())
    met = threading.Barrier(2, timeout=60)

    def meeting(function):  # type: ignore[no-untyped-def]
        def work(*arguments):  # type: ignore[no-untyped-def]
            met.wait()
            return function(*arguments)

        return work

    with monkeypatch.context() as patch, ThreadPoolExecutor(2) as pool:
        patch.setattr(engine_module.codec, "decode", meeting(engine_module.codec.decode))
        patch.setattr(engine_module, "tiled_x0", meeting(engine_module.tiled_x0))
        decoded = pool.submit(engine.decode_chunk, first, Mix(), Watch())
        passed = pool.submit(lambda: next(iter(engine.propagate(sources[1], [keys[1]], SETTINGS, Watch()))))
        assert torch.equal(decoded.result().pictures, alone[0])
    assert torch.equal(engine.decode_chunk(passed.result(), Mix(), Watch()).pictures, alone[1])


def test_many_chunks_at_once_have_the_bytes_of_each_alone(tiny_checkpoint: Path) -> None:
    seeds = [1.0, 0.8, 0.6]
    alone = [pictures_of(engine_of(tiny_checkpoint), seed) for seed in seeds]
    for budget in (None, 2 * GB):
        engine = engine_of(tiny_checkpoint, budget=budget)
        with ThreadPoolExecutor(3) as pool:
            found = list(pool.map(lambda seed, engine=engine: pictures_of(engine, seed), seeds))
        assert all(torch.equal(one, known) for one, known in zip(found, alone, strict=True))


def test_one_that_is_to_be_alone_waits_and_lets_nobody_pass() -> None:
    turns, watch, order = Turns(), Watch(), []
    entered, leave = threading.Event(), threading.Event()

    def long() -> None:
        with turns.turn(Part.TRANSFORMER, False, watch):
            entered.set()
            leave.wait(20)
            order.append("long")

    def alone() -> None:
        with turns.turn(Part.AUTOENCODER, True, watch):
            order.append("alone")

    def late() -> None:
        with turns.turn(Part.AUTOENCODER, False, watch):
            order.append("late")

    threads = [threading.Thread(target=long)]
    threads[0].start()
    entered.wait(20)
    for taken, work in ((2, alone), (3, late)):
        threads.append(threading.Thread(target=work))
        threads[-1].start()
        while turns.taken < taken:
            pass
    assert not order
    leave.set()
    for thread in threads:
        thread.join(20)
    assert order == ["long", "alone", "late"]
    assert turns.taken == 0


def test_who_gives_up_waiting_leaves_the_line() -> None:
    turns = Turns()
    with turns.turn(Part.TRANSFORMER, False, Watch()):
        with pytest.raises(CancelledError), turns.turn(Part.TRANSFORMER, False, Watch(cancelled=lambda: True)):
            raise AssertionError
        with turns.turn(Part.AUTOENCODER, False, Watch()):
            assert turns.taken == 2
    assert turns.taken == 0


def test_weights_are_read_once_for_all_requests_and_engines(
    tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[str] = []
    load = residency.load_models

    def counted(*arguments):  # type: ignore[no-untyped-def]
        loads.append("load")
        return load(*arguments)

    monkeypatch.setattr(residency, "load_models", counted)
    engine = engine_of(tiny_checkpoint)
    pictures_of(engine)
    pictures_of(engine, 0.5)
    pictures_of(engine_of(tiny_checkpoint, "color=off,channels=last"))
    assert loads == ["load"]


# --- other bytes, by choice ------------------------------------------------------------------------------------------


def test_channels_that_come_last_are_another_identity_and_nearly_the_same_picture(tiny_checkpoint: Path) -> None:
    first, last = engine_of(tiny_checkpoint), engine_of(tiny_checkpoint, "channels=last")
    assert first.info.identity != last.info.identity
    usual, found = pictures_of(first), pictures_of(last)
    assert float((usual - found).abs().max()) <= 1e-5
    (loaded,) = residency._SHELF.loaded.values()
    kernel = loaded.models.vae.encoder.conv_in.conv.weight
    assert kernel.is_contiguous(memory_format=torch.channels_last_3d)
    last._networks._floor = Residency.STREAMED
    assert torch.equal(pictures_of(last), found)
    assert torch.equal(pictures_of(first), usual)
    assert kernel.is_contiguous()  # as it was


@pytest.fixture
def compiled_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of the test's own for it, and nothing known from before."""
    folder = tmp_path / "compiled"
    monkeypatch.setenv(acceleration.CACHE_VARIABLE, str(folder))
    forgotten()
    yield folder
    forgotten()


def forgotten() -> None:
    torch.compiler.reset()
    acceleration._compiled_forward.cache_clear()


def cache_hits() -> int:
    from torch._dynamo.utils import counters

    return int(counters["inductor"]["fxgraph_cache_hit"])


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_compiled_blocks_are_near_and_their_code_is_kept(tiny_checkpoint: Path, compiled_code: Path) -> None:
    usual = engine_of(tiny_checkpoint)
    engine = engine_of(tiny_checkpoint, "compile=transformer")
    assert engine.info.identity != usual.info.identity
    known, found = pictures_of(usual), pictures_of(engine)
    assert 0.0 < float((found - known).abs().max()) <= COMPILED
    assert any(compiled_code.rglob("*"))
    assert torch.equal(pictures_of(engine), found)
    assert torch.equal(pictures_of(usual), known)  # nothing of it is left in the networks, which are shared

    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > 20

    with pytest.raises(CancelledError):
        pictures_of(engine, watch=Watch(cancelled=cancelled))

    before = cache_hits()
    forgotten()
    assert torch.equal(pictures_of(engine), found)
    assert cache_hits() > before


def test_without_a_compiler_it_says_what_is_missing(tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._inductor import cpp_builder

    def none() -> str:
        raise RuntimeError("no compiler")

    monkeypatch.setattr(cpp_builder, "get_cpp_compiler", none)
    with pytest.raises(EngineUnavailableError, match=r"expected a C\+\+ compiler for the engine option compile"):
        pictures_of(engine_of(tiny_checkpoint, "compile=all"))
    monkeypatch.setattr(acceleration, "find_spec", lambda name: None)
    with pytest.raises(EngineUnavailableError, match="expected the package triton"):
        acceleration.require_compiler(torch.device("cuda"))


def test_compiled_code_lies_in_a_folder_of_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv(acceleration.CACHE_VARIABLE, "")
    folder = acceleration.keep_compiled_code()
    assert folder == tmp_path / "sparkvsr" / "compiled"
    assert folder.stat().st_mode & 0o077 == 0
    monkeypatch.setenv(acceleration.CACHE_VARIABLE, "/elsewhere")
    assert acceleration.keep_compiled_code() == Path("/elsewhere")


# --- recorded passes -------------------------------------------------------------------------------------------------


def test_a_pass_is_recorded_once_for_a_shape(tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a recorder that calculates anew, from where the inputs were put: what a device would replay."""
    recorded: list[int] = []

    def record(work):  # type: ignore[no-untyped-def]
        recorded.append(1)
        result = work()

        def replay() -> None:
            result.copy_(work())

        return replay, result

    known = [pictures_of(engine_of(tiny_checkpoint), seed) for seed in (1.0, 0.5)]
    monkeypatch.setattr(residency, "wanted", lambda device: True)
    (loaded,) = residency._SHELF.loaded.values()
    loaded.graphs = Graphs(record)
    engine = engine_of(tiny_checkpoint)
    assert all(torch.equal(pictures_of(engine, seed), one) for seed, one in zip((1.0, 0.5), known, strict=True))
    assert len(recorded) == 1
    engine._networks._floor = Residency.PARKED  # weights move, so nothing is recorded, and what was is forgotten
    assert torch.equal(pictures_of(engine), known[0])
    engine._networks._floor = Residency.OVERLAPPED
    assert torch.equal(pictures_of(engine), known[0])
    assert len(recorded) == 2


def test_another_shape_is_recorded_anew() -> None:
    calls: list[torch.Size] = []

    def record(work):  # type: ignore[no-untyped-def]
        result = work()
        return lambda: None, result

    def double(given: Tensors) -> torch.Tensor:
        calls.append(given["x"].shape)
        return given["x"] * 2

    known = Graphs(record)
    for size in (2, 2, 3):
        known.run(double, {"x": torch.ones(size)}, "")
    known.run(double, {"x": torch.ones(3)}, "compiled")
    assert [tuple(one) for one in calls] == [(2,), (3,), (3,)]


def test_recording_is_the_affair_of_a_cuda_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(graphs.VARIABLE, raising=False)
    assert not graphs.wanted(CPU)
    monkeypatch.setenv(graphs.VARIABLE, "on")
    assert graphs.wanted(torch.device("cuda"))
    with pytest.raises(UnsupportedSettingError, match="expected a CUDA device for SPARKVSR_CUDA_GRAPHS=on, found cpu"):
        graphs.wanted(CPU)
    monkeypatch.setenv(graphs.VARIABLE, "maybe")
    with pytest.raises(UnsupportedSettingError, match="on or off, found 'maybe'"):
        graphs.wanted(CPU)
