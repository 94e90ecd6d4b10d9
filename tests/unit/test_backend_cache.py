"""Tiers: budgets in bytes, least recently used goes first, equal requests compute once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparkvsr_backend.cache import Budgets, GaveUpError, Tier


def test_the_least_recently_used_goes_first() -> None:
    tier: Tier[str, int] = Tier(30)
    for number, key in enumerate("abc"):
        tier.put(key, number, 10)
    assert tier.get("a") == 0
    tier.put("d", 3, 10)
    assert [key for key in "abcd" if key in tier] == ["a", "c", "d"]
    counters = tier.counters()
    assert (counters.entries, counters.bytes, counters.evictions) == (3, 30, 1)


def test_a_value_larger_than_the_budget_is_not_kept_and_evicts_nothing() -> None:
    tier: Tier[str, int] = Tier(30)
    tier.put("a", 1, 10)
    assert not tier.put("b", 2, 31)
    assert tier.obtain("c", lambda: (3, 31)) == 3
    assert "a" in tier
    assert "c" not in tier


def test_putting_again_replaces_and_does_not_count_twice() -> None:
    tier: Tier[str, int] = Tier(30)
    tier.put("a", 1, 10)
    tier.put("a", 2, 20)
    assert tier.get("a") == 2
    assert tier.counters().bytes == 20


def test_hits_and_misses_are_counted_by_obtain_and_get_but_not_by_in() -> None:
    tier: Tier[str, int] = Tier(30)
    assert "a" not in tier
    assert tier.get("a") is None
    assert tier.obtain("a", lambda: (1, 1)) == 1
    assert tier.obtain("a", lambda: (2, 1)) == 1
    assert (tier.counters().hits, tier.counters().misses) == (1, 2)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 40)), max_size=60), st.integers(1, 100))
def test_a_tier_does_what_a_simple_model_does(puts: list[tuple[int, int]], budget: int) -> None:
    tier: Tier[int, int] = Tier(budget)
    model: OrderedDict[int, int] = OrderedDict()
    for key, size in puts:
        tier.put(key, size, size)
        model.pop(key, None)
        if size <= budget:
            model[key] = size
        while sum(model.values()) > budget:
            model.popitem(last=False)
        assert {key for key in range(10) if key in tier} == set(model)
        assert tier.counters().bytes == sum(model.values()) <= budget


def test_equal_requests_compute_once() -> None:
    tier: Tier[str, int] = Tier(100)
    calls: list[int] = []
    go = threading.Event()

    def make() -> tuple[int, int]:
        go.wait(5)
        calls.append(1)
        return 42, 1

    with ThreadPoolExecutor(8) as pool:
        tasks = [pool.submit(tier.obtain, "k", make) for _ in range(8)]
        go.set()
        assert [task.result(10) for task in tasks] == [42] * 8
    assert len(calls) == 1
    assert (tier.counters().hits, tier.counters().misses) == (7, 1)


def test_those_who_wait_get_even_what_is_too_large_to_keep() -> None:
    tier: Tier[str, int] = Tier(1)
    leader = tier.claim("k").flight
    assert leader is not None
    with ThreadPoolExecutor(1) as pool:
        follower = pool.submit(tier.claim, "k")
        leader.finish(42, 100)
        # the follower either waited, and got the value, or came too late, and leads
        claim = follower.result(10)
        assert claim.value == 42 or claim.flight is not None


def test_a_failed_computation_passes_the_lead_on() -> None:
    tier: Tier[str, int] = Tier(100)
    started, go = threading.Event(), threading.Event()

    def fail() -> tuple[int, int]:
        started.set()
        go.wait(5)
        raise ValueError("no")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(tier.obtain, "k", fail)
        started.wait(5)
        second = pool.submit(tier.obtain, "k", lambda: (7, 1))
        go.set()
        with pytest.raises(ValueError, match="no"):
            first.result(10)
        assert second.result(10) == 7


def test_a_waiter_that_is_cancelled_gives_up() -> None:
    tier: Tier[str, int] = Tier(100)
    assert tier.claim("k").flight is not None
    with pytest.raises(GaveUpError):
        tier.claim("k", cancelled=lambda: True)


def test_abandoning_after_finishing_does_no_harm() -> None:
    tier: Tier[str, int] = Tier(100)
    flight = tier.claim("k").flight
    assert flight is not None
    flight.finish(1, 1)
    flight.abandon()
    assert tier.get("k") == 1


def test_clearing_leaves_what_is_in_the_making() -> None:
    tier: Tier[str, int] = Tier(100)
    tier.put("a", 1, 10)
    flight = tier.claim("b").flight
    assert flight is not None
    tier.clear()
    flight.finish(2, 10)
    assert "a" not in tier
    assert tier.get("b") == 2
    assert tier.counters().bytes == 10


def test_shares_of_a_total_add_up_to_no_more() -> None:
    budgets = Budgets.share_out(1000)
    shares = (budgets.frames, budgets.source_latents, budgets.keyframe_latents, budgets.propagations, budgets.results)
    assert sum(shares) <= 1000
    assert min(shares) > 0
