"""The command line from files to files: keyframes help, ranges agree, formats keep their meaning."""

import json
from pathlib import Path

import numpy as np
import pytest
from support.clips_on_disk import SCALE, write_film

from sparkvsr.cli import main
from sparkvsr.color import Transfer, from_working, pack, to_working, unpack
from sparkvsr.frames import Depth, Frame, PixelFormat, Premultiplication
from sparkvsr.media import VideoClip, open_clip, read_still, write_still
from sparkvsr.metrics import psnr_y

FRAMES, CUT = 8, 4


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("film")
    write_film(folder, FRAMES, CUT)
    return folder


def upscale(film: Path, out: object, *words: object) -> None:
    assert main(["upscale", str(film / "lr.%04d.png"), str(out), "--quiet", *map(str, words)]) == 0


def keyed(film: Path, *numbers: int) -> list[str]:
    return [word for number in numbers for word in ("--keyframe", f"{number}={film / f'hr.{number:04d}.png'}")]


def mean_psnr(film: Path, results: Path, numbers: list[int]) -> float:
    pairs = [(results / f"{number:04d}.png", film / f"hr.{number:04d}.png") for number in numbers]
    return float(np.mean([psnr_y(*(unpack(read_still(path).frame)[0] for path in pair)) for pair in pairs]))


def test_keyframes_help_and_stay_in_their_shot(film: Path, tmp_path: Path) -> None:
    upscale(film, tmp_path / "blind/%04d.png")
    upscale(film, tmp_path / "keyed/%04d.png", "--cuts", CUT, *keyed(film, 0))
    first_shot, second_shot = [1, 2, 3], [4, 5, 6, 7]
    assert mean_psnr(film, tmp_path / "keyed", first_shot) > mean_psnr(film, tmp_path / "blind", first_shot) + 0.3
    for number in second_shot:
        files = (tmp_path / kind / f"{number:04d}.png" for kind in ("blind", "keyed"))
        np.testing.assert_array_equal(*(read_still(path).frame.numpy() for path in files))


def test_any_range_gives_the_same_pixels(film: Path, tmp_path: Path) -> None:
    words = ["--cuts", CUT, *keyed(film, 0, 6), "--bit-depth", "half"]
    upscale(film, tmp_path / "all.%04d.exr", *words)
    upscale(film, tmp_path / "one.%04d.exr", "--range", "5", *words)
    one, whole = (read_still(tmp_path / f"{name}.0005.exr").frame.numpy() for name in ("one", "all"))
    np.testing.assert_array_equal(one, whole)


def test_a_folder_of_keyframes_equals_keyframes_by_name(film: Path, tmp_path: Path) -> None:
    for number in (0, 3):
        write_still(tmp_path / f"keys/shot1_{number:02d}.png", read_still(film / f"hr.{number:04d}.png").frame)
    upscale(film, tmp_path / "a.%d.png", "--range", "2", "--keyframes", tmp_path / "keys")
    upscale(film, tmp_path / "b.%d.png", "--range", "2", *keyed(film, 0, 3))
    a, b = (read_still(tmp_path / f"{name}.2.png").frame.numpy() for name in "ab")
    np.testing.assert_array_equal(a, b)


