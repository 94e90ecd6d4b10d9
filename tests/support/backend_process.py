"""Backends as real processes, and the bill they leave: every one is ended by a deadline, and must leave nothing
behind.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sparkvsr_backend.client import Client
from sparkvsr_backend.errors import BackendError

REPOSITORY = Path(__file__).resolve().parents[2]
START_S = 60.0
END_S = 15.0


class BackendProcess:
    """A server process in a runtime directory of its own. ``module``: with the test engines, or the package's own."""

    def __init__(
        self, directory: Path, *options: str, module: str = "support.serve", environment: dict[str, str] | None = None
    ) -> None:
        self.directory = directory
        self.log = directory.parent / f"{directory.name}-{secrets.token_hex(4)}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *module.split(), "--log", "-", *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                env={
                    **os.environ,
                    "SPARKVSR_RUNTIME_DIR": str(directory),
                    "PYTHONPATH": python_path(),
                    **(environment or {}),
                },
            )

    def client(self, **options: object) -> Client:
        """A new connection."""
        return Client(self.directory, **options)  # type: ignore[arg-type]

    def wait_until_serving(self) -> None:
        wait_for(lambda: self._serves(), START_S, f"the backend to serve; its log: {self.log}")

    def wait_until_ended(self, timeout_s: float = END_S) -> int:
        """The exit status. Raises subprocess.TimeoutExpired."""
        return self.process.wait(timeout_s)

    def terminate(self) -> int:
        """SIGTERM, then SIGKILL if that is not enough, which is an error."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.wait_until_ended()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the backend did not end within {END_S} s of SIGTERM:\n{self.log_text()}") from None

    def log_text(self) -> str:
        return self.log.read_text(errors="replace")

    def _serves(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"the backend ended with {self.process.returncode}:\n{self.log_text()}")
        return answers(self.directory)


def answers(directory: Path) -> bool:
    """Whether a backend serves in this directory."""
    try:
        with Client(directory, timeout_s=1.0) as client:
            client.ping()
    except BackendError:
        return False
    return True


def wait_until_one_serves(directory: Path) -> None:
    """Wait until one of several backends that share a directory serves."""
    wait_for(lambda: answers(directory), START_S, f"a backend to serve in {directory}")


@contextmanager
def backend_process(
    directory: Path, *options: str, module: str = "support.serve", environment: dict[str, str] | None = None
) -> Iterator[BackendProcess]:
    """A serving backend; ended at the end, whatever happened."""
    backend = BackendProcess(directory, *options, module=module, environment=environment)
    try:
        backend.wait_until_serving()
        yield backend
    finally:
        backend.terminate()
        backend.log.unlink(missing_ok=True)


def wait_for(condition: object, timeout_s: float, what: str) -> None:
    """Poll until a callable returns something true. Raises AssertionError."""
    deadline = time.monotonic() + timeout_s
    while not condition():  # type: ignore[operator]
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout_s} s in vain for {what}")
        time.sleep(0.02)


def python_path() -> str:
    return os.pathsep.join(str(REPOSITORY / part) for part in (".", "backend", "tests"))
