"""What goes wrong with files: every error has a name and says what was expected and what came."""

from __future__ import annotations


class MediaError(Exception):
    """Base of the errors of files and clips; the caller may go on with other files.

    ``expected`` and ``found`` are for people; either may be empty.
    """

    def __init__(self, message: str, *, expected: str = "", found: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.expected = expected
        self.found = found

    def __str__(self) -> str:
        parts = [f"expected {self.expected}"] if self.expected else []
        parts += [f"found {self.found}"] if self.found else []
        return f"{self.message} ({', '.join(parts)})" if parts else self.message


def reason(error: Exception) -> str:
    """What the system or FFmpeg says, without number and file name: ours say which file in their own words."""
    return getattr(error, "strerror", None) or str(error)


class MediaNotFoundError(MediaError):
    """No such file, or no file on disk matches a pattern."""


class MissingFrameError(MediaError):
    """A frame of a clip was asked for that is not there."""


class UnreadableMediaError(MediaError):
    """The file is there but is damaged, or of a kind that cannot be read."""


class UnsupportedMediaError(MediaError):
    """The file could be read or written, but not with these properties."""


class BadPatternError(MediaError):
    """A path with a frame number pattern is malformed."""


class InconsistentSequenceError(MediaError):
    """The frames of one sequence differ in size, components or depth."""


class WriteFailedError(MediaError):
    """The output could not be written."""
