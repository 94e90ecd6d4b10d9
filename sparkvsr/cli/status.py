"""``sparkvsr status``: the counters of the running backend."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

from rich.table import Table

from sparkvsr.cli.errors import FAILURE, SUCCESS
from sparkvsr.cli.screen import Screen
from sparkvsr_backend.client import Client
from sparkvsr_backend.errors import BackendNotFoundError
from sparkvsr_backend.runtime import runtime_directory


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Run the command: exit code 1 when no backend runs. Raises BackendError."""
    try:
        with Client(name="sparkvsr-status") as client:
            reply = asdict(client.status())
            if options.shutdown:
                client.shutdown()
    except BackendNotFoundError:
        return _nothing_runs(options, screen)
    if options.json:
        screen.result(json.dumps({"running": True, **reply}, indent=2))
    else:
        screen.results.print(facts_table(reply))
        screen.results.print(cache_table(reply["cache"]))
    if options.shutdown:
        screen.note("the backend was asked to finish and exit")
    return SUCCESS


def _nothing_runs(options: argparse.Namespace, screen: Screen) -> int:
    if options.json:
        screen.result(json.dumps({"running": False}))
    else:
        screen.result(f"no backend runs for this user ({runtime_directory()}); the plugin starts one when it renders")
    return FAILURE


def facts_table(reply: dict[str, Any]) -> Table:
    """Who serves, and what was asked."""
    requests, frames = reply["requests"], reply["frames"]
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_row("backend", f"{reply['version']}, process {reply['pid']}, up {duration(reply['uptime_s'])}")
    table.add_row("device", reply["device"])
    table.add_row("clients", f"{reply['clients']}, sessions {reply['sessions']}, waiting requests {reply['queue']}")
    table.add_row("requests", ", ".join(f"{name} {count}" for name, count in requests.items()))
    table.add_row("frames received", f"{frames['received']} ({size(frames['received_bytes'])})")
    return table


def cache_table(tiers: dict[str, dict[str, int]]) -> Table:
    """One row a tier."""
    table = Table("cache", *(["hits", "misses", "entries", "bytes", "budget", "evictions"]))
    for column in table.columns[1:]:
        column.justify = "right"
    for name, tier in tiers.items():
        counts = [str(tier[key]) for key in ("hits", "misses", "entries")]
        table.add_row(
            name.replace("_", " "), *counts, size(tier["bytes"]), size(tier["budget_bytes"]), str(tier["evictions"])
        )
    return table


def size(count: float) -> str:
    """Bytes for people."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


def duration(seconds: float) -> str:
    """Seconds for people."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.description = "Show what the running backend has done, and what its caches hold."
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--shutdown", action="store_true", help="ask it to finish and exit, after the counters")
