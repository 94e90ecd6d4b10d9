"""Host pixels copied and looked through, by the compiled half and without it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sparkvsr.frames import Depth, PixelFormat
from sparkvsr_backend import host_pixels
from sparkvsr_backend.buffers import ByteArray, pixels_over
from sparkvsr_backend.host_pixels import are_within_unit, copy_if_within_unit, copy_pixels


@pytest.mark.parametrize("depth", list(Depth))
@pytest.mark.parametrize("native", [True, False])
def test_a_copy_is_exact_however_large_and_by_whatever_means(
    depth: Depth, native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The large one is copied past the caches, in lines: it begins and ends within one."""
    if not native:
        monkeypatch.setattr(host_pixels, "copy", np.copyto)
    for layout in (PixelFormat(7, 5, 3, depth), PixelFormat(2003, 1051, 3, depth)):
        source = pixels_over(random_bytes(layout.nbytes + 64)[8 : 8 + layout.nbytes], layout, layout.row_bytes)
        around = np.full(layout.nbytes + 64, 0xEE, np.uint8)
        target = pixels_over(around[24 : 24 + layout.nbytes], layout, layout.row_bytes)
        copy_pixels(target, source)
        assert np.array_equal(bits(target), bits(source))
        assert (around[:24] == 0xEE).all()
        assert (around[24 + layout.nbytes :] == 0xEE).all()


def test_padded_rows_are_copied_and_their_padding_left_alone() -> None:
    layout = PixelFormat(1920, 1080, 4, Depth.FLOAT)
    row_bytes = layout.row_bytes + 64
    source = pixels_over(random_bytes(1080 * row_bytes), layout, row_bytes)
    memory = np.full(1080 * row_bytes, 0xEE, np.uint8)
    copy_pixels(pixels_over(memory, layout, row_bytes), source)
    rows = memory.reshape(1080, row_bytes)
    assert np.array_equal(rows[:, : layout.row_bytes].reshape(-1), bits(source))
    assert (rows[:, layout.row_bytes :] == 0xEE).all()


def test_the_compiled_copy_refuses_what_it_cannot_do() -> None:
    copy = pytest.importorskip("sparkvsr_backend._pixels").copy
    with pytest.raises(ValueError, match="expected 64 bytes, found 56"):
        copy(np.zeros(8), np.zeros(7))
    with pytest.raises(ValueError, match="without gaps, found a stride of 32"):
        copy(np.zeros((4, 2)), np.zeros((4, 4))[:, :2])
    constant = np.zeros(8)
    constant.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        copy(constant, np.zeros(8))


def random_bytes(count: int) -> ByteArray:
    return np.random.default_rng(count).integers(0, 256, count, dtype=np.uint8)


def bits(pixels: torch.Tensor) -> ByteArray:
    """The samples as bytes, as NaN equals nothing."""
    return np.ascontiguousarray(pixels.numpy()).reshape(-1).view(np.uint8)


@pytest.mark.parametrize("place", [0, 7, 8191, 8192, 19_999])
@pytest.mark.parametrize(
    "value", [-1e-30, -0.0, np.nextafter(np.float32(1), np.float32(2)), np.nan, -np.nan, np.inf, -np.inf]
)
def test_one_sample_beyond_is_found_wherever_it_lies(place: int, value: float) -> None:
    pixels = np.linspace(0, 1, 20_000, dtype=np.float32).reshape(10, 500, 4)
    assert are_within_unit(torch.from_numpy(pixels))
    pixels.reshape(-1)[place] = value
    assert not are_within_unit(torch.from_numpy(pixels))


SAMPLES = 2003 * 1051
BEYOND = (-1e-30, float(np.nextafter(np.float32(1), np.float32(2))), float("nan"))


@pytest.mark.parametrize("offset", [0, 1, 5])
def test_a_picture_is_looked_through_while_it_is_copied(offset: int) -> None:
    """Also where it begins and ends within a line of the processor's cache."""
    for count in (35, SAMPLES):
        memory = np.random.default_rng(count).random(count + offset, dtype=np.float32)
        source, around = memory[offset:], np.full(count + 32, 7.0, np.float32)
        target = around[offset + 3 : offset + 3 + count]
        assert copy_if_within_unit(torch.from_numpy(target), torch.from_numpy(source))
        assert np.array_equal(target, source)
        assert (around[: offset + 3] == 7.0).all()
        assert (around[offset + 3 + count :] == 7.0).all()


@pytest.mark.parametrize("place", [0, 2, 15, 16, 1023, 1024, 4095, SAMPLES // 2, SAMPLES - 2, SAMPLES - 1])
@pytest.mark.parametrize("value", BEYOND)
def test_one_sample_beyond_ends_the_copy(place: int, value: float) -> None:
    source = np.full(SAMPLES, 0.5, np.float32)
    source[place] = value
    target = np.zeros(SAMPLES + 1, np.float32)[1:]
    assert not copy_if_within_unit(torch.from_numpy(target), torch.from_numpy(source))


def test_what_lies_between_the_rows_does_not_count() -> None:
    pixels = np.full((6, 9, 4), 0.5, np.float32)
    pixels[:, 7:] = 3.0
    part = torch.from_numpy(pixels)[:, :7]
    assert are_within_unit(part)
    pixels[4, 6, 3] = 2.0
    assert not are_within_unit(part)


def test_the_compiled_look_refuses_what_are_no_floats() -> None:
    within_unit = pytest.importorskip("sparkvsr_backend._pixels").within_unit
    with pytest.raises(ValueError, match="expected samples of format f, found d"):
        within_unit(np.zeros(4))
    with pytest.raises(ValueError, match="without gaps"):
        within_unit(np.zeros((4, 4), np.float32)[:, :2])


def test_the_compiled_look_and_copy_refuses_what_it_cannot_do() -> None:
    copy_within_unit = pytest.importorskip("sparkvsr_backend._pixels").copy_within_unit
    with pytest.raises(ValueError, match="expected 16 bytes, found 12"):
        copy_within_unit(np.zeros(3, np.float32), np.zeros(4, np.float32))
    with pytest.raises(ValueError, match="expected samples of format f, found d"):
        copy_within_unit(np.zeros(4, np.float32), np.zeros(4))
    with pytest.raises(ValueError, match="expected samples of format f"):
        copy_within_unit(np.zeros(17, np.uint8)[1:].view(np.float32), np.zeros(4, np.float32))
    with pytest.raises(ValueError, match="without gaps"):
        copy_within_unit(np.zeros((4, 2), np.float32), np.zeros((4, 4), np.float32)[:, :2])
