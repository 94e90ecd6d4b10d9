"""Cuts are found; flashes, fast pans, changes of light, and things that rush past are none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from support import small_clip

from sparkvsr.cuts import find_cuts
from sparkvsr.engine import CancelledError, Watch
from sparkvsr.looks import LONGEST_SIDE, Look, look_at
from sparkvsr.media.synthetic import SyntheticFilm, encode_srgb
from sparkvsr.resample import resize

HEIGHT, WIDTH = 108, 192
Frames = list[torch.Tensor]


def cuts_of(frames: Frames, first: int = 0) -> tuple[int, ...]:
    looks = [look_at(frame) for frame in frames]
    return find_cuts(range(first, first + len(frames)), lambda time: looks[time - first])


@pytest.fixture(scope="module")
def film() -> Frames:
    """Two shots of the synthetic film, a cut at 10."""
    made = SyntheticFilm(WIDTH, HEIGHT, 52, 28)
    arrays = [encode_srgb(made.linear(number)).astype(np.float32) for number in range(18, 38)]
    return [torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1))).clamp(0, 1) for array in arrays]


@pytest.fixture(scope="module")
def shot(film: Frames) -> Frames:
    return film[:10]


def test_the_films_one_cut_is_found(film: Frames) -> None:
    assert cuts_of(film) == (10,)


def test_the_small_clips_cut_is_found() -> None:
    arrays = small_clip.truth(12, WIDTH, HEIGHT, cut=5)
    frames = [torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1))).clamp(0, 1) for array in arrays]
    assert cuts_of(frames) == (5,)


def test_cuts_are_told_by_the_times_of_the_frames(film: Frames) -> None:
    assert cuts_of(film, -4) == (6,)


@pytest.mark.parametrize("place", [1, 2, 5, 17, 19])
def test_cuts_near_the_ends_are_found(film: Frames, place: int) -> None:
    """A shot of one frame at either end is a shot."""
    joined = film[10 - place : 10] + film[10:] if place <= 10 else film[:10] + film[10 : 20 - (place - 10)]
    assert cuts_of(joined) == (min(place, 10),)


def test_several_cuts_are_found(film: Frames) -> None:
    other = [frame.flip(2) for frame in film[3:9]]
    assert cuts_of(film[:8] + film[12:18] + other) == (8, 14)


DISTURBANCES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "a white frame": torch.ones_like,
    "a black frame": torch.zeros_like,
    "a flash that clips": lambda frame: frame.mul(4.0).add(0.3).clamp(0, 1),
    "a flash of colour": lambda frame: (frame * torch.tensor([3.0, 1.0, 0.2]).view(3, 1, 1)).clamp(0, 1),
    "a foreign frame": lambda frame: torch.rand(3, 9, 16).repeat_interleave(12, 1).repeat_interleave(12, 2),
}


@pytest.mark.parametrize("kind", list(DISTURBANCES))
@pytest.mark.parametrize("length", [1, 2])
def test_what_flashes_by_is_no_cut(shot: Frames, kind: str, length: int) -> None:
    torch.manual_seed(0)
    frames = [DISTURBANCES[kind](frame) if 5 <= n < 5 + length else frame for n, frame in enumerate(shot)]
    assert cuts_of(frames) == ()


@pytest.mark.parametrize("place", [9, 10])
def test_a_flash_beside_a_cut_does_not_hide_it(film: Frames, place: int) -> None:
    """Found where the flash begins, or where it ends: a white frame belongs to either shot."""
    frames = [torch.ones_like(frame) if number == place else frame for number, frame in enumerate(film)]
    (found,) = cuts_of(frames)
    assert found in (9, 10, 11)


@pytest.mark.parametrize("step", [4, 24, 60])
def test_a_fast_pan_is_no_cut(step: int) -> None:
    """Up to a third of the picture from frame to frame, begun and ended abruptly."""
    wide = resize(torch.rand(3, 27, 480, generator=torch.Generator().manual_seed(4)), (HEIGHT, 1920), "bicubic")
    places = [0] * 4 + [step * n for n in range(1, 9)] + [step * 8] * 4
    frames = [wide[:, :, place : place + WIDTH].clamp(0, 1).contiguous() for place in places]
    assert cuts_of(frames) == ()


def test_a_change_of_light_is_no_cut(shot: Frames) -> None:
    """From one frame to the next, to a third of the light, and warmer."""
    dimmer = torch.tensor([0.45, 0.33, 0.22]).view(3, 1, 1)
    assert cuts_of([frame if n < 5 else frame * dimmer for n, frame in enumerate(shot)]) == ()


def test_a_fade_is_no_cut(shot: Frames) -> None:
    assert cuts_of([frame * (n / 9) for n, frame in enumerate(shot)]) == ()


def test_shots_with_black_between_them_are_two(film: Frames) -> None:
    """Cut to black and to the next shot: one cut at least lies between them."""
    black = [torch.zeros_like(film[0])] * 5
    found = cuts_of(film[2:9] + black + film[11:18])
    assert set(found) <= {7, 12}
    assert found


def test_frames_of_another_size_begin_another_shot(film: Frames) -> None:
    wide = [resize(frame, (80, WIDTH), "bicubic").clamp(0, 1) for frame in film[10:16]]
    assert cuts_of(film[:6] + wide) == (6,)


def test_what_stands_still_has_no_cut(shot: Frames) -> None:
    assert cuts_of([shot[0]] * 6) == ()
    assert cuts_of([torch.full((3, HEIGHT, WIDTH), 0.5)] * 6) == ()
    noisy = [(shot[0] + torch.randn(3, HEIGHT, WIDTH) * 0.04).clamp(0, 1) for _ in range(6)]
    assert cuts_of(noisy) == ()


def test_something_large_that_rushes_past_is_no_cut(shot: Frames) -> None:
    frames = list(shot)
    for number, left in ((4, 90), (5, 20), (6, -60)):
        covered = frames[number].clone()
        covered[:, :, max(0, left) : left + 150] = 0.1
        frames[number] = covered
    assert cuts_of(frames) == ()


def test_one_frame_has_no_cut(shot: Frames) -> None:
    assert cuts_of(shot[:1]) == ()


def test_each_frame_is_asked_for_once_in_order(film: Frames) -> None:
    asked: list[int] = []

    def look(time: int) -> Look:
        asked.append(time)
        return look_at(film[time])

    find_cuts(range(20), look)
    assert asked == list(range(20))


def test_a_search_can_be_cancelled(shot: Frames) -> None:
    with pytest.raises(CancelledError):
        find_cuts(range(10), lambda time: look_at(shot[time]), Watch(cancelled=lambda: True))


def test_a_look_is_small_and_exact_to_a_65535th(shot: Frames) -> None:
    large = resize(shot[0], (432, 768), "bicubic").clamp(0, 1)
    look = look_at(large)
    assert max(look.levels.shape[1:]) == LONGEST_SIDE
    assert look.nbytes == look.levels.size * 2
    small = look.picture
    assert (look_at(small).levels == look.levels).all()
    assert float((small.mean() - large.mean()).abs()) < 0.01
    assert float(look_at(large * 3 - 1).picture.max()) == 1.0
