"""ANALYSE: many frames looked at, a few at a time, so that no clip is too long for the memory there is.

What is kept of a frame is its look. Looks that are missing are made of the pixels at hand; if more are missing then, as
many as fit at once are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sparkvsr.cuts import find_cuts
from sparkvsr.engine import Watch
from sparkvsr.keyframes.suggest import looked_at, suggest_among
from sparkvsr.looks import Look, look_at
from sparkvsr_backend import keys, pictures
from sparkvsr_backend.cache import Tier
from sparkvsr_backend.devices import Bridge
from sparkvsr_backend.errors import NeedFrames, OutOfMemoryError
from sparkvsr_backend.frame_store import FrameStore
from sparkvsr_backend.keys import Key
from sparkvsr_backend.requests import AnalysisKind, AnalysisRequest

_LOOKING: float = 0.5  # of the progress; the rest is comparing
_ASKED_AT_ONCE = 64


@dataclass(frozen=True)
class Analysis:
    """One analysis under way. ``looks``: the tier that keeps them."""

    request: AnalysisRequest
    frames: FrameStore
    looks: Tier[Key, Look]
    bridge: Bridge
    watch: Watch

    def run(self) -> tuple[int, ...]:
        """The frames that were asked for, ascending.

        Raises NeedFrames, OutOfMemoryError where the looks of all frames never fit, CancelledError.
        """
        times = self._times()
        prints = dict(self.request.frames)
        seen = self._seen([(time, prints[time]) for time in times])
        watch = _second_half(self.watch)
        if self.request.kind is AnalysisKind.CUTS:
            return find_cuts(times, seen.__getitem__, watch)
        request = self.request
        return suggest_among(
            request.count,
            [time for time, _ in request.frames],
            seen.__getitem__,
            request.cuts,
            request.keyframes,
            watch,
        )

    def _times(self) -> list[int]:
        """Of the frames that have to be looked at."""
        times = [time for time, _ in self.request.frames]
        if self.request.kind is AnalysisKind.CUTS:
            return times
        return looked_at(times, self.request.count, self.request.keyframes)

    def _seen(self, wanted: Sequence[tuple[int, bytes]]) -> dict[int, Look]:
        """The looks of all frames, by time."""
        seen: dict[int, Look] = {}
        missing: list[bytes] = []
        for number, (time, fingerprint) in enumerate(wanted):
            self.watch.step(_LOOKING * number / len(wanted), "looking at frames")
            look = self._look(fingerprint)
            if look is None:
                missing.append(fingerprint)
            else:
                seen[time] = look
        if missing:
            self._require_room(len(wanted), list(seen.values()))
            raise NeedFrames(self._asked_for(missing))
        return seen

    def _look(self, fingerprint: bytes) -> Look | None:
        """Known, or made of pixels at hand."""
        key = keys.digest("look", fingerprint, self.request.settings.transfer.value)
        known = self.looks.get(key)
        if known is None and fingerprint in self.frames:
            known = self._made(fingerprint)
            self.looks.put(key, known, known.nbytes)
        return known

    def _made(self, fingerprint: bytes) -> Look:
        """Raises NeedFrames where the pixels have just been dropped."""
        with self.frames.hold((fingerprint,)) as held:
            frame = self.bridge.upload(held[fingerprint])
            return look_at(pictures.working_picture(frame, self.request.settings.transfer))

    def _asked_for(self, missing: list[bytes]) -> list[bytes]:
        """As many as there is room for among the frames that have come and were not yet read: half of it."""
        known = [layout.nbytes for layout in map(self.frames.format_of, missing) if layout is not None]
        largest = max(known, default=0)
        count = _ASKED_AT_ONCE if not largest else max(1, min(_ASKED_AT_ONCE, self.frames.room // 2 // largest))
        return list(dict.fromkeys(missing))[:count]

    def _require_room(self, frames: int, seen: list[Look]) -> None:
        """Or the first looks would be dropped when the last ones come, for ever."""
        size = max((look.nbytes for look in seen), default=1)
        if frames * size > self.looks.budget:
            raise OutOfMemoryError(
                "the small pictures of so many frames never fit at once; ask for fewer, or give the caches more",
                expected=f"at most {self.looks.budget // size} frames",
                found=f"{frames}",
            )


def _second_half(watch: Watch) -> Watch:
    return Watch(
        progress=lambda fraction, stage: watch.progress(_LOOKING + fraction * (1.0 - _LOOKING), stage),
        cancelled=watch.cancelled,
    )
