"""Which frames a video has: presentation times in order, found by reading packets, without decoding."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.video.frame import PictureType

from sparkvsr.media.errors import UnreadableMediaError

_TOLERANCE = 0.02  # of a frame: containers round times to their time base


@dataclass(frozen=True, slots=True)
class VideoIndex:
    """Presentation times of all frames, ascending, in units of ``time_base`` seconds.

    ``keyframes``: times of those where decoding can begin, ascending; empty where that is unknown.
    """

    times: tuple[int, ...]
    time_base: Fraction
    keyframes: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.times)

    def position(self, time: int) -> int | None:
        """Which frame is shown from exactly ``time`` on; None when there is none."""
        index = bisect_left(self.times, time)
        return index if index < len(self.times) and self.times[index] == time else None

    def seconds(self, position: int) -> Fraction:
        """When the frame is shown, from the first frame on."""
        return (self.times[position] - self.times[0]) * self.time_base

    @property
    def origin_seconds(self) -> Fraction:
        """The time in the file of the first frame."""
        return self.times[0] * self.time_base

    def starting_at(self, time: int) -> VideoIndex:
        """The same without the frames before ``time``: those that an open group of pictures cannot decode."""
        times, keyframes = (known[bisect_left(known, time) :] for known in (self.times, self.keyframes))
        return VideoIndex(times, self.time_base, keyframes)

    def entries(self, position: int) -> list[int]:
        """Positions from which decoding leads to this frame, the nearest first."""
        usable = self.keyframes[: bisect_right(self.keyframes, self.times[position])]
        return [bisect_left(self.times, time) for time in reversed(usable)]

    def constant_rate(self) -> bool:
        """Whether the distances of all frames agree, but for the rounding to the time base."""
        if len(self.times) < 3:
            return True
        mean = (self.times[-1] - self.times[0]) / (len(self.times) - 1)
        slack = 1.0 + mean * _TOLERANCE
        return all(abs(b - a - mean) <= slack for a, b in zip(self.times, self.times[1:], strict=False))


def index_video(path: Path, stream_index: int) -> VideoIndex:
    """Read all packets of a video stream. Raises UnreadableMediaError when there is no frame.

    Where packets carry no presentation times (some AVI files), the frames are decoded and counted instead.
    """
    with av.open(str(path)) as container:
        stream = container.streams[stream_index]
        base = Fraction(stream.time_base or Fraction(1, 1000))
        packets = [packet for packet in container.demux(stream) if packet.size and not packet.is_discard]
        times = [packet.pts for packet in packets]
        keyframes = sorted(packet.pts for packet in packets if packet.is_keyframe and packet.pts is not None)
    known = [time for time in times if time is not None]
    if not known or len(known) != len(times) or len(set(known)) != len(known):
        known, keyframes = _times_by_decoding(path, stream_index), []
    if not known:
        raise UnreadableMediaError(f"{path}: the video has no frames")
    return VideoIndex(tuple(sorted(known)), base, tuple(keyframes))


def iframe_times(path: Path, stream_index: int) -> list[int]:
    """Presentation times of the I-frames, also of those where decoding cannot begin. Raises UnreadableMediaError.

    Decoders that can are told to pass over all others.
    """
    try:
        with av.open(str(path)) as container:
            stream = container.streams[stream_index]
            stream.codec_context.skip_frame = "NONINTRA"
            frames = list(container.decode(stream))
            return [frame.pts for frame in frames if frame.pict_type == PictureType.I and frame.pts is not None]
    except av.FFmpegError as error:
        raise UnreadableMediaError(f"{path}: the video is damaged: {error}") from error


def _times_by_decoding(path: Path, stream_index: int) -> list[int]:
    with av.open(str(path)) as container:
        stream = container.streams[stream_index]
        times = [frame.pts for frame in container.decode(stream)]
    known = [time for time in times if time is not None]
    if len(known) != len(times):
        raise UnreadableMediaError(f"{path}: frames without a presentation time", expected="a time on each frame")
    return known
