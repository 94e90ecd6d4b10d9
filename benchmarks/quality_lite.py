"""What keyframes give, and what wrong ones cost: the lite engine on real clips, against the truth.

Each clip is reduced by ``--scale``, its HR frames at every 20th (and every 10th) frame become keyframes, and the
frames between them are measured: mean over frames of PSNR (dB, 8-bit BT.601 luma, 8 pixels cropped). Prints tables;
``--markdown`` writes them.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any, cast

import av
import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from sparkvsr.engine import Engine, EngineSettings, Keyframe, Mix, Watch, WindowFrame, default_registry
from sparkvsr.keyframes import every
from sparkvsr.metrics import psnr_y, ssim_y
from sparkvsr.propagation import keyframes_in_reach
from sparkvsr.resample import Kernel, blur, resize

INTERVAL = 20
DENSE_INTERVAL = 10
DENSE_STEP = 2  # of the frames between dense keyframes every 2nd is measured,
WRONG_STEP = 8  # of those between wrong ones every 8th
QUICK_FRAMES = 41
QUICK_STEP = 5
DISTANCES = ((1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 19))


def reduce(picture: torch.Tensor, scale: int, kind: str) -> torch.Tensor:
    """LR frame, 8-bit as a decoder gives it. ``bd``: Gaussian σ 1.6 HR pixels, sampled at the centre of each block."""
    size = (picture.shape[1] // scale, picture.shape[2] // scale)
    small = _blur_and_decimate(picture, scale) if kind == "bd" else resize(picture, size, cast("Kernel", kind))
    return small.clamp(0, 1).mul(255).round().div(255)


def _blur_and_decimate(picture: torch.Tensor, scale: int) -> torch.Tensor:
    smooth = blur(picture, 1.6)
    low, high = (scale - 1) // 2, scale // 2
    rows = (smooth[:, low::scale] + smooth[:, high::scale]) / 2
    return (rows[:, :, low::scale] + rows[:, :, high::scale]) / 2


@dataclass
class Clip:
    """Frames of a clip as uint8 [H, W, 3], cut to a multiple of the scale; pictures are made when asked for."""

    path: Path
    scale: int
    reduction: str
    limit: int
    frames: list[np.ndarray[Any, Any]] = field(default_factory=list)
    _sources: dict[int, torch.Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with av.open(str(self.path)) as container:
            for number, frame in enumerate(container.decode(video=0)):
                if number == self.limit:
                    break
                pixels = frame.to_ndarray(format="rgb24")
                height, width = (side // self.scale * self.scale for side in pixels.shape[:2])
                self.frames.append(pixels[:height, :width])

    @property
    def name(self) -> str:
        return self.path.stem

    def truth(self, t: int) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(self.frames[t])).permute(2, 0, 1).float() / 255

    def source(self, t: int) -> torch.Tensor:
        if t not in self._sources:
            self._sources[t] = reduce(self.truth(t), self.scale, self.reduction)
        return self._sources[t]


Spoil = Callable[[Clip, int], torch.Tensor]


def wrong_kinds(stranger: Clip) -> dict[str, Spoil]:
    """Pictures that a keyframe must never be, by name."""

    def foreign(clip: Clip, t: int) -> torch.Tensor:
        size = clip.truth(t).shape[1:]
        return resize(stranger.truth(0), (size[0], size[1]), "bicubic").clamp(0, 1)

    def blurred(clip: Clip, t: int) -> torch.Tensor:
        size = clip.truth(t).shape[1:]
        return resize(clip.source(t), (size[0], size[1]), "bicubic")

    return {
        "mirrored": lambda clip, t: clip.truth(t).flip(2),
        "foreign": foreign,
        "+30 %": lambda clip, t: clip.truth(t) * 1.3,
        "+30 % clipped": lambda clip, t: (clip.truth(t) * 1.3).clamp(0, 1),
        "5 frames off": lambda clip, t: clip.truth(min(t + 5, len(clip.frames) - 1)),
        "shifted 8 px": lambda clip, t: clip.truth(t).roll(8, dims=2),
        "shifted 2 px": lambda clip, t: clip.truth(t).roll(2, dims=2),
        "blurred to LR": blurred,
    }


@dataclass
class Score:
    """One frame's figures in dB, and how far its nearest keyframe is."""

    blind: float
    keyed: float
    distance: int
    ssim_blind: float = math.nan
    ssim_keyed: float = math.nan

    @property
    def gain(self) -> float:
        return self.keyed - self.blind


@dataclass
class ClipScores:
    """All that was measured on one clip; ``wrong`` and ``agreement`` by kind of keyframe."""

    name: str
    sparse: list[Score] = field(default_factory=list)
    dense: list[Score] = field(default_factory=list)
    wrong: dict[str, list[Score]] = field(default_factory=lambda: defaultdict(list))
    agreement: dict[str, float] = field(default_factory=dict)


