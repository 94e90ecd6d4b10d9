"""Memory of the 5B engine: the planner's numbers, and steps down that leave the bytes alone."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.shifting_clip import clip, window

from sparkvsr.cogvideox import budget, residency
from sparkvsr.cogvideox.engine import CogVideoXEngine
from sparkvsr.cogvideox.errors import MemoryBudgetError
from sparkvsr.cogvideox.layout import TRANSFORMER_CONFIG, VAE_CONFIG
from sparkvsr.cogvideox.models import network_kinds
from sparkvsr.cogvideox.options import DTYPES, EngineOptions, autoencoder_can, parse_options
from sparkvsr.cogvideox.planner import (
    GB,
    GPU,
    PUBLISHED,
    Card,
    Residency,
    Work,
    estimate,
    propose,
    residency_for,
)
from sparkvsr.cogvideox.record import record_of
from sparkvsr.cogvideox.residency import Networks
from sparkvsr.engine import EngineSettings, Keyframe, Mix, UnsupportedSettingError, Watch

HD, UHD = Work(1080, 1920, 33), Work(2160, 3840, 33)
BF16 = torch.bfloat16
CPU = torch.device("cpu")


# --- the planner -----------------------------------------------------------------------------------------------------


def test_the_published_numbers_are_those_of_the_published_networks() -> None:
    pytest.importorskip("diffusers", reason="the extra `cogvideox` is not installed")
    transformer_kind, vae_kind = network_kinds()
    blocks = {"down_block_types": ("CogVideoXDownBlock3D",) * 4, "up_block_types": ("CogVideoXUpBlock3D",) * 4}
    with torch.device("meta"):
        transformer, vae = transformer_kind(**TRANSFORMER_CONFIG), vae_kind(**VAE_CONFIG, **blocks)
    assert sum(p.numel() for p in transformer.parameters()) == PUBLISHED.transformer_parameters
    assert 2 * PUBLISHED.transformer_parameters == 11_143_189_760  # what the published index says
    assert sum(p.numel() for p in vae.parameters()) == PUBLISHED.vae_parameters
    assert len(transformer.transformer_blocks) == PUBLISHED.transformer_layers


@pytest.mark.parametrize(
    ("size", "budget", "residency", "text"),
    [
        ((1080, 1920), 12, Residency.STREAMED, "dtype=bfloat16,tile=0,vae=768,chunk=33"),
        ((1080, 1920), 16, Residency.PARKED, "dtype=bfloat16,tile=0,vae=768,chunk=33"),
        ((1080, 1920), 24, Residency.RESIDENT, "dtype=bfloat16,tile=0,vae=768,chunk=33"),
        ((1080, 1920), 80, Residency.OVERLAPPED, "dtype=bfloat16,tile=0,vae=1024,chunk=49"),
        ((2160, 3840), 24, Residency.OVERLAPPED, "dtype=bfloat16,tile=1024,vae=512,chunk=33"),
        ((720, 1280), 16, Residency.PARKED, "dtype=bfloat16,tile=0,vae=0,chunk=33"),
        ((720, 1280), 8, Residency.STREAMED, "dtype=bfloat16,tile=0,vae=512,chunk=33"),
    ],
)
def test_what_is_proposed_for_a_card(size: tuple[int, int], budget: int, residency: Residency, text: str) -> None:
    found = propose(*size, budget * GB)
    assert (found.residency, found.text) == (residency, text)
    assert f"of {budget}.0 GB" in found.why
    assert residency.in_words in found.why
    assert "bfloat16, as the network was trained" in found.why
    assert f"{found.options.chunk} frames at once" in found.why


def test_the_arithmetic_is_what_the_device_has_and_what_fits() -> None:
    old = propose(1080, 1920, 24 * GB, Card("cuda", bfloat16=False))
    assert old.text.startswith("dtype=float16,")
    assert "as the device has no bfloat16" in old.why
    plenty, little = (propose(1080, 1920, budget * GB, Card("cpu")) for budget in (64, 20))
    assert (plenty.options.dtype, little.options.dtype) == ("float32", "bfloat16")
    assert "as float32 does not fit" in little.why


def test_tiles_that_the_autoencoder_cannot_cut_are_never_proposed() -> None:
    """Whole at 1088 lines, its convolutions are cut into pieces of 2 frames, shorter than their kernels of 3."""
    assert autoencoder_can(0, 720, 1280)
    assert autoencoder_can(1024, 2160, 3840)
    assert not autoencoder_can(0, 1088, 1920)
    assert not autoencoder_can(2048, 2160, 3840)
    for card in (24, 80, 500):
        assert propose(1080, 1920, card * GB).options.vae > 0


def test_what_is_settled_stays() -> None:
    kept = parse_options("chunk=49,vae=256,color=off")
    found = propose(1080, 1920, 24 * GB, options=kept, fixed=("chunk", "vae"))
    assert (found.options.chunk, found.options.vae, found.options.color) == (49, 256, False)
    exact = propose(1080, 1920, 80 * GB, options=parse_options("dtype=float32"), fixed=("dtype",))
    assert exact.options.dtype == "float32"
    assert "as asked for" in exact.why


SIZES = {"height": st.integers(64, 2400), "width": st.integers(64, 4200)}


@given(**SIZES, budget=st.integers(4, 90), kind=st.sampled_from([GPU, Card("cuda", False), Card("cpu")]))
def test_a_proposal_keeps_under_the_budget_and_a_larger_one_is_no_worse(
    height: int, width: int, budget: int, kind: Card
) -> None:
    try:
        small = propose(height, width, budget * GB, kind)
    except MemoryBudgetError:
        least = Residency.RESIDENT if kind.kind == "cpu" else Residency.STREAMED
        assert estimate(Work(height, width, 33), parse_options("tile=512,vae=256"), BF16, least).peak > budget * GB
        return
    assert small.estimate.peak <= budget * GB
    assert parse_options(small.text) == small.options  # what is stored says everything
    assert "auto" not in small.text
    dtype, work = DTYPES[small.options.dtype], Work(height, width, small.options.chunk)
    assert residency_for(work, small.options, dtype, budget * GB) is small.residency
    large = propose(height, width, 2 * budget * GB, kind)
    if large.options.chunk == small.options.chunk:
        assert residency_for(work, small.options, dtype, 2 * budget * GB) <= small.residency
        assert sides(large.options) >= sides(small.options) or large.residency < small.residency


def sides(options: EngineOptions) -> tuple[float, float]:
    return options.tile or math.inf, options.vae or math.inf


def test_less_is_less() -> None:
    options = parse_options("tile=0,vae=512")
    steps = [estimate(HD, options, BF16, residency).peak for residency in Residency]
    assert steps == sorted(steps, reverse=True)
    assert estimate(HD, options, torch.float32, Residency.RESIDENT).peak > 1.8 * steps[1]
    assert estimate(HD, replace(options, vae=256), BF16, Residency.RESIDENT).decode < steps[1]
    tiled = estimate(UHD, replace(options, tile=512), BF16, Residency.RESIDENT)
    assert tiled.transformer < estimate(UHD, options, BF16, Residency.RESIDENT).transformer


def test_what_does_not_fit_is_refused_with_advice() -> None:
    with pytest.raises(MemoryBudgetError, match=r"expected at most 16\.0 GB, found 31\.5 GB.*tile=0,vae=768 fit"):
        residency_for(HD, parse_options("tile=0,vae=0"), BF16, 16 * GB)
    with pytest.raises(MemoryBudgetError, match="lower the output's size"):
        propose(20000, 20000, 8 * GB)
    with pytest.raises(MemoryBudgetError, match="lower the output's size"):
        residency_for(HD, EngineOptions(), BF16, 2 * GB)


# --- where the weights lie -------------------------------------------------------------------------------------------


def rendered(tiny_checkpoint: Path, floor: Residency, fail: int = 0, **named: int) -> tuple[torch.Tensor, Networks]:
    """A frame with the weights lying so; ``fail``: how many pieces of work run out of memory at first."""
    options = EngineOptions()
    networks = Networks(record_of(tiny_checkpoint), CPU, options, **named)
    networks._floor = floor
    engine, watch, settings = CogVideoXEngine(networks, options), Watch(), EngineSettings(scale=2)
    pictures, truth = clip(5, 8, 8, 2)
    left = fail

    def cancelled() -> bool:
        nonlocal left
        left -= 1
        if left >= 0:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return False

    source = engine.encode_source(window(pictures), settings, watch)
    known = engine.encode_keyframe(truth[0], pictures[0], settings, watch)
    (propagation,) = engine.propagate(source, [Keyframe(0, known)], settings, watch)
    chunk = engine.decode_chunk(propagation, Mix(), Watch(cancelled=cancelled) if fail else watch)
    return engine.frame_of(chunk, 3).frame, networks


@pytest.fixture(autouse=True)
def fresh_shelf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks that other tests loaded are left as they are."""
    monkeypatch.setattr(residency, "_SHELF", residency._Shelf())
    monkeypatch.delenv(budget.VARIABLE, raising=False)


