"""Choosing keyframes by a text."""

from itertools import pairwise

import pytest

from sparkvsr.keyframes import KeyframeChoiceError, Sources, at_random, choose, every, is_choice


def test_every_nth_frame_from_the_first() -> None:
    assert choose("every:10", 5, 30) == (5, 15, 25)
    assert choose(" every:100 ", 5, 30) == (5,)


def test_every_shot_starts_with_a_keyframe() -> None:
    assert every(10, 0, 30, cuts=(13, 25, 0, 99, -4)) == (0, 10, 13, 23, 25)


def test_a_list_is_taken_as_it_is() -> None:
    assert choose("4 0, 8-12x2", 0, 20) == (0, 4, 8, 10, 12)
    assert choose("", 0, 20) == ()


def test_random_frames_are_the_same_for_ever() -> None:
    assert choose("random:7:4", 0, 99) == at_random(7, 4, 0, 99) == (9, 53, 64, 77)
    assert choose("random:7:4", 100, 199) == (109, 153, 164, 177)
    assert choose("random:-3:5", 0, 4) == (0, 1, 2, 3, 4)
    assert at_random(8, 4, 0, 99) != at_random(7, 4, 0, 99)


def test_more_random_frames_add_to_fewer() -> None:
    sets = [set(at_random(1, count, 0, 50)) for count in range(1, 20)]
    assert [len(chosen) for chosen in sets] == list(range(1, 20))
    assert all(fewer < more for fewer, more in pairwise(sets))


def test_the_clip_is_asked_what_only_it_knows() -> None:
    sources = Sources(iframes=lambda: (9, 0, 4), suggest=lambda count: tuple(range(5, 5 + count)))
    assert choose("iframes", 0, 20, sources=sources) == (0, 4, 9)
    assert choose("suggest:3", 0, 20, sources=sources) == (5, 6, 7)
    for text in ("iframes", "suggest:2"):
        with pytest.raises(KeyframeChoiceError, match="a clip that can tell"):
            choose(text, 0, 20)


def test_choices_are_told_from_other_words() -> None:
    for text in ("iframes", "every:3", "random:1:2", "suggest:4", " 1 24 48-60x4 "):
        assert is_choice(text)
    for text in ("", "keys", "every", "iframes:3", "random:4", "k.%04d.png"):
        assert not is_choice(text)


@pytest.mark.parametrize(
    "text", ["every:0", "every:", "every:-3", "each 4", "3,x", "21", "-1", "random:1:22", "random:1:0"]
)
def test_what_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(KeyframeChoiceError, match=r"expected .* found"):
        choose(text, 0, 20)


def test_an_empty_clip_has_no_keyframes() -> None:
    with pytest.raises(KeyframeChoiceError, match=r"0\.\.-1"):
        every(5, 0, -1)
