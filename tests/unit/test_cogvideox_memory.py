"""Memory of the 5B engine: the planner's numbers, and steps down that leave the bytes alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.shifting_clip import clip, window

from sparkvsr.cogvideox import residency
from sparkvsr.cogvideox.engine import CogVideoXEngine
from sparkvsr.cogvideox.errors import MemoryBudgetError
from sparkvsr.cogvideox.layout import TRANSFORMER_CONFIG, VAE_CONFIG
from sparkvsr.cogvideox.models import network_kinds
from sparkvsr.cogvideox.options import EngineOptions, parse_options
from sparkvsr.cogvideox.planner import GB, PUBLISHED, Residency, Work, estimate, propose, residency_for
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
    ("work", "budget", "residency", "tile", "vae"),
    [
        (HD, 12, Residency.STREAMED, 0, 768),
        (HD, 16, Residency.PARKED, 0, 768),
        (HD, 24, Residency.RESIDENT, 0, 768),
        (HD, 80, Residency.RESIDENT, 0, 0),
        (UHD, 24, Residency.RESIDENT, 1024, 512),
        (Work(720, 1280, 33), 16, Residency.RESIDENT, 0, 384),
    ],
)
def test_what_is_proposed_for_a_card(work: Work, budget: int, residency: Residency, tile: int, vae: int) -> None:
    found = propose(work, EngineOptions(), BF16, budget * GB)
    assert (found.residency, found.options.tile, found.options.vae) == (residency, tile, vae)
    assert f"of {budget}.0 GB" in found.why
    assert residency.in_words in found.why


@given(
    height=st.integers(64, 2400),
    width=st.integers(64, 4200),
    frames=st.sampled_from([1, 9, 33, 49]),
    budget=st.integers(4, 90),
)
def test_a_proposal_keeps_under_the_budget_and_a_larger_one_is_no_worse(
    height: int, width: int, frames: int, budget: int
) -> None:
    work = Work(height, width, frames)
    try:
        small = propose(work, EngineOptions(), BF16, budget * GB)
    except MemoryBudgetError:
        assert estimate(work, parse_options("tile=512,vae=256"), BF16, Residency.STREAMED).peak > budget * GB
        return
    assert small.estimate.peak <= budget * GB
    large = propose(work, EngineOptions(), BF16, 2 * budget * GB)
    assert large.residency <= small.residency
    assert residency_for(work, small.options, BF16, budget * GB) <= small.residency


def test_less_is_less() -> None:
    options = parse_options("tile=0,vae=512")
    steps = [estimate(HD, options, BF16, residency).peak for residency in Residency]
    assert steps == sorted(steps, reverse=True)
    assert estimate(HD, options, torch.float32, Residency.RESIDENT).peak > 1.8 * steps[0]
    assert estimate(HD, replace(options, vae=256), BF16, Residency.RESIDENT).decode < steps[0]
    tiled = estimate(UHD, replace(options, tile=512), BF16, Residency.RESIDENT)
    assert tiled.transformer < estimate(UHD, options, BF16, Residency.RESIDENT).transformer


def test_what_does_not_fit_is_refused_with_advice() -> None:
    with pytest.raises(MemoryBudgetError, match=r"expected at most 16\.0 GB, found 31\.5 GB.*tile=0,vae=768 fit"):
        residency_for(HD, parse_options("tile=0,vae=0"), BF16, 16 * GB)
    with pytest.raises(MemoryBudgetError, match="lower the output's size"):
        propose(Work(20000, 20000, 33), EngineOptions(), BF16, 8 * GB)
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
    monkeypatch.delenv(residency.BUDGET_VARIABLE, raising=False)


def test_the_bytes_are_the_same_wherever_the_weights_lie(tiny_checkpoint: Path) -> None:
    whole, _ = rendered(tiny_checkpoint, Residency.RESIDENT)
    for floor in (Residency.PARKED, Residency.STREAMED):
        assert torch.equal(rendered(tiny_checkpoint, floor)[0], whole)


def test_when_memory_runs_out_the_next_step_down_gives_the_same_bytes(tiny_checkpoint: Path) -> None:
    whole, _ = rendered(tiny_checkpoint, Residency.RESIDENT)
    for fail in (1, 2):
        found, networks = rendered(tiny_checkpoint, Residency.RESIDENT, fail)
        assert networks._floor == Residency(fail)
        assert torch.equal(found, whole)


def test_below_the_last_step_it_fails_with_advice(tiny_checkpoint: Path) -> None:
    with pytest.raises(MemoryBudgetError, match=r"memory ran out although.*smaller tiles take less"):
        rendered(tiny_checkpoint, Residency.RESIDENT, 3)
    assert not residency._SHELF.lock.locked()


def test_a_budget_decides_before_anything_runs_out(tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[Residency] = []
    placed = residency.placed

    def seen(loaded, part, chosen):  # type: ignore[no-untyped-def]
        used.append(chosen)
        return placed(loaded, part, chosen)

    monkeypatch.setattr(residency, "placed", seen)
    rendered(tiny_checkpoint, Residency.RESIDENT, budget=2 * GB)
    assert set(used) == {Residency.RESIDENT}
    monkeypatch.setenv(residency.BUDGET_VARIABLE, "0.5")
    with pytest.raises(MemoryBudgetError, match=r"expected at most 0\.5 GB"):
        rendered(tiny_checkpoint, Residency.RESIDENT)
    monkeypatch.setenv(residency.BUDGET_VARIABLE, "much")
    with pytest.raises(UnsupportedSettingError, match="SPARKVSR_VRAM_GB as a number of gigabytes, found 'much'"):
        rendered(tiny_checkpoint, Residency.RESIDENT)


def test_weights_that_would_end_the_process_are_refused(tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(residency.os, "sysconf", lambda name: {"SC_PHYS_PAGES": 10, "SC_PAGE_SIZE": 4096}[name])
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
