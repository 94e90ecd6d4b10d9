"""Single pictures by OpenImageIO: EXR, PNG, TIFF, DPX, JPEG and more, each with its own transfer and alpha."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import OpenImageIO as oiio  # noqa: N813  (the name its own documents use)

from sparkvsr.color import Transfer
from sparkvsr.frames import Depth, Frame, Premultiplication
from sparkvsr.media.atomic import atomic_path
from sparkvsr.media.errors import MediaNotFoundError, UnreadableMediaError, UnsupportedMediaError, WriteFailedError

Pixels = npt.NDArray[Any]

_DEPTH_OF_FORMAT = {"uint8": Depth.BYTE, "uint16": Depth.SHORT, "half": Depth.HALF, "float": Depth.FLOAT}
_FORMAT_OF_DEPTH = {depth: name for name, depth in _DEPTH_OF_FORMAT.items()}
_DEPTHS_OF_SUFFIX = {
    ".exr": (Depth.HALF, Depth.FLOAT),
    ".hdr": (Depth.FLOAT,),
    ".png": (Depth.BYTE, Depth.SHORT),
    ".tif": (Depth.BYTE, Depth.SHORT, Depth.FLOAT),
    ".tiff": (Depth.BYTE, Depth.SHORT, Depth.FLOAT),
    ".dpx": (Depth.SHORT, Depth.BYTE),
    ".jpg": (Depth.BYTE,),
    ".jpeg": (Depth.BYTE,),
}
_ALPHA_SUFFIXES = frozenset({".exr", ".png", ".tif", ".tiff"})
_QUARTER_TURNS = {
    1: (0, False),
    2: (0, True),
    3: (2, False),
    4: (2, True),
    5: (1, True),
    6: (3, False),
    7: (3, True),
    8: (1, False),
}


@dataclass(frozen=True, slots=True)
class Still:
    """A picture, the transfer curve its colour samples are coded with, and the shape of its pixels."""

    frame: Frame
    transfer: Transfer
    pixel_aspect: float = 1.0


def is_still(path: str | Path) -> bool:
    """Whether the extension is that of a picture format that can be written here (and so also read)."""
    return Path(path).suffix.lower() in _DEPTHS_OF_SUFFIX


def depths_of(path: str | Path) -> tuple[Depth, ...]:
    """The depths a file of this extension can hold, the usual one first. Raises UnsupportedMediaError."""
    suffix = Path(path).suffix.lower()
    try:
        return _DEPTHS_OF_SUFFIX[suffix]
    except KeyError:
        known = " ".join(sorted(_DEPTHS_OF_SUFFIX))
        raise UnsupportedMediaError(
            f"{path}: cannot write this kind of picture", expected=known, found=suffix
        ) from None


def holds_alpha(path: str | Path) -> bool:
    """Whether a file of this extension can hold an alpha channel."""
    return Path(path).suffix.lower() in _ALPHA_SUFFIXES


def natural_transfer(depth: Depth) -> Transfer:
    """Float files are scene-linear, integer files sRGB, unless the file says otherwise."""
    return Transfer.LINEAR if depth in (Depth.HALF, Depth.FLOAT) else Transfer.SRGB


def read_still(path: str | Path) -> Still:
    """Read a picture: RGB or RGBA, rows from the top, alpha as the file has it (never converted).

    The pixels of an EXR's data window are placed in its display window.
    Raises MediaNotFoundError, UnreadableMediaError.
    """
    source = Path(path)
    if not source.is_file():
        raise MediaNotFoundError(f"{source}: no such file")
    _require_text(source)
    hints = oiio.ImageSpec()
    hints.attribute("oiio:UnassociatedAlpha", 1)
    reader = oiio.ImageInput.open(str(source), hints)
    if reader is None:
        raise UnreadableMediaError(f"{source}: {oiio.geterror() or 'not a picture'}")
    try:
        return _read_open(source, reader)
    finally:
        reader.close()


def _require_text(path: Path) -> None:
    """OpenImageIO takes names as UTF-8. Raises UnsupportedMediaError."""
    if path != Path(os.fsencode(path).decode(errors="replace")):
        raise UnsupportedMediaError(f"{path}: the name", expected="UTF-8", found="other bytes")


def _read_open(source: Path, reader: Any) -> Still:
    spec = reader.spec()
    depth = _depth_of(spec)
    stored = reader.read_image(0, 0, 0, spec.nchannels, _FORMAT_OF_DEPTH[depth])
    if stored is None:
        raise UnreadableMediaError(f"{source}: {reader.geterror() or 'the pixels cannot be read'}")
    stored = np.asarray(stored).reshape(spec.height, spec.width, spec.nchannels)
    pixels = _upright(_in_display_window(stored[:, :, _rgba_channels(source, spec)], spec), spec)
    frame = Frame.from_numpy(np.ascontiguousarray(pixels), _premultiplication(spec, pixels.shape[2]))
    return Still(frame, _transfer(spec, depth), spec.get_float_attribute("PixelAspectRatio", 1.0) or 1.0)


def _depth_of(spec: Any) -> Depth:
    """The depth to read into: the file's own, or float for the rarer types (double, 32-bit integers)."""
    return _DEPTH_OF_FORMAT.get(str(spec.format), Depth.FLOAT)


