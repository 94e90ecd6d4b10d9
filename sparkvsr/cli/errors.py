"""What the command line says when something is wrong, and with which exit code."""

from __future__ import annotations

SUCCESS, FAILURE, USAGE, INTERRUPTED = 0, 1, 2, 130


class CommandError(Exception):
    """A command cannot go on. The message is one line: what was expected, what came, what to do."""

    exit_code = FAILURE
    name = "Failed"

    def __init__(self, message: str, *, name: str = "", expected: str = "", found: str = "", advice: str = "") -> None:
        super().__init__(message)
        self.name = name or self.name
        self.message = message
        self.expected = expected
        self.found = found
        self.advice = advice

    def __str__(self) -> str:
        parts = [f"expected {self.expected}"] if self.expected else []
        parts += [f"found {self.found}"] if self.found else []
        detail = f" ({', '.join(parts)})" if parts else ""
        return f"{self.message}{detail}{f'; {self.advice}' if self.advice else ''}"


class UsageError(CommandError):
    """The command was called in a way that cannot mean anything."""

    exit_code = USAGE
    name = "Usage"


class OutputExistsError(CommandError):
    """The output is there already; nothing is overwritten without --overwrite."""

    exit_code = USAGE
    name = "OutputExists"


class MissingPartError(CommandError):
    """A part of the installation is missing or broken."""

    name = "MissingPart"


def describe(error: BaseException) -> str:
    """``Name: message`` of any error that a user may see."""
    name = getattr(error, "name", "") if isinstance(getattr(error, "name", ""), str) else ""
    text = str(error) or "no message"
    name = name or type(error).__name__.removesuffix("Error")
    return text if text.startswith(f"{name}:") else f"{name}: {text}"


def expected_errors() -> tuple[type[BaseException], ...]:
    """Errors that need no traceback: their message says all. Imported late, as the science is slow to load."""
    from sparkvsr.engine import EngineError
    from sparkvsr.frames import FrameError
    from sparkvsr.media import MediaError
    from sparkvsr.propagation import FrameListError
    from sparkvsr_backend.errors import BackendError

    return (MediaError, EngineError, FrameError, FrameListError, BackendError)
