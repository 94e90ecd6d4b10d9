"""Frame-number patterns, both ways."""

from pathlib import Path

import pytest

from sparkvsr.media.errors import BadPatternError
from sparkvsr.media.patterns import FramePattern, format_ranges


@pytest.mark.parametrize(
    ("text", "number", "name"),
    [
        ("a.%04d.exr", 7, "a.0007.exr"),
        ("a.####.exr", 7, "a.0007.exr"),
        ("a_%d.png", 12345, "a_12345.png"),
        ("a_%03d.png", 12345, "a_12345.png"),
        ("a#.png", 3, "a3.png"),
        ("a.%04d.exr", -3, "a.-003.exr"),
        ("a.%0d.exr", 3, "a.3.exr"),
        ("100%%.%d%%.exr", 3, "100%.3%.exr"),
    ],
)
def test_path_of_a_number(text: str, number: int, name: str) -> None:
    assert FramePattern.parse(f"/x/{text}").path(number) == Path("/x") / name


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a.exr", "none in a.exr"),
        ("a%%d.exr", "none in a%%d.exr"),
        ("a.%04d.%03d.exr", "%03d, which is a second one, in a.%04d.%03d.exr"),
        ("a.%d%d.exr", "%d, which is a second one, in a.%d%d.exr"),
        ("a.%04d.####.exr", "####, which is a second one, in a.%04d.####.exr"),
        ("x%02d/a.%04d.exr", "%02d, in a folder, in x%02d/a.%04d.exr"),
        ("a.%s.exr", "%s, which is no frame number, in a.%s.exr"),
        ("a.%4d.exr", "%4d, which is no frame number, in a.%4d.exr"),
        ("a.%.%04d.exr", "%, which is no frame number, in a.%.%04d.exr"),
        ("a.%0999d.exr", "%0999d, which is too long, in a.%0999d.exr"),
    ],
)
def test_bad_patterns_are_refused_by_name(text: str, found: str) -> None:
    with pytest.raises(BadPatternError) as refused:
        FramePattern.parse(text)
    assert (refused.value.expected, refused.value.found) == (
        "one frame number in the file name, as %04d or ####",
        found,
    )


def test_a_percent_sign_in_a_folder_is_itself() -> None:
    assert FramePattern.parse("50%/100%%/a.%04d.exr").path(1) == Path("50%/100%/a.0001.exr")


def test_what_was_meant_as_a_pattern() -> None:
    assert [FramePattern.looks_like_one(name) for name in ("a.%s.png", "a.%4d.png", "a.%d.png")] == [True] * 3
    assert [FramePattern.looks_like_one(name) for name in ("100%.png", "a%%d.png", "a.png")] == [False] * 3


def test_only_the_file_name_makes_a_pattern() -> None:
    assert FramePattern.is_pattern("shot.%04d.exr")
    assert FramePattern.is_pattern("shot.####.exr")
    assert not FramePattern.is_pattern("shot%04d/plate.exr")
    assert not FramePattern.is_pattern("100%.exr")


def test_numbers_on_disk_are_sorted_and_exact(tmp_path: Path) -> None:
    for name in (
        "a.0010.png",
        "a.0002.png",
        "a.-001.png",
        "a.-0005.png",
        "a.10000.png",
        "a.1.png",
        "b.0003.png",
        "a.0004.png.txt",
    ):
        (tmp_path / name).touch()
    assert FramePattern.parse(tmp_path / "a.%04d.png").numbers_on_disk() == [-1, 2, 10, 10000]
    assert FramePattern.parse(tmp_path / "nowhere" / "a.%04d.png").numbers_on_disk() == []


def test_pattern_of_a_numbered_file() -> None:
    pattern = FramePattern.of_numbered_file("/k/shot2_key0024_v.png")
    assert str(pattern) == "/k/shot2_key%04d_v.png"
    with pytest.raises(BadPatternError):
        FramePattern.of_numbered_file("/k/key.png")


def test_ranges_are_said_shortly() -> None:
    assert format_ranges([1, 2, 3, 7, 9, 10]) == "1-3 7 9-10"
    assert format_ranges([]) == ""
