"""The headless host notices what a plugin does wrong: each misbehaviour of the test plugin is a named violation."""

from __future__ import annotations

import os

import pytest
from support.hosttest import frames, hosttest_bundle

from sparkvsr_bridge import ActionFailed, Host, PluginViolated, RenderFailed

pytestmark = [pytest.mark.ofx]

fatal_under_asan = pytest.mark.skipif(
    "libasan" in os.environ.get("LD_PRELOAD", ""),
    reason="AddressSanitizer sees this misbehaviour itself, and ends the process",
)

IN_DESCRIBE = [
    ("wrong property", "UnknownProperty"),
    ("wrong type", "PropertyType"),
    ("read only property", "ReadOnlyProperty"),
    ("bad index", "PropertyIndex"),
    ("null string", "NullArgument"),
    ("duplicate param", "DuplicateParam"),
    ("unknown param type", "UnknownParamType"),
    ("duplicate clip", "DuplicateClip"),
    ("suite in setHost", "SuiteFetchedEarly"),
]
IN_CREATE = [
    ("strict", "late clip", "ClipDefinedLate"),
    ("strict", "late param", "ParamDefinedLate"),
    ("strict", "image in create", "ImageOutsideRender"),
    ("resolve", "image in create", "ImageOutsideRender"),
    ("vegas", "edit block in create", "WouldCrashHost"),
]
IN_PRESS = [
    ("bad progress", "BadProgress"),
    ("progress after its end", "BadProgress"),
    ("open progress", "ProgressLeftOpen"),
]
IN_RENDER = [
    ("image in question", "ImageOutsideRender"),
    ("write in question", "ParamWrittenInAction"),
    ("release output twice", "ImageReleasedTwice"),
    ("use after release", "BadHandle"),
    ("bad time", "BadTime"),
    ("unknown clip", "UnknownClip"),
    ("value of a button", "ParamHasNoValue"),
    ("memory freed twice", "BadHandle"),
    ("memory freed while locked", "ImageMemoryLocked"),
    ("throw in worker", "ExceptionEscaped"),
    ("leak image", "ImageLeaked"),
    ("leak output", "ImageLeaked"),
    ("release twice", "BadHandle"),
    ("write param", "ParamWrittenInRender"),
    ("input modified", "InputModified"),
    pytest.param("overrun", "WroteOutsideImage", marks=fatal_under_asan),
    ("unwritten row", "UnwrittenPixels"),
    ("undeclared frame", "UndeclaredFrame"),
    ("progress in render", "ProgressInRender"),
    ("fp state", "ProcessStateChanged"),
    ("unknown param", "UnknownParam"),
    ("foreign thread", "ForeignThread"),
    ("bad message", "BadMessageType"),
    ("odd range", "BadFrameRange"),
    ("bad region", "BadRegion"),
    ("bad status", "BadStatus"),
    ("bad preferences", "BadClipPreferences"),
    ("throw in render", "ExceptionEscaped"),
]


def test_a_well_behaved_plugin_violates_nothing():
    with Host(hosttest_bundle(), "strict") as host:
        instance = host.create_instance()
        instance.connect("Source", frames(), row_padding=20)
        instance.set("scale", 3)
        instance.press("flag", 2)
        instance.render(1)
        assert host.violations == []


@pytest.mark.parametrize(("how", "rule"), IN_DESCRIBE)
def test_what_is_wrong_in_describe(monkeypatch: pytest.MonkeyPatch, how: str, rule: str):
    monkeypatch.setenv("SPARKVSR_HOSTTEST", how)
    with pytest.raises(PluginViolated) as caught:
        Host(hosttest_bundle(), "strict")
    assert caught.value.rules == {rule}


@pytest.mark.parametrize(("how", "rule"), IN_RENDER)
def test_what_is_wrong_in_render(monkeypatch: pytest.MonkeyPatch, how: str, rule: str):
    with Host(hosttest_bundle(), "strict") as host:
        instance = host.create_instance()
        instance.connect("Source", frames())
        instance.render(1)
        monkeypatch.setenv("SPARKVSR_HOSTTEST", how)
        if how == "bad preferences":
            instance.connect("Source", frames(), first=1)
        with pytest.raises(PluginViolated) as caught:
            instance.render(1)
        assert rule in caught.value.rules
        monkeypatch.delenv("SPARKVSR_HOSTTEST")
        host.clear_violations()