def test_a_choice_takes_its_pictures_from_a_folder(film: Path, tmp_path: Path) -> None:
    for number in range(FRAMES):
        write_still(tmp_path / f"keys/k.{number}.png", read_still(film / f"hr.{number:04d}.png").frame)
    words = ["--range", "2", "--keyframes", tmp_path / "keys"]
    upscale(film, tmp_path / "a.png", *words, "--keyframes", "every:3")
    upscale(film, tmp_path / "b.png", "--range", "2", *keyed(film, 0, 3, 6))
    upscale(film, tmp_path / "c.png", *words, "--keyframes", "suggest:2")
    a, b = (read_still(tmp_path / f"{name}.png").frame.numpy() for name in "ab")
    np.testing.assert_array_equal(a, b)
    assert (tmp_path / "c.png").is_file()


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An image model that knows the truth of frame 3 and of no other."""
    (tmp_path / "model_of_ours.py").write_text(
        "import numpy as np\n"
        "from sparkvsr.color import unpack\n"
        "from sparkvsr.media import read_still\n"
        "def f(array):\n"
        "    source, truth = (unpack(read_still(path).frame)[0].permute(1, 2, 0).numpy() for path in PATHS)\n"
        "    if np.abs(source - array).max() > 0.01:\n"
        "        raise ValueError('never seen')\n"
        "    return truth\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    return "python:model_of_ours:f"


def test_a_model_makes_pictures_and_is_told_where_it_fails(
    film: Path, tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import importlib

    ours = importlib.import_module("model_of_ours")
    monkeypatch.setattr(ours, "PATHS", (film / "lr.0003.png", film / "hr.0003.png"), raising=False)
    words = ["--range", "2", "--keyframes", "1 3", "--keyframe-model", model]
    upscale(film, tmp_path / "a.png", *words)
    said = " ".join(capsys.readouterr().err.split())
    assert "warning: keyframe 1 is left out: the image model gave no picture" in said
    assert "ValueError: never seen" in said
    assert said.count("left out") == 1
    upscale(film, tmp_path / "b.png", "--range", "2", *keyed(film, 3))
    a, b = (read_still(tmp_path / f"{name}.png").frame.numpy() for name in "ab")
    np.testing.assert_array_equal(a, b)


def test_the_curve_of_keyframes_can_be_named(film: Path, tmp_path: Path) -> None:
    """A picture in S-Log3 saved as PNG, named so, is as good as the plain one."""
    linear = from_working(unpack(read_still(film / "hr.0000.png").frame)[0], Transfer.LINEAR)
    coded = from_working(to_working(linear, Transfer.LINEAR), Transfer.SLOG3)
    layout = PixelFormat(coded.shape[2], coded.shape[1], 3, Depth.SHORT, Premultiplication.OPAQUE)
    write_still(tmp_path / "log.png", pack(coded, None, layout))
    words = ["--range", 1, "--keyframe", f"0={tmp_path / 'log.png'}", "--keyframe-transfer", "slog3"]
    upscale(film, tmp_path / "a.png", *words)
    upscale(film, tmp_path / "b.png", "--range", 1, *keyed(film, 0))
    a, b = (read_still(tmp_path / f"{name}.png").frame.numpy().astype(int) for name in "ab")
    assert np.abs(a - b).max() <= 1


def test_hdr_video_stays_what_it_is(film: Path, tmp_path: Path) -> None:
    upscale(film, tmp_path / "a.mp4", "--fps", 25, "--range", "0-2", "--transfer", "pq", "--scale", 1)
    clip = VideoClip(tmp_path / "a.mp4")
    assert (clip.info.transfer, clip.info.layout.depth) == (Transfer.PQ, Depth.SHORT)
    assert main(["upscale", str(tmp_path / "a.mp4"), str(tmp_path / "b.mkv"), "--scale", "1", "--quiet"]) == 0
    assert VideoClip(tmp_path / "b.mkv").info.transfer is Transfer.PQ


def test_settings_reach_the_engine(film: Path, tmp_path: Path) -> None:
    pictures = {}
    for name, words in {
        "result": [],
        "guidance 0": ["--guidance", 0],
        "blind": ["--view", "blind"],
        "confidence": ["--view", "confidence"],
    }.items():
        upscale(film, tmp_path / f"{name}.png", "--range", 1, *keyed(film, 0), *words)
        pictures[name] = read_still(tmp_path / f"{name}.png").frame.numpy()
    np.testing.assert_array_equal(pictures["guidance 0"], pictures["blind"])
    assert not np.array_equal(pictures["result"], pictures["blind"])
    np.testing.assert_array_equal(pictures["confidence"][:, :, 0], pictures["confidence"][:, :, 1])


def test_fit_gives_the_size(film: Path, tmp_path: Path) -> None:
    upscale(film, tmp_path / "a.png", "--range", 0, "--fit", "120x70")
    upscale(film, tmp_path / "b.png", "--range", 0, "--fit", "x56", "--scale", 2)
    sizes = [read_still(tmp_path / f"{name}.png").frame.format for name in "ab"]
    assert [(size.width, size.height) for size in sizes] == [(120, 70), (96, 56)]


def test_sequence_to_video_and_back(film: Path, tmp_path: Path) -> None:
    upscale(film, tmp_path / "a.mp4", "--fps", "24000/1001", "--quality", 4)
    clip = VideoClip(tmp_path / "a.mp4")
    assert len(clip.numbers) == FRAMES
    assert float(clip.info.rate or 0) == pytest.approx(23.976, abs=0.001)
    assert (clip.info.layout.width, clip.info.layout.height) == (192, 112)
    assert main(["upscale", str(tmp_path / "a.mp4"), str(tmp_path / "b.####.tif"), "--scale", "1", "--quiet"]) == 0
    back = unpack(open_clip(tmp_path / "b.%04d.tif").read(3))[0]
    assert psnr_y(back, unpack(clip.read(3))[0]) > 50


def test_scene_linear_highlights_and_alpha_survive(tmp_path: Path) -> None:
    pixels = np.zeros((16, 20, 4), np.float32)
    pixels[:, :10] = (30.0, 1.5, 0.18, 1.0)
    pixels[:, 10:] = (-0.02, 0.18, 0.05, 0.5)  # premultiplied
    frame = Frame.from_numpy(pixels, Premultiplication.PREMULTIPLIED)
    write_still(tmp_path / "a.exr", frame, pixel_aspect=2.0)
    assert main(["upscale", str(tmp_path / "a.exr"), str(tmp_path / "b.exr"), "--quiet"]) == 0
    still = read_still(tmp_path / "b.exr")
    assert (still.frame.format.depth, still.transfer, still.pixel_aspect) == (Depth.FLOAT, Transfer.LINEAR, 2.0)
    assert still.frame.format.premultiplication is Premultiplication.PREMULTIPLIED
    found = still.frame.numpy()
    np.testing.assert_allclose(found[32, 8], pixels[8, 2], rtol=1e-3)
    np.testing.assert_allclose(found[32, 72], pixels[8, 18], rtol=1e-3, atol=1e-5)


def test_linear_to_srgb_and_back(film: Path, tmp_path: Path) -> None:
    upscale(film, tmp_path / "a.exr", "--range", 0, "--float")
    upscale(film, tmp_path / "b.png", "--range", 0)
    linear = unpack(read_still(tmp_path / "a.exr").frame)[0]
    display = unpack(read_still(tmp_path / "b.png").frame)[0]
    np.testing.assert_allclose(from_working(display, Transfer.LINEAR).numpy(), linear.clamp(0, 1).numpy(), atol=0.006)


def test_an_exr_keyframe_equals_a_png_keyframe(film: Path, tmp_path: Path) -> None:
    """A keyframe's transfer is its own file's, whatever the clip's."""
    frame = read_still(film / "hr.0000.png").frame
    linear = from_working(unpack(frame)[0], Transfer.LINEAR).permute(1, 2, 0).contiguous().numpy()
    write_still(tmp_path / "key.exr", Frame.from_numpy(linear, Premultiplication.OPAQUE))
    upscale(film, tmp_path / "a.png", "--range", 1, "--keyframe", f"0={tmp_path / 'key.exr'}")
    upscale(film, tmp_path / "b.png", "--range", 1, *keyed(film, 0))
    a, b = (read_still(tmp_path / f"{name}.png").frame.numpy().astype(int) for name in "ab")
    assert np.abs(a - b).max() <= 1


def test_a_wrong_keyframe_is_told(film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    upscale(film, tmp_path / "a.png", "--range", 0, "--keyframe", f"0={film / 'hr.0006.png'}")
    said = capsys.readouterr().err
    assert "warning: keyframe 0: the picture is unlike its source frame" in said
    assert "check the offset" in said


def test_overwrite_replaces(film: Path, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("old")
    upscale(film, tmp_path / "a.png", "--range", 0, "--overwrite")
    assert read_still(tmp_path / "a.png").frame.format.width == 48 * SCALE


def test_status_of_a_running_backend(fresh_runtime_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import subprocess
    import sys
    import time

    process = subprocess.Popen([sys.executable, "-m", "sparkvsr_backend", "serve", "--idle-timeout", "60"])
    try:
        deadline = time.monotonic() + 60
        while not (fresh_runtime_dir / "endpoint-v1.json").exists():
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)
        assert main(["status", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["running"], found["pid"], found["requests"]["rendered"]) == (True, process.pid, 0)
        assert main(["status", "--shutdown"]) == 0
        assert "source latents" in capsys.readouterr().out
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.wait()