class Bench:
    """An engine at work on clips."""

    def __init__(self, engine: Engine, scale: int) -> None:
        self._engine = engine
        self._settings = EngineSettings(scale=scale)
        self._watch = Watch()

    def scores(
        self,
        clip: Clip,
        keyframes: Sequence[int],
        frames: Sequence[int],
        spoil: Spoil | None = None,
        *,
        with_ssim: bool = False,
    ) -> Iterator[Score]:
        """Figures of ``frames``, in order; the keyframes' pictures are the truth, or what ``spoil`` makes."""
        known: dict[int, Any] = {}
        for t in frames:
            used = keyframes_in_reach(t, keyframes)
            for k in used:
                known[k] = known[k] if k in known else self._keyframe(clip, k, spoil)
            yield self._score(clip, t, [Keyframe(k - t, known[k]) for k in used], with_ssim=with_ssim)

    def agreement(self, clip: Clip, spoil: Spoil | None) -> float:
        """How well the clip's first keyframe agrees with its source frame."""
        return self._engine.agreement(self._keyframe(clip, 0, spoil))

    def _keyframe(self, clip: Clip, t: int, spoil: Spoil | None) -> Any:
        picture = clip.truth(t) if spoil is None else spoil(clip, t)
        return self._engine.encode_keyframe(picture, clip.source(t), self._settings, self._watch)

    def _score(self, clip: Clip, t: int, keyframes: list[Keyframe], *, with_ssim: bool) -> Score:
        window = [WindowFrame(0, clip.source(t))]
        latents = self._engine.encode_source(window, self._settings, self._watch)
        carried = next(iter(self._engine.propagate(latents, keyframes, self._settings, self._watch)))
        decoded = self._engine.decode(carried, Mix(), self._watch)
        truth = clip.truth(t)
        return Score(
            psnr_y(decoded.blind, truth),
            psnr_y(decoded.frame, truth),
            min(abs(keyframe.offset) for keyframe in keyframes),
            *((ssim_y(decoded.blind, truth), ssim_y(decoded.frame, truth)) if with_ssim else ()),
        )


