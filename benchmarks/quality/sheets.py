"""What was measured, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from .acceptance import Line, baseline, change_at_keyframe, gain, psnr, reference, share_of_gain
from .experiments import BICUBIC, ENGINES, IMPERFECT_INTERVAL, INTERVALS, ONE, OWN, STEADY, WRONG_INTERVAL, at
from .keyframe_kinds import IMPERFECT, TRUE, WRONG
from .lineup import ABLATIONS, BLIND, KEYED, LANCZOS
from .records import Differences, Figures
from .tables import Sheet

DISTANCES = ((1, 1), (2, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 20))
_MEAN = "mean of clips"


def acceptance_sheet(lines: Sequence[Line]) -> Sheet:
    """What is required beside what was found."""
    rows = [[line.what, line.required, line.found, line.verdict] for line in lines]
    return Sheet("Acceptance", ["", "required", "found", ""], rows)


def sheets(figures: Figures) -> list[Sheet]:
    """All tables that there are figures for."""
    made = []
    for reduction in figures.names("reduction"):
        part = figures.where(reduction=reduction)
        made += [
            _blind_sheet(part, reduction),
            *_keyed_sheets(part, reduction),
            _engines_sheet(part, reduction),
            _distance_sheet(part, reduction),
            _kinds_sheet(part, reduction),
            _steady_sheet(part, reduction),
            _likeness_sheet(part, reduction),
            _ablation_sheet(part, reduction),
        ]
    return [sheet for sheet in made if sheet.rows]


def _cell(value: float | None, form: str = ".2f") -> str:
    return "" if value is None else format(value, form)


def _rows_by_clip(columns: Sequence[dict[str, float]], forms: Sequence[str]) -> list[list[str]]:
    """A row for each clip of the first column, and one of means."""
    rows = [
        [clip, *(_cell(column.get(clip), form) for column, form in zip(columns, forms, strict=True))]
        for clip in columns[0]
    ]
    means = [_cell(fmean(column.values()) if column else None, f) for column, f in zip(columns, forms, strict=True)]
    return [*rows, [_MEAN, *means]]


def _blind_sheet(figures: Figures, reduction: str) -> Sheet:
    names = [name for name in (BICUBIC, LANCZOS, BLIND) if psnr(figures, BLIND, name)]
    columns = [psnr(figures, BLIND, name).by_clip() for name in names]
    forms = [".2f"] * len(names)
    head = ["clip", *names]
    if BLIND in names:
        columns.append(psnr(figures, BLIND, BLIND).over(psnr(figures, BLIND, BICUBIC)).by_clip())
        forms.append("+.2f")
        head.append("over bicubic")
    return Sheet(f"Without keyframes, {reduction}: mean PSNR in dB", head, _rows_by_clip(columns, forms))


def _experiments() -> list[str]:
    return [*(at(interval) for interval in INTERVALS), ONE]


def _keyed_sheets(figures: Figures, reduction: str) -> list[Sheet]:
    """For each experiment: blind, the hand-made engine on its better blind part, and the trained one, by clip."""
    made = []
    for experiment in _experiments():
        ours = psnr(figures, experiment, KEYED)
        hand = baseline(figures, experiment)
        theirs = psnr(figures, experiment, hand)
        columns = [psnr(figures, BLIND, reference(figures)).beside(theirs).by_clip(), theirs.by_clip()]
        head, forms = ["clip", "blind", hand], [".2f", ".2f"]
        if ours:
            columns += [ours.by_clip(), ours.over(theirs).by_clip()]
            columns.append(gain(figures, experiment, KEYED).by_clip())
            head += [KEYED, f"over {hand}", "over blind"]
            forms += [".2f", "+.2f", "+.2f"]
        made.append(Sheet(f"{_title(experiment)}, {reduction}: PSNR in dB", head, _rows_by_clip(columns, forms)))
    return made


def _title(experiment: str) -> str:
    return "One keyframe, 8 frames away" if experiment == ONE else f"A keyframe at every {experiment[1:]}th frame"


def _engines_sheet(figures: Figures, reduction: str) -> Sheet:
    sheet = Sheet(f"Engines, {reduction}: mean PSNR of clips in dB", ["keyframes", *ENGINES])
    for experiment in _experiments():
        there = [psnr(figures, experiment, name) for name in ENGINES]
        sheet.rows.append([_title(experiment), *(_cell(one.mean() if one else None) for one in there)])
    return sheet


def distance_gains(figures: Figures, variant: str) -> list[float | None]:
    """Mean gain at each of ``DISTANCES``, over all intervals."""
    pairs = Differences([pair for interval in INTERVALS for pair in gain(figures, at(interval), variant).pairs])
    return [found.mean() if (found := pairs.at(near, far)) else None for near, far in DISTANCES]


def _distance_sheet(figures: Figures, reduction: str) -> Sheet:
    head = ["engine", *(f"{near}" if near == far else f"{near}–{far}" for near, far in DISTANCES)]
    sheet = Sheet(f"Gain over blind in dB against the frames to the nearest keyframe, {reduction}", head)
    for name in ENGINES:
        gains = distance_gains(figures, name)
        if any(value is not None for value in gains):
            sheet.rows.append([name, *(_cell(value, "+.2f") for value in gains)])
    return sheet


def _kinds_sheet(figures: Figures, reduction: str) -> Sheet:
    """True, imperfect and wrong keyframes: the judged engine and the one it has to beat."""
    names = [name for name in ENGINES if figures.where(variant=name, kind=(*IMPERFECT, *WRONG))]
    sheet = Sheet(
        f"Keyframes of every kind, {reduction}: change against blind in dB (imperfect ones at every "
        f"{IMPERFECT_INTERVAL}th frame, wrong ones at every {WRONG_INTERVAL}th)",
        [
            "keyframes",
            *(f"{name}{part}" for name in names for part in ("", ", worst clip")),
            "of true's gain",
            "own frame",
        ],
    )
    for kind in (*IMPERFECT, *WRONG):
        sheet.rows.append(_kind_row(figures, kind, names))
    return sheet if names else Sheet(sheet.title, sheet.head)


def _kind_row(figures: Figures, kind: str, names: Sequence[str]) -> list[str]:
    experiment = at(IMPERFECT_INTERVAL if kind in IMPERFECT else WRONG_INTERVAL)
    gains = [gain(figures, experiment, name, kind) for name in names]
    cells = [_cell(value, "+.3f") for one in gains for value in ((one.mean(), one.worst()[1]) if one else (None, None))]
    share = ""
    if kind in IMPERFECT and gains[-1]:
        share = f"{100 * share_of_gain(figures, experiment, names[-1], kind):.0f} %"
    arrived = figures.where(experiment=experiment, variant=names[-1], kind=kind, measure="arrived")
    if arrived:
        share = f"{100 * arrived.mean():.0f} % of its detail"
    own = figures.where(experiment=OWN, kind=kind, measure="gain")
    return [kind, *cells, share, _cell(own.mean() if own else None, "+.2f")]


def _steady_sheet(figures: Figures, reduction: str) -> Sheet:
    steady = figures.where(experiment=STEADY)
    names = [name for name in (BLIND, *ENGINES) if steady.where(variant=name)]
    flicker = [steady.where(variant=name, measure="flicker").by_clip() for name in names]
    ratios = [change_at_keyframe(figures, name) for name in names]
    sheet = Sheet(
        f"Steadiness, {reduction}: mean |warped difference of frames − that of the truth| in 1/255, and the change "
        "at a keyframe over that beside it",
        ["clip", *names, *(f"change, {name}" for name in names)],
    )
    if flicker and flicker[0]:
        sheet.rows = _rows_by_clip([*flicker, *ratios], [".3f"] * (len(flicker) + len(ratios)))
    return sheet


def _likeness_sheet(figures: Figures, reduction: str) -> Sheet:
    sheet = Sheet(f"Other measures, {reduction}, a keyframe at every 20th frame", ["", "PSNR", "SSIM", "HaarPSI"])
    for name, experiment in ((BICUBIC, BLIND), (LANCZOS, BLIND), (BLIND, BLIND), *((name, at(20)) for name in ENGINES)):
        there = figures.where(variant=name, experiment=experiment, kind=TRUE)
        alike = there.where(measure="ssim")
        if alike:
            fidelity, seen = there.where(measure="psnr").beside(alike), there.where(measure="haarpsi")
            cells = [f"{fidelity.mean():.2f}", f"{alike.mean():.4f}", _cell(seen.mean() if seen else None, ".4f")]
            sheet.rows.append([name, *cells])
    return sheet


def _ablation_sheet(figures: Figures, reduction: str) -> Sheet:
    sheet = Sheet(f"Parts taken away, {reduction}: what each earns in dB", ["", "mean", "least", "clip"])
    keyed = psnr(figures, at(20), KEYED)
    for name in ABLATIONS:
        earns = keyed.over(psnr(figures, at(20), name))
        if earns:
            clip, least = earns.worst()
            sheet.rows.append([name, f"{earns.mean():+.3f}", f"{least:+.3f}", clip])
    return sheet
