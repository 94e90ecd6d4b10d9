"""``sparkvsr cuts``: where the shots of a clip begin."""

from __future__ import annotations

import argparse
from contextlib import closing

from sparkvsr.cli.errors import SUCCESS
from sparkvsr.cli.keyframe_sources import cuts_of
from sparkvsr.cli.screen import Screen
from sparkvsr.color import Transfer
from sparkvsr.engine import Watch
from sparkvsr.media import open_clip


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Print the first frames of the shots but the first, in one line, as ``--cuts`` takes them. Raises MediaError."""
    with closing(open_clip(options.input)) as clip, screen.follow("looking for cuts") as follower:
        transfer = clip.info.transfer if options.transfer == "auto" else Transfer(options.transfer)
        total = len(clip.numbers)

        def progress(fraction: float, stage: str) -> None:
            follower.at(round(fraction * total), total)

        found = cuts_of(clip, transfer, Watch(progress=progress))
        follower.at(total, total)
    screen.result(" ".join(map(str, found)))
    return SUCCESS


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.description = (
        "Find the cuts of a video or a picture sequence, and print the first frame of each shot but the first. "
        "Flashes and fast pans are no cuts; dissolves are not found."
    )
    parser.add_argument("input", metavar="CLIP", help="video or sequence pattern")
    parser.add_argument(
        "--transfer",
        choices=["auto", *map(str, Transfer)],
        default="auto",
        help="transfer curve of the clip (default: from the file)",
    )
