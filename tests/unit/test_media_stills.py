"""Stills by OpenImageIO: depth, alpha, transfer, windows, orientation, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest

from sparkvsr.color import Transfer
from sparkvsr.frames import Depth, Frame, Premultiplication
from sparkvsr.media import MediaNotFoundError, UnreadableMediaError, UnsupportedMediaError, read_still, write_still
from sparkvsr.media.errors import WriteFailedError


def picture(dtype: str, components: int = 3, size: tuple[int, int] = (5, 7)) -> np.ndarray[Any, Any]:
    values = np.random.default_rng(3).random((*size, components), np.float32)
    if np.dtype(dtype).kind == "u":
        return (values * np.iinfo(dtype).max).astype(dtype)
    return (values * 40 - 4).astype(dtype)  # highlights and negatives


@pytest.mark.parametrize(
    ("suffix", "dtype", "components"),
    [
        ("exr", "float32", 3),
        ("exr", "float16", 4),
        ("png", "uint8", 3),
        ("png", "uint16", 3),
        ("png", "uint8", 4),
        ("tif", "uint16", 4),
        ("tif", "float32", 3),
        ("dpx", "uint16", 3),
        ("hdr", "float32", 3),
        ("jpg", "uint8", 3),
    ],
)
def test_pixels_come_back(tmp_path: Path, suffix: str, dtype: str, components: int) -> None:
    pixels = picture(dtype, components)
    premultiplication = Premultiplication.OPAQUE
    if components == 4:
        premultiplication = Premultiplication.PREMULTIPLIED if suffix == "exr" else Premultiplication.STRAIGHT
    if suffix == "hdr":
        pixels = np.abs(pixels)
    path = tmp_path / f"new folder/a.{suffix}"
    write_still(path, Frame.from_numpy(pixels, premultiplication))
    still = read_still(path)
    tolerance = {"jpg": 12, "hdr": 0.3}.get(suffix, 0)
    np.testing.assert_allclose(still.frame.numpy().astype(float), pixels.astype(float), atol=tolerance)
    assert still.frame.format == Frame.from_numpy(pixels, premultiplication).format
    assert still.transfer is (Transfer.LINEAR if np.dtype(dtype).kind == "f" else Transfer.SRGB)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_straight_alpha_is_never_premultiplied_on_the_way(tmp_path: Path) -> None:
    pixels = np.full((2, 2, 4), 200, np.uint8)
    pixels[:, :, 3] = 10
    for suffix in ("png", "tif"):
        write_still(tmp_path / f"a.{suffix}", Frame.from_numpy(pixels, Premultiplication.STRAIGHT))
        assert (read_still(tmp_path / f"a.{suffix}").frame.numpy() == pixels).all()


def write_raw(path: Path, pixels: np.ndarray[Any, Any], **attributes: Any) -> None:
    kind = {"float32": "float", "float16": "half"}.get(pixels.dtype.name, pixels.dtype.name)
    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], pixels.shape[2], kind)
    names = attributes.pop("channelnames", None)
    if names:
        spec.channelnames = names
    for name, value in attributes.items():
        if hasattr(spec, name):
            setattr(spec, name, value)
        else:
            spec.attribute(name, value)
    writer = oiio.ImageOutput.create(str(path))
    assert writer.open(str(path), spec)
    assert writer.write_image(pixels)
    assert writer.close()


def test_data_window_lands_in_the_display_window(tmp_path: Path) -> None:
    pixels = picture("float32", 3, (4, 6))
    write_raw(tmp_path / "a.exr", pixels, x=-2, y=1, full_x=0, full_y=0, full_width=5, full_height=8)
    found = read_still(tmp_path / "a.exr").frame.numpy()
    assert found.shape == (8, 5, 3)
    np.testing.assert_array_equal(found[1:5, 0:4], pixels[:, 2:6])
    assert not found[0].any()
    assert not found[:, 4].any()


def test_channels_are_found_by_name(tmp_path: Path) -> None:
    pixels = picture("float32", 5)
    write_raw(tmp_path / "a.exr", pixels, channelnames=["Z", "B", "G", "R", "depth.N"])
    by_name = {"Z": 0, "B": 1, "G": 2, "R": 3}
    expected = pixels[:, :, [by_name["R"], by_name["G"], by_name["B"]]]
    np.testing.assert_array_equal(read_still(tmp_path / "a.exr").frame.numpy(), expected)


def test_grey_becomes_rgb(tmp_path: Path) -> None:
    pixels = picture("uint8", 1)
    write_raw(tmp_path / "a.png", pixels)
    np.testing.assert_array_equal(read_still(tmp_path / "a.png").frame.numpy(), np.repeat(pixels, 3, axis=2))


def test_unclear_channels_are_refused(tmp_path: Path) -> None:
    write_raw(tmp_path / "a.exr", picture("float32", 2), channelnames=["u", "v"])
    with pytest.raises(UnreadableMediaError, match=r"expected R, G, B or one grey, found u, v"):
        read_still(tmp_path / "a.exr")


@pytest.mark.parametrize(
    ("orientation", "corner"), [(1, (0, 0)), (2, (0, -1)), (3, (-1, -1)), (6, (0, -1)), (8, (-1, 0))]
)
def test_orientation_is_obeyed(tmp_path: Path, orientation: int, corner: tuple[int, int]) -> None:
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[0, 0] = 255
    write_raw(tmp_path / "a.tif", pixels, Orientation=orientation)
    found = read_still(tmp_path / "a.tif").frame.numpy()
    assert found.shape[:2] == ((6, 4) if orientation > 4 else (4, 6))
    assert found[corner].all()
    assert int((found > 0).sum()) == 3


def test_log_dpx_says_so(tmp_path: Path) -> None:
    write_raw(tmp_path / "a.dpx", picture("uint16"), **{"oiio:ColorSpace": "KodakLog"})
    assert read_still(tmp_path / "a.dpx").transfer is Transfer.CINEON


def test_missing_and_damaged_files_have_names(tmp_path: Path) -> None:
    with pytest.raises(MediaNotFoundError, match=r"no such file"):
        read_still(tmp_path / "none.png")
    (tmp_path / "bad.png").write_bytes(b"not a picture at all")
    with pytest.raises(UnreadableMediaError, match=r"bad\.png"):
        read_still(tmp_path / "bad.png")
    write_still(tmp_path / "cut.png", Frame.from_numpy(picture("uint16", 3, (64, 64)), Premultiplication.OPAQUE))
    whole = (tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableMediaError, match=r"cut\.png"):
        read_still(tmp_path / "cut.png")


@pytest.mark.parametrize(
    ("name", "dtype", "components", "words"),
    [
        ("a.png", "float32", 3, "expected byte or short, found float"),
        ("a.exr", "uint8", 3, "expected half or float, found byte"),
        ("a.jpg", "uint8", 4, "no alpha"),
        ("a.webm", "uint8", 3, "cannot write this kind"),
    ],
)
def test_unfit_pixels_are_refused(tmp_path: Path, name: str, dtype: str, components: int, words: str) -> None:
    with pytest.raises(UnsupportedMediaError, match=words):
        write_still(tmp_path / name, Frame.from_numpy(picture(dtype, components)))
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WriteFailedError, match=r"cannot create the folder"):
        write_still(tmp_path / "file" / "a.png", Frame.from_numpy(picture("uint8")))


def test_depths_of_samples(tmp_path: Path) -> None:
    write_still(tmp_path / "a.exr", Frame.from_numpy(picture("float16"), Premultiplication.OPAQUE))
    assert read_still(tmp_path / "a.exr").frame.format.depth is Depth.HALF


@pytest.mark.parametrize(("name", "dtype"), [("a.exr", "float32"), ("a.tif", "uint8"), ("a.png", "uint8")])
def test_no_time_of_day_makes_equal_pictures_different_files(tmp_path: Path, name: str, dtype: str) -> None:
    write_still(tmp_path / name, Frame.from_numpy(picture(dtype), Premultiplication.OPAQUE))
    opened = oiio.ImageInput.open(str(tmp_path / name))
    assert opened.spec().get_string_attribute("Software") == "SparkVSR"
    assert [item.name for item in opened.spec().extra_attribs if "date" in item.name.lower()] == []
    opened.close()
