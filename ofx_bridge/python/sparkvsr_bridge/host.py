"""A headless OpenFX host: loads one plugin under a personality and works with it as an artist would."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from sparkvsr_bridge import _core
from sparkvsr_bridge.errors import HostError, Violation
from sparkvsr_bridge.instance import Instance
from sparkvsr_bridge.records import Faults, Message, Override, Project


def personality_names() -> list[str]:
    """Names that ``Host(personality=…)`` takes."""
    return _core.personality_names()


def override_names() -> list[str]:
    """Fields that ``Host(overrides=…)`` takes."""
    return _core.override_names()


class Host:
    """One plugin under one personality, from load to unload.

    Violations of the standard raise PluginViolated from the call in which they were found; ``violations="collect"``
    only keeps them in ``violations``. Usable as a context manager, which unloads.
    """

    def __init__(
        self,
        path: Path | str,
        personality: str = "strict",
        *,
        overrides: Mapping[str, Override] | None = None,
        faults: Faults | None = None,
        identifier: str = "",
        violations: str = "raise",
    ) -> None:
        if violations not in {"raise", "collect"}:
            raise ValueError(f"violations: expected 'raise' or 'collect', found {violations!r}")
        broken = faults or Faults()
        failing = {name: (one.status, one.after, one.count) for name, one in broken.failing.items()}
        self.personality = personality
        self._core = _core.Host(
            path=str(path),
            identifier=identifier,
            personality=personality,
            overrides=dict(overrides or {}),
            missing_suites=set(broken.missing_suites),
            null_functions=set(broken.null_functions),
            failing=failing,
            refused_properties=set(broken.refused_properties),
            raise_violations=violations == "raise",
        )

    def __enter__(self) -> Host:  # noqa: PYI034 -- Self is of Python 3.11
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.unload()
        elif self.loaded:
            self._unload_after_error()

    def _unload_after_error(self) -> None:
        """The first error is the one to show."""
        try:
            self.unload()
        except HostError:
            return

    def describe(self) -> dict[str, Any]:
        """Identifier, version, ``properties``, and per context ``clips``, ``params`` and ``properties`` with values."""
        return self._core.describe()

    @property
    def contexts(self) -> list[str]:
        """The contexts in which this host described the plugin."""
        return list(self.describe()["contexts"])

    def create_instance(self, context: str | None = None, *, project: Project | None = None) -> Instance:
        """A new instance; ``context`` None: the one this personality prefers. A project's parameters are set first."""
        return Instance(self._core.create_instance(context=_context(context), project=project), self)

    def unload(self) -> None:
        """Destroys what instances are left and unloads. What the plugin did not give back is a violation."""
        self._core.unload()

    @property
    def loaded(self) -> bool:
        """False after unload()."""
        return self._core.loaded

    @property
    def violations(self) -> list[Violation]:
        """All violations found so far."""
        return [Violation(*one) for one in self._core.violations()]

    def clear_violations(self) -> None:
        """Forgets them."""
        self._core.clear_violations()

    @property
    def messages(self) -> list[Message]:
        """Messages that named no instance."""
        return [Message(*one) for one in self._core.messages()]

    @property
    def suite_calls(self) -> dict[str, int]:
        """How often each suite function was called."""
        return self._core.calls()


def _context(name: str | None) -> str:
    """ "Filter" and "General" are short for the OpenFX names."""
    if name is None or name.startswith("OfxImageEffectContext"):
        return name or ""
    return "OfxImageEffectContext" + name
