"""The `sparkvsr` command."""

from __future__ import annotations

from collections.abc import Sequence

from sparkvsr.cli.interruption import guarded_loading


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit code. None: the process's own one, and the process ends with it."""
    with guarded_loading(ends_process=arguments is None):
        from sparkvsr.cli.commands import main as run

        return run(arguments)


__all__ = ["main"]
