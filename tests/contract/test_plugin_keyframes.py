"""Which frames are keyframes, which of them a frame uses, and where their pictures come from."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.probe import Probe, film, keyframe_times, picture

from sparkvsr_bridge import Host, RenderFailed

pytestmark = pytest.mark.ofx

LENGTH = 60
TEMPORAL = ["nuke", "natron", "resolve", "flame", "vegas", "strict"]


@pytest.fixture(params=TEMPORAL)
def host(request: pytest.FixtureRequest, probe: Probe) -> Iterator[Host]:
    host = Host(probe.bundle, personality=request.param)
    yield host
    host.unload()


@pytest.fixture
def strict(probe: Probe) -> Iterator[Host]:
    host = Host(probe.bundle, personality="strict")
    yield host
    host.unload()


def node(host: Host, *, pictures: bool = True, first: int = 0, length: int = LENGTH) -> Any:
    instance = host.create_instance()
    instance.connect("Source", film(length), first=first)
    if pictures:
        instance.connect("Keyframes", film(length, 32, 24), first=first)
    return instance


def used(probe: Probe, instance: Any, t: int) -> list[int]:
    instance.render(t)
    return list(keyframe_times(probe.request()))


def test_keys_of_value_one_flag(host: Host, probe: Probe) -> None:
    instance = node(host)
    for time, flag in ((1, 1), (10, 0), (24, 1), (48, 1)):
        instance.set_at("keyframe", time, flag)
    assert used(probe, instance, 0) == [1]
    assert used(probe, instance, 12) == [1, 24]
    assert used(probe, instance, 24) == [24]
    assert used(probe, instance, 30) == [24, 48]
    assert used(probe, instance, 59) == [48]


def test_a_value_without_a_key_flags_nothing(host: Host, probe: Probe) -> None:
    instance = node(host)
    instance.set("keyframe", 1)
    assert used(probe, instance, 12) == []


def test_buttons_flag_at_the_time_of_the_action(host: Host, probe: Probe) -> None:
    instance = node(host)
    for time in (24, 1, 48):
        instance.press("flagKeyframe", time)
    assert used(probe, instance, 12) == [1, 24]
    instance.press("unflagKeyframe", 24)
    assert used(probe, instance, 12) == [1, 48]
    assert used(probe, instance, 24) == [1, 48]


def test_typed_list_is_united_with_flags_and_shifted_by_the_offset(strict: Host, probe: Probe) -> None:
    instance = node(strict)
    instance.set_at("keyframe", 30, 1)
    instance.set("keyframeList", "1001, 1010-1020x5")
    instance.set("frameOffset", 1000)
    assert used(probe, instance, 1) == [1]
    assert used(probe, instance, 12) == [10, 15]
    assert used(probe, instance, 25) == [20, 30]
    assert [use["label"] for use in probe.request()["keyframes"]] == [1020, 1030]


def test_cuts_bound_the_reach(strict: Host, probe: Probe) -> None:
    instance = node(strict)
    instance.set("keyframeList", "1 24 48")
    instance.set("cuts", "20 40")
    assert used(probe, instance, 19) == [1]
    assert used(probe, instance, 20) == [24]
    assert probe.request()["settings"]["cuts"] == [20, 40]
    assert used(probe, instance, 41) == [48]
    assert probe.request()["settings"]["cuts"] == [40]


def test_keyframes_outside_the_clip_are_not_used(host: Host, probe: Probe) -> None:
    instance = node(host, length=30)
    instance.set("keyframeList", "10 50")
    assert used(probe, instance, 20) == [10]
    assert probe.request()["range"] == [0, 29]


def test_unreadable_list_fails_by_name(strict: Host, probe: Probe) -> None:
    instance = node(strict)
    instance.set("keyframeList", "1 2..5")
    with pytest.raises(RenderFailed, match=r"BadFrameList.*2\.\.5"):
        instance.render(3)
    assert probe.calls("render") == []


def test_frames_needed(host: Host) -> None:
    instance = node(host)
    instance.set("keyframeList", "1 24 48")
    needed = instance.frames_needed(30)
    assert sorted({first for first, _ in needed["Source"]}) == [24, 30, 48]
    assert sorted({first for first, _ in needed["Keyframes"]}) == [24, 48]
    assert all(first == last for spans in needed.values() for first, last in spans)


def test_only_declared_frames_are_pulled(host: Host, probe: Probe) -> None:
    instance = node(host)
    instance.set("keyframeList", "1 24 48")
    instance.render(30)
    pulled = {(clip, time) for clip, time in instance.pulls if clip != "Output"}
    assert pulled == {("Source", 30), ("Source", 24), ("Source", 48), ("Keyframes", 24), ("Keyframes", 48)}


def test_a_keyframe_comes_with_its_own_source_frame(strict: Host, probe: Probe) -> None:
    instance = node(strict)
    instance.set("keyframeList", "24")
    instance.render(24)
    request = probe.request()
    (use,) = request["keyframes"]
    assert use["source"] == request["window"][0][1]
    assert use["picture"]["fingerprint"] != use["source"]
    instance.render(25)
    assert probe.request()["keyframes"] == [use]


def test_fractional_times_are_rounded(strict: Host, probe: Probe) -> None:
    instance = node(strict)
    instance.set("keyframeList", "24")
    instance.render(23.9999)
    assert probe.request()["time"] == 24
    assert list(keyframe_times(probe.request())) == [24]


def test_files_come_before_the_clip(strict: Host, probe: Probe, tmp_path: Path) -> None:
    instance = node(strict)
    (tmp_path / "key.1024.png").write_bytes(b"read by the backend")
    instance.set("keyframeFiles", str(tmp_path / "key.%04d.png"))
    instance.set("frameOffset", 1000)
    instance.set("keyframeList", "1024 1048")
    instance.render(30)
    with_file, with_clip = probe.request()["keyframes"]
    assert with_file["picture"] == {"path": str(tmp_path / "key.1024.png")}
    assert "fingerprint" in with_clip["picture"]


def test_files_carry_the_curve_that_is_chosen_for_them(strict: Host, probe: Probe, tmp_path: Path) -> None:
    instance = node(strict)
    (tmp_path / "key.0024.png").write_bytes(b"")
    instance.set("keyframeFiles", str(tmp_path / "key.%04d.png"))
    instance.set("keyframeList", "24 48")
    instance.set("keyframeTransfer", "LogC3")
    instance.render(30)
    with_file, with_clip = probe.request()["keyframes"]
    assert with_file["picture"] == {"path": str(tmp_path / "key.0024.png"), "transfer": "logc3"}
    assert set(with_clip["picture"]) == {"fingerprint"}


@pytest.mark.parametrize("pattern", ["key.####.png", "key.%04d.png"])
def test_patterns(strict: Host, probe: Probe, tmp_path: Path, pattern: str) -> None:
    instance = node(strict, pictures=False)
    (tmp_path / "key.0003.png").write_bytes(b"")
    instance.set("keyframeFiles", str(tmp_path / pattern))
    instance.set("keyframeList", "3")
    instance.render(5)
    assert probe.request()["keyframes"][0]["picture"] == {"path": str(tmp_path / "key.0003.png")}


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("key.%s.png", "%s, which is no frame number, in key.%s.png"),
        ("key.%4d.png", "%4d, which is no frame number, in key.%4d.png"),
        ("%d%d.png", "%d, which is a second one, in %d%d.png"),
        ("shot%02d/key.png", "%02d, in a folder, in shot%02d/key.png"),
    ],
)
def test_a_malformed_pattern_fails_by_name(host: Host, probe: Probe, pattern: str, found: str) -> None:
    """Also where the Keyframes clip has pictures: they are not what the artist asked for."""
    instance = node(host)
    instance.set("keyframeList", "3")
    instance.set("keyframeFiles", pattern)
    with pytest.raises(RenderFailed) as failed:
        instance.render(5)
    assert "BadPattern" in str(failed.value)
    assert "expected one frame number in the file name, as %04d or ####" in str(failed.value)
    assert f"found {found}" in str(failed.value)
    assert f"found {found}" in instance.get("status")
    assert probe.calls("put") == [], "told before anything is sent"


def test_a_malformed_pattern_matters_only_where_pictures_are_used(strict: Host, probe: Probe) -> None:
    instance = node(strict)
    instance.set("keyframeFiles", "key.%s.png")
    assert used(probe, instance, 5) == []
    instance.set("keyframeList", "3")
    instance.set("view", 2)
    assert used(probe, instance, 5) == []


def test_one_file_cannot_serve_several_keyframes(strict: Host, probe: Probe, tmp_path: Path) -> None:
    (tmp_path / "one.png").write_bytes(b"")
    instance = node(strict)
    instance.set("keyframeFiles", str(tmp_path / "one.png"))
    instance.set("keyframeList", "3 40")
    instance.set("cuts", "20")
    with pytest.raises(
        RenderFailed, match=r"BadPattern: one file cannot be the picture of 2 keyframes.*%04d.*one\.png"
    ):
        instance.render(5)
    instance.set("keyframeList", "3")
    assert used(probe, instance, 5) == [3]


def test_relative_files_are_sent_with_their_whole_path(
    strict: Host, probe: Probe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.png").write_bytes(b"")
    instance = node(strict, pictures=False)
    instance.set("keyframeFiles", "one.png")
    instance.set("keyframeList", "3")
    instance.render(5)
    assert probe.request()["keyframes"][0]["picture"] == {"path": str(tmp_path / "one.png")}


def test_a_keyframe_without_picture_fails_with_advice(host: Host, probe: Probe) -> None:
    instance = node(host, pictures=False)
    instance.set("keyframeList", "24")
    with pytest.raises(RenderFailed, match=r"KeyframeWithoutPicture.*24.*unflag"):
        instance.render(30)
    assert probe.calls("render") == []


def test_a_hole_in_the_keyframes_clip_is_a_keyframe_without_picture(strict: Host, probe: Probe) -> None:
    instance = strict.create_instance()
    instance.connect("Source", film(LENGTH))
    instance.connect(
        "Keyframes",
        lambda t: picture(32, 24) if t == 24 else None,
        frame_range=(0, LENGTH - 1),
        depth="float",
        components="RGBA",
    )
    instance.set("frameOffset", 1000)
    instance.set("keyframeList", "1024 1048")
    with pytest.raises(RenderFailed, match=r"KeyframeWithoutPicture.*1048"):
        instance.render(30)
    assert used(probe, instance, 20) == [24]


def test_a_frame_without_source_has_the_artists_number(strict: Host) -> None:
    instance = strict.create_instance()
    instance.connect(
        "Source", lambda t: picture(8, 6) if t != 7 else None, frame_range=(0, 9), depth="float", components="RGBA"
    )
    instance.set("frameOffset", 1000)
    with pytest.raises(RenderFailed, match=r"SourceMissing.*frame 1007"):
        instance.render(7)


def test_views_without_keyframes_ask_for_none(strict: Host, probe: Probe) -> None:
    instance = node(strict, pictures=False)
    instance.set("keyframeList", "24")
    for view, name in ((1, "source"), (2, "blind")):
        instance.set("view", view)
        instance.render(30)
        assert probe.request()["settings"]["view"] == name
        assert probe.request()["keyframes"] == []


def test_a_host_blind_to_time_uses_files_alone(probe: Probe, tmp_path: Path) -> None:
    host = Host(probe.bundle, personality="mlt")
    instance = node(host)
    (tmp_path / "key.0024.png").write_bytes(b"")
    instance.set("keyframeFiles", str(tmp_path / "key.####.png"))
    instance.set("keyframeList", "24")
    instance.render(30)
    request = probe.request()
    picture_of_24 = {"path": str(tmp_path / "key.0024.png")}
    assert request["keyframes"] == [
        {"time": 24, "label": 24, "picture": picture_of_24, "source": None, "strength": 1.0}
    ]
    assert len(probe.calls("put")) == 1
    instance.set("keyframeList", "25")
    with pytest.raises(RenderFailed, match="KeyframeWithoutPicture"):
        instance.render(30)
    host.unload()


def test_roll_call_presses_no_button(probe: Probe) -> None:
    host = Host(probe.bundle, personality="vegas")
    instance = node(host)
    assert instance.keys("keyframe") == []
    assert used(probe, instance, 3) == []
    host.unload()


def test_status_lists_the_keyframes(strict: Host, probe: Probe) -> None:
    instance = node(strict)
    instance.set("frameOffset", 1000)
    instance.press("flagKeyframe", 24)
    assert "1024" in instance.get("status")
    instance.press("flagKeyframe", 1)
    assert instance.get("status").startswith("Keyframes 1001 1024")


def test_guidance_and_trust_are_read_at_the_frame(strict: Host, probe: Probe) -> None:
    instance = node(strict)
    for time, guidance in ((0, 0.0), (10, 2.0)):
        instance.set_at("guidance", time, guidance)
    instance.set("trust", 0.25)
    instance.render(5)
    assert np.isclose(probe.request()["settings"]["guidance"], 1.0)
    assert probe.request()["settings"]["trust"] == 0.25


def test_strength_is_that_of_the_keyframes_own_frame(strict: Host, probe: Probe) -> None:
    instance = node(strict)
    instance.set("keyframeList", "24 48")
    instance.set("keyframeStrength", 0.5)
    instance.render(30)
    assert [use["strength"] for use in probe.request()["keyframes"]] == [0.5, 0.5]
    instance.set_at("keyframeStrength", 24, 0.25)
    instance.set_at("keyframeStrength", 48, 0.75)
    for time in (26, 30, 46):
        instance.render(time)
        assert [use["strength"] for use in probe.request()["keyframes"]] == [0.25, 0.75]


def test_radius_bounds_the_reach(strict: Host, probe: Probe) -> None:
    instance = node(strict)
    instance.set("keyframeList", "10 40")
    instance.set("keyframeRadius", 5)
    assert used(probe, instance, 15) == [10]
    assert used(probe, instance, 16) == []
    assert {first for first, _ in instance.frames_needed(16)["Source"]} == {16}
    assert used(probe, instance, 35) == [40]
    instance.set("keyframeRadius", 0)
    assert used(probe, instance, 16) == [10, 40]


def test_radius_counts_from_the_end_of_a_chunk(strict: Host, probe: Probe) -> None:
    """Frame 30 lies in the chunks 0..32 and 24..56."""
    instance = node(strict, length=60)
    instance.set("engine", 1)
    instance.set("keyframeList", "59")
    assert used(probe, instance, 30) == [59]
    instance.set("keyframeRadius", 3)
    assert used(probe, instance, 30) == [59]
    instance.set("keyframeRadius", 2)
    assert used(probe, instance, 30) == []


def test_auto_makes_pictures_where_there_are_none(host: Host, probe: Probe, tmp_path: Path) -> None:
    (tmp_path / "key.0024.png").write_bytes(b"")
    instance = node(host, pictures=False)
    instance.set("keyframeFiles", str(tmp_path / "key.%04d.png"))
    instance.set("keyframeList", "24 48")
    instance.set("keyframeSource", "Auto")
    instance.set("keyframeModel", "esrgan")
    instance.render(30)
    with_file, made = probe.request()["keyframes"]
    assert with_file["picture"] == {"path": str(tmp_path / "key.0024.png")}
    assert made["picture"] == {"model": "esrgan"}
    assert made["source"] is not None


def test_auto_takes_the_clip_first(strict: Host, probe: Probe) -> None:
    instance = node(strict)
    instance.set("keyframeList", "24")
    instance.set("keyframeSource", "Auto")
    instance.set("keyframeModel", "blind")
    instance.render(30)
    assert set(probe.request()["keyframes"][0]["picture"]) == {"fingerprint"}


def test_auto_without_a_model_fails_by_name(strict: Host, probe: Probe) -> None:
    instance = node(strict, pictures=False)
    instance.set("keyframeList", "24")
    instance.set("keyframeSource", "Auto")
    with pytest.raises(RenderFailed, match=r"ImageModelMissing.*24.*image_models\.json"):
        instance.render(30)
    assert probe.calls("render") == []


def test_auto_needs_a_source_frame(probe: Probe) -> None:
    with Host(probe.bundle, personality="mlt") as host:
        instance = node(host, pictures=False)
        instance.set("keyframeList", "24")
        instance.set("keyframeSource", "Auto")
        instance.set("keyframeModel", "blind")
        with pytest.raises(RenderFailed, match=r"KeyframeWithoutPicture.*no source frame"):
            instance.render(30)


def test_a_key_without_a_picture_is_told_when_it_is_set(strict: Host, probe: Probe, tmp_path: Path) -> None:
    (tmp_path / "key.1001.png").write_bytes(b"")
    instance = node(strict, pictures=False)
    instance.set("frameOffset", 1000)
    instance.set("keyframeFiles", str(tmp_path / "key.%04d.png"))
    instance.press("flagKeyframe", 1)
    assert instance.persistent_message is None
    instance.press("flagKeyframe", 24)
    shown = instance.persistent_message
    assert shown.kind == "OfxMessageWarning"
    assert "KeyframeWithoutPicture" in shown.text
    assert "keyframe 1024" in shown.text
    assert "No picture for keyframe 1024" in instance.get("status")


def test_the_warning_stays_until_it_is_put_right(strict: Host, probe: Probe, tmp_path: Path) -> None:
    instance = node(strict, pictures=False)
    instance.set("cuts", "20")
    instance.press("flagKeyframe", 24)
    assert instance.persistent_message is not None
    instance.render(3)
    assert "KeyframeWithoutPicture" in instance.persistent_message.text, "a render that goes well takes nothing back"
    (tmp_path / "key.0024.png").write_bytes(b"")
    instance.set("keyframeFiles", str(tmp_path / "key.%04d.png"))
    assert instance.persistent_message is None
    assert "No picture" not in instance.get("status")


def test_status_says_which_keyframes_the_frame_uses(host: Host) -> None:
    instance = node(host)
    instance.set("keyframeList", "1 24 48")
    instance.time = 12
    instance.set("trust", 0.5)
    assert "Keyframes 1 24 48. Frame 12 uses 1 24." in instance.get("status")


def test_what_a_flag_reaches_is_forgotten_by_the_host(host: Host) -> None:
    """The hidden count goes up where a key changes frames whose own parameters all stay."""
    instance = node(host)
    before = instance.get("generation")
    instance.set("trust", 0.5)
    assert instance.get("generation") == before
    for change in (
        lambda: instance.press("flagKeyframe", 24),
        lambda: instance.set_at("keyframe", 48, 1),
        lambda: instance.set_at("keyframeStrength", 24, 0.5),
        lambda: instance.press("unflagKeyframe", 24),
    ):
        change()
        assert instance.get("generation") > before
        before = instance.get("generation")


def test_a_long_list_costs_an_edit_little(strict: Host, probe: Probe, tmp_path: Path) -> None:
    """Files are looked for at every edit: of ten thousand keyframes only the first few hundred are."""
    instance = node(strict, pictures=False, length=1)
    instance.connect("Source", lambda _: picture(8, 6), frame_range=(0, 9999))
    instance.set("keyframeFiles", str(tmp_path / "key.%05d.png"))
    instance.set("keyframeList", "0-9999")
    assert "(256 in all)" in instance.get("status").split("No picture")[1]
