"""What the command line says when something is wrong, and with which exit code."""

from __future__ import annotations

SUCCESS, FAILURE, USAGE = 0, 1, 2


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


_OUR_ROOMS = ("sparkvsr", "sparkvsr_backend", "sparkvsr_bridge")


def as_told(error: Exception) -> Exception:
    """The error that says in words what ``error`` means to the user: itself where it is one of ours."""
    if type(error).__module__.partition(".")[0] in _OUR_ROOMS:
        return error
    if isinstance(error, OSError):
        return _of_the_system(error)
    if isinstance(error, MemoryError):
        return CommandError("memory ran out", name="OutOfMemory", advice="--memory takes less for caches")
    if isinstance(error, ImportError):
        return MissingPartError(f"a part cannot be loaded: {error}", advice="run `sparkvsr doctor`, or install again")
    return CommandError(
        f"{type(error).__name__}: {error}",
        name="Unexpected",
        advice="this is a fault of the program; --debug shows where it lies",
    )


def _of_the_system(error: OSError) -> CommandError:
    names = [str(name) for name in (error.filename, error.filename2) if name is not None]
    return CommandError(f"{' to '.join(names) or 'the system'}: {error.strerror or error}", name="SystemRefused")
