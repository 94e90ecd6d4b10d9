"""The demo, small: the real plugin in the headless host, the backend it starts, files and numbers."""

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from support.clips_on_disk import HEIGHT, WIDTH

from sparkvsr.cli import demo_pictures, main
from sparkvsr.cli.demo_material import from_file, from_film
from sparkvsr.media import VideoClip, open_clip, read_still
from sparkvsr.media.synthetic import SyntheticFilm
from sparkvsr.media.video_writer import VideoOptions, video_writer

FRAMES = 8


def run_demo(out: Path, *words: object) -> dict[str, dict[str, dict[str, float]]]:
    """In a process of its own, as a user runs it: this one may hold the plugin and its link already."""
    command = [
        sys.executable,
        "-m",
        "sparkvsr.cli",
        "demo",
        "--out",
        str(out),
        "--frames",
        str(FRAMES),
        *map(str, words),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stderr
    assert str(out / "side_by_side.png") in done.stdout
    report: dict[str, dict[str, dict[str, float]]] = json.loads((out / "report.json").read_text())
    return report


def backends_left() -> list[str]:
    found = Path("/tmp").glob("sparkvsr-demo-*")
    return [str(path) for path in found]


@pytest.mark.ofx
@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_film(bundle: Path, tmp_path: Path) -> None:
    before = backends_left()
    report = run_demo(tmp_path / "out", "--size", "320x192", "--keyframe-distance", 3)
    means = report["means"]
    assert means["keyed"]["psnr_y"] > means["Lanczos"]["psnr_y"] + 1.0
    assert means["keyed"]["ssim_y"] > means["Lanczos"]["ssim_y"]
    assert means["blind"]["psnr_y"] > means["Lanczos"]["psnr_y"] - 0.05
    frames = open_clip(tmp_path / "out/frames/keyed.%04d.png")
    assert list(frames.numbers) == list(range(FRAMES))
    assert (frames.info.layout.width, frames.info.layout.height) == (320, 192)
    assert len(VideoClip(tmp_path / "out/wipe.mp4").numbers) == FRAMES
    assert read_still(tmp_path / "out/confidence.png").frame.format.width > 1000
    assert backends_left() == before


@pytest.mark.ofx
@pytest.mark.slow
@pytest.mark.timeout(180)
def test_any_video(bundle: Path, tmp_path: Path) -> None:
    """Odd sizes are cropped; the video is only read."""
    film = SyntheticFilm(194, 114, 12)
    with video_writer(tmp_path / "a.mp4", VideoOptions(rate=Fraction(25), quality=10), 194, 114) as writer:
        for number in range(12):
            writer.write(number, film.srgb(number))
    content = (tmp_path / "a.mp4").read_bytes()
    report = run_demo(tmp_path / "out", "--clip", tmp_path / "a.mp4", "--keyframe-distance", 4)
    assert set(report["means"]) == {"Lanczos", "blind", "keyed"}
    size = read_still(tmp_path / "out/frames/keyed.0005.png").frame.format
    assert (size.width, size.height) == (192, 112)
    assert (tmp_path / "a.mp4").read_bytes() == content


def test_what_the_film_gives() -> None:
    material = from_film(WIDTH, HEIGHT, 52, 20, 1)
    assert material.keyframes == (0, 20, 28, 48)
    assert material.cuts == (28,)
    assert material.shown == 10
    assert len(material.judged) == 48
    assert material.source.info.layout.width * 4 == WIDTH


def test_what_a_short_file_gives(tmp_path: Path) -> None:
    with video_writer(tmp_path / "a.mp4", VideoOptions(rate=Fraction(25)), 64, 64) as writer:
        for number in range(3):
            writer.write(number, SyntheticFilm(64, 64, 4).srgb(number))
    material = from_file(tmp_path / "a.mp4", 52, 20)
    assert (list(material.numbers), material.keyframes, material.shown) == ([0, 1, 2], (0,), 2)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--size", "321x192"], "error: Usage: --size (expected multiples of 4"),
        (["--frames", "2"], "error: Usage: --frames"),
        (["--keyframe-distance", "0"], "error: Usage: --frames, --keyframe-distance"),
        (["--clip", "/no/such.mp4"], "error: MediaNotFound: /no/such.mp4: no such file"),
    ],
)
def test_wrong_calls(capsys: pytest.CaptureFixture[str], tmp_path: Path, words: list[str], said: str) -> None:
    assert main(["demo", "--out", str(tmp_path / "out"), *words]) in (1, 2)
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_crop_is_where_the_gain_is() -> None:
    import numpy as np

    truth = np.full((90, 160, 3), 100, np.uint8)
    blurred = truth.copy()
    blurred[50:70, 100:130] = 0
    x, y, width, height = demo_pictures.best_crop(blurred, truth, truth)
    assert x <= 100
    assert x + width >= 130
    assert y <= 52
    assert y + height >= 68
    assert x >= 0
    assert y + height <= 90


def test_the_wipe_takes_each_side() -> None:
    import numpy as np

    left, right = np.zeros((60, 100, 3), np.uint8), np.full((60, 100, 3), 200, np.uint8)
    picture = demo_pictures.wipe(left, right, ("a", "b"), 0.25)
    assert int(picture[50, 10, 0]) == 0
    assert int(picture[50, 40, 0]) == 200
