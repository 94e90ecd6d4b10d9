"""Wrong calls: one clear line, the right exit code, nothing written."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from support.clips_on_disk import flat

from sparkvsr.cli import main
from sparkvsr.frames import Frame, Premultiplication
from sparkvsr.media import video_writer, write_still

FAILURE, USAGE = 1, 2


@pytest.fixture
def clip(tmp_path: Path) -> str:
    """Frames 1-4 and 6-7 of 16x12, frame 5 is missing."""
    for number in (1, 2, 3, 4, 6, 7):
        write_still(tmp_path / "in" / f"a.{number:04d}.png", flat(number * 20))
    return str(tmp_path / "in" / "a.%04d.png")


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    code = main([str(word) for word in words])
    said = capsys.readouterr()
    return code, said.err


def line_of(said: str) -> str:
    lines = [line for line in said.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, said
    assert "Traceback" not in said
    return lines[0]


@pytest.mark.parametrize(
    ("words", "expected", "code"),
    [
        (
            ["{clip}", "{out}/a.####.png"],
            "error: MediaNotFound: {clip}: frames are missing (expected 1-7, found no 5)",
            1,
        ),
        (
            ["{clip}", "{out}/a.####.png", "--range", "1-9"],
            "error: Usage: --range (expected frames of 1-7, found 1-9)",
            2,
        ),
        (["{clip}", "{out}/a.mp4", "--range", "1-2"], "error: Usage: {out}/a.mp4: how fast does this sequence run", 2),
        (["{clip}", "{out}/a.png", "--range", "1-2"], "error: Usage: {out}/a.png: one file for 2 frames", 2),
        (["{clip}", "{out}/a.%d.gif", "--range", "1-2"], "error: UnsupportedMedia: {out}/a.%d.gif", 1),
        (
            ["{clip}", "{out}/a.%d.%d.png", "--range", "1-2"],
            "error: BadPattern: the pattern cannot be read (expected one frame number in the file name, as %04d or "
            "####, "
            "found %d, which is a second one, in {out}/a.%d.%d.png)",
            1,
        ),
        (
            ["{out}/b.%s.png", "{out}/a.mp4"],
            "error: BadPattern: the pattern cannot be read (expected one frame number in the file name, as %04d or "
            "####, "
            "found %s, which is no frame number, in {out}/b.%s.png)",
            1,
        ),
        (
            ["{clip}", "{out}/a.%d.png", "--range", "1-2", "--keyframes", "{out}/k.%4d.png"],
            "error: BadPattern: the pattern cannot be read (expected one frame number in the file name, as %04d or "
            "####, "
            "found %4d, which is no frame number, in {out}/k.%4d.png)",
            1,
        ),
        (["{out}/none.mp4", "{out}/a.mp4"], "error: MediaNotFound: {out}/none.mp4: no such file", 1),
        (["{out}/b.%04d.png", "{out}/a.mp4"], "error: MediaNotFound: {out}/b.%04d.png: no file matches", 1),
        (["{out}", "{out}/a.mp4"], "error: UnreadableMedia: {out} is a folder", 1),
        (["{clip}", "{out}/a.%d.png", "--range", "1-2", "--keyframe", "9=k.png"], "error: Usage: keyframes outside", 2),
        (["{clip}", "{out}/a.%d.png", "--range", "1-2", "--keyframe", "1=k.png"], "error: MediaNotFound: keyframe", 1),
        (
            ["{clip}", "{out}/a.%d.png", "--range", "1-2", "--keyframe", "1=a", "--keyframe", "1=b"],
            "error: Usage: keyframe 1 is given twice (found a and b)",
            2,
        ),
        (
            ["{clip}", "{out}/a.%d.png", "--range", "1-2", "--keyframes", "{out}"],
            "error: MediaNotFound: {out}: no key",
            1,
        ),
        (["{clip}", "{out}/a.%d.png", "--range", "1-2", "--keyframes", "x.png"], "error: Usage: --keyframes", 2),
        (
            ["{clip}", "{out}/a.%d.png", "--range", "1-2", "--fit", "100x100"],
            "error: Usage: --fit has another aspect",
            2,
        ),
        (["{clip}", "{out}/a.%d.png", "--range", "1-2", "--float"], "error: Usage: {out}/a.%d.png: depth (expected", 2),
        (["{clip}", "{out}/a.mp4", "--range", "1-2", "--fps", "25", "--half"], "error: Usage: {out}/a.mp4: a video", 2),
        (["{clip}", "{out}/a.%d.png", "--range", "1-2", "--engine", "gan"], "error: UnknownEngine: ", 1),
        (
            ["{clip}", "{clip}", "--range", "1-2", "--overwrite"],
            "is an input of this command; it is never written over",
            2,
        ),
        (["{clip}", "{out}/a.mov", "--range", "1-2", "--fps", "25", "--codec", "ffv1"], "error: UnsupportedMedia: ", 1),
    ],
)
def test_one_line_and_nothing_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, clip: str, words: list[str], expected: str, code: int
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    before = sorted(tmp_path.rglob("*"))
    known = {"clip": clip, "out": str(out)}
    found, said = run(capsys, "upscale", *(word.format(**known) for word in words))
    assert expected.format(**known) in line_of(said)
    assert found == code
    assert sorted(tmp_path.rglob("*")) == before


def test_a_sequence_is_never_written_over_its_keyframes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, clip: str
) -> None:
    write_still(tmp_path / "k.0002.png", flat(1, (48, 64)))
    code, said = run(
        capsys,
        "upscale",
        clip,
        tmp_path / "k.%04d.png",
        "--range",
        "2",
        "--overwrite",
        "--keyframes",
        tmp_path / "k.####.png",
    )
    assert code == USAGE
    assert "k.0002.png is an input" in line_of(said)


def test_outputs_that_exist_stay(capsys: pytest.CaptureFixture[str], tmp_path: Path, clip: str) -> None:
    (tmp_path / "a.2.png").write_text("precious")
    code, said = run(capsys, "upscale", clip, tmp_path / "a.%d.png", "--range", "1-2")
    assert code == USAGE
    assert "OutputExists: " in line_of(said)
    assert "--overwrite" in said
    assert (tmp_path / "a.2.png").read_text() == "precious"
    assert not (tmp_path / "a.1.png").exists()


def test_two_pictures_for_one_keyframe(capsys: pytest.CaptureFixture[str], tmp_path: Path, clip: str) -> None:
    for name in ("x_0002.png", "y_0002.png"):
        write_still(tmp_path / "keys" / name, flat(1, (48, 64)))
    code, said = run(capsys, "upscale", clip, tmp_path / "a.%d.png", "--range", "2", "--keyframes", tmp_path / "keys")
    assert (code, "x_0002.png and y_0002.png" in line_of(said)) == (USAGE, True)


def test_a_keyframe_of_another_shape(capsys: pytest.CaptureFixture[str], tmp_path: Path, clip: str) -> None:
    write_still(tmp_path / "k.png", flat(1, (64, 64)))
    code, said = run(
        capsys, "upscale", clip, tmp_path / "a.%d.png", "--range", "2", "--keyframe", f"2={tmp_path / 'k.png'}"
    )
    assert code == FAILURE
    assert "BadKeyframe: keyframe 2: " in line_of(said)
    assert not list(tmp_path.glob("*a.*"))


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["nonsense"],
        ["upscale"],
        ["upscale", "a.mp4", "b.mp4", "--scale", "5"],
        ["upscale", "a.mp4", "b.mp4", "--guidance", "3"],
        ["upscale", "a.mp4", "b.mp4", "--keyframe", "a.png"],
        ["upscale", "a.mp4", "b.mp4", "--view", "depth"],
        ["upscale", "a.%d.png", "b.mp4", "--fps", "999999999999999999999"],
        ["install-plugin", "--dir", ""],
        ["install-plugin", "--user", "--dir", "x"],
    ],
)
def test_wrong_words_are_usage_errors(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    code, said = run(capsys, *words)
    assert code == USAGE
    assert "usage: sparkvsr" in said


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    from sparkvsr.media import MediaNotFoundError

    with pytest.raises(MediaNotFoundError):
        main(["upscale", str(tmp_path / "none.mp4"), str(tmp_path / "a.mp4"), "--debug"])


def no_render(*_: object) -> object:
    raise AssertionError("rendered before the output was known to be possible")


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("in/a.0001.png/x.mp4", "cannot create the folder"),
        ("in/a.0001.png/x.%d.png", "cannot create the folder"),
        ("folder.mp4", "is a folder (expected the name of a file"),
        ("n" * 300 + ".mp4", "cannot be written: File name too long"),
        ("/proc/x.mp4", "cannot be written: "),
        ("/proc/x.%d.exr", "cannot be written: "),
    ],
)
def test_an_output_that_cannot_be_is_told_before_the_first_frame(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    clip: str,
    monkeypatch: pytest.MonkeyPatch,
    output: str,
    reason: str,
) -> None:
    monkeypatch.setattr("sparkvsr.cli.clip_renderer.ClipRenderer.render", no_render)
    (tmp_path / "folder.mp4").mkdir()
    before = sorted(tmp_path.rglob("*"))
    words = ("upscale", clip, tmp_path / output, "--range", "1-2", "--fps", "24", "--overwrite")
    code, said = run(capsys, *words)
    assert code == FAILURE
    assert "WriteFailed: " in line_of(said)
    assert reason in line_of(said)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_codec_that_ffmpeg_lacks_is_told_before_the_first_frame(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, clip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sparkvsr.cli.clip_renderer.ClipRenderer.render", no_render)
    monkeypatch.setitem(video_writer.CODECS, "h264", replace(video_writer.CODECS["h264"], encoder="libnone"))
    code, said = run(capsys, "upscale", clip, tmp_path / "out" / "a.mp4", "--range", "1-2", "--fps", "24")
    assert code == FAILURE
    assert f"WriteFailed: {tmp_path}/out/a.mp4: cannot be written as h264: " in line_of(said)
    assert list((tmp_path / "out").iterdir()) == []


def test_frames_that_differ_are_told_in_words(capsys: pytest.CaptureFixture[str], tmp_path: Path, clip: str) -> None:
    write_still(Path(clip % 2), Frame.from_numpy(np.zeros((12, 18, 4), np.uint16)))
    code, said = run(capsys, "upscale", clip, tmp_path / "b.%d.png", "--range", "1-2")
    assert code == FAILURE
    assert line_of(said).endswith(
        "a.0002.png differs from the first frame (expected 16x12 RGB byte, found 18x12 RGBA short, straight alpha)"
    )


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".png", ".exr", ".dpx", ".tif", ".jpg"])
@pytest.mark.parametrize("content", [b"", b"no picture at all\n" * 40])
def test_files_that_are_not_what_they_are_called(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, suffix: str, content: bytes
) -> None:
    source = tmp_path / f"odd name größe{suffix}"
    source.write_bytes(content)
    code, said = run(capsys, "upscale", source, tmp_path / "b.png")
    assert code == FAILURE
    assert f"UnreadableMedia: {source}: " in line_of(said)
    assert "[Errno" not in said


def test_a_damaged_video_is_told_by_name(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Its codec's name is one that no decoder knows."""
    rate = Fraction(24)
    with video_writer.video_writer(tmp_path / "a.mp4", video_writer.VideoOptions(rate=rate), 64, 48) as writer:
        writer.write(0, flat(1, (48, 64)))
    whole = (tmp_path / "a.mp4").read_bytes()
    for name, content in (("codec", whole.replace(b"avc1", b"xxxx")), ("cut", whole[: len(whole) // 2])):
        (tmp_path / f"{name}.mp4").write_bytes(content)
        code, said = run(capsys, "upscale", tmp_path / f"{name}.mp4", tmp_path / "b.mp4")
        assert code == FAILURE
        assert f"UnreadableMedia: {tmp_path}/{name}.mp4: " in line_of(said)


def test_names_that_are_no_text(tmp_path: Path) -> None:
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.png")
    write_still(tmp_path / "a.png", flat(1))
    (tmp_path / "a.png").rename(odd)
    command = [sys.executable, "-m", "sparkvsr.cli", "upscale", odd, str(tmp_path / "b.png")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == FAILURE
    assert line_of(ended.stderr) == (
        f"error: UnsupportedMedia: {tmp_path}/bad\\udcff.png: the name (expected UTF-8, found other bytes)"
    )


def test_links_that_lead_nowhere(capsys: pytest.CaptureFixture[str], tmp_path: Path, clip: str) -> None:
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    code, said = run(capsys, "upscale", tmp_path / "loop.png", tmp_path / "b.png")
    assert (code, "MediaNotFound: " in line_of(said)) == (FAILURE, True)
    assert run(capsys, "upscale", clip, tmp_path / "loop.png", "--range", "1", "--quiet", "--overwrite") == (0, "")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RuntimeError("boom"), "error: Unexpected: RuntimeError: boom; this is a fault of the program; --debug"),
        (PermissionError(13, "Permission denied", "/x"), "error: SystemRefused: /x: Permission denied"),
        (MemoryError(), "error: OutOfMemory: memory ran out"),
        (ImportError("no module 'cv2'"), "error: MissingPart: a part cannot be loaded: no module 'cv2'"),
    ],
)
def test_any_error_becomes_a_line(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    clip: str,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    told: str,
) -> None:
    def fail(*_: object) -> object:
        raise error

    monkeypatch.setattr("sparkvsr.cli.upscale.run", fail)
    code, said = run(capsys, "upscale", clip, tmp_path / "a.%d.png")
    assert code == FAILURE
    assert line_of(said).startswith(told)
    with pytest.raises(type(error)):
        run(capsys, "upscale", clip, tmp_path / "a.%d.png", "--debug")


def test_interruption_leaves_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, clip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sparkvsr.cli.clip_renderer import ClipRenderer

    real, calls = ClipRenderer.render, []

    def render(self: ClipRenderer, number: int) -> object:
        calls.append(number)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(self, number)

    monkeypatch.setattr(ClipRenderer, "render", render)
    code, said = run(capsys, "upscale", clip, tmp_path / "out/a.mp4", "--range", "1-4", "--fps", "24")
    assert code == 130
    assert "Interrupted" in line_of(said)
    assert not list((tmp_path / "out").iterdir())


def test_alpha_into_a_video_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pixels = np.full((12, 16, 4), 200, np.uint8)
    write_still(tmp_path / "a.png", Frame.from_numpy(pixels, Premultiplication.STRAIGHT))
    code, said = run(capsys, "upscale", tmp_path / "a.png", tmp_path / "b.jpg")
    assert code == 0
    assert "warning: alpha does not go into b.jpg" in said


def test_status_without_a_backend(capsys: pytest.CaptureFixture[str], fresh_runtime_dir: Path) -> None:
    assert main(["status"]) == FAILURE
    assert "no backend runs" in capsys.readouterr().out
    assert main(["status", "--json"]) == FAILURE
    assert json.loads(capsys.readouterr().out) == {"running": False}


def test_help_works_for_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    from sparkvsr.cli.commands import COMMANDS

    for name in COMMANDS:
        if name != "serve":
            assert main([name, "--help"]) == 0
            assert f"sparkvsr {name}" in capsys.readouterr().out