def test_pixels_outside_of_the_window_are_watched(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SPARKVSR_HOSTTEST", "outside window")
    with Host(hosttest_bundle(), "strict") as host:
        instance = host.create_instance()
        instance.connect("Source", frames())
        with pytest.raises(PluginViolated) as caught:
            instance.render(1, window=(0, 0, 8, 4))
        assert caught.value.rules == {"WroteOutsideWindow"}


def test_identity_with_a_clip_that_is_not_there(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SPARKVSR_HOSTTEST", "bad identity")
    with Host(hosttest_bundle(), "strict") as host:
        instance = host.create_instance()
        instance.connect("Source", frames())
        instance.set("mode", "Pass")
        with pytest.raises(PluginViolated) as caught:
            instance.is_identity(0)
        assert caught.value.rules == {"BadIdentity"}


@pytest.mark.parametrize(("personality", "how", "rule"), IN_CREATE)
def test_what_is_wrong_in_create_instance(monkeypatch: pytest.MonkeyPatch, personality: str, how: str, rule: str):
    monkeypatch.setenv("SPARKVSR_HOSTTEST", how)
    with Host(hosttest_bundle(), personality) as host:
        with pytest.raises(PluginViolated) as caught:
            host.create_instance()
        assert caught.value.rules == {rule}


@pytest.mark.parametrize(("how", "rule"), IN_PRESS)
def test_what_is_wrong_in_an_edit(monkeypatch: pytest.MonkeyPatch, how: str, rule: str):
    monkeypatch.setenv("SPARKVSR_HOSTTEST", how)
    with Host(hosttest_bundle(), "strict") as host:
        instance = host.create_instance()
        with pytest.raises(PluginViolated) as caught:
            instance.press("flag", 0)
        assert caught.value.rules == {rule}


def test_a_failed_destroy_instance(monkeypatch: pytest.MonkeyPatch):
    with Host(hosttest_bundle(), "strict") as host:
        instance = host.create_instance()
        monkeypatch.setenv("SPARKVSR_HOSTTEST", "fail destroy")
        with pytest.raises(PluginViolated) as caught:
            instance.destroy()
        assert caught.value.rules == {"DestroyFailed"}


@pytest.mark.parametrize("how", ["memory leak", "mutex leak", "image memory leak"])
def test_what_is_not_given_back(monkeypatch: pytest.MonkeyPatch, how: str):
    monkeypatch.setenv("SPARKVSR_HOSTTEST", how)
    host = Host(hosttest_bundle(), "strict")
    host.create_instance()
    with pytest.raises(PluginViolated) as caught:
        host.unload()
    assert caught.value.rules == {"Leaked"}


@fatal_under_asan
def test_strings_that_are_used_too_late(monkeypatch: pytest.MonkeyPatch):
    """The test plugin writes before the checked window when its string died: the host must have let it die."""
    monkeypatch.setenv("SPARKVSR_HOSTTEST", "dead string")
    source = [frame * 0 for frame in frames()]
    with Host(hosttest_bundle(), "strict", overrides={"short_strings": False}) as host:
        instance = host.create_instance()
        instance.connect("Source", source)
        kept = instance.render(1)
    with Host(hosttest_bundle(), "strict") as host:
        instance = host.create_instance()
        instance.connect("Source", source)
        died = instance.render(1)
    assert (kept == 1).all()
    assert not (died == 1).all()


def test_a_question_where_nobody_is_there(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SPARKVSR_HOSTTEST", "question")
    with Host(hosttest_bundle(), "mlt") as host:
        instance = host.create_instance()
        instance.connect("Source", frames())
        with pytest.raises(PluginViolated) as caught:
            instance.render(1)
        assert caught.value.rules == {"QuestionWithoutArtist"}


def test_a_failed_render_says_what_the_plugin_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SPARKVSR_HOSTTEST", "fail render")
    with Host(hosttest_bundle(), "mlt") as host:  # the real one would ignore the status
        instance = host.create_instance()
        instance.connect("Source", frames())
        with pytest.raises(RenderFailed) as caught:
            instance.render(1)
    assert caught.value.status_name == "kOfxStatFailed"
    assert caught.value.messages == ["cannot render"]


def test_a_failed_create_instance(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SPARKVSR_HOSTTEST", "fail create")
    with Host(hosttest_bundle(), "nuke") as host, pytest.raises(ActionFailed) as caught:
        host.create_instance()
    assert caught.value.name == "CreateInstanceFailed"
    assert caught.value.messages == ["cannot be made"]


def test_an_exception_out_of_describe(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SPARKVSR_HOSTTEST", "throw in describe")
    with pytest.raises(ActionFailed, match="OfxActionDescribe returned kOfxStatErrFatal"):
        Host(hosttest_bundle(), "nuke")


def test_violations_can_be_collected_instead(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SPARKVSR_HOSTTEST", "leak image")
    with Host(hosttest_bundle(), "strict", violations="collect") as host:
        instance = host.create_instance()
        instance.connect("Source", frames())
        instance.render(1)
        assert [(one.rule, one.action) for one in host.violations] == [("ImageLeaked", "OfxImageEffectActionRender")]
