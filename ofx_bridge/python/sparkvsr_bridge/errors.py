"""What the headless host raises. Every error says which rule, what was expected and what came."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Violation:
    """One broken rule: a stable name, the action during which it was broken, and what happened."""

    rule: str
    action: str
    text: str


class HostError(Exception):
    """The host refuses, or was used wrongly. ``name`` says which rule."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name


class LoadFailed(HostError):  # noqa: N818 -- the names say what happened
    """The binary cannot be loaded, or is no OpenFX image effect that this host can use."""


class ActionFailed(HostError):  # noqa: N818
    """An action answered with a failure. ``messages`` is what the plugin said through the message suites meanwhile."""

    def __init__(self, name: str, text: str, action: str, status: int, status_name: str, messages: list[str]) -> None:
        super().__init__(name, text)
        self.action = action
        self.status = status
        self.status_name = status_name
        self.messages = messages


class RenderFailed(ActionFailed):
    """The render action failed; in most hosts the artist now sees a red frame."""


class RenderAborted(RenderFailed):
    """The host had said abort. ``latency_ms``: from then until the render action returned."""

    def __init__(
        self,
        name: str,
        text: str,
        action: str,
        status: int,
        status_name: str,
        messages: list[str],
        *,
        latency_ms: float,
    ) -> None:
        super().__init__(name, text, action, status, status_name, messages)
        self.latency_ms = latency_ms


class PluginViolated(HostError):  # noqa: N818
    """The plugin broke rules of the standard or of this personality."""

    def __init__(self, name: str, text: str, violations: list[tuple[str, str, str]]) -> None:
        super().__init__(name, text)
        self.violations = [Violation(*one) for one in violations]

    @property
    def rules(self) -> set[str]:
        """The names of the broken rules."""
        return {one.rule for one in self.violations}
