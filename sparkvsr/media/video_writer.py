"""Video files out: H.264 and others with correct colour tags, the source's own times, and its sound copied."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from sparkvsr.frames import Depth, Frame
from sparkvsr.media.atomic import atomic_path
from sparkvsr.media.errors import UnsupportedMediaError, WriteFailedError, reason
from sparkvsr.media.sound import SoundCopy, SoundSource, copy_sound
from sparkvsr.media.yuv import Matrix, VideoColor, from_rgb, tag

VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".mkv", ".m4v"})
_LARGEST_DENOMINATOR = 10_000  # of a rate: FFmpeg's fractions, the time base among them, have 32 bits
DEFAULT_COLOR = VideoColor(Matrix.ITU709, full_range=False)


@dataclass(frozen=True, slots=True)
class Codec:
    """An encoder and what it takes. ``formats``: pixel format by (chroma, bits)."""

    encoder: str
    formats: dict[tuple[str, int], str]
    suffixes: frozenset[str]
    options: dict[str, str] = field(default_factory=dict)
    has_quality: bool = True


_YUV = {
    ("420", 8): "yuv420p",
    ("422", 8): "yuv422p",
    ("444", 8): "yuv444p",
    ("420", 10): "yuv420p10le",
    ("422", 10): "yuv422p10le",
    ("444", 10): "yuv444p10le",
}
CODECS = {
    "h264": Codec("libx264", _YUV, VIDEO_SUFFIXES, {"preset": "medium"}),
    "h265": Codec("libx265", _YUV, VIDEO_SUFFIXES, {"preset": "medium", "x265-params": "log-level=error"}),
    "prores": Codec(
        "prores_ks",
        {("422", 10): "yuv422p10le", ("444", 10): "yuv444p10le"},
        frozenset({".mov", ".mkv"}),
        {"profile": "4"},
        has_quality=False,
    ),
    "ffv1": Codec("ffv1", _YUV, frozenset({".mkv"}), {"level": "3"}, has_quality=False),
}


@dataclass(frozen=True, slots=True)
class VideoOptions:
    """How to write a video. ``quality`` is the constant rate factor (lower is better); ``color`` the tags to write."""

    rate: Fraction
    codec: str = "h264"
    chroma: str = "420"
    bits: int = 8
    quality: int = 14
    color: VideoColor = DEFAULT_COLOR
    sound: SoundSource | None = None


def is_video(path: str | Path) -> bool:
    """Whether the extension is that of a container that can be written here."""
    return Path(path).suffix.lower() in VIDEO_SUFFIXES


def check_options(path: Path, options: VideoOptions, width: int, height: int) -> str:
    """The pixel format for these options. Raises UnsupportedMediaError, before any work is done."""
    codec = CODECS.get(options.codec)
    if codec is None:
        raise UnsupportedMediaError("video codec", expected=" ".join(CODECS), found=options.codec)
    if path.suffix.lower() not in codec.suffixes:
        raise UnsupportedMediaError(
            f"{path}: {options.codec} does not go into this container",
            expected=" ".join(sorted(codec.suffixes)),
            found=path.suffix,
        )
    pixel_format = codec.formats.get((options.chroma, options.bits))
    if pixel_format is None:
        choices = ", ".join(f"{chroma} with {bits} bits" for chroma, bits in codec.formats)
        found = f"{options.chroma} with {options.bits} bits"
        raise UnsupportedMediaError(f"{options.codec}: chroma and bit depth", expected=choices, found=found)
    _check_even(options.chroma, width, height)
    return pixel_format


def _check_even(chroma: str, width: int, height: int) -> None:
    odd = (chroma != "444" and width % 2) or (chroma == "420" and height % 2)
    if odd:
        raise UnsupportedMediaError(
            f"chroma {chroma} needs an even size; take --chroma 444", expected="even numbers", found=f"{width}x{height}"
        )


class VideoWriter:
    """Takes the frames of a video that ``video_writer`` has opened."""

    def __init__(self, path: Path, options: VideoOptions, stream: Any, container: Any, sound: SoundCopy) -> None:
        self._path = path
        self._options = options
        self._stream = stream
        self._container = container
        self._sound = sound
        self._color = options.color
        self._first: Fraction | None = None
        self._count = 0

    @property
    def notices(self) -> list[str]:
        """What could not be kept."""
        return [f"sound in {name} does not go into {self._path.suffix}: left out" for name in self._sound.refused]

    def write(self, number: int, frame: Frame, seconds: Fraction | None = None) -> None:
        """Add a frame, shown at ``seconds`` of the source clip (None: one after the other at the rate).

        Frames come in ascending order of time; ``number`` has no place in a video. Raises UnsupportedMediaError,
        WriteFailedError.
        """
        self._check_frame(frame)
        shown = Fraction(self._count) / self._options.rate if seconds is None else seconds
        if self._first is None:
            self._first = shown
            self._sound.start(shown)
        picture = from_rgb(frame.numpy()[:, :, :3], self._stream.codec_context.pix_fmt, self._color)
        picture.time_base = self._stream.codec_context.time_base
        picture.pts = round((shown - self._first) / picture.time_base)
        self._mux(self._stream.encode(picture))
        self._mux(self._sound.until(shown - self._first + 1 / self._options.rate))
        self._count += 1

    def finish(self) -> None:
        """Write what the encoder still holds. Raises WriteFailedError, also when no frame came."""
        if self._count == 0:
            raise WriteFailedError(f"{self._path}: nothing to write", expected="at least one frame", found="none")
        self._mux(self._stream.encode())

    def _check_frame(self, frame: Frame) -> None:
        size = (self._stream.width, self._stream.height)
        found = (frame.format.width, frame.format.height)
        if found != size:
            raise UnsupportedMediaError(
                f"{self._path}: frame size", expected="{}x{}".format(*size), found="{}x{}".format(*found)
            )
        expected = Depth.BYTE if self._options.bits == 8 else Depth.SHORT
        if frame.format.depth is not expected:
            raise UnsupportedMediaError(f"{self._path}: depth", expected=str(expected), found=str(frame.format.depth))

    def _mux(self, packets: Any) -> None:
        try:
            for packet in packets:
                self._container.mux(packet)
        except (av.FFmpegError, OSError) as error:
            raise WriteFailedError(f"{self._path}: {reason(error)}") from error


@contextmanager
def video_writer(
    path: Path, options: VideoOptions, width: int, height: int, pixel_aspect: float = 1.0
) -> Iterator[VideoWriter]:
    """Open a video of ``width`` x ``height``; the file appears when the block ends without an error, else not at all.

    The encoder is opened and the header written before the block begins. Raises UnsupportedMediaError before anything
    is created, WriteFailedError.
    """
    pixel_format = check_options(path, options, width, height)
    with ExitStack() as stack:
        temporary = stack.enter_context(atomic_path(path))
        container = stack.enter_context(_create(path, temporary))
        with _refusals_named(path, options):
            stream = _add_video(container, options, pixel_format)
            stream.width, stream.height = width, height
            stream.codec_context.sample_aspect_ratio = Fraction(pixel_aspect).limit_denominator(1000)
            sound = stack.enter_context(copy_sound(options.sound, container))
            container.start_encoding()
        writer = VideoWriter(path, options, stream, container, sound)
        yield writer
        writer.finish()


@contextmanager
def _refusals_named(path: Path, options: VideoOptions) -> Iterator[None]:
    """What FFmpeg refuses at the start has the file's and the codec's name."""
    try:
        yield
    except (av.FFmpegError, OSError, ValueError) as error:
        raise WriteFailedError(f"{path}: cannot be written as {options.codec}: {reason(error)}") from error


def _add_video(container: Any, options: VideoOptions, pixel_format: str) -> Any:
    codec = CODECS[options.codec]
    settings = dict(codec.options)
    if codec.has_quality:
        settings["crf"] = str(options.quality)
    rate = options.rate.limit_denominator(_LARGEST_DENOMINATOR)
    stream = container.add_stream(codec.encoder, rate=rate, options=settings)
    stream.pix_fmt = pixel_format
    stream.codec_context.time_base = _fine_time_base(rate)
    tag(stream.codec_context, options.color)
    return stream


def _fine_time_base(rate: Fraction) -> Fraction:
    """Fine enough for frames of variable rate, and exact for the nominal one."""
    return 1 / (rate * max(1, round(Fraction(24_000) / rate)))


def _create(path: Path, temporary: Path) -> AbstractContextManager[Any]:
    options = {"movflags": "+faststart"} if path.suffix.lower() in (".mp4", ".mov", ".m4v") else {}
    try:
        container: AbstractContextManager[Any] = av.open(str(temporary), "w", options=options)
    except (av.FFmpegError, OSError) as error:
        raise WriteFailedError(f"{path}: cannot be created: {reason(error)}") from error
    return container
