"""Each personality of the headless host does what the host it stands for does."""

from __future__ import annotations

import numpy as np
import pytest
from support.hosttest import frames, hosttest_bundle

from sparkvsr_bridge import Host, HostError, PluginViolated, RenderFailed, override_names, personality_names

pytestmark = [pytest.mark.ofx]

TEMPORAL = ["flame", "flame-background", "fusion", "natron", "nuke", "resolve", "resolve-fusion", "strict"]


def test_the_names():
    assert set(TEMPORAL) | {"mlt", "vegas"} == set(personality_names())
    with pytest.raises(HostError) as caught:
        Host(hosttest_bundle(), "houdini")
    assert caught.value.name == "UnknownPersonality"


@pytest.mark.parametrize("personality", TEMPORAL)
def test_the_same_frame_in_every_host_with_temporal_access(personality: str):
    source = frames()
    with Host(hosttest_bundle(), personality) as host:
        instance = host.create_instance()
        instance.connect("Source", source)
        instance.set("shift", 2)
        many = instance.render_many([4 - 2, 0, 1, 2], threads=3)
        for t, out in many.items():
            assert np.array_equal(out, 1 - source[int(t) + 2]), t
        assert instance.frames_needed(0)["Source"] == [(2.0, 2.0), (0.0, 0.0)]


def test_contexts_that_hosts_prefer():
    preferred = {}
    for personality in personality_names():
        with Host(hosttest_bundle(), personality) as host:
            preferred[personality] = host.create_instance().context.removeprefix("OfxImageEffectContext")
    filters = {name for name, context in preferred.items() if context == "Filter"}
    assert filters == {"flame", "flame-background", "mlt", "resolve", "vegas"}
    with Host(hosttest_bundle(), "nuke") as host:
        assert host.create_instance("Filter").context == "OfxImageEffectContextFilter"
    with Host(hosttest_bundle(), "mlt") as host, pytest.raises(HostError):
        host.create_instance("General")


def test_mlt_is_blind_to_time():
    source = frames()
    with Host(hosttest_bundle(), "mlt") as host:
        instance = host.create_instance()
        instance.connect("Source", source)
        instance.set("shift", 2)
        out = instance.render(1)
    assert out.dtype == np.uint16  # short before float
    assert np.abs(out / 65535 - (1 - source[1])).max() < 1e-4


@pytest.mark.parametrize(("safety", "reloads"), [("", True), ("unsafe", False)])
def test_mlt_loads_anew_for_each_frame_unless_the_plugin_is_unsafe(
    monkeypatch: pytest.MonkeyPatch, safety: str, reloads: bool
):
    monkeypatch.setenv("SPARKVSR_HOSTTEST", safety)
    with Host(hosttest_bundle(), "mlt") as host:
        instance = host.create_instance()
        instance.connect("Source", frames())
        before = host.suite_calls["paramDefine"]
        instance.render_many([0, 1, 2], threads=1)
        assert (host.suite_calls["paramDefine"] > before) == reloads


def test_natron_renders_on_clones(monkeypatch: pytest.MonkeyPatch):
    """A leak in CreateInstance happens once per clone: one for the instance, one for each of two render threads."""
    monkeypatch.setenv("SPARKVSR_HOSTTEST", "memory leak")
    host = Host(hosttest_bundle(), "natron")
    instance = host.create_instance()
    instance.connect("Source", frames())
    instance.render_many([0, 1, 2, 3], threads=2)
    with pytest.raises(PluginViolated, match="3 blocks"):
        host.unload()


def test_flame_counts_from_0_and_clamps():
    source = frames()
    with Host(hosttest_bundle(), "flame") as host:
        instance = host.create_instance()
        instance.connect("Source", source, first=1001)
        assert instance.host_time(1003) == 2
        instance.set("shift", 50)
        assert np.array_equal(instance.render(0), 1 - source[-1])


def test_others_keep_the_clips_numbers_and_have_nothing_outside():
    with Host(hosttest_bundle(), "nuke") as host:
        instance = host.create_instance()
        instance.connect("Source", frames(), first=1001)
        assert instance.host_time(1003) == 1003
        instance.render(1001)
        with pytest.raises(RenderFailed):
            instance.render(1000)


def test_resolve_claims_connected_and_gives_null():
    with Host(hosttest_bundle(), "resolve") as host:
        instance = host.create_instance()
        instance.connect("Source", frames())
        assert instance.region_of_definition(0) == (0.0, 0.0, 8.0, 6.0)
        assert "clipGetRegionOfDefinition" not in host.suite_calls  # GetRegionOfDefinition is not even sent
        instance.connect("Source", frames(), null_images=True)
        with pytest.raises(RenderFailed):
            instance.render(0)


def test_flames_background_process_is_flame_without_an_artist():
    source = frames()
    with Host(hosttest_bundle(), "flame-background") as host:
        instance = host.create_instance()
        instance.connect("Source", source, first=1001)
        assert instance.host_time(1003) == 2
        instance.set("shift", 1)
        assert np.array_equal(instance.render(2), 1 - source[3])
        assert instance.get("note") == "none"  # InstanceChanged is not sent


def test_vegas_hands_out_blue_first():
    """The test plugin inverts without a look at the order; the host exchanges on the way in and out."""
    source = frames()
    with Host(hosttest_bundle(), "vegas", overrides={"roll_call": False}) as host:
        instance = host.create_instance()
        instance.connect("Source", source)
        assert np.array_equal(instance.render(1), 1 - source[1])


def test_black_where_nothing_is_connected():
    with Host(hosttest_bundle(), "resolve", overrides={"unconnected": "black"}) as host:
        instance = host.create_instance()
        instance.set_project((0, 0, 8, 6))
        assert np.array_equal(instance.render(0), np.ones((6, 8, 4), np.float32))


def test_vegas_calls_the_roll():
    """Every parameter is announced as edited by the user, twice: the test plugin falls for it."""
    with Host(hosttest_bundle(), "vegas") as host:
        assert host.create_instance().get("note") == "flagged 0"
    with Host(hosttest_bundle(), "nuke") as host:
        assert host.create_instance().get("note") == "none"


def test_a_renamed_trait():
    with Host(hosttest_bundle(), "nuke", overrides={"multi_resolution": False, "region": "ignored"}) as host:
        instance = host.create_instance()
        instance.connect("Source", frames())
        instance.set("scale", 2)
        assert instance.render(0).shape == (6, 8, 4)
    assert {"multi_resolution", "region", "depths"} <= set(override_names())


@pytest.mark.parametrize(
    "overrides", [{"multi_resolution": 3}, {"resolution": True}, {"region": "maybe"}], ids=["type", "name", "choice"]
)
def test_overrides_that_mean_nothing(overrides: dict[str, object]):
    with pytest.raises(HostError) as caught:
        Host(hosttest_bundle(), "nuke", overrides=overrides)  # type: ignore[arg-type]
    assert caught.value.name == "BadOverride"
