"""`kai get-chat`."""

import click

from kai_client import KaiClient
from kai_client.cli.chats.passages import chat_json
from kai_client.cli.chats.pick_chat import chat_argument, find_chat, wanted_chat
from kai_client.cli.chats.transcript import draw_chat, plain_chat
from kai_client.cli.chats.waiting import with_waiting
from kai_client.cli.connect import run_with_client
from kai_client.cli.drawing import drawing, draws, print_json
from kai_client.cli.settings import Settings
from kai_client.models import ChatDetail

__all__ = ["get_chat"]


@click.command("get-chat")
@chat_argument
@click.option("--reasoning", is_flag=True, help="Show what the model thought aloud, too.")
@click.option("--plain", is_flag=True, help="The text as it was written, even on a terminal.")
@click.option("--json-output", is_flag=True, help="The chat as the API has it.")
@click.pass_obj
def get_chat(
    settings: Settings, chat_id: str | None, *, last: bool, reasoning: bool, plain: bool, json_output: bool
) -> None:
    """Show a chat as it was.

    CHAT is an id or the beginning of one; - is the newest chat. On a terminal it looks as it did there, elsewhere it is
    the text as it was written.

    \b
    kai get-chat --last
    kai get-chat 8d1f --reasoning
    kai get-chat 8d1f --json-output | jq '.messages[-1]'
    """  # noqa: D301 - the control character is click's mark for lines that stay as they are
    wanted = wanted_chat(chat_id, last=last)

    async def show(client: KaiClient) -> None:
        chat = await client.get_chat(await find_chat(client, wanted))
        if json_output:
            print_json(chat_json(chat), settings.secret)
        else:
            _print(await with_waiting(client, chat), settings, reasoning=reasoning, plain=plain)

    run_with_client(settings, show)


def _print(chat: ChatDetail, settings: Settings, *, reasoning: bool, plain: bool) -> None:
    if draws() and not plain:
        with drawing() as on:
            draw_chat(chat, on, reasoning=reasoning, secret=settings.secret)
        return
    click.echo("\n\n".join(plain_chat(chat, reasoning=reasoning, secret=settings.secret)))
