"""What was measured: one line for each figure, kept in a file so that a run can go on where it ended."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any


@dataclass(frozen=True)
class Record:
    """A figure of one frame. ``distance`` is that to the nearest keyframe, 0 where there is none."""

    clip: str
    reduction: str
    experiment: str
    variant: str
    kind: str
    t: int
    distance: int
    measure: str
    value: float


class Book:
    """Records of clips in reductions, by what they were measured with (``plan``: weights, sampling, settings)."""

    def __init__(self, plan: str, path: Path | None = None) -> None:
        self._plan, self._path = plan, path
        self._pages: dict[str, list[Record]] = {}
        if path is not None and path.is_file():
            kept = json.loads(path.read_text(encoding="utf-8"))
            if kept["plan"] != plan:
                raise SystemExit(f"{path} holds another measurement: expected {plan}, found {kept['plan']}")
            self._pages = {name: [Record(**one) for one in page] for name, page in kept["pages"].items()}

    def __contains__(self, page: str) -> bool:
        return page in self._pages

    def add(self, page: str, records: Iterable[Record]) -> None:
        """Enter a page, and write the book where it has a file."""
        self._pages[page] = list(records)
        if self._path is not None:
            pages = {name: [asdict(one) for one in kept] for name, kept in self._pages.items()}
            part = self._path.with_suffix(".part")
            part.write_text(json.dumps({"plan": self._plan, "pages": pages}), encoding="utf-8")
            part.replace(self._path)

    def figures(self, pages: Sequence[str] | None = None) -> Figures:
        """All records, or those of some pages."""
        names = self._pages if pages is None else pages
        return Figures([one for name in names for one in self._pages[name]])


class Figures:
    """Means of records: over the frames of a clip first, then over clips."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = records

    def where(self, **wanted: Any) -> Figures:
        """Those with equal fields; a tuple names alternatives."""
        choices = {name: value if isinstance(value, tuple) else (value,) for name, value in wanted.items()}
        return Figures([one for one in self.records if all(getattr(one, n) in v for n, v in choices.items())])

    def __bool__(self) -> bool:
        return bool(self.records)

    def names(self, field: str) -> list[Any]:
        """Values of a field, each once, in order."""
        return list(dict.fromkeys(getattr(one, field) for one in self.records))

    def by_frame(self) -> dict[tuple[str, str, int], float]:
        """Value by clip, reduction and frame."""
        return {(one.clip, one.reduction, one.t): one.value for one in self.records}

    def by_clip(self) -> dict[str, float]:
        """Mean by clip."""
        return _by_clip((one.clip, one.value) for one in self.records)

    def mean(self) -> float:
        """Mean of the clips' means."""
        return fmean(self.by_clip().values())

    def beside(self, other: Figures) -> Figures:
        """Those of frames that ``other`` has, too."""
        frames = other.by_frame()
        return Figures([one for one in self.records if (one.clip, one.reduction, one.t) in frames])

    def over(self, other: Figures) -> Differences:
        """Differences to ``other`` on the frames that both have."""
        theirs = other.by_frame()
        pairs = [(one, theirs.get((one.clip, one.reduction, one.t))) for one in self.records]
        return Differences([(one, one.value - value) for one, value in pairs if value is not None])


class Differences:
    """Figures less others on the same frames."""

    def __init__(self, pairs: Sequence[tuple[Record, float]]) -> None:
        self.pairs = pairs

    def __bool__(self) -> bool:
        return bool(self.pairs)

    def by_clip(self) -> dict[str, float]:
        """Mean by clip."""
        return _by_clip((one.clip, value) for one, value in self.pairs)

    def mean(self) -> float:
        """Mean of the clips' means."""
        return fmean(self.by_clip().values())

    def worst(self) -> tuple[str, float]:
        """The clip with the least mean."""
        means = self.by_clip()
        clip = min(means, key=means.__getitem__)
        return clip, means[clip]

    def at(self, near: int, far: int) -> Differences:
        """Those of frames whose nearest keyframe is ``near`` to ``far`` frames away."""
        return Differences([(one, value) for one, value in self.pairs if near <= one.distance <= far])


def _by_clip(values: Iterable[tuple[str, float]]) -> dict[str, float]:
    sums: dict[str, list[float]] = defaultdict(list)
    for clip, value in values:
        sums[clip].append(value)
    return {clip: fmean(found) for clip, found in sums.items()}
