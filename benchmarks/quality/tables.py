"""Tables of text, for the screen and for Markdown."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from rich.table import Table


@dataclass
class Sheet:
    """A table of text: ``title`` above it, ``head`` the names of its columns."""

    title: str
    head: list[str]
    rows: list[list[str]] = field(default_factory=list)

    def on_screen(self) -> Table:
        table = Table(title=self.title)
        for place, name in enumerate(self.head):
            table.add_column(name, justify="right" if place else "left")
        for row in self.rows:
            table.add_row(*row)
        return table

    def markdown(self) -> str:
        rule = ["---", *(["---:"] * (len(self.head) - 1))]
        cells = [[cell.replace("|", "\\|") for cell in row] for row in (self.head, rule, *self.rows)]
        lines = [" | ".join(row) for row in cells]
        return f"{self.title}\n\n" + "\n".join(f"| {line} |" for line in lines) + "\n"


def write_markdown(path: Path, tool: str, text: str) -> None:
    """Replace what stands between a tool's marks in a document, or all of a file that has no such marks."""
    begin, end = f"<!-- {tool} -->", f"<!-- end of {tool} -->"
    document = path.read_text(encoding="utf-8") if path.is_file() else ""
    if begin in document and end in document:
        before, _, rest = document.partition(begin)
        text = f"{before}{begin}\n\n{text}\n{end}{rest.partition(end)[2]}"
    path.write_text(text, encoding="utf-8")
