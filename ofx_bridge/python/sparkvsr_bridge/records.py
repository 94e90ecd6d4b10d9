"""What the headless host takes and gives: pictures, faults, projects, and what a plugin said meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypedDict

import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
FrameFunction: TypeAlias = "Callable[[float], Array | None]"
Override: TypeAlias = "bool | int | float | str | list[str]"
ParamValue: TypeAlias = "bool | int | float | str | tuple[float, ...]"
Region: TypeAlias = tuple[float, float, float, float]


@dataclass(frozen=True)
class Message:
    """A plugin's message. ``kind``: its OpenFX type, behind ``persistent:`` where it is a persistent one."""

    kind: str
    id: str
    text: str


@dataclass(frozen=True)
class Progress:
    """One call of the progress suite: ``start``, ``update`` or ``end``."""

    kind: str
    fraction: float
    text: str


@dataclass(frozen=True)
class Rendered:
    """A frame and how it came. Rectangles: (x1, y1, x2, y2) in pixels, y up. ``milliseconds``: of the render action."""

    picture: Array
    bounds: tuple[int, int, int, int]
    window: tuple[int, int, int, int]
    identity: bool
    milliseconds: float
    abort_polls: int


@dataclass(frozen=True)
class Failing:
    """A suite function that answers ``status`` from its call number ``after`` on, ``count`` times (-1: for ever)."""

    status: int = 1
    after: int = 0
    count: int = -1


@dataclass(frozen=True)
class Faults:
    """What a test breaks in any personality.

    ``missing_suites``: "OfxMessageSuite/2". ``null_functions``: a NULL member in every suite that has it.
    ``failing``: suite function -> how. ``refused_properties``: kOfxStatErrUnknown on every object.
    """

    missing_suites: frozenset[str] = frozenset()
    null_functions: frozenset[str] = frozenset()
    failing: Mapping[str, Failing] = field(default_factory=dict)
    refused_properties: frozenset[str] = frozenset()


class SavedParam(TypedDict):
    """A parameter in a project."""

    type: str
    value: Any
    keys: list[tuple[float, Any]]


class Project(TypedDict):
    """What a project file keeps of an instance; plain values, fit for JSON."""

    identifier: str
    version: tuple[int, int]
    context: str
    params: dict[str, SavedParam]
