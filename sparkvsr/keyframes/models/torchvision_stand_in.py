"""Importing spandrel where torchvision is missing, or does not fit torch (its CUDA build beside a CPU torch).

Two of spandrel's many architectures, neither for super-resolution, use torchvision; all of them import it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

_NAMES = ("torchvision", "torchvision.transforms", "torchvision.transforms.functional")


@contextmanager
def importable() -> Iterator[None]:
    """While this lasts, ``torchvision`` can be imported: the real one, or three functions that refuse to work."""
    if "spandrel" in sys.modules or _works():
        yield
        return
    modules = {name: ModuleType(name) for name in _NAMES}
    for name in _NAMES[:-1]:
        modules[name].__path__ = []
    functional = modules[_NAMES[-1]]
    vars(functional).update(InterpolationMode=_Modes, rotate=_refuse, normalize=_refuse)
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name in _NAMES:
            sys.modules.pop(name, None)


class _Modes:
    """The names that a default argument may take."""

    NEAREST = "nearest"
    BILINEAR = "bilinear"


def _refuse(*_: Any, **__: Any) -> Any:
    raise ImportError("this model needs torchvision in a build that fits torch")


def _works() -> bool:
    try:
        importlib.import_module(_NAMES[-1])
    except (ImportError, RuntimeError, OSError):
        for name in [name for name in sys.modules if name.partition(".")[0] == _NAMES[0]]:
            del sys.modules[name]
        return False
    return True
