"""`kai chat`."""

import sys
from typing import IO

import click

from kai_client import KaiClient, KaiError
from kai_client.cli.connect import run_with_client
from kai_client.cli.conversation import Conversation
from kai_client.cli.decisions import Decisions
from kai_client.cli.exit_codes import Failure
from kai_client.cli.failures import explain, failure_chain
from kai_client.cli.output import Output
from kai_client.cli.prompt import is_terminal, read_line
from kai_client.cli.render import EventLines, TextAndTools
from kai_client.cli.settings import Settings
from kai_client.transport import checked_id

__all__ = ["chat"]


def _usable_id(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        try:
            checked_id(value, "the chat id")
        except ValueError as error:
            raise click.BadParameter(str(error), ctx, param) from error
    return value


def _given_message(message: str | None) -> str | None:
    """`message`, else stdin; None where that is a terminal, to be asked. Raises `UsageError` for what cannot be sent."""
    stdin: IO[str] | None = sys.stdin
    try:
        if message is None:
            if is_terminal(stdin):
                return None
            message = "" if stdin is None else stdin.read()
        message.encode()
    except (
        UnicodeError
    ) as error:  # met when it is read or, as bytes that Python smuggled through, when it would be sent
        raise click.UsageError("The message is no text: it is not UTF-8") from error
    if not message.strip():
        raise click.UsageError("The message is empty: pass one with -m or on stdin")
    return message


@click.command()
@click.option("-m", "--message", help="Send this one message and print the answer.")
@click.option("--chat-id", callback=_usable_id, help="Continue this chat instead of starting a new one.")
@click.option("--auto-approve", is_flag=True, help="Let Kai run every tool without asking.")
@click.option("--json-output", is_flag=True, help="Print the events, one JSON object per line, instead of the text.")
@click.pass_obj
def chat(
    settings: Settings, message: str | None, chat_id: str | None, *, auto_approve: bool, json_output: bool
) -> None:
    """Talk to Kai.

    Without -m, stdin is the message, or on a terminal a conversation, which Ctrl-D ends. When Kai wants to run a tool that
    changes something you are asked; where nobody can be asked it is denied, and the exit status is 4.

    \b
    kai chat -m "Which tables do I have?"
    echo "Describe the table orders" | kai chat
    kai chat --chat-id 8d1f... -m "And how many rows?"
    kai chat -m "Create a bucket called test" --auto-approve
    """  # noqa: D301 - the control character is click's mark for lines that stay as they are
    message = _given_message(message)

    async def talk(client: KaiClient) -> None:
        conversation = Conversation(client, chat_id or client.new_chat_id())
        session = _Session(conversation, settings, auto_approve=auto_approve, json_output=json_output)
        await (session.talk() if message is None else session.answer(message))

    run_with_client(settings, talk)


class _Session:
    """The chat of one run of the command."""

    def __init__(
        self, conversation: Conversation, settings: Settings, *, auto_approve: bool, json_output: bool
    ) -> None:
        self._conversation = conversation
        self._debug = settings.debug
        self._auto_approve = auto_approve
        self._json_output = json_output
        self._output = Output(settings.secret)

    async def answer(self, message: str) -> None:
        """One message, one answer. Raises `Failure` when a tool was refused on the way."""
        self._name_chat()
        await self._send(message)

    async def talk(self) -> None:
        """Messages from the terminal until it says that there are no more; an answer that fails ends nothing."""
        self._name_chat()
        while (message := read_line("> ")) is not None:
            if not message.strip():
                continue
            try:
                await self._send(message)
            except (KaiError, Failure) as error:
                if self._debug:
                    self._output.block(failure_chain(error, self._output.secret))
                self._output.note(f"Error: {explain(error, self._output.secret)}", fg="red")

    async def _send(self, message: str) -> None:
        renderer = EventLines(self._output) if self._json_output else TextAndTools(self._output)
        decisions = Decisions(self._output, auto_approve=self._auto_approve)
        await self._conversation.send(message, renderer, decisions)

    def _name_chat(self) -> None:
        self._output.note(f"chat {self._conversation.chat_id}", dim=True)
