"""`kai history`."""

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Final

import click

from kai_client import KaiClient
from kai_client.cli.connect import run_with_client
from kai_client.cli.prompt import is_terminal
from kai_client.cli.settings import Settings
from kai_client.cli.terminal import one_line
from kai_client.models import Chat, HistoryResponse

__all__ = ["history"]

_PAGE: Final = 100


@click.command()
@click.option("-n", "--limit", type=click.IntRange(min=1), default=10, show_default=True, help="How many chats.")
@click.option("--json-output", is_flag=True, help="One JSON object: the chats, and whether there are more.")
@click.pass_obj
def history(settings: Settings, limit: int, *, json_output: bool) -> None:
    """List your chats, newest first.

    A table on a terminal; elsewhere one line per chat: id, time and title, separated by tabs.
    """
    run_with_client(settings, partial(_history, limit=limit, json_output=json_output))


async def _history(client: KaiClient, *, limit: int, json_output: bool) -> None:
    page = await _newest(client, limit)
    if json_output:
        click.echo(json.dumps(page.model_dump(mode="json", by_alias=True, exclude_none=True)))
    elif is_terminal(sys.stdout):
        _print_table(page.chats)
    else:
        for chat in page.chats:
            click.echo("\t".join(_cells(chat)))
    if page.has_more and not json_output:
        click.echo(f"There are more: kai history -n {limit * 2}", err=True)


async def _newest(client: KaiClient, limit: int) -> HistoryResponse:
    """The newest chats, on as many pages as the backend makes of them; one more tells whether there are more."""
    chats: list[Chat] = []
    async for chat in client.get_all_history(batch_size=min(limit + 1, _PAGE)):
        chats.append(chat)
        if len(chats) > limit:
            break
    return HistoryResponse(chats=chats[:limit], has_more=len(chats) > limit)


def _print_table(chats: Sequence[Chat]) -> None:
    from rich.console import Console  # noqa: PLC0415 - only where there is a table to draw
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table("Id", "Changed", "Title", box=None, pad_edge=False)
    for column in table.columns[:2]:
        column.no_wrap = True
    for chat in chats:
        table.add_row(*map(Text, _cells(chat)))  # as texts: square brackets in a title are no markup
    Console().print(table)


def _cells(chat: Chat) -> tuple[str, str, str]:
    return one_line(chat.id), _minute(chat.updated_at or chat.created_at), one_line(chat.title or "")


def _minute(moment: datetime | None) -> str:
    """In local time where the zone is known."""
    if moment is None:
        return ""
    return f"{moment if moment.tzinfo is None else moment.astimezone():%Y-%m-%d %H:%M}"
