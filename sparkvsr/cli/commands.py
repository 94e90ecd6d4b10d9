"""The ``sparkvsr`` command: its subcommands, and one place where errors become a line and an exit code."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from sparkvsr.arithmetic import hold_to_common
from sparkvsr.cli.errors import FAILURE, USAGE, CommandError, as_told, describe
from sparkvsr.cli.interruption import INTERRUPTED, WORDS, working
from sparkvsr.cli.screen import Screen

Run = Callable[[argparse.Namespace, Screen], int]


COMMANDS = {
    "upscale": "upscale a clip, guided by keyframes",
    "cuts": "find where the shots of a clip begin",
    "weights": "download, check and list the checkpoint of the 5B engine",
    "train": "train the networks of the lite engine",
    "demo": "make a clip, upscale it through the real plugin, measure, show",
    "install-plugin": "put the plugin where hosts find it",
    "doctor": "check the installation; each finding with a fix",
    "status": "what the running backend does",
    "serve": "run the backend (the plugin starts one by itself)",
}


def build_parser(chosen: str | None) -> argparse.ArgumentParser:
    """The command line. Only the chosen command's module is loaded: the science takes seconds, a status should not."""
    parser = argparse.ArgumentParser(prog="sparkvsr", description="Keyframe-guided video super-resolution.")
    parser.add_argument("--version", action="version", version=f"sparkvsr {_version()}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text)
        command.add_argument("--quiet", action="store_true", help="print results and warnings only")
        command.add_argument("--debug", action="store_true", help="show the traceback of an error")
        if name == chosen:
            module = import_module(f"sparkvsr.cli.{name.replace('-', '_')}")
            command.set_defaults(run=module.run)
            module.configure(command)
    return parser


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("sparkvsr")
    except PackageNotFoundError:
        return "(not installed)"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted.

    The one place where an error becomes a line: whatever it is, unless ``--debug`` wants the traceback.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if arguments is None:
        _print_any_name()
    try:
        return serve(words[1:]) if words[:1] == ["serve"] else _run(words)
    except KeyboardInterrupt:
        Screen().error(WORDS)
        return INTERRUPTED
    except Exception as error:
        if "--debug" in words:
            raise
        Screen().error(describe(as_told(error)))
        return error.exit_code if isinstance(error, CommandError) else FAILURE


def _print_any_name() -> None:
    """Names of files may hold bytes that the terminal's encoding does not know: they are shown as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _run(words: list[str]) -> int:
    """A command. Raises what it raises."""
    hold_to_common()
    parser = build_parser(words[0] if words else None)
    try:
        options = parser.parse_args(words)
    except SystemExit as stop:  # argparse has said what it expected
        return stop.code if isinstance(stop.code, int) else USAGE
    run: Run = options.run
    working()
    return run(options, Screen(options.quiet))


def serve(words: Sequence[str]) -> int:
    """The backend has a command line of its own."""
    from sparkvsr_backend.launcher import leave
    from sparkvsr_backend.launcher import main as launch

    code = launch(["serve", *words])
    leave(code)
    return code
