"""Frames: formats, wrapping of arrays, fingerprints."""

import struct

import numpy as np
import pytest
import torch
import xxhash

from sparkvsr.frames import Depth, Frame, FrameError, PixelFormat, Premultiplication, fingerprint

DTYPES = {Depth.BYTE: np.uint8, Depth.SHORT: np.uint16, Depth.HALF: np.float16, Depth.FLOAT: np.float32}


def picture(depth: Depth, height: int = 3, width: int = 5, components: int = 4) -> np.ndarray:
    values = np.arange(height * width * components).reshape(height, width, components)
    return (values / (1.0 if depth in (Depth.BYTE, Depth.SHORT) else 64.0)).astype(DTYPES[depth])


@pytest.mark.parametrize("depth", list(Depth))
def test_every_depth_is_wrapped_and_given_back(depth: Depth) -> None:
    array = picture(depth)
    frame = Frame.from_numpy(array, Premultiplication.OPAQUE)
    assert frame.format == PixelFormat(5, 3, 4, depth, Premultiplication.OPAQUE)
    assert frame.format.row_bytes == array.strides[0]
    assert frame.nbytes == array.nbytes
    np.testing.assert_array_equal(frame.numpy(), array)


def test_wrapping_does_not_copy() -> None:
    array = picture(Depth.FLOAT)
    frame = Frame.from_numpy(array)
    array[0, 0, 0] = 7.0
    assert frame.pixels[0, 0, 0] == 7.0


@pytest.mark.parametrize(
    "array",
    [
        picture(Depth.FLOAT)[::-1],
        picture(Depth.FLOAT).astype(">f4"),
        np.broadcast_to(np.float32(1.0), (2, 2, 3)),
    ],
    ids=["bottom-up", "big-endian", "read-only"],
)
def test_arrays_that_torch_cannot_share_are_copied(array: np.ndarray) -> None:
    np.testing.assert_array_equal(Frame.from_numpy(array).numpy(), array)


@pytest.mark.parametrize("arguments", [(0, 1), (1, 0), (65537, 1), (1, 1, 2), (1, 1, 5)])
def test_impossible_formats_are_refused(arguments: tuple[int, ...]) -> None:
    with pytest.raises(FrameError, match=r"expected .* found"):
        PixelFormat(*arguments)


def test_pixels_must_be_what_the_format_says() -> None:
    with pytest.raises(FrameError, match="shape"):
        Frame(torch.zeros(2, 3, 3), PixelFormat(2, 3, 3))
    with pytest.raises(FrameError, match="float32"):
        Frame(torch.zeros(3, 2, 3, dtype=torch.float64), PixelFormat(2, 3, 3))
    with pytest.raises(FrameError, match="float64"):
        Frame.from_numpy(np.zeros((3, 2, 3)))


def test_names_are_those_of_the_protocol() -> None:
    assert [str(depth) for depth in Depth] == ["byte", "short", "half", "float"]
    assert f"{Premultiplication.STRAIGHT}" == "straight"
    assert Depth("half") is Depth.HALF


@pytest.mark.parametrize("depth", list(Depth))
def test_fingerprint_follows_the_protocol(depth: Depth) -> None:
    array = picture(depth)
    code = {"byte": 1, "short": 2, "half": 3, "float": 4}[depth.value]
    seed = xxhash.xxh3_64_intdigest(struct.pack("<IIBBBB", 5, 3, code, 4, 2, 0), seed=0)
    expected = xxhash.xxh3_128_digest(np.ascontiguousarray(array[::-1]).tobytes(), seed=seed)
    assert fingerprint(Frame.from_numpy(array)) == expected


def test_fingerprint_ignores_the_stride_and_nothing_else() -> None:
    array = picture(Depth.BYTE)
    padded = np.zeros((3, 9, 4), np.uint8)
    padded[:, :5] = array
    plain = fingerprint(Frame.from_numpy(array))
    assert fingerprint(Frame.from_numpy(padded[:, :5])) == plain
    assert fingerprint(Frame.from_numpy(array, Premultiplication.OPAQUE)) != plain
    assert fingerprint(Frame.from_numpy(array.reshape(5, 3, 4))) != plain
    array[2, 4, 3] ^= 1
    assert fingerprint(Frame.from_numpy(array)) != plain
