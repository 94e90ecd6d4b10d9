"""How a backend stays to be found: what a cleaner of temporary folders took of its files is put back."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sparkvsr_backend.log import event
from sparkvsr_backend.protocol import PROTOCOL_MAX, PROTOCOL_MIN
from sparkvsr_backend.runtime import ENDPOINT_FILE, Endpoint, Lock, write_endpoint
from sparkvsr_backend.version import VERSION

if TYPE_CHECKING:
    from sparkvsr_backend.server import Server

_IPC = "ipc://"


class Presence:
    """The files by which links find this backend. All belong to whoever holds the lock, and to nobody else."""

    def __init__(self, directory: Path, lock: Lock, address: str, token: str) -> None:
        self._directory = directory
        self._lock = lock
        self._address = address
        self._token = token
        self._server: Server | None = None
        self._endpoint = ""

    def announce(self, server: Server, endpoint: str) -> None:
        """Write the endpoint file; the server listens already."""
        self._server = server
        self._endpoint = endpoint
        self._write()

    def renew(self) -> bool:
        """Put back what has vanished; False when the lock itself has: then the place is another backend's."""
        if self._server is None:
            return True
        if not self._lock.is_held():
            event("lock_lost", level=30, directory=str(self._directory))
            return False
        socket = self._socket_file()
        if socket is not None and not socket.exists():
            event("socket_lost", level=30, path=str(socket))
            self._server.bind_again(self._address, self._endpoint)
        if not (self._directory / ENDPOINT_FILE).exists():
            event("endpoint_lost", level=30, directory=str(self._directory))
            self._write()
        return True

    def withdraw(self) -> None:
        """Remove what is ours."""
        if not self._lock.is_held():
            return
        (self._directory / ENDPOINT_FILE).unlink(missing_ok=True)
        socket = self._socket_file()
        if socket is not None:
            socket.unlink(missing_ok=True)

    def _socket_file(self) -> Path | None:
        return Path(self._address.removeprefix(_IPC)) if self._address.startswith(_IPC) else None

    def _write(self) -> None:
        write_endpoint(
            self._directory,
            Endpoint(
                endpoint=self._endpoint,
                token=self._token,
                pid=os.getpid(),
                start_time=time.time(),
                proto_min=PROTOCOL_MIN,
                proto_max=PROTOCOL_MAX,
                version=VERSION,
            ),
        )
