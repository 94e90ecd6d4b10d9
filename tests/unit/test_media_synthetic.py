"""The film made by code: deterministic, moving, cut where it says, free of aliasing; and its reduction."""

from itertools import pairwise

import numpy as np
import pytest

from sparkvsr.color import Transfer
from sparkvsr.frames import Depth, Frame, Premultiplication
from sparkvsr.media import UnsupportedMediaError, synthetic
from sparkvsr.media.reduce import cropped, divisible, reduced, reduced_clip
from sparkvsr.media.synthetic import SyntheticFilm

SIZE = (128, 80)


def film(**changes: int) -> SyntheticFilm:
    return SyntheticFilm(*SIZE, frames=8, **changes)


def test_the_same_seed_makes_the_same_film() -> None:
    first, second, other = film(seed=3), film(seed=3), film(seed=4)
    for number in (5, 0):
        np.testing.assert_array_equal(first.srgb(number).numpy(), second.srgb(number).numpy())
    assert not np.array_equal(first.srgb(0).numpy(), other.srgb(0).numpy())


def test_frames_are_what_the_clip_says() -> None:
    clip = film().clip()
    assert clip.info.transfer is Transfer.SRGB
    assert clip.read(7).format == clip.info.layout
    assert list(clip.numbers) == list(range(8))
    linear = film().linear(0)
    assert linear.dtype == np.float32
    assert np.isfinite(linear).all()
    assert linear.std() > 0.1


def test_frames_move_and_the_cut_cuts() -> None:
    made = film(cut=4)
    frames = [made.srgb(number).numpy().astype(float) for number in range(8)]
    steps = [float(np.abs(b - a).mean()) for a, b in pairwise(frames)]
    assert min(steps) > 1.0, "something moves between any two frames"
    assert steps[3] > 2 * max(steps[:3] + steps[4:]), "the cut is the largest change"


def test_finer_sampling_changes_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """What four times as many samples would show differently is aliasing."""
    made = film()
    usual = made.srgb(2).numpy().astype(float)
    monkeypatch.setattr(synthetic, "SUPERSAMPLING", 2 * synthetic.SUPERSAMPLING)
    finer = made.srgb(2).numpy().astype(float)
    assert float(np.sqrt(((usual - finer) ** 2).mean())) < 3.0


@pytest.mark.parametrize(("frames", "cut"), [(3, 1), (8, 1), (8, 7), (8, 9)])
def test_impossible_films_are_refused(frames: int, cut: int) -> None:
    with pytest.raises(ValueError, match=r"expected at least 4 frames and a cut among them"):
        SyntheticFilm(*SIZE, frames=frames, cut=cut)


def test_reduction_keeps_depth_alpha_and_means() -> None:
    pixels = np.full((8, 12, 4), (100, 150, 200, 128), np.uint8)
    small = reduced(Frame.from_numpy(pixels, Premultiplication.STRAIGHT), 4)
    assert (small.format.width, small.format.height, small.format.depth) == (3, 2, Depth.BYTE)
    assert np.unique(small.numpy().reshape(-1, 4), axis=0).tolist() == [[100, 150, 200, 128]]


def test_clips_are_cropped_to_multiples() -> None:
    odd = SyntheticFilm(130, 83, 8).clip()
    even = divisible(odd, 4)
    assert (even.info.layout.width, even.info.layout.height) == (128, 80)
    np.testing.assert_array_equal(even.read(1).numpy(), odd.read(1).numpy()[1:81, 1:129])
    small = reduced_clip(even, 4)
    assert small.read(1).format == small.info.layout
    assert divisible(even, 4) is even
    with pytest.raises(UnsupportedMediaError, match=r"too small"):
        divisible(odd, 100)


def test_crop_takes_the_middle() -> None:
    pixels = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
    found = cropped(Frame.from_numpy(pixels, Premultiplication.OPAQUE), 3, 3).numpy()
    np.testing.assert_array_equal(found, pixels[1:4, 2:5])
