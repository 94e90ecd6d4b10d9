"""Between YCbCr and RGB: which matrix and range a video has, and the conversion of frames, exact at every bit depth."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorPrimaries, ColorRange, ColorTrc

from sparkvsr.color import Transfer
from sparkvsr.media.errors import UnsupportedMediaError

Pixels = npt.NDArray[Any]


class _Scaler(IntFlag):
    """How swscale converts: FFmpeg's own numbers, of which PyAV has names since 18 only."""

    BICUBIC = 0x4
    FULL_CHR_H_INT = 0x2000
    FULL_CHR_H_INP = 0x4000
    ACCURATE_RND = 0x40000
    BITEXACT = 0x80000


class Matrix(IntEnum):
    """Which YCbCr, by FFmpeg's numbers (of which PyAV lacks names as well)."""

    ITU709 = 1
    FCC = 4
    ITU601 = 5
    SMPTE240M = 7
    BT2020 = 9


# Full-resolution chroma, exact rounding, the same bytes on every machine.
_TO_RGB = int(_Scaler.BICUBIC | _Scaler.ACCURATE_RND | _Scaler.FULL_CHR_H_INT | _Scaler.BITEXACT)
_TO_YUV = int(_Scaler.BICUBIC | _Scaler.ACCURATE_RND | _Scaler.FULL_CHR_H_INP | _Scaler.BITEXACT)

_LUMA_WEIGHTS = {
    Matrix.ITU709: (0.2126, 0.0722),
    Matrix.ITU601: (0.299, 0.114),
    Matrix.SMPTE240M: (0.212, 0.087),
    Matrix.FCC: (0.30, 0.11),
    Matrix.BT2020: (0.2627, 0.0593),
}
# H.273 numbers (what the stream says) to matrices; 2 is "unspecified", 0 is RGB.
_MATRIX_OF_CODE = {
    1: Matrix.ITU709,
    4: Matrix.FCC,
    5: Matrix.ITU601,
    6: Matrix.ITU601,
    7: Matrix.SMPTE240M,
    9: Matrix.BT2020,
}
_UNSPECIFIED = 2
_UNTAGGED_CODES = frozenset({0, _UNSPECIFIED, 3})
_HD_LINES = 720
_TRANSFER_OF_CODE = {8: Transfer.LINEAR, 16: Transfer.PQ, 18: Transfer.HLG}


@dataclass(frozen=True, slots=True)
class VideoColor:
    """How the samples of a video are coded. ``primaries`` and ``curve`` are H.273 numbers, kept as they came."""

    matrix: Matrix
    full_range: bool
    primaries: int = 1
    curve: int = 1

    @property
    def transfer(self) -> Transfer:
        """The transfer of the RGB samples. SDR video counts as display-referred, as hosts treat it."""
        return _TRANSFER_OF_CODE.get(self.curve, Transfer.SRGB)


def color_of(matrix: int, full_range: bool, primaries: int, curve: int, height: int) -> VideoColor:
    """The colour of a stream from its tags; where they are missing, BT.709 from 720 lines on and BT.601 below.

    Raises UnsupportedMediaError for a matrix that is not a linear one (ICtCp, BT.2020 constant luminance).
    """
    if matrix in _UNTAGGED_CODES:
        known = Matrix.ITU709 if height >= _HD_LINES else Matrix.ITU601
    elif matrix in _MATRIX_OF_CODE:
        known = _MATRIX_OF_CODE[matrix]
    else:
        raise UnsupportedMediaError(
            "colour matrix", expected="BT.709, BT.601, BT.2020, 240M", found=f"H.273 code {matrix}"
        )
    return VideoColor(known, full_range, primaries, curve)


def to_rgb(frame: av.VideoFrame, color: VideoColor) -> Pixels:
    """[H, W, 3] (4 where the format has alpha) of uint8 for 8-bit video, else of uint16 with 65535 = 1.0."""
    alpha = any(component.is_alpha for component in frame.format.components)
    bits = max(component.bits for component in frame.format.components)
    if bits <= 8:
        packed = _reformat(frame, "rgba" if alpha else "rgb24", color)
        return packed.to_ndarray()
    if frame.format.is_rgb:
        return _deep_rgb(frame, color, alpha, bits)
    return _deep_yuv(frame, color, alpha, bits)


def _reformat(frame: av.VideoFrame, name: str, color: VideoColor) -> av.VideoFrame:
    source = ColorRange.JPEG if color.full_range or frame.format.is_rgb else ColorRange.MPEG
    target = ColorRange.JPEG if name.startswith(("rgb", "gbr")) else source
    return frame.reformat(
        format=name,
        src_colorspace=color.matrix,
        dst_colorspace=color.matrix,
        src_color_range=source,
        dst_color_range=target,
        interpolation=_TO_RGB,
        threads=1,
    )


def _planar_bits(bits: int) -> int:
    """The planar formats there are: 10, 12 and 16 bits."""
    return 10 if bits <= 10 else 12 if bits <= 12 else 16


