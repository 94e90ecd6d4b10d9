"""The measurements on one clip in one reduction."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch

from sparkvsr.engine import Decoded, EngineSettings, Mix
from sparkvsr.keyframes import every
from sparkvsr.lite.latents import KeyframeLatents
from sparkvsr.metrics import haarpsi, psnr_y, ssim_y
from sparkvsr.propagation import keyframes_in_reach

from .keyframe_kinds import IMPERFECT, ISR, KINDS, STRONG_ISR, TRUE, WRONG
from .lineup import ABLATIONS, BLIND, HANDMADE, HANDMADE_LANCZOS, KEYED, LANCZOS
from .measures import Moment, detail_energy, psnr_rgb
from .records import Record
from .stage import Stage

BICUBIC = "bicubic"
INTERVALS = (20, 10, 40)
WRONG_INTERVAL, IMPERFECT_INTERVAL = 20, 10
AWAY = 8
ONE = "one"
STEADY = "steady"
OWN = "own frame"
PRECISION = "precision"
SAME_BYTES = "same bytes"
STEADY_KEYFRAME = 20
ENGINES = (HANDMADE_LANCZOS, HANDMADE, KEYED)


def at(interval: int) -> str:
    """Name of the experiment with a keyframe at every so many frames."""
    return f"@{interval}"


@dataclass(frozen=True)
class Sampling:
    """Which frames are measured: every ``step``-th; of these every ``rare``-th for what costs many renders.

    ``radius``: frames on either side of a keyframe whose steadiness is measured. ``limit``: of the clip, for all.
    """

    step: int
    rare: int
    radius: int
    limit: int

    def frames(self, count: int) -> range:
        """Main frames; the first is beside a keyframe."""
        return range(min(1, count - 1), count, self.step)

    def rare_frames(self, count: int) -> range:
        """The few among them, from the middle of each group of ``rare``."""
        frames = self.frames(count)
        return frames[min(self.rare // 2, len(frames) - 1) :: self.rare]


Task = Callable[[], Iterator[Record]]


@dataclass(frozen=True)
class Run:
    """One stage being measured; ``fresh`` gives one of engines that know nothing yet, in the given settings."""

    stage: Stage
    sampling: Sampling
    fresh: Callable[[EngineSettings], Stage]

    def tasks(self) -> list[Task]:
        """Each gives some of the figures; their order spares work, since neighbours share latents and motion."""
        count = len(self.stage.clip)
        rare = self.sampling.rare_frames(count)
        tasks: list[Task] = []
        for index, t in enumerate(self.sampling.frames(count)):
            alike = index % 2 == 0
            tasks.append(partial(self._blind, t, likeness=alike))
            tasks += [partial(self._keyed, t, n, TRUE, likeness=alike and n == INTERVALS[0]) for n in INTERVALS]
            if alike:
                tasks.append(partial(self._one, t, before=index % 4 == 0))
            if t in rare:
                tasks += self._rare(t)
        few = list(rare[:2])
        return [*tasks, self._steady, self._own_frame, partial(self._precision, few), partial(self._same_bytes, few)]

    def _rare(self, t: int) -> list[Task]:
        compared = self.stage.lineup.baseline_and_best
        tasks: list[Task] = [partial(self._keyed, t, WRONG_INTERVAL, kind, variants=compared) for kind in WRONG]
        tasks += [partial(self._keyed, t, IMPERFECT_INTERVAL, kind, variants=compared) for kind in IMPERFECT]
        ablated = self.stage.lineup.among(*ABLATIONS)
        return [*tasks, partial(self._keyed, t, INTERVALS[0], TRUE, variants=ablated)] if ablated else tasks

    def _entry(self, experiment: str, variant: str, t: int, distance: int = 0, kind: str = TRUE) -> Record:
        stage = self.stage
        return Record(stage.clip.name, stage.reduction, experiment, variant, kind, t, distance, "", 0.0)

    def _likenesses(self, entry: Record, picture: torch.Tensor, *, likeness: bool) -> Iterator[Record]:
        truth = self.stage.clip.truth(entry.t)
        yield replace(entry, measure="psnr", value=psnr_y(picture, truth))
        if likeness:
            yield replace(entry, measure="ssim", value=ssim_y(picture, truth))
            yield replace(entry, measure="haarpsi", value=haarpsi(picture, truth))

    def _blind(self, t: int, *, likeness: bool) -> Iterator[Record]:
        stage = self.stage
        pictures = {BICUBIC: stage.bicubic(t), LANCZOS: stage.blind(HANDMADE_LANCZOS, t)}
        if HANDMADE in stage.lineup:
            pictures[BLIND] = stage.blind(HANDMADE, t)
        for name, picture in pictures.items():
            yield from self._likenesses(self._entry(BLIND, name, t), picture, likeness=likeness)

    def _used(self, t: int, interval: int) -> tuple[int, ...]:
        return keyframes_in_reach(t, every(interval, 0, len(self.stage.clip) - 1))

    def _keyed(
        self, t: int, interval: int, kind: str, *, likeness: bool = False, variants: tuple[str, ...] | None = None
    ) -> Iterator[Record]:
        used = self._used(t, interval)
        if t in used:
            return
        for variant in variants or self.stage.lineup.among(*ENGINES):
            yield from self._render(at(interval), variant, t, used, kind, likeness=likeness)

    def _one(self, t: int, *, before: bool) -> Iterator[Record]:
        places = [k for k in (t - AWAY, t + AWAY) if 0 <= k < len(self.stage.clip)]
        if places:
            used = (places[0] if before else places[-1],)
            for variant in self.stage.lineup.among(*ENGINES):
                yield from self._render(ONE, variant, t, used, TRUE)

    def _render(
        self, experiment: str, variant: str, t: int, used: tuple[int, ...], kind: str, *, likeness: bool = False
    ) -> Iterator[Record]:
        decoded = self.stage.render(variant, t, used, kind)
        entry = self._entry(experiment, variant, t, min(abs(k - t) for k in used), kind)
        yield from self._likenesses(entry, decoded.frame, likeness=likeness)
        if kind in (ISR, STRONG_ISR):
            known = [self.stage.keyframe(variant, k, kind) for k in used]
            yield replace(entry, measure="arrived", value=self._arrived(decoded, known))

    def _arrived(self, decoded: Decoded, known: Sequence[KeyframeLatents]) -> float:
        """Energy of fine detail over the blind result, as a share of what the keyframes have of it."""
        added = [detail_energy(one.picture - one.blind) for one in known]
        return detail_energy(decoded.frame - _blind_of(decoded)) * len(added) / sum(added)

    def _steady(self) -> Iterator[Record]:
        """Consecutive frames around a keyframe."""
        clip, centre = self.stage.clip, STEADY_KEYFRAME
        first, last = max(0, centre - self.sampling.radius), min(centre + self.sampling.radius, len(clip) - 1)
        if last <= centre:
            return
        previous: dict[str, torch.Tensor] = {}
        for t in range(first, last + 1):
            current = self._pictures(t)
            if previous:
                yield from self._moment(Moment.of(clip.truth, t - 1), t - 1, previous, current)
            previous = current

    def _pictures(self, t: int) -> dict[str, torch.Tensor]:
        used = self._used(t, STEADY_KEYFRAME)
        pictures = {name: self.stage.render(name, t, used).frame for name in self.stage.lineup.among(*ENGINES)}
        return pictures | {BLIND: self.stage.blind(self.stage.lineup.best, t)}

    def _moment(
        self, moment: Moment, t: int, first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]
    ) -> Iterator[Record]:
        distance = min(abs(t - STEADY_KEYFRAME), abs(t + 1 - STEADY_KEYFRAME))
        for name, picture in first.items():
            entry = self._entry(STEADY, name, t, distance)
            yield replace(entry, measure="flicker", value=moment.flicker(picture, second[name]))
            yield replace(entry, measure="change", value=moment.change(picture, second[name]))

    def _own_frame(self) -> Iterator[Record]:
        """A keyframe's own frame: at Paint it has to be the keyframe; when Strict, a wrong one must not harm."""
        variant, k = self.stage.lineup.best, 0
        truth = self.stage.clip.truth(k)
        blind = psnr_y(self.stage.blind(variant, k), truth)
        for kind in KINDS:
            entry = self._entry(OWN, variant, k, kind=kind)
            strict, paint = (self.stage.render(variant, k, (k,), kind, Mix(1.0, trust)).frame for trust in (0.0, 1.0))
            yield replace(entry, measure="gain", value=psnr_y(strict, truth) - blind)
            yield replace(entry, measure="returned", value=psnr_rgb(paint, self.stage.picture(k, kind)))

    def _precision(self, frames: list[int]) -> Iterator[Record]:
        """How far the two precisions are apart, on the blind result and on the keyed one."""
        variant = self.stage.lineup.best
        stages = [self.fresh(replace(self.stage.settings, precision=name)) for name in ("float32", "bfloat16")]
        for t in frames:
            first, second = (stage.render(variant, t, self._used(t, INTERVALS[0])) for stage in stages)
            entry = self._entry(PRECISION, variant, t)
            yield replace(entry, measure="keyed", value=psnr_rgb(first.frame, second.frame))
            yield replace(entry, measure="blind", value=psnr_rgb(_blind_of(first), _blind_of(second)))

    def _same_bytes(self, frames: list[int]) -> Iterator[Record]:
        """The same frames in two orders, by engines that know nothing of each other: 1 where all bytes are equal."""
        forward, backward = (self._bytes(order) for order in (frames, frames[::-1]))
        entry = self._entry(SAME_BYTES, self.stage.lineup.best, frames[0])
        yield replace(entry, measure="same", value=float(forward == backward))

    def _bytes(self, frames: list[int]) -> dict[int, str]:
        stage, found = self.fresh(self.stage.settings), {}
        for t in frames:
            frame = stage.render(stage.lineup.best, t, self._used(t, INTERVALS[0])).frame
            found[t] = hashlib.sha256(frame.cpu().contiguous().numpy().tobytes()).hexdigest()
        return found


def _blind_of(decoded: Decoded) -> torch.Tensor:
    if decoded.blind is None:
        raise ValueError("expected an engine that gives its blind result, found none")
    return decoded.blind