def _rgba_channels(source: Path, spec: Any) -> list[int]:
    """Indices of R, G, B and, where there is one, A; grey is repeated."""
    names = [name.upper() for name in spec.channelnames]
    alpha = [spec.alpha_channel] if spec.alpha_channel >= 0 else []
    if all(name in names for name in "RGB"):
        return [names.index(name) for name in "RGB"] + alpha
    colours = [index for index in range(spec.nchannels) if index not in alpha]
    if len(colours) in (1, 3):
        return (colours * 3 if len(colours) == 1 else colours) + alpha
    found = ", ".join(spec.channelnames)
    raise UnreadableMediaError(
        f"{source}: cannot tell which channels are the picture", expected="R, G, B or one grey", found=found
    )


def _in_display_window(pixels: Pixels, spec: Any) -> Pixels:
    """Crop what lies outside the display window, fill what is missing of it with zeros."""
    width, height = spec.full_width or spec.width, spec.full_height or spec.height
    left, top = spec.x - spec.full_x, spec.y - spec.full_y
    if (left, top, width, height) == (0, 0, spec.width, spec.height):
        return pixels
    whole = np.zeros((height, width, pixels.shape[2]), pixels.dtype)
    x1, y1, x2, y2 = max(left, 0), max(top, 0), min(left + spec.width, width), min(top + spec.height, height)
    if x1 < x2 and y1 < y2:
        whole[y1:y2, x1:x2] = pixels[y1 - top : y2 - top, x1 - left : x2 - left]
    return whole


def _upright(pixels: Pixels, spec: Any) -> Pixels:
    """Turn by the Exif orientation, as every viewer does."""
    turns, mirrored = _QUARTER_TURNS.get(spec.get_int_attribute("Orientation", 1), (0, False))
    flipped = pixels[:, ::-1] if mirrored else pixels
    return np.rot90(flipped, turns)


def _premultiplication(spec: Any, components: int) -> Premultiplication:
    if components == 3:
        return Premultiplication.OPAQUE
    straight = spec.get_int_attribute("oiio:UnassociatedAlpha", 0)
    return Premultiplication.STRAIGHT if straight else Premultiplication.PREMULTIPLIED


def _transfer(spec: Any, depth: Depth) -> Transfer:
    if str(spec.get_string_attribute("oiio:ColorSpace")).lower() == "kodaklog":
        return Transfer.CINEON
    return natural_transfer(depth)


def write_still(path: str | Path, frame: Frame, *, pixel_aspect: float = 1.0) -> None:
    """Write ``frame`` as it is: depth and alpha must suit the format (``depths_of``, ``holds_alpha``).

    The file appears whole or not at all. Raises UnsupportedMediaError, WriteFailedError.
    """
    target = Path(path)
    _require_text(target)
    _check_writable(target, frame)
    with atomic_path(target) as temporary:
        _write_open(temporary, target, frame, _output_spec(target, frame, pixel_aspect))


def _check_writable(target: Path, frame: Frame) -> None:
    depths = depths_of(target)
    if frame.format.depth not in depths:
        expected = " or ".join(str(depth) for depth in depths)
        raise UnsupportedMediaError(f"{target}: wrong depth", expected=expected, found=str(frame.format.depth))
    if frame.format.components == 4 and not holds_alpha(target):
        raise UnsupportedMediaError(f"{target}: this format has no alpha", expected="3 components", found="4")


def _output_spec(target: Path, frame: Frame, pixel_aspect: float) -> Any:
    layout = frame.format
    spec = oiio.ImageSpec(layout.width, layout.height, layout.components, _FORMAT_OF_DEPTH[layout.depth])
    spec.attribute("PixelAspectRatio", pixel_aspect)
    spec.attribute("Software", "SparkVSR")
    spec.attribute("DateTime", "")  # OpenImageIO would write the time of day: equal pictures are equal files
    if layout.components == 4 and layout.premultiplication is not Premultiplication.PREMULTIPLIED:
        spec.attribute("oiio:UnassociatedAlpha", 1)
    if target.suffix.lower() == ".exr":
        spec.attribute("compression", "zip")
    if target.suffix.lower() in (".jpg", ".jpeg"):
        spec.attribute("compression", "jpeg:95")
        spec.attribute("jpeg:subsampling", "4:4:4")
    if target.suffix.lower() == ".png":
        spec.attribute("png:compressionLevel", 4)
    return spec


def _write_open(temporary: Path, target: Path, frame: Frame, spec: Any) -> None:
    writer = oiio.ImageOutput.create(str(temporary))
    if writer is None:
        raise UnsupportedMediaError(f"{target}: {oiio.geterror() or 'cannot write this kind of picture'}")
    try:
        done = writer.open(str(temporary), spec) and writer.write_image(np.ascontiguousarray(frame.numpy()))
        problem = writer.geterror()
    finally:
        closed = writer.close()
    if not (done and closed):
        raise WriteFailedError(f"{target}: {problem or writer.geterror() or 'the file could not be written'}")
