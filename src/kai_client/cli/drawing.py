"""What commands print that answer at once: text that is harmless, JSON and tab-separated lines for programs, tables for people."""

import json
import sys
from collections.abc import Collection, Generator, Iterable, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from kai_client._text import visible
from kai_client._wire import to_wire

from .prompt import is_terminal
from .screen import console
from .terminal import REORDERS, ShownText, one_line

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.console import Console

__all__ = ["drawing", "draws", "friendly", "harmless", "json_document", "minute", "print_json", "print_rows"]


def harmless(text: str, secret: str | None = None) -> str:
    """`text`, of as many lines as it has, fit for a terminal or a page: nothing in it gives orders, reorders or is secret."""
    shown = ShownText(secret)
    cleaned = shown.feed(text) + shown.flush()
    return REORDERS.sub(lambda found: visible(found[0]), cleaned).encode("utf-8", "replace").decode()


def json_document(value: "BaseModel | object", secret: str | None = None) -> str:
    """JSON to be read by people and programs alike: indented, ASCII only, wire names, nothing but what the backend sent."""
    text = json.dumps(value, indent=2, default=_json_default)
    return text.replace(secret, "***") if secret else text


def _json_default(value: Any) -> object:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else to_wire(value)


def print_json(value: "BaseModel | object", secret: str | None = None) -> None:
    """`json_document` to stdout."""
    click.echo(json_document(value, secret))


def draws() -> bool:
    """Whether stdout is for people: a terminal, or told by `--color` to be taken for one."""
    context = click.get_current_context(silent=True)
    return is_terminal(sys.stdout) or (context is not None and context.color is True)


@contextmanager
def drawing() -> Generator["Console"]:
    """A console; what is printed on it goes to stdout when the block ends.

    Not at once: rich has an exit status of its own for a broken pipe. And Markdown can bring in characters that were only
    named in it (`&#x202e;`), which are taken out here.
    """
    on = console()
    with on.capture() as captured:
        yield on
    click.echo(REORDERS.sub("", captured.get()), nl=False)


def print_rows(
    columns: Sequence[str], rows: Iterable[Sequence[str]], secret: str | None, *, fold: Collection[str] = ()
) -> None:
    """A table where stdout draws, else a line per row with its cells between tabs.

    Cells are cleaned here. Those of the columns `fold` take several lines when there is no room for them; the others are
    cut, but only if that does not help.
    """
    cells = [[one_line(cell, secret) for cell in row] for row in rows]
    if not draws():
        for row in cells:
            click.echo("\t".join(row))
        return
    from rich.table import Table  # noqa: PLC0415 - only where there is a table to draw
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, no_wrap=name not in fold, overflow="fold" if name in fold else "ellipsis")
    for row in cells:
        table.add_row(*map(Text, row))  # as texts: square brackets are no markup
    with drawing() as on:
        on.print(table)


def minute(moment: datetime | None) -> str:
    """The moment to the minute, in local time where the zone is known; empty where there is none."""
    return "" if moment is None else f"{_local(moment):%Y-%m-%d %H:%M}"


def friendly(moment: datetime | None, today: date) -> str:
    """The moment as somebody would say it on the day `today`; at most 15 characters."""
    if moment is None:
        return ""
    local = _local(moment)
    match (today - local.date()).days:
        case 0:
            return f"today {local:%H:%M}"
        case 1:
            return f"yesterday {local:%H:%M}"
        case _:
            recent = timedelta(0) < today - local.date() < timedelta(days=180)
            return f"{local.day} {local:%b %H:%M}" if recent else f"{local:%Y-%m-%d}"


def _local(moment: datetime) -> datetime:
    return moment if moment.tzinfo is None else moment.astimezone()
