"""Faults that a test may inject, aborts, threads, and sources that fail."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from support.hosttest import frames, hosttest_bundle

from sparkvsr_bridge import (
    ActionFailed,
    Failing,
    Faults,
    Host,
    HostError,
    LoadFailed,
    RenderAborted,
    RenderFailed,
)

pytestmark = [pytest.mark.ofx]


def test_a_missing_suite():
    with pytest.raises(ActionFailed) as caught:
        Host(hosttest_bundle(), "nuke", faults=Faults(missing_suites=frozenset({"OfxParameterSuite/1"})))
    assert caught.value.status_name == "kOfxStatErrMissingHostFeature"


def test_a_failing_function():
    faults = Faults(failing={"clipGetImage": Failing(status=1, after=2, count=1)})
    with Host(hosttest_bundle(), "nuke", faults=faults) as host:
        instance = host.create_instance()
        instance.connect("Source", frames())
        instance.render(0)  # Source and Output: the first two calls
        with pytest.raises(RenderFailed):
            instance.render(1)
        instance.render(1)


def test_a_refused_property():
    """A property that the host does not know answers kOfxStatErrUnknown, and that alone is no violation."""
    faults = Faults(refused_properties=frozenset({"OfxImageEffectPropSupportsTiles"}))
    with Host(hosttest_bundle(), "strict", faults=faults) as host:
        assert host.violations == []
        assert host.describe()["properties"]["OfxImageEffectPropSupportsTiles"] == [1]


@pytest.mark.parametrize(
    "faults",
    [
        Faults(missing_suites=frozenset({"OfxMessageSuite"})),
        Faults(null_functions=frozenset({"shout"})),
        Faults(failing={"shout": Failing()}),
    ],
    ids=["suite", "null", "failing"],
)
def test_faults_that_mean_nothing(faults: Faults):
    with pytest.raises(HostError) as caught:
        Host(hosttest_bundle(), "nuke", faults=faults)
    assert caught.value.name == "BadFault"


def test_a_plugin_that_refuses_the_host_can_be_loaded_by_the_next(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SPARKVSR_HOSTTEST", "refuse host")
    with pytest.raises(LoadFailed, match="OfxSetHost refused"):
        Host(hosttest_bundle(), "nuke")
    monkeypatch.delenv("SPARKVSR_HOSTTEST")
    with Host(hosttest_bundle(), "nuke") as host:
        assert host.loaded


def test_nothing_to_load(tmp_path):
    with pytest.raises(LoadFailed, match="nothing at"):
        Host(tmp_path / "Missing.ofx.bundle")
    other = tmp_path / "Other.ofx"
    other.write_text("no library")
    with pytest.raises(LoadFailed):
        Host(other)
    with pytest.raises(LoadFailed, match=r"com\.example"):
        Host(hosttest_bundle(), identifier="com.example.Other")


# ---- abort


def test_an_abort_is_timed():
    with Host(hosttest_bundle(), "nuke") as host:
        instance = host.create_instance()
        instance.connect("Source", frames())
        instance.set("waitMs", 5000)
        start = time.monotonic()
        with pytest.raises(RenderAborted) as caught:
            instance.render(0, abort_after_ms=60)
        assert caught.value.latency_ms < 500
        assert time.monotonic() - start < 2
        with pytest.raises(RenderAborted):
            instance.render(0, abort_after_polls=3)
        instance.set("waitMs", 0)
        instance.render(0, abort_after_ms=60_000)


def test_an_ignored_abort_shows_in_the_latency(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SPARKVSR_HOSTTEST", "ignore abort")
    with Host(hosttest_bundle(), "nuke") as host:
        instance = host.create_instance()
        instance.connect("Source", frames())
        instance.set("waitMs", 400)
        with pytest.raises(RenderAborted) as caught:
            instance.render(0, abort_after_ms=10)
    assert caught.value.latency_ms > 300


def test_an_abort_from_another_thread():
    with Host(hosttest_bundle(), "nuke") as host:
        instance = host.create_instance()
        instance.connect("Source", frames())
        instance.set("waitMs", 60_000)
        timer = threading.Timer(0.1, instance.abort)
        timer.start()
        with pytest.raises(RenderAborted):
            instance.render(0)
        timer.join()


# ---- threads


def test_two_renders_on_one_instance_are_refused_unless_fully_safe(monkeypatch: pytest.MonkeyPatch):
    for safety, refused in (("", True), ("fully safe", False)):
        monkeypatch.setenv("SPARKVSR_HOSTTEST", safety)
        with Host(hosttest_bundle(), "nuke") as host, ThreadPoolExecutor(2) as pool:
            instance = host.create_instance()
            instance.connect("Source", frames())
            instance.set("waitMs", 300)
            both = [pool.submit(instance.render, t) for t in (0, 1)]
            errors = [one.exception() for one in both]
            names = [error.name for error in errors if isinstance(error, HostError)]
            assert names == (["ConcurrentRender"] if refused else [])


def test_different_instances_render_at_once():
    with Host(hosttest_bundle(), "nuke") as host, ThreadPoolExecutor(2) as pool:
        pair = [host.create_instance() for _ in range(2)]
        for instance in pair:
            instance.connect("Source", frames())
            instance.set("waitMs", 400)
        start = time.monotonic()
        outs = list(pool.map(lambda one: one.render(0), pair))
        assert time.monotonic() - start < 0.75  # the GIL is free, and nothing else holds them apart
    assert np.array_equal(outs[0], outs[1])


# ---- sources


def test_a_callable_is_asked_for_what_is_needed():
    source = frames()
    asked: list[float] = []

    def frame(t: float) -> np.ndarray:
        asked.append(t)
        return source[int(t)]

    with Host(hosttest_bundle(), "strict") as host:
        instance = host.create_instance()
        instance.connect("Source", frame, frame_range=(0, 4))
        asked.clear()
        instance.set("shift", 2)
        out = instance.render_many([0, 1], threads=2)
        assert np.array_equal(out[1], 1 - source[3])
        assert sorted(instance.pulls) == [("Source", 2.0), ("Source", 3.0)]
    assert {2.0, 3.0} <= set(asked)


def test_a_callable_that_raises_is_heard():
    def frame(t: float) -> np.ndarray:
        if t == 3:
            raise KeyError("frame 3")
        return frames()[0]

    with Host(hosttest_bundle(), "strict") as host:
        instance = host.create_instance()
        instance.connect("Source", frame, frame_range=(0, 4))
        instance.render(0)
        with pytest.raises(KeyError, match="frame 3"):
            instance.render(3)


def test_what_is_gone_says_so():
    host = Host(hosttest_bundle(), "strict")
    instance = host.create_instance()
    instance.destroy()
    with pytest.raises(HostError) as caught:
        instance.render(0)
    assert caught.value.name == "Destroyed"
    assert not instance.alive
    host.unload()
    assert not host.loaded
    with pytest.raises(HostError):
        host.create_instance()


def test_two_hosts_with_one_plugin_share_nothing():
    with Host(hosttest_bundle(), "nuke") as one, Host(hosttest_bundle(), "flame") as two:
        for host in (one, two):
            instance = host.create_instance()
            instance.connect("Source", frames())
            instance.render(0)
    assert one.violations == two.violations == []


@pytest.mark.slow
def test_many_hosts_come_and_go():
    for _ in range(30):
        with Host(hosttest_bundle(), "strict") as host:
            instance = host.create_instance()
            instance.connect("Source", frames())
            instance.render(0)
