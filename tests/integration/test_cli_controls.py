"""Cuts, reach, strength, finish and draft from the command line: heard, and the same as asked for one by one."""

from pathlib import Path

import numpy as np
import pytest
from support.clips_on_disk import write_film

from sparkvsr.cli import main
from sparkvsr.frames import Frame
from sparkvsr.media import read_still, write_still

FRAMES, CUT = 8, 4


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("film")
    write_film(folder, FRAMES, CUT)
    return folder


def rendered(film: Path, out: Path, *words: object) -> np.ndarray:
    """Frame 2 with a keyframe at 0, as a draft, which takes no network."""
    fixed = ["--quiet", "--overwrite", "--range", "2", "--draft", "--keyframe", f"0={film / 'hr.0000.png'}"]
    assert main(["upscale", str(film / "lr.%04d.png"), str(out), *fixed, *map(str, words)]) == 0
    return np.asarray(read_still(out).frame.numpy())


def refused(film: Path, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["upscale", str(film / "lr.%04d.png"), "/nonexistent/x.png", "--range", "2", *words]) != 0
    return capsys.readouterr().err


def test_cuts_are_printed_as_the_option_takes_them(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cuts", str(film / "lr.%04d.png"), "--quiet"]) == 0
    assert capsys.readouterr().out == f"{CUT}\n"


def test_cuts_that_are_found_count_like_cuts_that_are_listed(film: Path, tmp_path: Path) -> None:
    words = ["--range", "6"]
    found, listed, none = (
        rendered(film, tmp_path / "a.png", *words, *more) for more in (("--cuts", "auto"), ("--cuts", CUT), ())
    )
    np.testing.assert_array_equal(found, listed)
    assert found.shape == none.shape


def test_a_keyframe_reaches_as_far_as_it_may(film: Path, tmp_path: Path) -> None:
    whole, far, near = (
        rendered(film, tmp_path / "a.png", *more) for more in ((), ("--keyframe-radius", 2), ("--keyframe-radius", 1))
    )
    np.testing.assert_array_equal(whole, far)
    blind = rendered(film, tmp_path / "a.png", "--view", "blind")
    np.testing.assert_array_equal(near, blind)
    assert (whole != blind).any()


def test_a_keyframe_is_as_strong_as_it_is_told(film: Path, tmp_path: Path) -> None:
    full, half, none = (
        rendered(film, tmp_path / "a.png", *more)
        for more in (
            (),
            ("--keyframe-strength", "0=0.5"),
            ("--keyframe-strength", "0=0.9", "--keyframe-strength", "0=0"),
        )
    )
    blind = rendered(film, tmp_path / "a.png", "--view", "blind")
    np.testing.assert_array_equal(none, blind)
    distances = [np.abs(one.astype(float) - blind).mean() for one in (half, full)]
    assert 0 < distances[0] < distances[1]


@pytest.mark.parametrize("option", ["--grain", "--sharpness"])
def test_finish_shows_and_repeats(tmp_path: Path, option: str) -> None:
    """On a still with noise: what has no grain gets none."""
    noise = np.random.default_rng(0).normal(0.0, 8.0, (96, 128, 3))
    shades = np.linspace(60.0, 180.0, 128).reshape(1, 128, 1)
    write_still(tmp_path / "in.png", Frame.from_numpy(np.rint(shades + noise).astype(np.uint8)))

    def made(*words: object) -> np.ndarray:
        out = tmp_path / "out.png"
        fixed = ["upscale", str(tmp_path / "in.png"), str(out), "--quiet", "--overwrite", "--draft", "--scale", "2"]
        assert main([*fixed, *map(str, words)]) == 0
        return np.asarray(read_still(out).frame.numpy())

    plain, one, again = (made(*more) for more in ((), (option, 1), (option, 1)))
    np.testing.assert_array_equal(one, again)
    assert (one != plain).any()
    np.testing.assert_array_equal(made(option, 0), plain)


def test_what_cannot_be_is_refused_by_name(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no keyframes" in refused(film, capsys, "--keyframe-strength", "3=0.5")
    assert "FRAMES=STRENGTH" in refused(film, capsys, "--keyframe-strength", "3")
    assert "from 0 to 1" in refused(film, capsys, "--keyframe-strength", "3=1.5")
    assert "from 1 on" in refused(film, capsys, "--keyframe-radius", "0")
    assert "from 0 to 2" in refused(film, capsys, "--grain", "3")


def test_another_kind_of_machine_is_refused(film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["upscale", str(film / "lr.%04d.png"), str(tmp_path / "a.png"), "--range", "2", "--arithmetic", "cpu-other"]
    assert main(words) == 1
    assert "UnsupportedSetting" in capsys.readouterr().err
