"""Video files as clips, by PyAV: any codec and pixel format to RGB, frame-accurate, variable frame rates tolerated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange

from sparkvsr.frames import Frame, Premultiplication
from sparkvsr.media.clip import WINDOW_BYTES, ClipBase, ClipInfo
from sparkvsr.media.errors import MediaNotFoundError, MissingFrameError, UnreadableMediaError, reason
from sparkvsr.media.video_index import VideoIndex, iframe_times, index_video
from sparkvsr.media.yuv import VideoColor, color_of, to_rgb

_SEEKS = 3  # keyframes tried before decoding begins at the start of the file
_READ_ON = 48  # frames ahead that are decoded rather than sought: about two groups of pictures of streaming video


class VideoClip(ClipBase):
    """The first video stream of a file. Numbers count frames, not time; 0 is the first one that can be decoded."""

    def __init__(self, path: Path, window_bytes: int = WINDOW_BYTES) -> None:
        """Open and index. Raises MediaNotFoundError, UnreadableMediaError, UnsupportedMediaError."""
        super().__init__(str(path), window_bytes)
        if not path.is_file():
            raise MediaNotFoundError(f"{path}: no such file")
        self._path = path
        self._container, self._stream = _open(path)
        self._frames: Iterator[tuple[int, Any]] = iter(())
        self._position = 0
        self._sought = False
        with _damage_named(path):
            self._index = index_video(path, self._stream.index)
        first = next(self._decoded(), None)
        if first is None or first.pts is None:
            raise UnreadableMediaError(f"{path}: no frame can be decoded")
        self._index = self._index.starting_at(first.pts)
        self._turns = _quarter_turns(first)
        self._color = _color(first)
        frame = self._frame(first)
        self._info = _info(path, self._stream, self._index, frame, self._color)
        self._window.put(0, frame)
        self._restart()

    @property
    def info(self) -> ClipInfo:
        """Facts of the stream."""
        return self._info

    @property
    def color(self) -> VideoColor:
        """How the samples of the file are coded."""
        return self._color

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    @property
    def index(self) -> VideoIndex:
        """The presentation times."""
        return self._index

    @property
    def numbers(self) -> Sequence[int]:
        """0 … frames − 1."""
        return range(len(self._index))

    def iframes(self) -> tuple[int, ...]:
        """The frames that the file codes without reference to others, ascending. Decodes these alone.

        Raises UnreadableMediaError where the file does not tell.
        """
        found = (self._index.position(time) for time in iframe_times(self._path, self._stream.index))
        numbers = tuple(sorted({position for position in found if position is not None}))
        if not numbers:
            raise UnreadableMediaError(f"{self._path}: the video does not tell its I-frames")
        return numbers

    def seconds(self, number: int) -> Fraction | None:
        """When the frame is shown, from the first frame on, by the file's own times."""
        return self._index.seconds(number)

    def close(self) -> None:
        """Close the file."""
        super().close()
        self._container.close()

    def _load(self, number: int) -> Frame:
        if not self._position <= number < self._position + _READ_ON:
            self._seek(number)
        decoded = self._decode_to(number)
        if decoded is None and self._sought:  # some containers give frames no time of their own after a seek
            self._restart()
            decoded = self._decode_to(number)
        if decoded is None:
            raise MissingFrameError(f"{self._path}: frame {number} cannot be decoded", found="damaged or missing data")
        return self._frame(decoded)

    def _decode_to(self, number: int) -> Any:
        """Decode on until the frame; None when it does not come."""
        for position, decoded in self._frames:
            self._position = position + 1
            if position >= number:
                return decoded if position == number else None
        return None

    def _seek(self, number: int) -> None:
        """Begin at a keyframe at or before the frame. Some containers seek badly: only what begins in time is used."""
        for entry in self._index.entries(number)[:_SEEKS]:
            with _damage_named(self._path):
                self._container.seek(self._index.times[entry], stream=self._stream, backward=True)
            frames = self._numbered()
            first = next(frames, None)
            if first is not None and first[0] <= entry:
                self._frames, self._position, self._sought = chain([first], frames), first[0], True
                return
        self._restart()

    def _restart(self) -> None:
        self._container.close()
        self._container, self._stream = _open(self._path)
        self._frames, self._position, self._sought = self._numbered(), 0, False

    def _numbered(self) -> Iterator[tuple[int, Any]]:
        """Decoded frames with their numbers; frames that the index does not know are passed over."""
        for decoded in self._decoded():
            position = None if decoded.pts is None else self._index.position(decoded.pts)
            if position is not None:
                yield position, decoded

    def _decoded(self) -> Iterator[Any]:
        with _damage_named(self._path):
            yield from self._container.decode(self._stream)

    def _frame(self, decoded: Any) -> Frame:
        pixels = to_rgb(decoded, self._color)
        if self._turns:
            pixels = np.rot90(pixels, self._turns)
        straight = pixels.shape[2] == 4
        return Frame.from_numpy(
            np.ascontiguousarray(pixels), Premultiplication.STRAIGHT if straight else Premultiplication.OPAQUE
        )


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """What FFmpeg cannot make sense of is told with the file's name."""
    try:
        yield
    except av.FFmpegError as error:
        raise UnreadableMediaError(f"{path}: the video is damaged: {reason(error)}") from error


def _open(path: Path) -> tuple[Any, Any]:
    try:
        container = av.open(str(path))
    except (av.FFmpegError, OSError) as error:
        raise UnreadableMediaError(f"{path}: not a video: {reason(error)}") from error
    if not container.streams.video:
        container.close()
        raise UnreadableMediaError(f"{path}: no video stream", expected="a video", found="other streams")
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    return container, stream


def _color(decoded: Any) -> VideoColor:
    full = decoded.color_range == ColorRange.JPEG or decoded.format.name.startswith("yuvj")
    return color_of(int(decoded.colorspace), full, int(decoded.color_primaries), int(decoded.color_trc), decoded.height)


def _quarter_turns(decoded: Any) -> int:
    """Counter-clockwise quarter turns that the display matrix asks for (video from phones)."""
    degrees: int = decoded.rotation
    return round(degrees / 90) % 4


def _info(path: Path, stream: Any, index: VideoIndex, frame: Frame, color: VideoColor) -> ClipInfo:
    constant = index.constant_rate()
    return ClipInfo(
        layout=frame.format,
        transfer=color.transfer,
        rate=_rate(stream, index),
        constant_rate=constant,
        pixel_aspect=float(stream.sample_aspect_ratio or 1),
        description=f"{path.name} ({stream.codec_context.name}, {stream.codec_context.pix_fmt})",
    )


def _rate(stream: Any, index: VideoIndex) -> Fraction:
    """What the container says; for variable rates the mean."""
    guess = stream.guessed_rate if index.constant_rate() else None
    if guess:
        return Fraction(guess)
    if len(index) > 1:
        return Fraction(len(index) - 1) / index.seconds(len(index) - 1)
    return Fraction(stream.average_rate or 24)