def test_the_bytes_are_the_same_wherever_the_weights_lie(tiny_checkpoint: Path) -> None:
    whole, _ = rendered(tiny_checkpoint, Residency.OVERLAPPED)
    for floor in (Residency.RESIDENT, Residency.PARKED, Residency.STREAMED):
        assert torch.equal(rendered(tiny_checkpoint, floor)[0], whole)


def test_when_memory_runs_out_the_next_step_down_gives_the_same_bytes(tiny_checkpoint: Path) -> None:
    whole, _ = rendered(tiny_checkpoint, Residency.OVERLAPPED)
    for fail in (1, 3):
        found, networks = rendered(tiny_checkpoint, Residency.OVERLAPPED, fail)
        assert networks._floor == Residency(fail)
        assert torch.equal(found, whole)


def test_below_the_last_step_it_fails_with_advice(tiny_checkpoint: Path) -> None:
    with pytest.raises(MemoryBudgetError, match=r"memory ran out although.*smaller tiles take less"):
        rendered(tiny_checkpoint, Residency.OVERLAPPED, 4)
    assert not residency._SHELF.lock.locked()
    assert not residency._SHELF.turns.taken


def test_a_budget_decides_before_anything_runs_out(tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[Residency] = []
    placed = residency.placed

    def seen(loaded, part, chosen):  # type: ignore[no-untyped-def]
        used.append(chosen)
        return placed(loaded, part, chosen)

    monkeypatch.setattr(residency, "placed", seen)
    _, networks = rendered(tiny_checkpoint, Residency.OVERLAPPED, budget=2 * GB)
    assert set(used) == {Residency.OVERLAPPED}
    assert networks.choice.startswith("16×16, 5 frames: all weights on the device, the stages of neighbouring chunks")
    assert networks.choice.endswith("about 1.0 of 2.0 GB at the most")
    monkeypatch.setenv(budget.VARIABLE, "0.5")
    with pytest.raises(MemoryBudgetError, match=r"expected at most 0\.5 GB"):
        rendered(tiny_checkpoint, Residency.RESIDENT)
    monkeypatch.setenv(budget.VARIABLE, "much")
    with pytest.raises(UnsupportedSettingError, match="SPARKVSR_VRAM_GB as a number of gigabytes, found 'much'"):
        rendered(tiny_checkpoint, Residency.RESIDENT)


def test_weights_that_would_end_the_process_are_refused(tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget.os, "sysconf", lambda name: {"SC_PHYS_PAGES": 10, "SC_PAGE_SIZE": 4096}[name])
    with pytest.raises(MemoryBudgetError, match="--device cuda"):
        rendered(tiny_checkpoint, Residency.RESIDENT)


def test_streamed_blocks_are_on_the_device_only_while_they_work(tiny_checkpoint: Path) -> None:
    """On a processor both places are one: what counts is that copies are made once and used from then on."""
    rendered(tiny_checkpoint, Residency.STREAMED)
    (loaded,) = residency._SHELF.loaded.values()
    block = loaded.models.transformer.transformer_blocks[0]
    homes = {tensor.data_ptr() for tensor in loaded.home.values()}
    assert all(parameter.data_ptr() in homes for parameter in block.parameters())
    assert len(loaded.home) == len(list(loaded.models.transformer.parameters())) + len(
        list(loaded.models.vae.parameters())
    )
