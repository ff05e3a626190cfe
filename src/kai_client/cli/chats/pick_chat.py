"""Which chat a command is about: a whole id, the beginning of one, or the newest."""

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from kai_client import KaiClient
from kai_client.cli.drawing import minute
from kai_client.cli.exit_codes import ExitCode, Failure
from kai_client.cli.terminal import one_line, short
from kai_client.models import Chat
from kai_client.transport import checked_id

__all__ = ["NEWEST", "chat_argument", "find_chat", "last_option", "wanted_chat"]

NEWEST: Final = "-"
"""Stands for the newest chat where an id is expected."""

_WHOLE: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SHORTEST: Final = 4
_SHOWN: Final = 5
"""How many candidates are shown; the search ends there."""
_PAGE: Final = 100

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


def last_option(function: FunctionT) -> FunctionT:
    """A command's option `--last`."""
    return click.option("--last", is_flag=True, help="The newest chat, instead of naming one.")(function)


def chat_argument(function: FunctionT) -> FunctionT:
    """A command's argument `chat_id`, and `--last` in its place; `wanted_chat` takes both."""
    return click.argument("chat_id", metavar="[CHAT]", required=False)(last_option(function))


def wanted_chat(chat_id: str | None, *, last: bool) -> str:
    """What the arguments ask for, to be given to `find_chat`. Raises `UsageError` unless that is one chat."""
    if last and chat_id not in {None, NEWEST}:
        raise click.UsageError("Name a chat or pass --last, not both", click.get_current_context())
    if last or chat_id == NEWEST:
        return NEWEST
    if chat_id is None:
        raise click.UsageError("Which chat? Name one, or pass --last", click.get_current_context())
    return usable_chat(chat_id)


def usable_chat(chat_id: str) -> str:
    """`chat_id`, if it can be an id or the beginning of one. Raises `UsageError`."""
    try:
        checked_id(chat_id, "the chat id")
    except ValueError as error:
        raise click.UsageError(str(error), click.get_current_context()) from error
    if len(chat_id) < _SHORTEST:
        raise click.UsageError(
            f"{chat_id!r} is too short: at least {_SHORTEST} characters of an id are needed",
            click.get_current_context(),
        )
    return chat_id


async def find_chat(client: KaiClient, wanted: str) -> str:
    """The id of the chat that is `wanted`. Only a whole UUID is taken without looking.

    Raises `Failure` when there is no such chat, or more than one.
    """
    if wanted == NEWEST:
        return await _newest(client)
    if _WHOLE.fullmatch(wanted):
        return wanted
    found: list[Chat] = []
    async for chat in client.get_all_history(batch_size=_PAGE):
        if chat.id == wanted:
            return wanted
        if chat.id.lower().startswith(wanted.lower()):
            found.append(chat)
        if len(found) > _SHOWN:
            break
    match found:
        case [one]:
            return one.id
        case []:
            raise Failure(f"No chat of yours has an id that begins with {wanted!r}: `kai history` lists them")
        case _:
            _show(found)
            raise Failure(f"More than one chat has an id that begins with {wanted!r}: give more of it", ExitCode.USAGE)


async def _newest(client: KaiClient) -> str:
    page = await client.get_history(limit=1)
    if not page.chats:
        raise Failure("You have no chats yet: `kai chat` starts one")
    return page.chats[0].id


def _show(found: list[Chat]) -> None:
    for chat in found[:_SHOWN]:
        title = short(one_line(chat.title or ""))
        click.echo(f"{one_line(chat.id)}  {minute(chat.updated_at or chat.created_at)}  {title}".rstrip(), err=True)
    if len(found) > _SHOWN:
        click.echo("...", err=True)
