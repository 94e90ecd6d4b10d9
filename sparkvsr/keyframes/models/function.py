"""A Python callable as an image model: an array in, a larger array out."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from sparkvsr.engine import Watch
from sparkvsr.keyframes.models.contract import ImageModelError

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class FunctionModel:
    """``function`` takes float32 RGB [h, w, 3], sRGB in 0..1, and gives a larger [H, W, 3] of the same kind.

    ``name``: what its results are known by; equal names must mean equal functions.
    """

    function: Callable[[Array], Array]
    name: str

    @property
    def identity(self) -> bytes:
        """By its name."""
        return hashlib.blake2b(self.name.encode(), digest_size=16, key=b"function").digest()

    def enlarge(self, picture: torch.Tensor, watch: Watch) -> torch.Tensor:
        """What the function gives; it cannot be interrupted."""
        watch.step(0.0, "image model")
        given = np.ascontiguousarray(picture.permute(1, 2, 0).cpu().numpy())
        try:
            made: Any = np.asarray(self.function(given))
        except Exception as error:
            raise ImageModelError(f"{self.name} failed: {type(error).__name__}: {error}") from error
        if made.ndim != 3 or made.shape[2] != 3 or not np.issubdtype(made.dtype, np.floating):
            found = f"{made.dtype} {made.shape}"
            raise ImageModelError(f"{self.name}: expected an array of floats [H, W, 3], found {found}")
        return torch.from_numpy(np.ascontiguousarray(made.transpose(2, 0, 1), np.float32))


def imported(name: str) -> FunctionModel:
    """The callable ``package.module:function``. Raises ImageModelError."""
    module_name, colon, attribute = name.partition(":")
    if not colon or not module_name or not attribute:
        raise ImageModelError(f"expected package.module:function, found {name!r}")
    try:
        function: Any = importlib.import_module(module_name)
        for part in attribute.split("."):
            function = getattr(function, part)
    except (ImportError, AttributeError) as error:
        raise ImageModelError(f"{name} cannot be imported: {error}") from error
    if not callable(function):
        raise ImageModelError(f"{name}: expected a callable, found {type(function).__name__}")
    return FunctionModel(function, name)
