"""What the commands print: results on standard output, all else on standard error, a bar where there is a terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

_LINE_SECONDS = 60.0


class Screen:
    """Two consoles. ``quiet``: notes and progress are left out; results and errors stay."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.results = Console(soft_wrap=True, highlight=False)
        self.messages = Console(stderr=True, soft_wrap=True, highlight=False)

    def result(self, text: str) -> None:
        """A line of what was asked for."""
        self.results.print(Text(text))

    def note(self, text: str) -> None:
        """Something good to know."""
        if not self.quiet:
            self.messages.print(Text(text, style="dim"))

    def warn(self, text: str) -> None:
        """Something that did not stop the command but should be known."""
        self.messages.print(Text.assemble(("warning: ", "yellow bold"), text))

    def error(self, text: str) -> None:
        """Why the command failed: one line, whatever lines other libraries' messages have."""
        self.messages.print(Text.assemble(("error: ", "red bold"), " ".join(text.split("\n"))))

    @contextmanager
    def progress(self, title: str, total: int) -> Iterator[Meter]:
        """A bar with count, time and rate; plain lines now and then where there is no terminal."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("[dim]{task.fields[remark]}"),
        )
        shown = not self.quiet and self.messages.is_terminal
        with Progress(*columns, console=self.messages, disable=not shown) as bar:
            task = bar.add_task(title, total=total, remark="")
            yield Meter(bar, task, title, total, None if shown or self.quiet else self)

    @contextmanager
    def follow(self, title: str) -> Iterator[Follower]:
        """A bar for work that knows itself where it is, and says more than a count."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        shown = not self.quiet and self.messages.is_terminal
        with Progress(
            *columns, TextColumn("[dim]{task.fields[remark]}"), console=self.messages, disable=not shown
        ) as bar:
            yield Follower(bar, title, None if shown or self.quiet else self)


class Follower:
    """Shows where a long piece of work is."""

    def __init__(self, bar: Progress, title: str, plain: Screen | None) -> None:
        self._bar, self._title, self._plain = bar, title, plain
        self._task = bar.add_task(title, total=None, remark="")
        self._told = 0.0

    def at(self, done: int, total: int, remark: str = "") -> None:
        """``done`` of ``total``; without a terminal a line a minute, and the last."""
        self._bar.update(self._task, completed=done, total=total, remark=remark)
        now = time.monotonic()
        if self._plain is not None and (done == total or now - self._told > _LINE_SECONDS):
            self._told = now
            self._plain.note(f"{self._title}: {done}/{total} {remark}".rstrip())


class Meter:
    """Counts the steps of one task."""

    def __init__(self, bar: Progress, task: object, title: str, total: int, plain: Screen | None) -> None:
        self._bar, self._task, self._title, self._total, self._plain = bar, task, title, total, plain
        self._done = 0

    def step(self, remark: str = "") -> None:
        """One more is done."""
        self._done += 1
        self._bar.update(self._task, advance=1, remark=remark)  # type: ignore[arg-type]
        decade = max(1, self._total // 10)
        if self._plain is not None and (self._done % decade == 0 or self._done == self._total):
            self._plain.note(f"{self._title}: {self._done}/{self._total} {remark}".rstrip())
