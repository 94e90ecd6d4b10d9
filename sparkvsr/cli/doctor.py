"""``sparkvsr doctor``: check the installation from the bundle to a rendered frame; each finding with a fix."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path

from rich.table import Table
from rich.text import Text

from sparkvsr.cli import values
from sparkvsr.cli.errors import FAILURE, SUCCESS, CommandError, describe
from sparkvsr.cli.findings import Finding, Level
from sparkvsr.cli.screen import Screen

_STYLES = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red bold"}
Check = Callable[[], Iterator[Finding]]


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Run the command: exit code 1 when anything fails."""
    findings = list(examine(screen, options.bundle))
    if options.json:
        screen.result(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        screen.results.print(_table(findings))
        screen.results.print(_summary(findings))
    return FAILURE if any(finding.level is Level.FAIL for finding in findings) else SUCCESS


def examine(screen: Screen, bundle: Path | None = None) -> Iterator[Finding]:
    """All checks, one after the other; one that breaks is a finding itself. ``bundle``: look at that one only."""
    for name, check in _checks(bundle).items():
        screen.note(f"checking {name} …")
        try:
            yield from check()
        except CommandError as error:
            yield Finding(name, Level.FAIL, describe(error), error.advice or "install the package again")
        except ImportError as error:
            yield Finding(name, Level.FAIL, str(error), "install the package again: `make setup`, or `pip install .`")


def _checks(bundle: Path | None) -> dict[str, Check]:
    from sparkvsr.cli import backend_checks, bundle_checks, machine_checks

    about_the_bundle: dict[str, Check] = {
        "bundle": partial(bundle_checks.layout, bundle),
        "binary": partial(bundle_checks.binary, bundle),
        "loading": partial(bundle_checks.loading, bundle),
    }
    if bundle is not None:
        return about_the_bundle
    return about_the_bundle | {
        "host paths": bundle_checks.host_paths,
        "packages": machine_checks.packages,
        "processor": machine_checks.processor,
        "CUDA": machine_checks.cuda,
        "shared memory": machine_checks.shared_memory,
        "runtime directory": backend_checks.runtime_rights,
        "running backend": backend_checks.running,
        "round trip": backend_checks.round_trip,
    }


def _table(findings: list[Finding]) -> Table:
    """One row a finding, the fix under it."""
    table = Table("check", "", box=None, padding=(0, 2, 0, 0))
    table.add_column("finding", overflow="fold")
    for finding in findings:
        text = Text(finding.text)
        if finding.fix:
            text.append(f"\n→ {finding.fix}", style="bold")
        table.add_row(finding.check, Text(finding.level.value, style=_STYLES[finding.level]), text)
    return table


def _summary(findings: list[Finding]) -> Text:
    """The last line: how many of each."""
    counts = {level: sum(finding.level is level for finding in findings) for level in Level}
    worst = next(level for level in (Level.FAIL, Level.WARN, Level.OK) if counts[level])
    text = ", ".join(f"{count} {level}" for level, count in counts.items() if count)
    return Text(text, style=_STYLES[worst])


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.description = (
        "Check the plugin's bundle, what it exports and needs, where hosts look, devices, memory, rights, and render a "
        "test frame through a backend started for it. Exit code 1 when something fails."
    )
    parser.add_argument("--bundle", type=values.folder, metavar="DIR", help="look at this bundle only: what it needs")
    parser.add_argument("--json", action="store_true", help="for programs")