def measure_clip(bench: Bench, clip: Clip, stranger: Clip, step: int, progress: Progress) -> ClipScores:
    """Every figure of one clip."""
    last = len(clip.frames) - 1
    sparse_keys, dense_keys = every(INTERVAL, 0, last), every(DENSE_INTERVAL, 0, last)
    sparse = [t for t in range(last + 1) if t not in sparse_keys][::step]
    dense = [t for t in range(last + 1) if t not in dense_keys][:: max(step, DENSE_STEP)]
    few = sparse[:: max(1, WRONG_STEP // step)]
    kinds = wrong_kinds(stranger)
    task = progress.add_task(clip.name, total=len(sparse) + len(dense) + len(few) * len(kinds))
    found = ClipScores(clip.name)

    def counted(scores: Iterator[Score]) -> Iterator[Score]:
        for score in scores:
            progress.advance(task)
            yield score

    found.sparse = list(counted(bench.scores(clip, sparse_keys, sparse, with_ssim=True)))
    found.dense = list(counted(bench.scores(clip, dense_keys, dense)))
    found.agreement["true"] = bench.agreement(clip, None)
    for kind, spoil in kinds.items():
        found.wrong[kind] = list(counted(bench.scores(clip, sparse_keys, few, spoil)))
        found.agreement[kind] = bench.agreement(clip, spoil)
    return found


@dataclass
class Sheet:
    """A table of text, for the screen and for Markdown."""

    title: str
    head: list[str]
    rows: list[list[str]] = field(default_factory=list)

    def on_screen(self) -> Table:
        table = Table(title=self.title)
        for place, name in enumerate(self.head):
            table.add_column(name, justify="right" if place else "left")
        for row in self.rows:
            table.add_row(*row)
        return table

    def markdown(self) -> str:
        rule = ["---", *(["---:"] * (len(self.head) - 1))]
        lines = [" | ".join(cells) for cells in (self.head, rule, *self.rows)]
        return f"{self.title}\n\n" + "\n".join(f"| {line} |" for line in lines) + "\n"


def _mean(scores: Sequence[Score], figure: str) -> float:
    return fmean(getattr(score, figure) for score in scores)


def main_sheet(results: Sequence[ClipScores]) -> Sheet:
    head = [
        "clip",
        "frames",
        "blind",
        f"keyed @{INTERVAL}",
        "gain",
        f"keyed @{DENSE_INTERVAL}",
        "gain",
        "SSIM blind",
        "keyed",
    ]
    sheet = Sheet("Mean PSNR in dB of frames that are not keyframes", head)
    figures = [
        [
            _mean(one.sparse, "blind"),
            _mean(one.sparse, "keyed"),
            _mean(one.sparse, "gain"),
            _mean(one.dense, "keyed"),
            _mean(one.dense, "gain"),
            _mean(one.sparse, "ssim_blind"),
            _mean(one.sparse, "ssim_keyed"),
        ]
        for one in results
    ]
    names = [(one.name, str(len(one.sparse))) for one in results]
    for (name, count), row in zip(
        [*names, ("mean of clips", "")],
        [*figures, [fmean(column) for column in zip(*figures, strict=True)]],
        strict=True,
    ):
        sheet.rows.append([name, count, *(f"{value:.2f}" for value in row[:5]), *(f"{value:.4f}" for value in row[5:])])
    return sheet


def wrong_sheet(results: Sequence[ClipScores]) -> Sheet:
    sheet = Sheet(
        "Wrong keyframes: change against blind in dB, and agreement()",
        ["keyframe", "mean", "worst clip", "agreement, highest"],
    )
    true = [one.agreement["true"] for one in results]
    gains = [_mean(one.sparse, "gain") for one in results]
    sheet.rows.append(
        ["true", f"{fmean(gains):+.3f}", f"{min(gains):+.3f}", f"{max(true):.2f} (lowest {min(true):.2f})"]
    )
    for kind in results[0].wrong:
        gains = [_mean(one.wrong[kind], "gain") for one in results]
        highest = max(one.agreement[kind] for one in results)
        sheet.rows.append([kind, f"{fmean(gains):+.3f}", f"{min(gains):+.3f}", f"{highest:.2f}"])
    return sheet


def distance_sheet(results: Sequence[ClipScores]) -> Sheet:
    sheet = Sheet("Gain in dB against distance to the nearest keyframe", ["clip", *(f"{a}–{b}" for a, b in DISTANCES)])
    columns: list[list[float]] = [[] for _ in DISTANCES]
    for one in results:
        row = [one.name]
        for place, (near, far) in enumerate(DISTANCES):
            gains = [score.gain for score in (*one.sparse, *one.dense) if near <= score.distance <= far]
            columns[place] += [fmean(gains)] if gains else []
            row.append(f"{fmean(gains):.2f}" if gains else "")
        sheet.rows.append(row)
    sheet.rows.append(["mean of clips", *(f"{fmean(column):.2f}" if column else "" for column in columns)])
    return sheet


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--clips", nargs="*", help="names of clips; default: all of val.txt")
    parser.add_argument("--scale", type=int, default=4)
    parser.add_argument("--reduction", choices=("bicubic", "area", "gaussian", "bd"), default="bicubic")
    parser.add_argument("--quick", action="store_true", help=f"every {QUICK_STEP}th frame of the first {QUICK_FRAMES}")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--markdown", type=Path, help="write the tables there")
    return parser.parse_args(arguments)


def listed_clips(options: argparse.Namespace) -> list[tuple[Path, Path]]:
    """The clips to measure, each with another one that lends it foreign keyframes."""
    listing = options.data / "val.txt"
    if not listing.is_file():
        raise SystemExit(f"no {listing}: give --data the folder that holds val.txt and clips/")
    paths = [options.data / line.strip() for line in listing.read_text().splitlines() if line.strip()]
    strangers = [*paths[1:], paths[0]]
    chosen = [
        pair for pair in zip(paths, strangers, strict=True) if options.clips is None or pair[0].stem in options.clips
    ]
    if not chosen:
        raise SystemExit(f"none of {options.clips} is in {listing}: {', '.join(path.stem for path in paths)}")
    return chosen


def main(arguments: Sequence[str]) -> None:
    options = parse_arguments(arguments)
    limit, step = (QUICK_FRAMES, QUICK_STEP) if options.quick else (sys.maxsize, 1)
    bench = Bench(default_registry().create("lite", torch.device(options.device)), options.scale)
    columns = (TextColumn("{task.description:24}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    results = []
    with Progress(*columns, TimeRemainingColumn()) as progress:
        for path, stranger_path in listed_clips(options):
            clip = Clip(path, options.scale, options.reduction, limit)
            stranger = Clip(stranger_path, options.scale, options.reduction, 1)
            results.append(measure_clip(bench, clip, stranger, step, progress))
            gain, dense = _mean(results[-1].sparse, "gain"), _mean(results[-1].dense, "gain")
            progress.console.print(f"{clip.name}: {gain:+.2f} dB @{INTERVAL}, {dense:+.2f} dB @{DENSE_INTERVAL}")
    sheets = (main_sheet(results), wrong_sheet(results), distance_sheet(results))
    console = Console()
    for sheet in sheets:
        console.print(sheet.on_screen())
    if options.markdown is not None:
        options.markdown.write_text("\n".join(sheet.markdown() for sheet in sheets), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
