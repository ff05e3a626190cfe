"""`kai history`."""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import Final, Protocol

import click

from kai_client import KaiClient
from kai_client.cli.answer.output import Output
from kai_client.cli.chats.search_chats import matching
from kai_client.cli.connect import run_with_client
from kai_client.cli.drawing import drawing, draws, friendly, minute
from kai_client.cli.settings import Settings
from kai_client.cli.terminal import one_line
from kai_client.models import Chat, HistoryResponse

__all__ = ["history"]

_PAGE: Final = 100
_DEFAULT: Final = 10
_WIDE: Final = 70
"""A terminal narrower than this has no room for whole ids."""
_SHORT_ID: Final = 8
_WHOLE_ID: Final = 36


@click.command()
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(min=1),
    default=_DEFAULT,
    show_default=True,
    help="How many chats; with --search, how many that match.",
)
@click.option("--all", "everything", is_flag=True, help="Every chat, as they come.")
@click.option("--search", metavar="TEXT", help="Only chats with this in their title.")
@click.option("--content", is_flag=True, help="With --search: or in what was said. Slow: it reads the chats.")
@click.option("--json-output", is_flag=True, help="One JSON object: the chats, and whether there are more.")
@click.pass_obj
def history(
    settings: Settings, limit: int, *, everything: bool, search: str | None, content: bool, json_output: bool
) -> None:
    """List your chats, newest first.

    A table on a terminal; elsewhere one line per chat: id, time and title, separated by tabs.

    \b
    kai history -n 20
    kai history --search orders --content
    kai history --all --json-output | jq -r '.chats[].id'
    """  # noqa: D301 - the control character is click's mark for lines that stay as they are
    if content and search is None:
        raise click.UsageError("--content is about --search", click.get_current_context())
    most = None if everything else limit
    listing = (_Document if json_output else _Table if draws() else _Lines)(settings.secret)

    async def show(client: KaiClient) -> None:
        size = _PAGE if most is None or search is not None else min(most + 1, _PAGE)
        chats = client.get_all_history(batch_size=size)
        found = chats if search is None else matching(client, chats, search, content=content)
        shown, more = await _list(found, most, listing)
        if json_output:
            return
        if more:
            command = "kai history" if search is None else "the same with"
            click.echo(f"There are more: {command} -n {limit * 2}", err=True)
        elif search is not None and not shown:
            click.echo("No chat matches.", err=True)

    run_with_client(settings, show)


class _Listing(Protocol):
    """Shows chats as they come."""

    def add(self, chat: Chat) -> None:
        """Another one."""
        ...

    def end(self, *, more: bool) -> None:
        """That is all that is to be shown; there may be more."""
        ...


async def _list(chats: AsyncGenerator[Chat], most: int | None, listing: _Listing) -> tuple[int, bool]:
    """Show the chats, at most so many; how many there were, and whether there are more."""
    shown, more = 0, False
    async with aclosing(chats):
        async for chat in chats:
            more = shown == most
            if more:
                break
            listing.add(chat)
            shown += 1
    listing.end(more=more)
    return shown, more


class _Document:
    """One JSON object on one line."""

    def __init__(self, secret: str | None) -> None:
        self._output = Output(secret)
        self._chats: list[Chat] = []

    def add(self, chat: Chat) -> None:
        """See `_Listing`."""
        self._chats.append(chat)

    def end(self, *, more: bool) -> None:
        """See `_Listing`."""
        page = HistoryResponse(chats=self._chats, has_more=more)
        self._output.data(json.dumps(page.model_dump(mode="json", by_alias=True, exclude_none=True)))


class _Lines:
    """A line per chat: id, time and title, separated by tabs."""

    def __init__(self, secret: str | None) -> None:
        self._secret = secret

    def add(self, chat: Chat) -> None:
        """See `_Listing`."""
        cells = (chat.id, minute(chat.updated_at or chat.created_at), chat.title or "")
        click.echo("\t".join(one_line(cell, self._secret) for cell in cells))

    def end(self, *, more: bool) -> None:
        """See `_Listing`."""


class _Table:
    """Columns that are known from the start: so a row can be drawn before the next one has arrived."""

    def __init__(self, secret: str | None) -> None:
        self._secret = secret
        self._begun = False

    def add(self, chat: Chat) -> None:
        """See `_Listing`."""
        if not self._begun:
            self._begun = True
            self._draw("Id", "Changed", "Title", style="bold")
        changed = friendly(chat.updated_at or chat.created_at, datetime.now().astimezone().date())
        self._draw(one_line(chat.id, self._secret), changed, one_line(chat.title or "", self._secret))

    def end(self, *, more: bool) -> None:
        """See `_Listing`."""

    def _draw(self, chat_id: str, changed: str, title: str, style: str = "") -> None:
        from rich.text import Text  # noqa: PLC0415 - only where there is a table to draw

        with drawing() as on:
            width = _SHORT_ID if on.width < _WIDE else _WHOLE_ID
            row = f"{chat_id[:width]:{width}}  {changed:15}  {title}".rstrip()
            on.print(Text(row, style=style), no_wrap=True, overflow="ellipsis")
