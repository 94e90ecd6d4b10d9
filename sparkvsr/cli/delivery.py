"""How results leave: which depth, alpha and transfer the output gets, and the writer for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from sparkvsr.cli.errors import OutputExistsError, UsageError
from sparkvsr.color import Transfer, from_working, pack, to_working, unpack
from sparkvsr.frames import Depth, Frame, PixelFormat, Premultiplication
from sparkvsr.media import Clip, FramePattern, VideoClip
from sparkvsr.media.atomic import require_creatable
from sparkvsr.media.sequence import SequenceWriter, StillWriter
from sparkvsr.media.sound import SoundSource
from sparkvsr.media.stills import depths_of, holds_alpha, natural_transfer
from sparkvsr.media.video_writer import DEFAULT_COLOR, VideoOptions, check_options, is_video, video_writer
from sparkvsr.media.yuv import VideoColor

_UNSPECIFIED = 2
_CURVE_CODES = {Transfer.PQ: 16, Transfer.HLG: 18}  # H.273 numbers of the curves that videos keep
_VIDEO_DEPTHS = {Depth.BYTE: 8, Depth.SHORT: 10}


class FrameWriter(Protocol):
    """Takes finished frames in ascending order."""

    def write(self, number: int, frame: Frame, seconds: Fraction | None = None) -> None:
        """Write one frame; ``seconds``: when it is shown in the source clip."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user said about the output; None: as suits the source and the file format."""

    depth: Depth | None = None
    transfer: Transfer | None = None
    codec: str = "h264"
    chroma: str = "420"
    quality: int = 14
    sound: bool = True
    rate: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A decided output. ``layout``: of the frames in the files; ``rendered``: of the frames asked of the engine."""

    path: Path
    layout: PixelFormat
    rendered: PixelFormat
    source_transfer: Transfer
    transfer: Transfer
    video: VideoOptions | None

    def finished(self, frame: Frame) -> Frame:
        """A rendered frame with the transfer, depth and alpha of the files."""
        if frame.format == self.layout and self.transfer is self.source_transfer:
            return frame
        rgb, alpha = unpack(frame)
        if self.transfer is not self.source_transfer:
            rgb = from_working(to_working(rgb, self.source_transfer), self.transfer)
        if self.layout.components == 3 and alpha is not None:
            rgb = rgb * alpha  # without its alpha a picture is seen over black
        return pack(rgb, alpha, self.layout)


def decide(path: Path, clip: Clip, size: tuple[int, int], transfer: Transfer, wishes: Wishes) -> Delivery:
    """Decide everything before the first frame. ``transfer``: of the clip's samples. Raises UsageError, MediaError."""
    hdr = transfer in _CURVE_CODES
    depth = _depth(path, clip.info.layout.depth, wishes, Depth.SHORT if hdr else Depth.BYTE)
    layout = _layout(path, clip.info.layout, size, depth)
    usual = (transfer if hdr else Transfer.SRGB) if is_video(path) else _natural(path, depth, transfer)
    target = wishes.transfer or usual
    video = _video_options(path, clip, size, depth, wishes, target) if is_video(path) else None
    rendered = layout if target is transfer and not _loses_alpha(clip, layout) else _as_float(layout, clip)
    return Delivery(path, layout, rendered, transfer, target, video)


def _depth(path: Path, source: Depth, wishes: Wishes, of_videos: Depth) -> Depth:
    if is_video(path):
        wanted = wishes.depth or (Depth.SHORT if wishes.codec == "prores" else of_videos)
        if wanted not in _VIDEO_DEPTHS:
            raise UsageError(f"{path}: a video has whole numbers", expected="--bit-depth 8 or 10", found=f"{wanted}")
        return wanted
    offered = depths_of(path)
    if wishes.depth is not None:
        if wishes.depth not in offered:
            raise UsageError(f"{path}: depth", expected=" or ".join(map(str, offered)), found=str(wishes.depth))
        return wishes.depth
    if source in offered:
        return source
    deep = source is not Depth.BYTE
    return Depth.SHORT if deep and Depth.SHORT in offered else offered[0]


def _layout(path: Path, source: PixelFormat, size: tuple[int, int], depth: Depth) -> PixelFormat:
    alpha = source.components == 4 and source.premultiplication is not Premultiplication.OPAQUE
    if not alpha or is_video(path) or not holds_alpha(path):
        return PixelFormat(*size, 3, depth, Premultiplication.OPAQUE)
    straight = path.suffix.lower() != ".exr"
    return PixelFormat(*size, 4, depth, Premultiplication.STRAIGHT if straight else Premultiplication.PREMULTIPLIED)


