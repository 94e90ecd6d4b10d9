"""What the buttons of the panel do in each host, and what they say where a host does not let them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.probe import Probe, film

from sparkvsr_bridge import Failing, Faults, Host

pytestmark = pytest.mark.ofx

LENGTH = 12
WITH_BUTTONS = ["nuke", "natron", "resolve", "resolve-fusion", "flame", "vegas", "fusion", "strict"]


@pytest.fixture(params=WITH_BUTTONS)
def host(request: pytest.FixtureRequest, probe: Probe) -> Iterator[Host]:
    with Host(probe.bundle, personality=request.param) as host:
        yield host


@pytest.fixture
def strict(probe: Probe) -> Iterator[Host]:
    with Host(probe.bundle, personality="strict") as host:
        yield host


def node(host: Host, *, length: int = LENGTH) -> Any:
    instance = host.create_instance()
    instance.connect("Source", film(length))
    return instance


def said(instance: Any) -> str:
    """The last answer of a button: in a message, and in the status line."""
    texts = [message.text for message in instance.messages if "No picture for keyframe" not in message.text]
    assert texts[-1] in instance.get("status")
    return texts[-1]


# ---- Previous, Next


def test_previous_and_next_move_the_hosts_time(host: Host) -> None:
    instance = node(host)
    instance.set("keyframeList", "2 5 9")
    for start, button, arrives in ((0, "nextKeyframe", 2), (2, "nextKeyframe", 5), (4, "previousKeyframe", 2)):
        instance.time = start
        instance.press(button)
        assert instance.time == arrives
    assert instance.goto_times == [2, 5, 2]


@pytest.mark.parametrize(("start", "button", "text"), [(9, "nextKeyframe", "after"), (2, "previousKeyframe", "before")])
def test_where_there_is_no_other_keyframe_it_is_said(host: Host, start: int, button: str, text: str) -> None:
    instance = node(host)
    instance.set("frameOffset", 100)
    instance.set("keyframeList", "102 105 109")
    instance.time = start
    instance.press(button)
    assert instance.goto_times == []
    assert f"no keyframe {text} frame {start + 100}" in said(instance)


@pytest.mark.parametrize(
    "faults",
    [
        Faults(missing_suites=frozenset({"OfxTimeLineSuite/1"})),
        Faults(null_functions=frozenset({"gotoTime"})),
        Faults(failing={"gotoTime": Failing(status=5)}),
    ],
)
def test_without_a_timeline_the_frame_is_named(probe: Probe, faults: Faults) -> None:
    with Host(probe.bundle, "strict", faults=faults) as host:
        instance = node(host)
        instance.set("keyframeList", "2 5")
        instance.press("nextKeyframe", 2)
        assert "TimelineUnavailable" in said(instance)
        assert "go to frame 5" in said(instance)


def test_a_typed_list_that_cannot_be_read_is_said(strict: Host) -> None:
    instance = node(strict)
    instance.set("keyframeList", "1 2..5")
    instance.press("nextKeyframe", 0)
    assert "BadFrameList" in said(instance)


# ---- Suggest, Find cuts


def test_suggested_frames_are_flagged_beside_the_others(host: Host, probe: Probe) -> None:
    probe.finds(1, 10)
    instance = node(host)
    instance.set("keyframeList", "5")
    instance.set("cuts", "7")
    instance.set("suggestCount", 2)
    instance.press("suggestKeyframes", 0)
    (asked,) = probe.calls("analyse")
    assert [time for time, _ in asked["frames"]] == list(range(LENGTH))
    assert (asked["kind"], asked["keyframes"], asked["cuts"], asked["count"]) == ("suggest", [5], [7], 2)
    assert [(time, value) for time, value in instance.keys("keyframe") if value == 1] == [(1, 1), (10, 1)]
    assert "flagged 1 10" in said(instance)
    assert instance.get("status").startswith("Keyframes 1 5 10")


def test_cuts_found_are_written_as_the_artist_counts(host: Host, probe: Probe) -> None:
    probe.finds(4, 9)
    instance = node(host)
    instance.set("frameOffset", 1000)
    instance.set("cuts", "1002")
    instance.press("findCuts", 0)
    (asked,) = probe.calls("analyse")
    assert (asked["kind"], asked["settings"]["scale"]) == ("cuts", 4)
    assert instance.get("cuts") == "1004 1009"
    assert "cuts at 1004 1009" in said(instance)
    probe.finds()
    instance.press("findCuts", 0)
    assert instance.get("cuts") == ""
    assert "no cuts found" in said(instance)


def test_the_backend_gets_the_frames_it_asks_for(host: Host, probe: Probe) -> None:
    probe.finds(4)
    probe.answer("need-all", "done")
    instance = node(host)
    instance.press("findCuts", 0)
    assert len(probe.calls("put")) == LENGTH
    sent = [put["fingerprint"] for put in probe.calls("put")]
    assert sent == [print_ for _, print_ in probe.calls("analyse")[0]["frames"]]
    assert instance.get("cuts") == "4"


def test_looking_shows_a_bar_that_ends(host: Host, probe: Probe) -> None:
    instance = node(host)
    instance.press("findCuts", 0)
    kinds = [event.kind for event in instance.progress]
    assert (kinds[0], kinds[-1]) == ("start", "end")
    fractions = [event.fraction for event in instance.progress if event.kind == "update"]
    assert fractions == sorted(fractions)
    assert max(fractions) > 0.5, "the backend's own progress is shown"


@pytest.mark.parametrize("button", ["findCuts", "suggestKeyframes", "propagateRange"])
def test_cancel_stops_and_changes_nothing(host: Host, probe: Probe, button: str) -> None:
    probe.finds(4)
    instance = node(host)
    instance.set("cuts", "7")
    instance.cancel_progress()
    instance.press(button, 0)
    assert probe.calls("analyse") == []
    assert probe.calls("render") == []
    assert (instance.get("cuts"), instance.keys("keyframe")) == ("7", [])
    assert "cancelled" in said(instance)
    assert instance.progress[-1].kind == "end"


class CancelLater:
    """Frames that press Cancel at the third."""

    def __init__(self) -> None:
        self.instance: Any = None
        self.frames = film(LENGTH)

    def __call__(self, time: float) -> Any:
        if time >= 2 and self.instance is not None:
            self.instance.cancel_progress()
        return self.frames[int(time)]


def test_cancel_in_the_middle_leaves_what_is_made(strict: Host, probe: Probe) -> None:
    frames = CancelLater()
    instance = strict.create_instance()
    instance.connect("Source", frames, frame_range=(0, LENGTH - 1))
    frames.instance = instance
    instance.press("propagateRange", 0)
    assert 1 <= len(probe.calls("render")) <= 3
    assert f"of {LENGTH} frames made" in said(instance)
    assert "cancelled" in said(instance)


def test_cancel_reaches_a_backend_at_work(probe: Probe) -> None:
    """The bar is asked while the link waits; this one says Cancel at its tenth question."""
    probe.answer("wait")
    with Host(
        probe.bundle, "strict", faults=Faults(failing={"progressUpdate": Failing(status=13, after=LENGTH + 8)})
    ) as h:
        instance = node(h)
        instance.press("findCuts", 0)
        assert "cancelled" in said(instance)


@pytest.mark.parametrize("button", ["findCuts", "suggestKeyframes"])
def test_a_failure_while_looking_is_said(strict: Host, probe: Probe, button: str) -> None:
    probe.answer("BackendStartFailed")
    instance = node(strict)
    instance.press(button, 0)
    assert instance.messages[-1].kind == "OfxMessageError"
    assert "BackendStartFailed" in said(instance)


@pytest.mark.parametrize("button", ["findCuts", "suggestKeyframes", "propagateRange"])
def test_a_host_that_shows_one_frame_at_a_time_is_told_so(probe: Probe, button: str) -> None:
    with Host(probe.bundle, "strict", overrides={"temporal": False}) as host:
        instance = node(host)
        instance.press(button, 0)
        assert "HostBlindToTime" in said(instance)
        assert probe.calls("analyse") == probe.calls("render") == []


@pytest.mark.parametrize("button", ["findCuts", "suggestKeyframes", "propagateRange"])
def test_a_still_has_nothing_to_look_through(strict: Host, button: str) -> None:
    instance = node(strict, length=1)
    instance.press(button, 0)
    assert "ClipLengthUnknown" in said(instance)


def test_hosts_that_take_no_keys_get_a_typed_list(probe: Probe) -> None:
    probe.finds(1, 10)
    with Host(probe.bundle, "strict", faults=Faults(failing={"paramSetValueAtTime": Failing(status=5)})) as host:
        instance = node(host)
        instance.set("keyframeList", "5")
        instance.press("suggestKeyframes", 0)
        assert instance.get("keyframeList") == "5 1 10"
        assert instance.get("status").startswith("Keyframes 1 5 10")


# ---- Propagate


def test_propagate_makes_the_shot_as_the_host_will_ask_for_it(host: Host, probe: Probe) -> None:
    instance = node(host)
    instance.set("cuts", "4 9")
    instance.press("propagateRange", 5)
    ahead = probe.calls("render")
    assert [request["time"] for request in ahead] == [4, 5, 6, 7, 8]
    assert {request["priority"] for request in ahead} == {2}
    assert "5 of 5 frames made" in said(instance)
    probe.forget()
    for request in ahead:
        instance.render(request["time"])
        asked = probe.request()
        for part in ("settings", "window", "keyframes", "target", "output"):
            assert asked[part] == request[part], f"{part}: else the cache would not be found"
    fractions = [event.fraction for event in instance.progress if event.kind == "update"]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1


def test_propagate_stops_at_the_first_failure_and_says_which(strict: Host, probe: Probe) -> None:
    probe.answer("done", "done", "EngineFailed")
    instance = node(strict)
    instance.press("propagateRange", 0)
    assert len(probe.calls("render")) == 3
    assert "EngineFailed" in said(instance)
    assert f"2 of {LENGTH} frames made" in said(instance)


@pytest.mark.parametrize("missing", [{"OfxProgressSuite/1", "OfxProgressSuite/2"}, {"OfxProgressSuite/2"}])
def test_without_a_bar_nothing_long_is_begun(probe: Probe, missing: set[str]) -> None:
    with Host(probe.bundle, "strict", faults=Faults(missing_suites=frozenset(missing))) as host:
        instance = node(host)
        instance.press("propagateRange", 0)
        if len(missing) == 2:
            assert "ProgressUnavailable" in said(instance)
            assert probe.calls("render") == []
        else:
            assert len(probe.calls("render")) == LENGTH, "the older suite will do"
        instance.press("findCuts", 0)
        assert "no cuts found" in said(instance)


# ---- Clear cache, Restart, Open log, Bind to this, Host report


def test_clear_cache_clears_the_backends_and_the_hosts(host: Host, probe: Probe) -> None:
    instance = node(host)
    before = instance.get("generation")
    instance.press("clearCache")
    assert len(probe.calls("clear")) == 1
    assert instance.get("generation") > before
    assert "caches are empty" in said(instance)


def test_restart_ends_the_backend(host: Host, probe: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = node(host)
    instance.press("restartBackend")
    assert len(probe.calls("shutdown")) == 1
    assert "was ended" in said(instance)
    monkeypatch.setenv("SPARKVSR_PROBE_NO_BACKEND", "1")
    instance.press("restartBackend")
    assert "no backend runs" in said(instance)


def opener(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A desktop: whatever is opened is written into a file."""
    opened = tmp_path / "opened"
    program = tmp_path / "bin" / "xdg-open"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nprintf %s "$1" > "{opened}.part"\nmv "{opened}.part" "{opened}"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return opened


