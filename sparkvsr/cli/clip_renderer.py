"""One clip through the engine loop, asked for as the plugin asks the backend: the same requests, the same pixels."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sparkvsr.engine import Watch
from sparkvsr.frames import PixelFormat, fingerprint
from sparkvsr.media import Clip
from sparkvsr.propagation import Chunk, chunks_at, keyframes_in_reach, keyframes_of_chunk, shot_of
from sparkvsr_backend.computation import RenderResult
from sparkvsr_backend.engine_loop import EngineLoop
from sparkvsr_backend.errors import NeedFrames
from sparkvsr_backend.requests import KeyframeUse, Picture, Priority, RenderRequest, Settings, Target

_ATTEMPTS = 16
"""Renders on other threads may push out frames that this one has put, where the cache is small."""


@dataclass(frozen=True)
class Reach:
    """How far keyframes reach, in frames (None: to the ends of their shots), and the strength of some of them, 0..1."""

    radius: int | None = None
    strengths: Mapping[int, float] = field(default_factory=dict)


class ClipRenderer:
    """Renders frames of a clip, from any thread.

    ``keyframes``: pictures by frame number; ``output``: the format of a whole frame.
    """

    def __init__(
        self,
        loop: EngineLoop,
        clip: Clip,
        keyframes: Mapping[int, Picture],
        settings: Settings,
        output: PixelFormat,
        reach: Reach | None = None,
    ) -> None:
        self._loop = loop
        self._clip = clip
        self._keyframes = dict(keyframes)
        self._reach = reach or Reach()
        self._settings = settings
        self._output = output
        info = loop.engine(settings.engine).info
        self._radius = info.window
        self._grid = settings.grid or next(iter(info.grids), 0)
        self._prints: dict[int, bytes] = {}
        self._reading = threading.RLock()

    def render(self, number: int, watch: Watch | None = None) -> RenderResult:
        """One frame. Raises MediaError, BackendError, CancelledError."""
        request = self._request(number)
        for _ in range(_ATTEMPTS):
            result = self._attempted(request, watch)
            if result is not None:
                return result
        return self._loop.render(request, watch=watch)

    def _attempted(self, request: RenderRequest, watch: Watch | None) -> RenderResult | None:
        """None where frames were missing, which are there now."""
        try:
            return self._loop.render(request, watch=watch)
        except NeedFrames as need:
            self._put(set(need.fingerprints))
            return None

    @property
    def works_in_chunks(self) -> bool:
        """Whether the engine makes many frames at once."""
        return self._grid > 0

    def later_chunks(self, number: int, count: int) -> list[int]:
        """A frame of each of the next ``count`` chunks after those that hold ``number``, and of no chunk before it."""
        found: list[int] = []
        while len(found) < count:
            beyond = self._chunks(number)[-1].last + 1
            if beyond > self._clip.numbers[-1]:
                break
            found.append(beyond)
            number = beyond
        return found

    def keyframes_of(self, number: int) -> tuple[int, ...]:
        """The keyframes that the frame uses."""
        cuts, radius = self._settings.cuts, self._reach.radius
        if not self._grid:
            return keyframes_in_reach(number, self._keyframes, cuts, radius)
        chunks = self._chunks(number)
        of_chunks = (keyframes_of_chunk(one.first, one.last, self._keyframes, cuts, radius) for one in chunks)
        return tuple(sorted({time for times in of_chunks for time in times}))

    def _request(self, number: int) -> RenderRequest:
        size = self._output
        return RenderRequest(
            session="command line",
            priority=Priority.BATCH,
            time=number,
            settings=self._settings,
            window=tuple((time, self._fingerprint(time)) for time in self._window(number)),
            keyframes=tuple(self._use(time) for time in self.keyframes_of(number)),
            range=(self._clip.numbers[0], self._clip.numbers[-1]),
            target=Target.whole(size.width, size.height),
            output=size,
        )

    def _window(self, number: int) -> Iterable[int]:
        """The frame and its neighbours in the clip and in the shot, as far as the engine looks."""
        if self._grid:
            chunks = self._chunks(number)
            return range(chunks[0].first, chunks[-1].last + 1)
        shot = shot_of(number, self._settings.cuts)
        first, last = self._clip.numbers[0], self._clip.numbers[-1]
        near = range(max(first, number - self._radius), min(last, number + self._radius) + 1)
        return (time for time in near if time in shot)

    def _chunks(self, number: int) -> tuple[Chunk, ...]:
        whole = (self._clip.numbers[0], self._clip.numbers[-1])
        return chunks_at(number, self._grid, self._settings.cuts, whole)

    def _use(self, time: int) -> KeyframeUse:
        strength = self._reach.strengths.get(time, 1.0)
        return KeyframeUse(time=time, picture=self._keyframes[time], source=self._fingerprint(time), strength=strength)

    def _fingerprint(self, number: int) -> bytes:
        """Known for ever once computed: 16 bytes a frame."""
        with self._reading:
            if number not in self._prints:
                frame = self._clip.read(number)
                self._prints[number] = fingerprint(frame)
                self._loop.frames.put(self._prints[number], frame)
            return self._prints[number]

    def _put(self, wanted: set[bytes]) -> None:
        with self._reading:
            for number, known in self._prints.items():
                if known in wanted:
                    self._loop.frames.put(known, self._clip.read(number))
