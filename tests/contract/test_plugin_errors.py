"""What goes wrong is said by name, in the host's words, and nothing wrong is ever shown as a result."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.probe import Probe, as_floats, film, nearest, picture

from sparkvsr_bridge import Host, RenderFailed

pytestmark = pytest.mark.ofx

SIZE = (8, 6)


@pytest.fixture
def host(probe: Probe) -> Iterator[Host]:
    host = Host(probe.bundle, personality="strict")
    yield host
    host.unload()


def node(host: Host, length: int = 10) -> Any:
    instance = host.create_instance()
    instance.connect("Source", film(length, *SIZE))
    return instance


@pytest.mark.parametrize(
    "error", ["BackendDied", "BackendNotFound", "UnknownEngine", "UnsupportedSetting", "EngineFailed"]
)
def test_errors_reach_the_host_by_name(host: Host, probe: Probe, error: str) -> None:
    instance = node(host)
    probe.answer(error, "done")
    with pytest.raises(RenderFailed, match=error):
        instance.render(3)
    assert error in str(instance.persistent_message)
    instance.render(3)
    assert not instance.persistent_message


def test_needed_frames_are_sent_again_with_force(host: Host, probe: Probe) -> None:
    instance = node(host)
    instance.connect("Keyframes", film(10, 32, 24))
    instance.set("keyframeList", "1 8")
    probe.answer("need-all", "done")
    instance.render(3)
    puts = probe.calls("put")
    assert [put["force"] for put in puts] == [False] * 5 + [True] * 5
    assert [put["fingerprint"] for put in puts[:5]] == [put["fingerprint"] for put in puts[5:]]


def test_a_backend_that_keeps_forgetting_is_an_error(host: Host, probe: Probe) -> None:
    instance = node(host)
    probe.answer("need")
    with pytest.raises(RenderFailed, match=r"EngineFailed.*forgetting"):
        instance.render(3)
    assert len(probe.calls("render")) == 4


def test_a_frame_that_was_never_sent_cannot_be_needed(host: Host, probe: Probe) -> None:
    instance = node(host)
    probe.answer("need-other")
    with pytest.raises(RenderFailed, match="BadMessage"):
        instance.render(3)


def test_abort_returns_soon_and_says_nothing(host: Host, probe: Probe) -> None:
    instance = node(host)
    probe.answer("wait")
    start = time.monotonic()
    with pytest.raises(RenderFailed):
        instance.render(3, abort_after_ms=60)
    assert time.monotonic() - start < 0.06 + 0.15
    assert not instance.persistent_message


def test_nothing_connected(host: Host) -> None:
    instance = host.create_instance()
    instance.set_project((0, 0, *SIZE))
    with pytest.raises(RenderFailed, match="SourceMissing"):
        instance.render(0)


def test_connected_but_empty(host: Host) -> None:
    instance = host.create_instance()
    instance.connect("Source", lambda t: picture(*SIZE) if t != 3 else None, frame_range=(0, 9))
    instance.render(2)
    with pytest.raises(RenderFailed, match=r"SourceMissing.*frame 3"):
        instance.render(3)


def test_the_large_engine_and_transfers_are_passed_on_by_name(host: Host, probe: Probe) -> None:
    instance = node(host)
    instance.set("engine", 1)
    instance.set("inputTransfer", 11)
    instance.render(3)
    assert probe.request()["settings"]["engine"] == "sparkvsr-5b"
    assert probe.request()["settings"]["transfer"] == "pq"


@pytest.mark.parametrize(
    ("personality", "dtype", "transfer"),
    [
        ("nuke", np.float32, "linear"),
        ("natron", np.float32, "linear"),
        ("natron", np.uint8, "srgb"),
        ("fusion", np.float32, "linear"),
        ("resolve", np.float32, "srgb"),
        ("flame", np.float16, "srgb"),
    ],
)
def test_automatic_transfer(probe: Probe, personality: str, dtype: type, transfer: str) -> None:
    host = Host(probe.bundle, personality=personality)
    instance = host.create_instance()
    instance.connect("Source", [picture(*SIZE, dtype=dtype)])
    instance.render(0)
    assert probe.request()["settings"]["transfer"] == transfer
    host.unload()


def test_stand_in_only_where_the_artist_chose_it(host: Host, probe: Probe) -> None:
    instance = node(host)
    instance.set("onError", 1)
    probe.answer("BackendDied")
    shown = instance.render(3)
    assert shown.shape == (24, 32, 4)
    assert "BackendDied" in str(instance.persistent_message)
    assert "stand-in" in str(instance.persistent_message)
    assert np.abs(shown[2::4, 2::4] - film(4, *SIZE)[3]).mean() < 0.2


def test_stand_in_of_flat_colour_is_that_colour(host: Host, probe: Probe) -> None:
    instance = host.create_instance()
    instance.connect("Source", [np.full((6, 8, 4), 0.25, np.float32)])
    instance.set("onError", 1)
    probe.answer("BackendDied")
    np.testing.assert_allclose(instance.render(0), 0.25, atol=1e-6)


def test_the_hosts_cache_is_invalidated_after_recovery(host: Host, probe: Probe) -> None:
    instance = node(host)
    instance.set("onError", 1)
    probe.answer("BackendDied", "done")
    instance.render(3)
    instance.set("trust", 0.5)
    assert instance.get("generation") == 0, "the backend does not work yet: the same would come again"
    instance.render(4)
    assert instance.get("generation") == 0, "parameters are never written while rendering"
    instance.set("trust", 0.25)
    assert instance.get("generation") == 1
    instance.set("trust", 0.5)
    assert instance.get("generation") == 1
    instance.render(4)
    assert probe.request()["settings"]["generation"] == 1


def test_notices_warn_and_are_taken_back(host: Host, probe: Probe) -> None:
    instance = node(host)
    probe.answer("notice", "done")
    instance.render(3)
    assert "check the offset" in str(instance.persistent_message)
    instance.render(3)
    assert not instance.persistent_message


def test_percent_signs_in_messages_are_only_text(host: Host, tmp_path: Path) -> None:
    instance = node(host)
    instance.set("keyframeFiles", str(tmp_path / "100%%s" / "key.%04d.png"))
    instance.set("keyframeList", "3")
    with pytest.raises(RenderFailed) as failed:
        instance.render(5)
    assert str(tmp_path / "100%s" / "key.0003.png") in str(failed.value)


@pytest.mark.parametrize("personality", ["resolve", "resolve-fusion", "vegas", "fusion"])
def test_hosts_with_broken_messages_still_get_the_error(probe: Probe, personality: str) -> None:
    host = Host(probe.bundle, personality=personality)
    instance = node(host)
    probe.answer("BackendDied", "done")
    with pytest.raises(RenderFailed, match="BackendDied"):
        instance.render(3)
    instance.render(3)
    host.unload()


def test_nothing_is_contacted_before_the_first_render(probe: Probe) -> None:
    host = Host(probe.bundle, personality="natron")
    instance = node(host)
    instance.set("keyframeList", "3")
    instance.press("flagKeyframe", 5)
    instance.region_of_definition(0)
    instance.frames_needed(4)
    instance.is_identity(0)
    instance.clip_preferences()
    assert probe.calls("process") == []
    instance.set("keyframeList", "")
    instance.press("unflagKeyframe", 5)
    instance.render(0)
    (greeting, *_) = probe.calls("process")
    assert greeting["host_name"] == "fr.inria.Natron"
    assert greeting["bundle_resources"].endswith("SparkVSRProbe.ofx.bundle/Contents/Resources")
    host.unload()


def test_every_order_gives_the_same(host: Host, probe: Probe) -> None:
    instance = node(host)
    frames = film(10, *SIZE)
    for t in (5, 2, 9, 2, 0, 5):
        np.testing.assert_array_equal(instance.render(t), nearest(frames[t], 4))


@pytest.mark.parametrize("personality", ["strict", "natron", "mlt", "resolve"])
def test_threads_and_clones(probe: Probe, personality: str) -> None:
    host = Host(probe.bundle, personality=personality)
    instance = host.create_instance()
    frames = film(12, *SIZE)
    instance.connect("Source", frames)
    results = instance.render_many(range(12), threads=4)
    factor = results[0].shape[0] // SIZE[1]
    for t, result in results.items():
        np.testing.assert_allclose(as_floats(result), nearest(frames[t], factor), atol=1e-4)
    host.unload()
