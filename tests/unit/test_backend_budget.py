"""Budgets: shared out, scaled to wishes, and kept to by what is there already."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.engines import CopyEngine, registry_of
from support.requests import frame, request_for

from sparkvsr.frames import fingerprint
from sparkvsr_backend.budget import agreed
from sparkvsr_backend.cache import Budgets, Tier
from sparkvsr_backend.engine_loop import EngineLoop
from sparkvsr_backend.protocol import Budget

GIB = 1 << 30
WISHES = st.lists(st.builds(Budget, vram_gb=st.floats(0, 1000), ram_gb=st.floats(0, 1000)), max_size=4)


def test_the_smallest_wish_that_is_one_counts() -> None:
    wishes = [Budget(ram_gb=8.0), Budget(ram_gb=3.0, vram_gb=6.0), Budget(vram_gb=9.0), Budget()]
    assert agreed(wishes, 100 * GIB) == (3 * GIB, 6 * GIB)
    assert agreed([Budget()], 100 * GIB) == agreed([], GIB) == (None, None)
    assert agreed([Budget(ram_gb=500.0)], 10 * GIB) == (10 * GIB, None)


@given(WISHES)
def test_no_wish_is_exceeded(wishes: list[Budget]) -> None:
    ram, vram = agreed(wishes, 50 * GIB)
    assert ram is None or all(ram <= wish.ram_gb * GIB for wish in wishes if wish.ram_gb)
    assert vram is None or all(vram <= wish.vram_gb * GIB for wish in wishes if wish.vram_gb)


def total(budgets: Budgets, *, arrivals: bool = False) -> int:
    return sum(value for name, value in vars(budgets).items() if arrivals or name != "arrivals")


@given(st.integers(1 << 20, 1 << 40))
def test_shares_add_up_and_scale(size: int) -> None:
    budgets = Budgets.share_out(8 * GIB)
    assert 0.99 * 8 * GIB <= total(budgets) <= 8 * GIB
    scaled = budgets.within(size, None, "cpu")
    assert 0.99 * size - 100 <= total(scaled) <= size
    assert scaled.arrivals == budgets.arrivals
    assert budgets.within(None, None, "cpu") == budgets


def test_on_a_gpu_latents_count_apart() -> None:
    budgets = Budgets.share_out(8 * GIB).within(2 * GIB, GIB, "cuda:0")
    latents = budgets.source_latents + budgets.keyframe_latents + budgets.propagations + budgets.decoded
    assert latents == pytest.approx(GIB, rel=0.01)
    assert budgets.frames + budgets.results + budgets.analysis == pytest.approx(2 * GIB, rel=0.01)


def test_a_tier_that_shrinks_lets_the_oldest_go_at_once() -> None:
    tier: Tier[int, str] = Tier(100)
    for key in range(4):
        tier.put(key, "value", 25)
    tier.resize(50)
    assert [key in tier for key in range(4)] == [False, False, True, True]
    assert tier.counters().bytes == 50
    assert tier.counters().evictions == 2
    tier.resize(75)
    tier.put(9, "value", 25)
    assert [key in tier for key in (2, 3, 9)] == [True] * 3


def test_a_loop_keeps_to_its_limit_and_gets_its_own_back() -> None:
    source = frame(64, 64)
    loop = EngineLoop(registry_of(CopyEngine(takes_views=False)), budgets=Budgets.share_out(8 << 20))
    loop.frames.put(fingerprint(source), source)
    loop.render(request_for(source))
    before = loop.counters()
    assert before["results"].entries == 1
    loop.limit(100_000, None)
    after = loop.counters()
    assert sum(tier.budget_bytes for tier in after.values()) <= 100_000
    assert all(tier.bytes <= tier.budget_bytes for tier in after.values())
    assert after["results"].entries == after["frames"].entries == 0
    loop.limit(None, None)
    assert [tier.budget_bytes for tier in loop.counters().values()] == [tier.budget_bytes for tier in before.values()]