def _natural(path: Path, depth: Depth, source: Transfer) -> Transfer:
    """Files are written as they will be read; a log DPX stays log."""
    return source if path.suffix.lower() == ".dpx" else natural_transfer(depth)


def _loses_alpha(clip: Clip, layout: PixelFormat) -> bool:
    return layout.components == 3 and clip.info.layout.components == 4


def _as_float(layout: PixelFormat, clip: Clip) -> PixelFormat:
    """What to render when something is still to be converted afterwards."""
    source = clip.info.layout
    if source.components == 4 and source.premultiplication is not Premultiplication.OPAQUE:
        return PixelFormat(layout.width, layout.height, 4, Depth.FLOAT, Premultiplication.STRAIGHT)
    return PixelFormat(layout.width, layout.height, 3, Depth.FLOAT, Premultiplication.OPAQUE)


def _video_options(
    path: Path, clip: Clip, size: tuple[int, int], depth: Depth, wishes: Wishes, transfer: Transfer
) -> VideoOptions:
    rate = wishes.rate or clip.info.rate
    if rate is None:
        raise UsageError(f"{path}: how fast does this sequence run", expected="--fps", found="no frame rate")
    source = clip if isinstance(clip, VideoClip) else None
    options = VideoOptions(
        rate=rate,
        codec=wishes.codec,
        chroma="422" if wishes.codec == "prores" and wishes.chroma == "420" else wishes.chroma,
        bits=_VIDEO_DEPTHS[depth],
        quality=wishes.quality,
        color=_video_color(source, transfer),
        sound=SoundSource(source.path, source.index.origin_seconds) if source and wishes.sound else None,
    )
    check_options(path, options, *size)
    return options


def _video_color(source: VideoClip | None, transfer: Transfer) -> VideoColor:
    """BT.709 matrix; primaries and curve are those of the source as far as its RGB values are kept."""
    color = DEFAULT_COLOR if source is None else source.color
    primaries = 1 if color.primaries in (0, _UNSPECIFIED) else color.primaries
    kept = color.transfer is transfer and color.curve not in (0, _UNSPECIFIED)
    curve = color.curve if kept else _CURVE_CODES.get(transfer, 1)
    return VideoColor(DEFAULT_COLOR.matrix, full_range=False, primaries=primaries, curve=curve)


def refuse_overwriting(output: Path, inputs: list[Path], numbers: list[int], overwrite: bool) -> None:
    """Never write over an input; over anything else only with ``overwrite``. Raises UsageError, OutputExistsError."""
    targets = _files_of(output, numbers)
    sources = {os.path.realpath(path) for path in inputs}
    clash = next((path for path in targets if os.path.realpath(path) in sources), None)
    if clash is not None:
        raise UsageError(f"{clash} is an input of this command; it is never written over", found=str(clash))
    present = next((path for path in targets if os.path.lexists(path)), None)
    if present is not None and not overwrite:
        raise OutputExistsError(f"{present} exists", advice="give --overwrite to replace it")


def _files_of(output: Path, numbers: list[int]) -> list[Path]:
    if not FramePattern.is_pattern(output):
        return [output]
    pattern = FramePattern.parse(output)
    return [pattern.path(number) for number in numbers]


def check_output_kind(output: Path, frames: int) -> None:
    """Refuse outputs that cannot hold the frames. Raises UsageError, MediaError."""
    if FramePattern.is_pattern(output):
        FramePattern.parse(output)
        depths_of(output)
    elif not is_video(output):
        depths_of(output)
        if frames > 1:
            raise UsageError(
                f"{output}: one file for {frames} frames",
                expected="a video, or a pattern such as out.%04d.exr",
                found=output.name,
            )


@contextmanager
def open_writer(delivery: Delivery, pixel_aspect: float = 1.0) -> Iterator[FrameWriter]:
    """The writer for a decided output; files appear whole or not at all.

    Raises WriteFailedError at once where nothing can be written.
    """
    if delivery.video is not None:
        size = (delivery.layout.width, delivery.layout.height)
        with video_writer(delivery.path, delivery.video, *size, pixel_aspect) as video:
            yield video
        return
    require_creatable(delivery.path)
    if FramePattern.is_pattern(delivery.path):
        yield SequenceWriter(FramePattern.parse(delivery.path), pixel_aspect)
    else:
        yield StillWriter(delivery.path, pixel_aspect)