def waited(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 5
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def test_open_log_says_where_it_is_and_opens_it(strict: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "my log.txt"
    monkeypatch.setenv("SPARKVSR_LOG", str(log))
    opened = opener(tmp_path, monkeypatch)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    instance = node(strict)
    instance.press("openLog")
    assert str(log) in said(instance)
    assert not waited(opened.exists) or opened.read_text() == ""
    monkeypatch.setenv("DISPLAY", ":7")
    instance.press("openLog")
    assert waited(opened.exists)
    assert opened.read_text() == str(log)


def test_open_log_without_a_program_to_open_it_is_content_to_say_it(
    strict: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", ":7")
    monkeypatch.setenv("PATH", str(tmp_path))
    instance = node(strict)
    instance.press("openLog")
    assert "log is" in said(instance)


def test_bind_writes_the_kind_of_machine(host: Host, probe: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = node(host)
    instance.press("bindArithmetic")
    assert instance.get("arithmetic") == "probe arithmetic"
    instance.render(3)
    assert probe.request()["settings"]["arithmetic"] == "probe arithmetic"
    monkeypatch.setenv("SPARKVSR_PROBE_NO_BACKEND", "1")
    instance.press("bindArithmetic")
    assert "BackendNotFound" in said(instance)
    assert instance.get("arithmetic") == "probe arithmetic"


def test_host_report(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    instance = node(host)
    instance.press("hostReport", 3)
    (report,) = (tmp_path / "sparkvsr").iterdir()
    assert str(report) in said(instance)
    text = report.read_text()
    for line in (
        "OfxPropName: ",
        "OfxImageEffectPropTemporalClipAccess: 1",
        "OfxProgressSuite 1: there",
        "OfxTimeLineSuite 1: there",
        "Clip Source",
        "OfxImageEffectPropFrameRange: 0, 11",
        "of the action: 3",
        "probe device",
        "arithmetic: probe arithmetic",
        "/Contents/Resources",
    ):
        assert line in text, line


def test_host_report_says_what_is_broken(probe: Probe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("SPARKVSR_PROBE_NO_BACKEND", "1")
    faults = Faults(missing_suites=frozenset({"OfxProgressSuite/2"}), refused_properties=frozenset({"OfxPropVersion"}))
    with Host(probe.bundle, "resolve", faults=faults) as host:
        node(host).press("hostReport", 0)
    text = (tmp_path / "sparkvsr" / "host-report-DaVinciResolve.txt").read_text()
    assert "setPersistentMessage NULL" in text
    assert "OfxProgressSuite 2: missing" in text
    assert "OfxPropVersion: not known to this host" in text
    assert "OfxImageEffectPropResolvePage: Color" in text
    assert "BackendNotFound" in text


def test_a_report_that_cannot_be_written_is_said(strict: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sparkvsr").write_text("in the way")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    instance = node(strict)
    instance.press("hostReport", 0)
    assert "ReportNotWritten" in said(instance)


def test_a_farm_is_not_asked_to_look_at_dialogs(probe: Probe) -> None:
    with Host(probe.bundle, "strict", overrides={"background": True}) as host:
        instance = node(host)
        instance.press("clearCache")
        assert instance.messages[-1].kind == "OfxMessageLog"


@pytest.mark.parametrize("name", ["suggestKeyframes", "findCuts", "propagateRange", "clearCache", "restartBackend"])
def test_only_an_artist_presses_buttons(probe: Probe, name: str) -> None:
    """Not the roll-call of a new instance."""
    with Host(probe.bundle, "vegas") as host:
        node(host)
    assert [probe.calls(kind) for kind in ("analyse", "render", "clear", "shutdown")] == [[], [], [], []], name


# ---- wishes for memory


def test_budgets_go_to_the_backend_and_nowhere_else(host: Host, probe: Probe) -> None:
    instance = node(host)
    instance.render(3)
    before = probe.request()
    assert probe.calls("budget") == []
    instance.set("vramBudget", 6.5)
    instance.set("ramBudget", 2.0)
    told = [(one["vram_gb"], one["ram_gb"], one["always"]) for one in probe.calls("budget")]
    assert told == [(6.5, 0, True), (6.5, 2.0, True)]
    instance.render(3)
    assert [(one["vram_gb"], one["ram_gb"]) for one in probe.calls("budget")][-1] == (6.5, 2.0)
    assert not probe.calls("budget")[-1]["always"]
    assert probe.request() == before
    instance.set("vramBudget", 0.0)
    instance.set("ramBudget", 0.0)
    assert (probe.calls("budget")[-1]["vram_gb"], probe.calls("budget")[-1]["always"]) == (0, True)
