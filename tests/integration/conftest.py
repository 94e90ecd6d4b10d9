"""How plugins of these tests start their backend: the one of this Python, with modest caches."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import pytest

COMMAND = [
    sys.executable,
    "-m",
    "sparkvsr_backend",
    "serve",
    "--device",
    "cpu",
    "--cache-gb",
    "3",
    "--idle-timeout",
    "60",
]


@pytest.fixture(scope="session", autouse=True)
def backend_command(runtime_dir: object) -> Iterator[None]:
    """What the plugin is told to start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARKVSR_BACKEND_COMMAND", json.dumps(COMMAND))
        yield
