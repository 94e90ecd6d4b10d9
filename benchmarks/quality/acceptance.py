"""What the engine has to reach, line by line, beside what was found."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from .experiments import AWAY, BICUBIC, IMPERFECT_INTERVAL, ONE, OWN, PRECISION, SAME_BYTES, STEADY, WRONG_INTERVAL, at
from .keyframe_kinds import ISR, KEPT, TRUE, WRONG
from .lineup import (
    BLIND,
    HANDMADE,
    HANDMADE_LANCZOS,
    KEYED,
    LANCZOS,
    NO_ATTENTION,
    NO_GATE,
    NO_REFINEMENT,
    NO_STAGE_2,
    NO_WINDOW,
)
from .records import Differences, Figures

_BESIDE = (1, 2, 3)  # frames from the keyframe that count as beside it


@dataclass(frozen=True)
class Line:
    """One requirement: ``passed`` is None where it was not measured."""

    what: str
    required: str
    found: str
    passed: bool | None

    @property
    def verdict(self) -> str:
        return {True: "ok", False: "NOT MET", None: "not measured"}[self.passed]


def psnr(figures: Figures, experiment: str, variant: str, kind: str = TRUE) -> Figures:
    """PSNR of an engine in an experiment."""
    return figures.where(experiment=experiment, variant=variant, kind=kind, measure="psnr")


def reference(figures: Figures) -> str:
    """The blind part over which gains are counted: the trained one where there is one."""
    return BLIND if psnr(figures, BLIND, BLIND) else LANCZOS


def gain(figures: Figures, experiment: str, variant: str, kind: str = TRUE) -> Differences:
    """dB over the blind result on the same frames."""
    return psnr(figures, experiment, variant, kind).over(psnr(figures, BLIND, reference(figures)))


def baseline(figures: Figures, experiment: str) -> str:
    """The hand-made engine on its better blind part."""
    there = [name for name in (HANDMADE, HANDMADE_LANCZOS) if psnr(figures, experiment, name)]
    return max(there, key=lambda name: psnr(figures, experiment, name).mean())


def change_at_keyframe(figures: Figures, variant: str) -> dict[str, float]:
    """The output's warped difference over the truth's, at the keyframe over beside it, by clip."""
    change = figures.where(experiment=STEADY, variant=variant, measure="change")
    there, beside = change.where(distance=0).by_clip(), change.where(distance=_BESIDE).by_clip()
    return {clip: there[clip] / beside[clip] for clip in there if clip in beside}


def judge(figures: Figures) -> list[Line]:
    """All lines, for each reduction that was measured."""
    return [
        replace(line, what=f"{reduction}: {line.what}")
        for reduction in figures.names("reduction")
        for check in _CHECKS
        for line in check(figures.where(reduction=reduction))
    ]


def _measured(what: str, required: str, differences: Differences, test: Callable[[Differences], bool]) -> Line:
    if not differences:
        return Line(what, required, "", None)
    clip, least = differences.worst()
    return Line(what, required, f"{differences.mean():+.3f} dB, least {least:+.3f} ({clip})", test(differences))


def _blind(figures: Figures) -> Iterator[Line]:
    over = psnr(figures, BLIND, BLIND).over(psnr(figures, BLIND, BICUBIC))
    yield _measured(
        "blind over bicubic",
        "≥ 2.0 dB on average, ≥ 0 on every clip",
        over,
        lambda one: one.mean() >= 2.0 and one.worst()[1] >= 0.0,
    )


def _keyed(figures: Figures) -> Iterator[Line]:
    for experiment, name in ((at(20), "keyed @20"), (at(10), "keyed @10"), (ONE, f"one keyframe {AWAY} frames away")):
        ours = psnr(figures, experiment, KEYED)
        if not ours:
            yield Line(f"{name} over hand-made", "≥ 0.3 dB on average, ≥ −0.05 on every clip", "", None)
            continue
        over = ours.over(psnr(figures, experiment, baseline(figures, experiment)))
        yield _measured(
            f"{name} over {baseline(figures, experiment)}",
            "≥ 0.3 dB on average (goal 0.7), ≥ −0.05 on every clip",
            over,
            lambda one: one.mean() >= 0.3 and one.worst()[1] >= -0.05,
        )
        gained = gain(figures, experiment, KEYED)
        yield _measured(f"{name} over blind", "≥ −0.02 dB on every clip", gained, lambda one: one.worst()[1] >= -0.02)


def _imperfect(figures: Figures) -> Iterator[Line]:
    experiment = at(IMPERFECT_INTERVAL)
    for kind in KEPT:
        gained = gain(figures, experiment, KEYED, kind)
        if not gained:
            yield Line(f"keyframes {kind}", "≥ 60 % of the gain", "", None)
            continue
        share = share_of_gain(figures, experiment, KEYED, kind)
        yield Line(f"keyframes {kind}", "≥ 60 % of the gain", f"{100 * share:.0f} %", share >= 0.6)
    moved, made = (gain(figures, experiment, KEYED, kind) for kind in ("shifted 2 px", ISR))
    yield _measured("keyframes shifted 2 px over blind", "≥ −0.05 dB", moved, lambda one: one.mean() >= -0.05)
    yield _measured("keyframes made by an ISR over blind", "≥ −0.10 dB", made, lambda one: one.mean() >= -0.1)
    arrived = figures.where(experiment=experiment, variant=KEYED, kind=ISR, measure="arrived")
    share = arrived.mean() if arrived else math.nan
    yield Line(
        "fine detail that an ISR added, in the neighbours",
        "≥ 70 % of its energy",
        f"{100 * share:.0f} %" if arrived else "",
        share >= 0.7 if arrived else None,
    )


def share_of_gain(figures: Figures, experiment: str, variant: str, kind: str) -> float:
    """What keyframes of ``kind`` gain over blind, as a part of what true ones gain on the same frames."""
    gained = gain(figures, experiment, variant, kind)
    true = psnr(figures, experiment, variant).beside(psnr(figures, experiment, variant, kind))
    return gained.mean() / true.over(psnr(figures, BLIND, reference(figures))).mean()


def _wrong(figures: Figures) -> Iterator[Line]:
    for kind in WRONG:
        gained = gain(figures, at(WRONG_INTERVAL), KEYED, kind)
        yield _measured(
            f"wrong keyframes, {kind}, over blind",
            "≥ −0.05 dB on average, ≥ −0.15 on every clip",
            gained,
            lambda one: one.mean() >= -0.05 and one.worst()[1] >= -0.15,
        )


def _steady(figures: Figures) -> Iterator[Line]:
    flicker = figures.where(experiment=STEADY, measure="flicker")
    keyed, blind = flicker.where(variant=KEYED), flicker.where(variant=BLIND)
    what, required = "mean |warped difference − truth's|, keyed", "≤ blind"
    if not keyed:
        yield Line(what, required, "", None)
        return
    worse = [clip for clip, value in keyed.over(blind).by_clip().items() if value > 0.0]
    found = f"{keyed.mean():.3f} against {blind.mean():.3f}, more on {', '.join(worse) or 'no clip'}"
    yield Line(what, required, found, keyed.mean() <= blind.mean())
    ratios = change_at_keyframe(figures, KEYED)
    clip = max(ratios, key=lambda name: abs(math.log(ratios[name])))
    yield Line(
        "warped difference over truth's, at a keyframe over beside it",
        "1/1.2 to 1.2 on every clip",
        f"{min(ratios.values()):.3f} to {max(ratios.values()):.3f} (farthest: {clip})",
        1 / 1.2 <= ratios[clip] <= 1.2,
    )


def _own_frame(figures: Figures) -> Iterator[Line]:
    returned = figures.where(experiment=OWN, variant=KEYED, measure="returned")
    least = min((one.value for one in returned.records), default=math.nan)
    found = "exact" if math.isinf(least) else f"{least:.1f} dB"
    yield Line(
        "own frame, guidance 1, Paint: the keyframe",
        "≥ 45 dB",
        found if returned else "",
        least >= 45 if returned else None,
    )


def _likeness(figures: Figures) -> Iterator[Line]:
    for measure in ("ssim", "haarpsi"):
        there = figures.where(measure=measure)
        keyed, blind, bicubic = (
            there.where(variant=name, experiment=experiment)
            for name, experiment in ((KEYED, at(20)), (BLIND, BLIND), (BICUBIC, BLIND))
        )
        what, required = f"{measure} agrees in direction", "bicubic < blind < keyed on average"
        if not keyed:
            yield Line(what, required, "", None)
            continue
        means = [one.mean() for one in (bicubic, blind, keyed)]
        against = [clip for clip, value in keyed.over(blind).by_clip().items() if value < 0.0]
        found = (
            " < ".join(f"{mean:.4f}" for mean in means) + f", keyed below blind on {', '.join(against) or 'no clip'}"
        )
        yield Line(what, required, found, means == sorted(means))


def _ablations(figures: Figures) -> Iterator[Line]:
    keyed = psnr(figures, at(20), KEYED)
    for name, part in (
        (NO_GATE, "gate"),
        (NO_WINDOW, "attention's window"),
        (NO_ATTENTION, "cross-attention"),
        (NO_STAGE_2, "stage 2"),
        (NO_REFINEMENT, "refinement"),
    ):
        earns = keyed.over(psnr(figures, at(20), name))
        yield _measured(f"the {part} earns", "≥ 0.01 dB on average", earns, lambda one: one.mean() >= 0.01)


def _exactness(figures: Figures) -> Iterator[Line]:
    for measure in ("blind", "keyed"):
        apart = figures.where(experiment=PRECISION, measure=measure)
        least = min((one.value for one in apart.records), default=math.nan)
        yield Line(
            f"float32 and bfloat16 agree, {measure}",
            "≥ 50 dB",
            f"{least:.1f} dB at least" if apart else "",
            least >= 50.0 if apart else None,
        )
    same = figures.where(experiment=SAME_BYTES)
    every = bool(same) and all(one.value == 1.0 for one in same.records)
    yield Line("same bytes again, in any order", "all", "all" if every else "others", every if same else None)


_CHECKS = (_blind, _keyed, _imperfect, _wrong, _steady, _own_frame, _likeness, _ablations, _exactness)
