"""Named errors: what was expected, what came. The names are those of docs/protocol.md, section 7."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar


class BackendError(Exception):
    """Base of this package. One request (or start) failed; the process goes on unless a subclass says otherwise."""

    name: ClassVar[str] = "EngineFailed"

    def __init__(self, message: str, *, expected: str = "", found: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.expected = expected
        self.found = found

    def __str__(self) -> str:
        if not self.expected and not self.found:
            return f"{self.name}: {self.message}"
        return f"{self.name}: {self.message} (expected {self.expected}, found {self.found})"


class BadMessageError(BackendError):
    """A header or descriptor is malformed, too large, of the wrong type or out of range. Raised by the decoder."""

    name = "BadMessage"
    request_id: int = 0

    def inside(self, key: str) -> BadMessageError:
        """The same error, one level further out."""
        path = key if self.message.startswith(("[", ":")) else f"{key}."
        outer = BadMessageError(path + self.message, expected=self.expected, found=self.found)
        outer.request_id = self.request_id
        return outer


class NotWelcomeError(BackendError):
    """A message came before HELLO. The peer may say HELLO."""

    name = "NotWelcome"


class WrongTokenError(BackendError):
    """HELLO held another token; the peer is forgotten."""

    name = "WrongToken"


class WrongProtocolError(BackendError):
    """No protocol version is spoken by both sides; the peer is forgotten."""

    name = "WrongProtocol"


class BadSlotError(BackendError):
    """A slot does not exist, is not the sender's, or is too small for the pixels."""

    name = "BadSlot"


class SegmentRefusedError(BackendError):
    """A shared memory segment failed its checks; the link goes on inline."""

    name = "SegmentRefused"


class UnknownEngineError(BackendError):
    """No engine of this name."""

    name = "UnknownEngine"


class UnsupportedSettingError(BackendError):
    """A setting has a value that the engine or the backend does not offer; it is never replaced by another."""

    name = "UnsupportedSetting"


class BadKeyframeError(BackendError):
    """A keyframe's picture cannot be read, or has another aspect ratio than its source."""

    name = "BadKeyframe"

    def of(self, keyframe: str) -> BadKeyframeError:
        """The same error, which says whose it is."""
        return BadKeyframeError(f"{keyframe}: {self.message}", expected=self.expected, found=self.found)


class OutOfMemoryError(BackendError):
    """A frame or a request does not fit the budget."""

    name = "OutOfMemory"


class EngineFailedError(BackendError):
    """Anything else in the engine; the message says what."""

    name = "EngineFailed"


class ShuttingDownError(BackendError):
    """The backend is about to exit; another one can be started once it has."""

    name = "ShuttingDown"


class InsecureRuntimeDirectoryError(BackendError):
    """The runtime directory or a file in it is not the user's own or is open to others. The process must not go on."""

    name = "InsecureRuntimeDirectory"


class RemoteAddressRefusedError(BackendError):
    """An address that is neither ipc:// nor loopback TCP. The process must not go on."""

    name = "RemoteAddressRefused"


class AlreadyRunningError(BackendError):
    """Another backend holds the lock; nothing is left to do for this one."""

    name = "AlreadyRunning"


class BackendNotFoundError(BackendError):
    """The client found no running backend."""

    name = "BackendNotFound"


class BackendSilentError(BackendError):
    """The client got no answer in time."""

    name = "BackendSilent"


class NeedFrames(Exception):  # noqa: N818 - a question, not a failure
    """Pixels of these fingerprints are missing; put them and render again."""

    def __init__(self, fingerprints: Iterable[bytes]) -> None:
        self.fingerprints = tuple(dict.fromkeys(fingerprints))
        super().__init__(f"pixels of {len(self.fingerprints)} frame(s) are missing")
