"""The runtime directory: where it is, whether it can be trusted, and the lock and endpoint files in it."""

from __future__ import annotations

import errno
import fcntl
import ipaddress
import json
import os
import re
import stat
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sparkvsr_backend.errors import (
    AlreadyRunningError,
    BackendNotFoundError,
    InsecureRuntimeDirectoryError,
    RemoteAddressRefusedError,
)

ENDPOINT_FILE = "endpoint-v1.json"
LOCK_FILE = "backend-v1.lock"
SOCKET_FILE = "backend-v1.sock"
LOG_FILE = "backend-v1.log"
LONGEST_IPC_PATH = 107
_LARGEST_ENDPOINT_FILE = 65536
_TCP = re.compile(r"tcp://(?:\[([0-9a-fA-F:]+)\]|([0-9.]+)):(\d{1,5}|\*)")


@dataclass(frozen=True)
class Endpoint:
    """What the endpoint file says."""

    endpoint: str
    token: str
    pid: int
    start_time: float
    proto_min: int
    proto_max: int
    version: str


def runtime_directory() -> Path:
    """Where this user's backend lives: $SPARKVSR_RUNTIME_DIR, else $XDG_RUNTIME_DIR/sparkvsr, else
    /tmp/sparkvsr-<uid>.
    """
    chosen = os.environ.get("SPARKVSR_RUNTIME_DIR")
    if chosen:
        return Path(chosen)
    session = os.environ.get("XDG_RUNTIME_DIR")
    return Path(session) / "sparkvsr" if session else Path(f"/tmp/sparkvsr-{os.geteuid()}")  # noqa: S108 - checked below


def secure_directory(directory: Path, *, create: bool) -> None:
    """Make sure that the directory is the user's and closed to others.

    Raises InsecureRuntimeDirectoryError, FileNotFoundError.
    """
    if create:
        try:
            os.makedirs(directory, mode=0o700, exist_ok=True)  # noqa: PTH103 - the same call for str and Path
        except FileExistsError:
            _require(False, directory, "a directory", "something else")
    found = os.lstat(directory)
    _require(stat.S_ISDIR(found.st_mode), directory, "a directory", stat.filemode(found.st_mode))
    _require_private(directory, found)


def check_address(address: str) -> str:
    """The address, if it cannot be reached from another machine. Raises RemoteAddressRefusedError."""
    if address.startswith("ipc:///"):
        if len(address) - len("ipc://") > LONGEST_IPC_PATH:
            raise RemoteAddressRefusedError(
                "the path is too long for a socket", expected=f"at most {LONGEST_IPC_PATH} bytes", found=address
            )
        return address
    match = _TCP.fullmatch(address)
    if match and ipaddress.ip_address(match[1] or match[2]).is_loopback:
        return address
    raise RemoteAddressRefusedError(
        "only this machine may connect", expected="ipc:///path or tcp://127.0.0.1:port", found=address[:256]
    )


class Lock:
    """The lock that only one backend can hold; the file goes when it is given back."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = _locked(path)

    def is_held(self) -> bool:
        """Whether the file is still the one that is locked; a cleaner of temporary folders may have removed it."""
        return _is_still(self._path, self._descriptor)

    def give_back(self) -> None:
        """Remove the file while it is still ours, then let go."""
        if self.is_held():
            self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def _locked(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            _require_private(path, os.fstat(descriptor))
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_still(path, descriptor):
                return descriptor
        except OSError as error:
            os.close(descriptor)
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise AlreadyRunningError("another backend holds the lock", found=str(path)) from None
            raise
        except InsecureRuntimeDirectoryError:
            os.close(descriptor)
            raise
        os.close(descriptor)  # its owner removed the file between our open and our lock: try the new one


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except (FileNotFoundError, NotADirectoryError):
        return False


def write_endpoint(directory: Path, endpoint: Endpoint) -> None:
    """Write the endpoint file, mode 0600, so that a reader finds all of it or none."""
    draft = directory / f"{ENDPOINT_FILE}.{os.getpid()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(endpoint), file)
    draft.replace(directory / ENDPOINT_FILE)


def read_endpoint(directory: Path) -> Endpoint:
    """What the endpoint file says.

    Raises BackendNotFoundError, InsecureRuntimeDirectoryError, RemoteAddressRefusedError.
    """
    path = directory / ENDPOINT_FILE
    try:
        secure_directory(directory, create=False)
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise BackendNotFoundError("no backend runs", expected=str(path), found="no such file") from None
    except OSError as error:
        found = os.strerror(error.errno or 0)
        raise InsecureRuntimeDirectoryError(f"{path} cannot be trusted", expected="a file", found=found) from None
    with os.fdopen(_regular(path, descriptor), "rb") as file:
        _require_private(path, os.fstat(file.fileno()))
        endpoint = _parsed(path, file.read(_LARGEST_ENDPOINT_FILE))
    check_address(endpoint.endpoint)
    return endpoint


def _regular(path: Path, descriptor: int) -> int:
    """The descriptor, if that of a regular file; closed otherwise."""
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
    _require(stat.S_ISREG(mode), path, "a regular file", stat.filemode(mode))
    return descriptor


def _parsed(path: Path, text: bytes) -> Endpoint:
    try:
        found: dict[str, Any] = json.loads(text)
        return Endpoint(
            endpoint=str(found["endpoint"]),
            token=str(found["token"]),
            pid=int(found["pid"]),
            start_time=float(found["start_time"]),
            proto_min=int(found["proto_min"]),
            proto_max=int(found["proto_max"]),
            version=str(found["version"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise BackendNotFoundError(f"{path} cannot be read: {type(error).__name__} {error}") from None


def _require_private(path: Path, found: os.stat_result) -> None:
    _require(found.st_uid == os.geteuid(), path, f"uid {os.geteuid()}", f"uid {found.st_uid}")
    mode = stat.S_IMODE(found.st_mode)
    _require(not mode & 0o077, path, "no access for others", oct(mode))


def _require(fine: bool, path: Path, expected: str, found: str) -> None:
    if not fine:
        raise InsecureRuntimeDirectoryError(f"{path} cannot be trusted", expected=expected, found=found)
