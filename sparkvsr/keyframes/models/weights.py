"""Image models from a weights file: ESRGAN, SwinIR, HAT and all else that spandrel knows by its weights."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import torch

from sparkvsr.engine import Watch
from sparkvsr.keyframes.models.contract import ImageModelError
from sparkvsr.keyframes.models.file_identity import identity_of_file
from sparkvsr.keyframes.models.torchvision_stand_in import importable

SUFFIXES: Final = (".pth", ".pt", ".ckpt", ".safetensors")
TILE: Final = 256  # source pixels; part of the picture, so never chosen by the memory at hand
OVERLAP: Final = 24


@dataclass
class WeightsModel:
    """The model in ``path``, loaded when it is first used. Runs in float32, tile by tile."""

    path: Path
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    _loaded: Any = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def identity(self) -> bytes:
        """By the content of the file. Raises ImageModelError."""
        return identity_of_file("weights", self.path)

    def enlarge(self, picture: torch.Tensor, watch: Watch) -> torch.Tensor:
        """The model's picture; ``watch`` is asked between tiles."""
        model = self._model()
        height, width = picture.shape[1:]
        scale = int(model.scale)
        made = picture.new_empty((3, height * scale, width * scale))
        tiles = list(tiles_of(height, width))
        for done, tile in enumerate(tiles):
            watch.step(done / len(tiles), "image model")
            part = self._run(model, picture[:, tile.outer[0], tile.outer[1]])
            made[:, tile.target(0, scale), tile.target(1, scale)] = part[:, tile.inner(0, scale), tile.inner(1, scale)]
        return made

    def _run(self, model: Any, part: torch.Tensor) -> torch.Tensor:
        try:
            result: torch.Tensor = model(part.unsqueeze(0).to(self.device))
        except Exception as error:
            raise ImageModelError(f"{self.path.name} failed: {type(error).__name__}: {error}") from error
        return result.squeeze(0).to(part.device)

    def _model(self) -> Any:
        with self._lock:
            if self._loaded is None:
                self._loaded = load(self.path).to(self.device)
            return self._loaded


def load(path: Path) -> Any:
    """The descriptor of a three-channel image model. Raises ImageModelError."""
    try:
        with importable():
            import spandrel
    except ImportError as error:
        advice = "install the extra: pip install 'sparkvsr[isr]'"
        raise ImageModelError(f"{path.name}: weights files need spandrel ({error}); {advice}") from error
    state = _state_of(path)
    try:
        model = spandrel.ModelLoader(device="cpu").load_from_state_dict(spandrel.canonicalize_state_dict(state))
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise ImageModelError(f"{path.name}: spandrel knows no model of these weights: {reason}") from error
    if not isinstance(model, spandrel.ImageModelDescriptor) or model.purpose == "FaceSR":
        raise ImageModelError(f"{path.name}: expected a model for whole pictures, found {model.purpose}")
    if (model.input_channels, model.output_channels) != (3, 3):
        found = f"{model.input_channels} to {model.output_channels}"
        raise ImageModelError(f"{path.name}: expected a model of 3 channels, found {found}")
    return model.eval().float()


def _state_of(path: Path) -> Any:
    """The tensors of a file; nothing in it can run. Raises ImageModelError."""
    if path.suffix.lower() not in SUFFIXES:
        raise ImageModelError(f"{path}: expected a file of {', '.join(SUFFIXES)}, found {path.suffix or 'no suffix'}")
    try:
        if path.suffix.lower() == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ImageModelError(f"{path} cannot be read: {type(error).__name__}: {error}") from error


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of the source, rows and columns: ``core`` is what it contributes, ``outer`` what the model sees of it."""

    core: tuple[slice, slice]
    outer: tuple[slice, slice]

    def target(self, axis: int, scale: int) -> slice:
        """Where its core lies in the whole result."""
        return slice(self.core[axis].start * scale, self.core[axis].stop * scale)

    def inner(self, axis: int, scale: int) -> slice:
        """Where its core lies in the model's result for ``outer``."""
        first = self.core[axis].start - self.outer[axis].start
        return slice(first * scale, (first + self.core[axis].stop - self.core[axis].start) * scale)


def tiles_of(height: int, width: int) -> Iterator[Tile]:
    """Tiles that cover the source, row by row; what they see overlaps."""
    for rows, seen_rows in _spans(height):
        for columns, seen_columns in _spans(width):
            yield Tile((rows, columns), (seen_rows, seen_columns))


def _spans(size: int) -> Iterator[tuple[slice, slice]]:
    for first in range(0, size, TILE):
        last = min(first + TILE, size)
        yield slice(first, last), slice(max(first - OVERLAP, 0), min(last + OVERLAP, size))
