"""Sequences, stills and the window of frames in memory."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from sparkvsr.color import Transfer
from sparkvsr.frames import Frame, Premultiplication
from sparkvsr.media import (
    FramePattern,
    FrameWindow,
    InconsistentSequenceError,
    MediaNotFoundError,
    MissingFrameError,
    SequenceClip,
    UnreadableMediaError,
    open_clip,
    write_still,
)


def flat(value: int, size: tuple[int, int] = (4, 6)) -> Frame:
    return Frame.from_numpy(np.full((*size, 3), value, np.uint8), Premultiplication.OPAQUE)


def write_sequence(folder: Path, numbers: list[int]) -> str:
    for number in numbers:
        write_still(folder / f"a.{number:04d}.png", flat(number))
    return str(folder / "a.####.png")


def test_frames_have_the_numbers_of_the_files(tmp_path: Path) -> None:
    clip = open_clip(write_sequence(tmp_path, [10, 11, 12]), Fraction(24))
    assert list(clip.numbers) == [10, 11, 12]
    assert int(clip.read(11).numpy()[0, 0, 0]) == 11
    assert clip.info.transfer is Transfer.SRGB
    assert clip.seconds(12) == Fraction(2, 24)


def test_a_gap_is_a_named_error(tmp_path: Path) -> None:
    clip = SequenceClip(FramePattern.parse(write_sequence(tmp_path, [1, 2, 5, 6])))
    assert clip.missing == [3, 4]
    assert list(clip.numbers) == [1, 2, 3, 4, 5, 6]
    with pytest.raises(MissingFrameError, match=r"a\.0003\.png is missing \(found gaps at 3-4\)"):
        clip.read(3)


def test_outside_the_clip_is_a_named_error(tmp_path: Path) -> None:
    clip = open_clip(write_sequence(tmp_path, [1, 2]))
    with pytest.raises(MissingFrameError, match=r"no frame 7 \(expected 1-2, found 7\)"):
        clip.read(7)


def test_a_frame_of_another_size_is_refused(tmp_path: Path) -> None:
    pattern = write_sequence(tmp_path, [1, 2])
    write_still(tmp_path / "a.0002.png", flat(2, (5, 6)))
    with pytest.raises(InconsistentSequenceError, match=r"a\.0002\.png differs from the first frame"):
        open_clip(pattern).read(2)


def test_no_file_at_all(tmp_path: Path) -> None:
    with pytest.raises(MediaNotFoundError, match=r"no file matches"):
        open_clip(tmp_path / "a.%04d.exr")
    with pytest.raises(MediaNotFoundError, match=r"no such file"):
        open_clip(tmp_path / "a.mp4")
    with pytest.raises(UnreadableMediaError, match=r"is a folder"):
        open_clip(tmp_path)


def test_a_still_is_a_clip_of_one_frame(tmp_path: Path) -> None:
    write_still(tmp_path / "a7.png", flat(9))
    clip = open_clip(tmp_path / "a7.png")
    assert list(clip.numbers) == [0]
    assert int(clip.read(0).numpy()[0, 0, 0]) == 9
    clip.close()


def test_the_window_keeps_to_its_budget() -> None:
    size = flat(0).nbytes
    window = FrameWindow(3 * size)
    for number in range(10):
        window.put(number, flat(number))
        assert window.held_bytes <= 3 * size
    assert window.get(6) is None
    assert window.get(7) is not None
    window.put(10, flat(10))
    assert window.get(7) is not None, "frame 7 was used last, frame 8 had to go"
    assert window.get(8) is None
    window.put(10, flat(11))
    assert window.held_bytes == 3 * size
    window.clear()
    assert window.held_bytes == 0


def test_one_frame_larger_than_the_budget_stays() -> None:
    window = FrameWindow(1)
    window.put(0, flat(0))
    assert window.get(0) is not None
    window.put(1, flat(1))
    assert window.get(0) is None
