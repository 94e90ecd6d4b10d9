"""The `sparkvsr` command."""

from sparkvsr.cli.main import main

__all__ = ["main"]