def _plane(frame: av.VideoFrame, index: int) -> npt.NDArray[np.uint16]:
    plane = frame.planes[index]
    rows: npt.NDArray[np.uint16] = np.frombuffer(memoryview(plane), np.uint16).reshape(plane.height, -1)
    return rows[:, : plane.width]


def _deep_rgb(frame: av.VideoFrame, color: VideoColor, alpha: bool, bits: int) -> Pixels:
    depth = _planar_bits(bits)
    planar = _reformat(frame, f"gbr{'a' if alpha else ''}p{depth}le", color)
    order = (2, 0, 1, 3) if alpha else (2, 0, 1)  # planes come as G, B, R
    samples = np.stack([_plane(planar, index) for index in order], axis=2).astype(np.float32)
    return _to_short(samples / (2**depth - 1))


def _deep_yuv(frame: av.VideoFrame, color: VideoColor, alpha: bool, bits: int) -> Pixels:
    """swscale only brings chroma to full size here: its own 16-bit RGB stops short of white."""
    depth = _planar_bits(bits)
    planar = _reformat(frame, f"yuv{'a' if alpha else ''}444p{depth}le", color)
    luma, blue, red = (_plane(planar, index).astype(np.float32) for index in range(3))
    rgb = _ycbcr_to_rgb(luma, blue, red, color, depth)
    if alpha:
        coverage = _plane(planar, 3).astype(np.float32) / (2**depth - 1)
        rgb = np.concatenate([rgb, coverage[:, :, None]], axis=2)
    return _to_short(rgb)


def _ycbcr_to_rgb(luma: Pixels, blue: Pixels, red: Pixels, color: VideoColor, bits: int) -> Pixels:
    """Float RGB 0..1 from code values of ``bits``."""
    (black, luma_span), (neutral, chroma_span) = _code_ranges(color.full_range, bits)
    y, cb, cr = (luma - black) / luma_span, (blue - neutral) / chroma_span, (red - neutral) / chroma_span
    kr, kb = _LUMA_WEIGHTS[color.matrix]
    r, b = y + 2 * (1 - kr) * cr, y + 2 * (1 - kb) * cb
    g = (y - kr * r - kb * b) / (1 - kr - kb)
    rgb: Pixels = np.stack([r, g, b], axis=2)
    return rgb


def _code_ranges(full_range: bool, bits: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """(offset, span) of luma and of chroma, in code values."""
    step = 2 ** (bits - 8)
    if full_range:
        return (0, 2**bits - 1), (128 * step, 2**bits - 1)
    return (16 * step, 219 * step), (128 * step, 224 * step)


def _to_short(samples: Pixels) -> Pixels:
    """uint16 from 0..1, clamped, rounded to nearest."""
    return np.rint(np.clip(samples, 0.0, 1.0) * 65535.0).astype(np.uint16)


def from_rgb(pixels: Pixels, pixel_format: str, color: VideoColor) -> av.VideoFrame:
    """A video frame of ``pixel_format`` from [H, W, 3] of uint8 or uint16."""
    if pixels.dtype == np.uint8:
        packed = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
    else:
        packed = _deep_ycbcr(pixels, color)
    source = ColorRange.JPEG if pixels.dtype == np.uint8 or color.full_range else ColorRange.MPEG
    frame = packed.reformat(
        format=pixel_format,
        src_colorspace=color.matrix,
        dst_colorspace=color.matrix,
        src_color_range=source,
        dst_color_range=ColorRange.JPEG if color.full_range else ColorRange.MPEG,
        interpolation=_TO_YUV,
        threads=1,
    )
    tag(frame, color)
    return frame


def _deep_ycbcr(pixels: Pixels, color: VideoColor) -> av.VideoFrame:
    """10-bit 4:4:4 of [H, W, 3] uint16."""
    rgb = pixels.astype(np.float32) / 65535.0
    kr, kb = _LUMA_WEIGHTS[color.matrix]
    y = kr * rgb[:, :, 0] + (1 - kr - kb) * rgb[:, :, 1] + kb * rgb[:, :, 2]
    cb, cr = (rgb[:, :, 2] - y) / (2 * (1 - kb)), (rgb[:, :, 0] - y) / (2 * (1 - kr))
    (black, luma_span), (neutral, chroma_span) = _code_ranges(color.full_range, 10)
    planes = [y * luma_span + black, cb * chroma_span + neutral, cr * chroma_span + neutral]
    frame = av.VideoFrame(pixels.shape[1], pixels.shape[0], "yuv444p10le")
    for index, values in enumerate(planes):
        _fill_plane(frame.planes[index], np.rint(np.clip(values, 0, 1023)).astype(np.uint16))
    return frame


def _fill_plane(plane: Any, values: npt.NDArray[np.uint16]) -> None:
    rows = np.zeros((plane.height, plane.line_size // 2), np.uint16)
    rows[:, : plane.width] = values
    plane.update(rows.tobytes())


def tag(target: Any, color: VideoColor) -> None:
    """Write the colour into a frame or an encoder."""
    target.colorspace = color.matrix
    target.color_range = ColorRange.JPEG if color.full_range else ColorRange.MPEG
    target.color_primaries = ColorPrimaries(color.primaries)
    target.color_trc = ColorTrc(color.curve)
