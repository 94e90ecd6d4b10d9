"""Parameters of the headless host: values, keys, edits, projects."""

from __future__ import annotations

import json

import numpy as np
import pytest
from support.hosttest import frames, hosttest_bundle

from sparkvsr_bridge import Host, HostError

pytestmark = [pytest.mark.ofx]


def test_values_come_back_in_their_types():
    with Host(hosttest_bundle(), "strict") as host:
        instance = host.create_instance()
        instance.set("scale", 3)
        instance.set("gain", 0.25)
        instance.set("mode", "Pass")
        instance.set("note", "a note")
        assert [instance.get(name) for name in ("scale", "gain", "mode", "note")] == [3, 0.25, 1, "a note"]
        instance.set("mode", 0)
        assert instance.get("mode") == 0


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("scale", 5, "BadValue"),
        ("mode", "Sharpen", "BadValue"),
        ("mode", 2, "BadValue"),
        ("gain", "much", "BadValue"),
        ("flag", 1, "BadValue"),
        ("nothing", 1, "UnknownParam"),
    ],
)
def test_what_no_widget_could_hold_is_refused(name: str, value: object, error: str):
    with Host(hosttest_bundle(), "strict") as host:
        instance = host.create_instance()
        with pytest.raises(HostError) as caught:
            instance.set(name, value)  # type: ignore[arg-type]
    assert caught.value.name == error


def test_doubles_are_linear_between_keys_and_held_outside():
    with Host(hosttest_bundle(), "strict") as host:
        instance = host.create_instance()
        instance.set_at("gain", 10, 1.0)
        instance.set_at("gain", 0, 0.0)
        assert instance.keys("gain") == [(0.0, 0.0), (10.0, 1.0)]
        assert [instance.get("gain", t) for t in (-5, 0, 2.5, 10, 99)] == [0.0, 0.0, 0.25, 1.0, 1.0]
        instance.set_interpolation("gain", "step")
        assert instance.get("gain", 9.9) == 0.0


@pytest.mark.parametrize(("personality", "between"), [("strict", 1), ("nuke", 3)])
def test_integers_step_or_round_as_the_host_does(personality: str, between: int):
    with Host(hosttest_bundle(), personality) as host:
        instance = host.create_instance()
        instance.set_at("scale", 0, 1)
        instance.set_at("scale", 4, 4)
        assert instance.get("scale", 2) == between
        assert instance.get("scale", 4) == 4


def test_keys_are_replaced_and_deleted():
    with Host(hosttest_bundle(), "strict") as host:
        instance = host.create_instance()
        instance.set_at("gain", 1, 0.5)
        instance.set_at("gain", 1, 0.75)
        assert instance.keys("gain") == [(1.0, 0.75)]
        with pytest.raises(HostError, match="no key at 2"):
            instance.delete_key("gain", 2)
        instance.delete_key("gain", 1)
        assert instance.keys("gain") == []
        assert instance.get("gain") == 0.75  # the last key leaves its value behind
        with pytest.raises(HostError) as caught:
            instance.set_at("note", 1, "x")
    assert caught.value.name == "ParamDoesNotAnimate"


def test_a_button_reaches_the_plugin_with_its_time():
    with Host(hosttest_bundle(), "strict") as host:
        instance = host.create_instance()
        instance.press("flag", 7)
        assert instance.keys("gain") == [(7.0, 0.25)]
        assert instance.get("note") == "flagged 7"
        assert [event.kind for event in instance.progress] == ["start", "update", "end"]
        instance.cancel_progress()
        instance.press("flag", 8)
        assert instance.keys("gain") == [(7.0, 0.25)]
        with pytest.raises(HostError) as caught:
            instance.press("gain")
    assert caught.value.name == "NotAButton"


def test_a_project_reopens_with_its_keys():
    source = frames()
    with Host(hosttest_bundle(), "nuke") as host:
        instance = host.create_instance()
        instance.set_at("gain", 0, 0.5)
        instance.set_at("gain", 4, 1.0)
        instance.set("note", "kept")
        instance.set("shift", 1)
        instance.connect("Source", source)
        before = instance.render(2)
        project = json.loads(json.dumps(instance.save()))
        instance.destroy()
        again = host.create_instance(project=project)
        again.connect("Source", source)
        assert again.keys("gain") == [(0.0, 0.5), (4.0, 1.0)]
        assert again.get("note") == "kept"
        assert np.array_equal(again.render(2), before)


def test_a_project_of_another_plugin_is_refused():
    with Host(hosttest_bundle(), "nuke") as host:
        project = host.create_instance().save()
        project["identifier"] = "com.example.Other"
        with pytest.raises(HostError, match=r"com\.sparkvsr\.HostTest"):
            host.create_instance(project=project)


def test_mlt_neither_saves_nor_reaches_secrets_and_buttons():
    with Host(hosttest_bundle(), "mlt") as host:
        instance = host.create_instance()
        assert "hidden" not in instance.save()["params"]
        for name in ("hidden", "flag"):
            with pytest.raises(HostError) as caught:
                instance.set(name, 1)
            assert caught.value.name == "UnreachableParam"
    with Host(hosttest_bundle(), "nuke") as host:
        assert "hidden" in host.create_instance().save()["params"]


def test_mlt_pushes_the_values_of_the_frame():
    source = [frame * 0 for frame in frames()]
    with Host(hosttest_bundle(), "mlt", overrides={"depths": ["OfxBitDepthFloat"]}) as host:
        instance = host.create_instance()
        instance.connect("Source", source)
        instance.set_at("gain", 0, 0.0)
        instance.set_at("gain", 4, 1.0)
        assert np.allclose(instance.render(2), 0.5, atol=1e-4)


def test_the_description_has_every_property():
    with Host(hosttest_bundle(), "strict") as host:
        described = host.describe()
    assert described["identifier"] == "com.sparkvsr.HostTest"
    assert described["version"] == (1, 0)
    general = described["contexts"]["OfxImageEffectContextGeneral"]
    assert set(general["clips"]) == {"Source", "Keyframes", "Output"}
    assert general["clips"]["Keyframes"]["OfxImageClipPropOptional"] == [1]
    assert general["params"]["mode"]["OfxParamPropChoiceOption"] == ["Invert", "Pass"]
    assert general["params"]["scale"]["OfxParamPropMax"] == [4]
