"""`kai vote` and `kai get-votes`."""

from typing import Final

import click

from kai_client import KaiClient
from kai_client.cli.chats.pick_chat import chat_argument, find_chat, last_option, wanted_chat
from kai_client.cli.connect import run_with_client
from kai_client.cli.drawing import minute, print_json, print_rows
from kai_client.cli.exit_codes import Failure
from kai_client.cli.settings import Settings
from kai_client.cli.terminal import one_line
from kai_client.transport import checked_id

__all__ = ["get_votes", "vote"]

_VOTES: Final = ("up", "down")


@click.command()
@click.argument("words", metavar="[CHAT] [MESSAGE] up|down", nargs=-1)
@last_option
@click.pass_obj
def vote(settings: Settings, words: tuple[str, ...], *, last: bool) -> None:
    """Vote on an answer.

    CHAT is an id or the beginning of one; - is the newest chat. Without MESSAGE it is the chat's newest answer. A second
    vote replaces the first.

    \b
    kai vote --last up
    kai vote 8d1f down
    kai vote 8d1f 5c3e2f04-... up
    """  # noqa: D301 - the control character is click's mark for lines that stay as they are
    wanted, message, choice = _meant(words, last=last)

    async def cast(client: KaiClient) -> None:
        chat_id = await find_chat(client, wanted)
        message_id = message or await _newest_answer(client, chat_id)
        await client.vote(chat_id, message_id, choice)
        click.echo(f"voted {choice} on message {one_line(message_id)} of chat {one_line(chat_id)}")

    run_with_client(settings, cast)


def _meant(words: tuple[str, ...], *, last: bool) -> tuple[str, str | None, str]:
    """Chat, message and vote; the message is None for the newest answer. Raises `UsageError`."""
    match words:
        case (*_, choice) if choice not in _VOTES:
            raise click.UsageError(f"{choice!r} is neither up nor down", click.get_current_context())
        case (choice,):
            return wanted_chat(None, last=last), None, choice
        case (chat, choice):
            return wanted_chat(chat, last=last), None, choice
        case (chat, message, choice):
            return wanted_chat(chat, last=last), _usable(message), choice
        case _:
            raise click.UsageError("Say [CHAT] [MESSAGE] up|down", click.get_current_context())


def _usable(message_id: str) -> str:
    try:
        return checked_id(message_id, "the message id")
    except ValueError as error:
        raise click.UsageError(str(error), click.get_current_context()) from error


async def _newest_answer(client: KaiClient, chat_id: str) -> str:
    chat = await client.get_chat(chat_id)
    for message in reversed(chat.messages):
        if message.role == "assistant":
            return message.id
    raise Failure("There is no answer in this chat yet")


@click.command("get-votes")
@chat_argument
@click.option("--json-output", is_flag=True, help="The votes as a JSON list.")
@click.pass_obj
def get_votes(settings: Settings, chat_id: str | None, *, last: bool, json_output: bool) -> None:
    """List the votes of a chat.

    CHAT is an id or the beginning of one; - is the newest chat. A table on a terminal; elsewhere one line per vote:
    message, vote and time, separated by tabs.

    \b
    kai get-votes --last
    kai get-votes 8d1f --json-output
    """  # noqa: D301 - the control character is click's mark for lines that stay as they are
    wanted = wanted_chat(chat_id, last=last)

    async def show(client: KaiClient) -> None:
        votes = await client.get_votes(await find_chat(client, wanted))
        if json_output:
            print_json(votes, settings.secret)
        elif votes:
            rows = [(cast.message_id, cast.type, minute(cast.created_at)) for cast in votes]
            print_rows(("Message", "Vote", "Cast"), rows, settings.secret)
        else:
            click.echo("There are no votes in this chat.", err=True)

    run_with_client(settings, show)
