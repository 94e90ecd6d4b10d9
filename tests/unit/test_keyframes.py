"""Choosing keyframes by a text."""

import pytest

from sparkvsr.keyframes import KeyframeChoiceError, choose, every


def test_every_nth_frame_from_the_first() -> None:
    assert choose("every:10", 5, 30) == (5, 15, 25)
    assert choose(" every:100 ", 5, 30) == (5,)


def test_every_shot_starts_with_a_keyframe() -> None:
    assert every(10, 0, 30, cuts=(13, 25, 0, 99, -4)) == (0, 10, 13, 23, 25)


def test_a_list_is_taken_as_it_is() -> None:
    assert choose("4 0, 8-12x2", 0, 20) == (0, 4, 8, 10, 12)
    assert choose("", 0, 20) == ()


@pytest.mark.parametrize("text", ["every:0", "every:", "every:-3", "each 4", "3,x", "21", "-1"])
def test_what_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(KeyframeChoiceError, match=r"expected .* found"):
        choose(text, 0, 20)


def test_an_empty_clip_has_no_keyframes() -> None:
    with pytest.raises(KeyframeChoiceError, match=r"0\.\.-1"):
        every(5, 0, -1)
