"""Values of arguments: what is understood, and what is said about the rest."""

from argparse import ArgumentTypeError
from fractions import Fraction
from pathlib import Path

import pytest

from sparkvsr.cli import values


@pytest.mark.parametrize(
    ("text", "size"), [("1920x1080", (1920, 1080)), ("1920x", (1920, 960)), ("x1080", (2160, 1080))]
)
def test_fit(text: str, size: tuple[int, int]) -> None:
    assert values.fit(text).resolve(800, 400) == size


@pytest.mark.parametrize("text", ["", "x", "1920", "axb", "0x0", "0x100", "-1x5"])
def test_bad_fit(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match=r"expected a size"):
        values.fit(text)


def test_ranges() -> None:
    assert values.frame_range("10-20") == (10, 20)
    assert values.frame_range("-5--2") == (-5, -2)
    assert values.frame_range("7") == (7, 7)
    for text in ("20-10", "a-b", "", "1-"):
        with pytest.raises(ArgumentTypeError, match=r"expected"):
            values.frame_range(text)


def test_keyframes() -> None:
    assert values.keyframe("24=a=b.png") == (24, Path("a=b.png"))
    assert values.keyframe("-3=k.exr") == (-3, Path("k.exr"))
    for text in ("24", "=a.png", "x=a.png", "24="):
        with pytest.raises(ArgumentTypeError, match=r"FRAME=FILE"):
            values.keyframe(text)


def test_rates() -> None:
    assert values.rate("24000/1001") == Fraction(24000, 1001)
    assert values.rate("23.976") == Fraction(24000, 1001)
    assert values.rate("25") == 25
    for text in ("0", "-1", "1/0", "fast"):
        with pytest.raises(ArgumentTypeError, match=r"frames per second"):
            values.rate(text)


def test_bounded_numbers_and_lists() -> None:
    parse = values.number_in(0, 2)
    assert parse("1.5") == 1.5
    for text in ("2.1", "-0.1", "nan", "much"):
        with pytest.raises(ArgumentTypeError, match=r"from 0 to 2"):
            parse(text)
    assert values.frame_list("1 24 48-60x4") == (1, 24, 48, 52, 56, 60)
    with pytest.raises(ArgumentTypeError, match=r"expected"):
        values.frame_list("1..3")
