"""Clips as they are measured: the truth, and LR frames reduced from it in a known way."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import av
import numpy as np
import torch

from sparkvsr.resample import Kernel, resize
from sparkvsr.training.degradations import blur_and_decimate, rounded

# Names of reductions: ``bi`` is antialiased bicubic, ``bd`` Gaussian σ 1.6 sampled at the centre of each block.
REDUCTIONS = ("bi", "bd", "area", "gaussian")
EVERY_FRAME = sys.maxsize

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class Recent(Generic[_Key, _Value]):
    """The values that were asked for last, made when they are not there."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._values: OrderedDict[_Key, _Value] = OrderedDict()

    def get(self, key: _Key, make: Callable[[], _Value]) -> _Value:
        if key not in self._values:
            self._values[key] = make()
            if len(self._values) > self._capacity:
                self._values.popitem(last=False)
        self._values.move_to_end(key)
        return self._values[key]


def reduce(picture: torch.Tensor, scale: int, reduction: str) -> torch.Tensor:
    """[3, H, W] to the LR frame [3, H/scale, W/scale], 8-bit as a decoder gives it."""
    if reduction == "bd":
        return rounded(blur_and_decimate(picture, scale))
    kernel = cast("Kernel", "bicubic" if reduction == "bi" else reduction)
    return rounded(resize(picture, (picture.shape[1] // scale, picture.shape[2] // scale), kernel))


@dataclass
class Clip:
    """Frames of a video as uint8 [H, W, 3], cut to a multiple of the scale; pictures are made when asked for."""

    path: Path
    scale: int
    limit: int = EVERY_FRAME
    frames: list[np.ndarray[Any, Any]] = field(default_factory=list)
    _sources: dict[tuple[str, int], torch.Tensor] = field(default_factory=dict)

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

    def __len__(self) -> int:
        return len(self.frames)

    def truth(self, t: int) -> torch.Tensor:
        """[3, H, W] in 0..1."""
        return torch.from_numpy(np.ascontiguousarray(self.frames[t])).permute(2, 0, 1).float() / 255

    def source(self, t: int, reduction: str) -> torch.Tensor:
        """[3, h, w] in 0..1."""
        if (reduction, t) not in self._sources:
            self._sources[reduction, t] = reduce(self.truth(t), self.scale, reduction)
        return self._sources[reduction, t]


@dataclass(frozen=True)
class Listed:
    """A clip to be measured, and another one that lends it foreign keyframes."""

    path: Path
    stranger: Path


def listed(data: Path, wanted: Sequence[str] | None) -> list[Listed]:
    """The clips of ``data``/val.txt, or those of them, or files, that are ``wanted``."""
    files = [Path(name) for name in wanted or () if Path(name).is_file()]
    names = None if wanted is None else [name for name in wanted if not Path(name).is_file()]
    listing = data / "val.txt"
    if not listing.is_file():
        if files and not names:
            return _with_strangers(files, files)
        raise SystemExit(f"no {listing}: give --data the folder that holds val.txt and clips/, or files to --clips")
    known = [data / line.strip() for line in listing.read_text(encoding="utf-8").splitlines() if line.strip()]
    unknown = sorted(set(names or ()) - {path.stem for path in known})
    if unknown:
        raise SystemExit(f"expected clips of {listing} or files, found {', '.join(unknown)}")
    chosen = known if names is None else [path for path in known if path.stem in names]
    return _with_strangers([*chosen, *files], [*known, *files])


def _with_strangers(chosen: Sequence[Path], known: Sequence[Path]) -> list[Listed]:
    following = dict(zip(known, [*known[1:], known[0]], strict=True))
    return [Listed(path, following[path]) for path in chosen]
