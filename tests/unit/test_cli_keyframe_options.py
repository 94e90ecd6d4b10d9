"""Which keyframes a command line means: places, choices of frames, and what they have to have."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.clips_on_disk import flat

from sparkvsr.cli.errors import UsageError
from sparkvsr.cli.keyframe_options import Chosen, collect
from sparkvsr.keyframes import choose
from sparkvsr.media import MediaNotFoundError, write_still

NUMBERS = range(30)


def chosen(*words: object, named: list[tuple[int, Path]] | None = None, model: str | None = None) -> Chosen:
    return collect(named or [], [str(word) for word in words], NUMBERS, lambda text: choose(text, 0, 29), model)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in (0, 10, 11, 20):
        write_still(tmp_path / "keys" / f"k.{number:04d}.png", flat())
    return tmp_path / "keys"


def test_a_place_gives_all_its_pictures(folder: Path) -> None:
    assert list(chosen(folder).files) == [0, 10, 11, 20]
    assert list(chosen(folder / "k.%04d.png").files) == [0, 10, 11, 20]
    assert chosen() == Chosen({})


def test_a_choice_picks_among_the_pictures(folder: Path) -> None:
    assert list(chosen(folder, "every:10").files) == [0, 10, 20]
    assert list(chosen("20 10", folder).files) == [10, 20]


def test_choices_add_up_and_pictures_by_name_always_count(folder: Path) -> None:
    own = folder / "k.0011.png"
    found = chosen(folder, "0", "20", named=[(5, own), (20, own)])
    assert found.files == {0: folder / "k.0000.png", 5: own, 20: own}


def test_chosen_frames_without_a_picture_are_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"keyframes without a picture .*found none of 5 15 25.*--keyframe-model"):
        chosen(folder, "every:5")


def test_a_model_makes_what_has_no_picture(folder: Path) -> None:
    found = chosen(folder, "every:5", model="blind")
    assert list(found.files) == [0, 10, 20]
    assert found.made == (5, 15, 25)
    assert chosen("1-3", model="blind") == Chosen({}, (1, 2, 3))


def test_a_model_without_a_choice_means_nothing(folder: Path) -> None:
    with pytest.raises(UsageError, match="of which frames"):
        chosen(folder, model="blind")


@pytest.mark.parametrize("word", ["keys", "every:x", "5 40", "random:1:99", "iframes"])
def test_words_that_mean_nothing_are_told(word: str) -> None:
    with pytest.raises(UsageError, match=r"--keyframes .* expected"):
        chosen(word, model="blind")


def test_a_folder_that_is_called_like_a_list_is_a_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.rename(folder.parent / "24")
    monkeypatch.chdir(folder.parent)
    assert list(chosen("24").files) == [0, 10, 11, 20]


def test_an_empty_place_is_told(tmp_path: Path) -> None:
    with pytest.raises(MediaNotFoundError, match="no keyframe picture found"):
        chosen(tmp_path)
