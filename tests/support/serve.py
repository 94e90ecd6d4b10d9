"""A server process with test engines instead of those of the package: `python -m support.serve [options of serve]`."""

import sys
from typing import TYPE_CHECKING

from sparkvsr_backend.launcher import leave, parse_arguments, run

if TYPE_CHECKING:
    from sparkvsr.engine import EngineRegistry


def registry() -> "EngineRegistry":
    """Made when the lock is held, so that a backend that comes too late leaves quickly."""
    from support.engines import serving_registry

    return serving_registry()


if __name__ == "__main__":
    leave(run(parse_arguments(sys.argv[1:]), registry))
