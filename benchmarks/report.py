"""What is printed: tables and bars, as plain text or Markdown."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self

__all__ = ["Bar", "Report", "Table", "bars_table", "lines_of"]


@dataclass(frozen=True)
class Bar:
    """A figure, and the most that it may be."""

    what: str
    figure: float
    most: float

    @property
    def met(self) -> bool:
        """Whether the figure stays within the bar."""
        return self.figure <= self.most


@dataclass(frozen=True)
class Table:
    """Rows of text under column names; the first column is text, the others are figures."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()


@dataclass
class Report:
    """What a part found out."""

    tables: list[Table] = field(default_factory=list[Table])
    bars: list[Bar] = field(default_factory=list[Bar])

    def __iadd__(self, other: "Report") -> Self:
        self.tables += other.tables
        self.bars += other.bars
        return self


def bars_table(bars: Sequence[Bar]) -> Table:
    """The bars as a table."""
    rows = [(bar.what, f"{bar.figure:.3f}", f"{bar.most:.2f}", "yes" if bar.met else "NO") for bar in bars]
    return Table("bars", ("what", "is", "at most", "met"), rows)


def lines_of(table: Table, *, markdown: bool) -> Iterator[str]:
    """The table as it is printed."""
    return _markdown(table) if markdown else _plain(table)


def _plain(table: Table) -> Iterator[str]:
    lines = [table.columns, *table.rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(table.columns))]
    yield table.title
    for line in lines:
        first, *others = line
        cells = [first.ljust(widths[0]), *(text.rjust(width) for text, width in zip(others, widths[1:], strict=True))]
        yield "  " + "  ".join(cells)
    yield from (f"  ({note})" for note in table.notes)


def _markdown(table: Table) -> Iterator[str]:
    yield f"### {table.title}"
    yield ""
    yield f"| {' | '.join(table.columns)} |"
    yield f"| --- |{' ---: |' * (len(table.columns) - 1)}"
    yield from (f"| {' | '.join(row)} |" for row in table.rows)
    if table.notes:
        yield ""
        yield "; ".join(table.notes) + "."
