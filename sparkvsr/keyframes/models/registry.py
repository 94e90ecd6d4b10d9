"""Image models by what the user writes: ``blind``, a weights file, ``command:…``, ``python:…``, or a name of one's own.

A project that comes from elsewhere must not be able to run a program. So where requests come from a host, commands and
callables count only by the names that this machine's user gave them in ``image_models.json``.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import torch

from sparkvsr.engine import Engine
from sparkvsr.keyframes.models.blind import BlindPart
from sparkvsr.keyframes.models.contract import ImageModel, ImageModelError
from sparkvsr.keyframes.models.weights import SUFFIXES, WeightsModel

EXPECTED: Final = "blind, a weights file (.pth .safetensors …), command:PROGRAM {in} {out}, python:module:function"
_RUNNING: Final = ("command:", "python:")


class UnknownImageModelError(ImageModelError):
    """No image model is written like this, or it may not be named from a host."""


def user_file() -> Path:
    """Where the user's own names of image models stand: ``{"name": "command:…"}``."""
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base, "sparkvsr", "image_models.json")


def names_of_user(path: Path | None = None) -> dict[str, str]:
    """The user's names; none where there is no file. Raises ImageModelError."""
    path = path or user_file()
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ImageModelError(f"{path} cannot be read: {error}") from error
    if not isinstance(known, dict) or not all(isinstance(text, str) for text in known.values()):
        raise ImageModelError(f'{path}: expected {{"name": "command:…", …}}, found something else')
    return known


@dataclass
class ImageModels:
    """Makes and keeps image models. ``trusted``: whether commands and callables may be named directly. Thread-safe."""

    blind_engine: Callable[[], Engine]
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    trusted: bool = False
    names: Callable[[], Mapping[str, str]] = names_of_user
    _made: dict[str, ImageModel] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, text: str) -> ImageModel:
        """The model that ``text`` names. Raises UnknownImageModelError, ImageModelError."""
        meant = self._meant(text.strip())
        with self._lock:
            if meant not in self._made:
                self._made[meant] = self._make(meant)
            return self._made[meant]

    def add(self, name: str, model: ImageModel) -> None:
        """Offer a model under a name of its own, which goes before all others."""
        with self._lock:
            self._made[name] = model

    def _meant(self, text: str) -> str:
        if text in self._made and not text.startswith(_RUNNING):
            return text
        meant = self.names().get(text, text)
        if meant is text and text.startswith(_RUNNING) and not self.trusted:
            raise UnknownImageModelError(
                f"expected a name from {user_file()}, found {text!r}: a project cannot name a program by itself"
            )
        return meant

    def _make(self, text: str) -> ImageModel:
        if text == "blind":
            return BlindPart(self.blind_engine)
        if text.startswith("command:"):
            from sparkvsr.keyframes.models.command import CommandModel  # late: it reads and writes pictures

            return CommandModel(text.removeprefix("command:").strip())
        if text.startswith("python:"):
            from sparkvsr.keyframes.models.function import imported

            return imported(text.removeprefix("python:").strip())
        path = Path(text)
        if path.suffix.lower() not in SUFFIXES:
            raise UnknownImageModelError(f"expected {EXPECTED}, found {text!r}")
        if not path.is_file():
            raise ImageModelError(f"{path}: no such file")
        return WeightsModel(path.resolve(), self.device)
