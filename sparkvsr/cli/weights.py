"""``sparkvsr weights``: the checkpoint of the 5B engine on this machine."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sparkvsr.cli import values
from sparkvsr.cli.errors import SUCCESS, UsageError
from sparkvsr.cli.screen import Screen
from sparkvsr.cli.status import size

if TYPE_CHECKING:
    from sparkvsr.cogvideox.record import Progress, Record

NAMES = ("sparkvsr-5b",)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and their options."""
    parser.description = "The checkpoint of the SparkVSR 5B engine. The lite engine's comes with the package."
    actions = parser.add_subparsers(metavar="ACTION", required=True)

    def action(name: str, text: str, act: Callable[[argparse.Namespace, Screen], int]) -> argparse.ArgumentParser:
        added = actions.add_parser(name, help=text, description=text)
        added.set_defaults(act=act)
        return added

    fetching = action("fetch", "download a checkpoint and install it", _fetch)
    fetching.add_argument("name", choices=NAMES)
    fetching.add_argument("--endpoint", metavar="URL", help="a mirror of the hub (default: HF_ENDPOINT, else the hub)")
    fetching.add_argument("--repository", metavar="OWNER/NAME", help="another repository of the same layout")
    fetching.add_argument("--revision", help="branch, tag or commit (default: the newest)")
    fetching.add_argument("--offline", action="store_true", help="only look at what is installed")
    _add_prompt(fetching)
    using = action("use", "install a local copy where it lies: look, hash, remember", _use)
    using.add_argument("folder", type=Path)
    _add_prompt(using)
    using.add_argument(
        "--text-encoder", type=Path, metavar="FOLDER", help="compute the empty prompt's embedding with this T5 encoder"
    )
    action("list", "what is installed", _list)
    action("path", "where it lies", _path).add_argument("name", nargs="?", choices=NAMES, default=NAMES[0])
    checking = action("verify", "read every byte and compare checksums", _verify)
    checking.add_argument("name", nargs="?", choices=NAMES, default=NAMES[0])
    planning = action("plan", "what fits a card: tiles to keep as engine options, and where the weights lie", _plan)
    planning.add_argument("--size", type=values.fit, required=True, metavar="WxH", help="of the output")
    planning.add_argument(
        "--budget",
        type=values.number_in(0.1, 4096),
        nargs="+",
        metavar="GB",
        help="of its memory (default: what is free on this machine's, less a margin; without a card 12 16 24 80)",
    )
    planning.add_argument(
        "--keep", default="", metavar="OPTIONS", help="engine options that are settled, like chunk=49,vae=512"
    )
    planning.add_argument("--no-bfloat16", action="store_true", help="plan for a card without it (before 2020)")
    tiny = action("make-tiny", "write a random checkpoint of the same layout, for tests", _make_tiny)
    tiny.add_argument("folder", type=Path)
    tiny.add_argument("--seed", type=int, default=0)


def _add_prompt(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--prompt-embedding", metavar="PLACE", help="file or address of the empty prompt's embedding (safetensors)"
    )


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Run the action. Raises WeightsError, EngineUnavailableError."""
    act: Callable[[argparse.Namespace, Screen], int] = options.act
    return act(options, screen)


def _fetch(options: argparse.Namespace, screen: Screen) -> int:
    from sparkvsr.cogvideox import fetch

    if options.offline:
        record = fetch.installed_offline()
    else:
        chosen = {name: getattr(options, name) for name in ("endpoint", "repository", "revision")}
        chosen["prompt"] = options.prompt_embedding
        source = fetch.Source(**{name: value for name, value in chosen.items() if value is not None})
        if screen.quiet:
            from huggingface_hub.utils import disable_progress_bars

            disable_progress_bars()
        record = fetch.fetch(source, tell=screen.note)
    screen.result(str(record.folder))
    return SUCCESS


def _use(options: argparse.Namespace, screen: Screen) -> int:
    from sparkvsr.cogvideox.fetch import take_prompt
    from sparkvsr.cogvideox.prompt import compute_prompt
    from sparkvsr.cogvideox.record import record_of, write_record

    if options.prompt_embedding is not None:
        take_prompt(options.prompt_embedding, options.folder)
    elif options.text_encoder is not None:
        compute_prompt(options.text_encoder, options.folder)
    with _reading(screen, "hashing", _bytes_in(options.folder)) as progress:
        record = record_of(options.folder, progress)
    write_record(record)
    screen.result(str(record.folder))
    return SUCCESS


def _list(options: argparse.Namespace, screen: Screen) -> int:
    from sparkvsr.cogvideox.errors import WeightsMissingError
    from sparkvsr.cogvideox.record import read_record

    try:
        screen.result(_line(NAMES[0], read_record()))
    except WeightsMissingError:
        screen.result(f"{NAMES[0]}  not installed")
    return SUCCESS


def _line(name: str, record: Record) -> str:
    return f"{name}  {size(record.size)} in {len(record.files)} files  {record.digest[:16]}  {record.folder}"


def _path(options: argparse.Namespace, screen: Screen) -> int:
    from sparkvsr.cogvideox.record import read_record

    screen.result(str(read_record().folder))
    return SUCCESS


def _verify(options: argparse.Namespace, screen: Screen) -> int:
    from sparkvsr.cogvideox.record import read_record

    record = read_record()
    record.checkpoint()
    with _reading(screen, "reading", record.size) as progress:
        record.verify(progress)
    screen.result(f"{options.name}  {len(record.files)} files, all as they were installed")
    return SUCCESS


def _make_tiny(options: argparse.Namespace, screen: Screen) -> int:
    from sparkvsr.cogvideox.tiny import make_tiny

    screen.result(str(make_tiny(options.folder, options.seed)))
    return SUCCESS


_CARDS = (12, 16, 24, 80)
"""Gigabytes of cards that there are."""


def _plan(options: argparse.Namespace, screen: Screen) -> int:
    from sparkvsr.cogvideox.options import given_options, parse_options
    from sparkvsr.cogvideox.planner import GB, Card, propose

    if options.size.width is None or options.size.height is None:
        raise UsageError("--size", expected="both sides, like 1920x1080", found="one")
    kept, budgets = given_options(options.keep), _budgets(options.budget)
    for budget in budgets:
        card = Card("cuda", bfloat16=not options.no_bfloat16)
        found = propose(options.size.height, options.size.width, budget, card, parse_options(options.keep), set(kept))
        screen.note(found.why)
        place = f"{budget / GB:g} GB  " if len(budgets) > 1 else ""
        screen.result(f"{place}sparkvsr-5b?{found.text}")
    return SUCCESS


def _budgets(named: list[float] | None) -> list[int]:
    """Bytes."""
    import torch

    from sparkvsr.cogvideox.budget import plannable
    from sparkvsr.cogvideox.planner import GB

    if named is None and torch.cuda.is_available():
        return [plannable(torch.device("cuda"))]
    return [int(budget * GB) for budget in named or _CARDS]


_STEP = 256 << 20


@contextmanager
def _reading(screen: Screen, title: str, total: int) -> Iterator[Progress]:
    """A bar that counts in quarters of a GiB."""
    read = 0
    with screen.progress(title, max(1, -(-total // _STEP))) as meter:

        def progress(name: str, count: int) -> None:
            nonlocal read
            before, read = read, read + count
            for _ in range(before // _STEP, read // _STEP):
                meter.step(name)

        yield progress


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.safetensors"))
