"""``sparkvsr demo``: the film, through the real plugin."""

from __future__ import annotations

import argparse

from sparkvsr.cli.screen import Screen


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Run the command."""
    return 1


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
