"""The sound of a source video, copied packet by packet beside the new picture, without re-encoding."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av


@dataclass(frozen=True, slots=True)
class SoundSource:
    """Where sound comes from. ``origin``: the time in the file, in seconds, that the picture's second 0 stands for."""

    path: Path
    origin: Fraction = Fraction(0)


class SoundCopy:
    """Hands out the sound packets that belong before a time of the picture. Without streams it hands out nothing.

    ``refused`` names the codecs that the new container does not hold; their streams are left out.
    """

    def __init__(self, source: Any, target: Any, origin: Fraction) -> None:
        self._origin = origin
        self._shift = Fraction(0)
        self.refused: list[str] = []
        self._outputs = self._add_streams(source, target) if source is not None else {}
        streams = [stream for stream in source.streams.audio if stream.index in self._outputs] if self._outputs else []
        self._packets: Iterator[Any] = source.demux(streams) if streams else iter(())
        self._waiting: Any = None

    def _add_streams(self, source: Any, target: Any) -> dict[int, Any]:
        outputs = {}
        for stream in source.streams.audio:
            name = stream.codec_context.name
            if name.removesuffix("float") in target.supported_codecs or name in target.supported_codecs:
                outputs[stream.index] = target.add_stream_from_template(stream)
            else:
                self.refused.append(name)
        return outputs

    def start(self, seconds: Fraction) -> None:
        """The picture begins at ``seconds`` of the source clip: earlier sound is dropped, later sound shifted."""
        self._shift = self._origin + seconds

    def until(self, seconds: Fraction) -> Iterator[Any]:
        """The packets that begin before ``seconds`` of the new picture, ready to be muxed."""
        while (packet := self._next()) is not None:
            begin = packet.pts * packet.time_base - self._shift
            if begin >= seconds:
                return
            self._waiting = None
            if begin >= 0:
                yield self._moved(packet)

    def _next(self) -> Any:
        """The packet at the front, without taking it; those without a time (the flush packet) are passed over."""
        while self._waiting is None:
            packet = next(self._packets, None)
            if packet is None:
                return None
            if packet.pts is not None and packet.size:
                self._waiting = packet
        return self._waiting

    def _moved(self, packet: Any) -> Any:
        ticks = round(self._shift / packet.time_base)
        packet.pts -= ticks
        packet.dts = packet.pts if packet.dts is None else packet.dts - ticks
        packet.stream = self._outputs[packet.stream.index]
        return packet


@contextmanager
def copy_sound(source: SoundSource | None, target: Any) -> Iterator[SoundCopy]:
    """Add the sound streams of ``source`` to the output container ``target``, before anything is muxed into it."""
    if source is None:
        yield SoundCopy(None, target, Fraction(0))
        return
    with av.open(str(source.path)) as container:
        yield SoundCopy(container, target, source.origin)
