"""`kai chat`."""

import sys
from dataclasses import replace
from typing import IO, Any

import click

from kai_client import KaiClient, ToolRestrictions, VisibilityType
from kai_client.cli.answer.conversation import Conversation, Format, Look, show_end
from kai_client.cli.answer.decisions import Rules
from kai_client.cli.answer.line_editor import open_lines
from kai_client.cli.answer.output import Output
from kai_client.cli.answer.session import COMMANDS, Session
from kai_client.cli.chats.pick_chat import NEWEST, find_chat, usable_chat
from kai_client.cli.connect import run_with_client
from kai_client.cli.prompt import is_terminal
from kai_client.cli.settings import Settings
from kai_client.cli.setup.files import config_folder

__all__ = ["chat"]


def _usable_id(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    try:
        return usable_chat(value)
    except click.UsageError as error:
        raise click.BadParameter(error.message, ctx, param) from error


def _given_message(words: tuple[str, ...], message: str | None) -> str | None:
    """What to send; None where somebody sits at the terminal, to be asked. Raises `UsageError` for what cannot be sent.

    stdin is read without a message, and merged under words. `-m` leaves it alone: it is used in loops over a file.
    """
    if words and message is not None:
        raise click.UsageError("Pass the message as words or with -m, not both")
    stdin: IO[str] | None = sys.stdin
    try:
        if message is None:
            piped = None if stdin is None or is_terminal(stdin) else stdin.read()
            if not words and piped is None and stdin is not None:
                return None
            message = "\n\n".join(part for part in (" ".join(words), (piped or "").rstrip("\n")) if part.strip())
        message.encode()
    except UnicodeError as error:
        # Met when it is read or, as bytes that Python smuggled through, when it would be sent.
        raise click.UsageError("The message is no text: it is not UTF-8") from error
    if not message.strip():
        raise click.UsageError("The message is empty: pass one with -m or on stdin")
    return message


def _look(output: str, *, json_output: bool, plain: bool, reasoning: bool | None) -> Look:
    if json_output and output != Format.TEXT:
        raise click.UsageError("--json-output is a format of its own: leave out -o")
    kind = Format.EVENTS if json_output else Format(output)
    at_terminal = is_terminal(sys.stdout)
    return Look(
        format=kind,
        drawn=kind is Format.TEXT and at_terminal and not plain,
        reasoning=is_terminal(sys.stderr) and kind is Format.TEXT if reasoning is None else reasoning,
    )


@click.command()
@click.argument("words", metavar="[TEXT]...", nargs=-1)
@click.option("-m", "--message", help="Send this one message and print the answer; stdin is not read.")
@click.option("--chat-id", callback=_usable_id, help="Continue this chat instead of starting a new one.")
@click.option("-c", "--continue", "newest", is_flag=True, help="Continue the newest chat.")
@click.option("-r", "--resume", callback=_usable_id, metavar="ID", help="Continue the chat whose id begins like this.")
@click.option("--branch-id", type=int, help="Development branch.")
@click.option("--visibility", type=click.Choice([str(each) for each in VisibilityType]), default="private")
@click.option("--service", help="As the global option.")
@click.option("--workspace-id", help="As the global option.")
@click.option("--read-only", is_flag=True, help="Run no tool that changes anything.")
@click.option("--auto-approve", is_flag=True, help="Let Kai run every tool without asking.")
@click.option("--approve", multiple=True, metavar="NAME", help="Let Kai run this tool without asking.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "markdown", "json", "ndjson"]),
    default="text",
    help="text: drawn on a terminal. markdown: as the model wrote it. json: one object. ndjson: a line for each event.",
)
@click.option("--json-output", is_flag=True, help="Print the events, one JSON object per line, instead of the text.")
@click.option("--plain", is_flag=True, help="Do not draw Markdown.")
@click.option(
    "--reasoning/--no-reasoning", default=None, help="Show what the model thinks aloud. Default: on a terminal."
)
@click.pass_obj
def chat(settings: Settings, /, **options: Any) -> None:
    """Talk to Kai; `kai TEXT` is short for it.

    Without a text, stdin is the message, or on a terminal a conversation, which Ctrl-D ends. With a text, stdin goes
    under it. When Kai wants to run a tool that changes something you are asked; where nobody can be asked it is denied,
    and the exit status is 4.

    \b
    kai "Which tables do I have?"
    cat query.sql | kai "Explain this query"
    kai chat -c "And how many rows?"            the newest chat goes on
    kai chat -r 8d1f -m "And now?"              the chat whose id begins so
    kai chat "Run the job" --approve run_job    others are still asked about
    kai chat -m "How many customers?" -o json | jq .text
    """  # noqa: D301 - the control character is click's mark for lines that stay as they are
    look = _look(
        options["output"],
        json_output=options["json_output"],
        plain=options["plain"],
        reasoning=options["reasoning"],
    )
    given = {name: options[name] for name in ("service", "workspace_id") if options[name] is not None}
    settings = replace(settings, **given)

    begun = False

    async def talk(client: KaiClient) -> None:
        nonlocal begun
        chat_id = await _chat_id(client, options)
        begun = True
        output = Output(settings.secret)
        output.note(f"chat {chat_id}", dim=True)
        conversation = Conversation(client, chat_id, output, look, _rules(options), _message_options(options))
        await _talk(conversation, message, debug=settings.debug)

    try:
        message = _given_message(options["words"], options["message"])
        run_with_client(settings, talk)
    except click.ClickException:
        raise
    except (Exception, KeyboardInterrupt) as error:
        if not begun:
            show_end(Output(settings.known_secret), look, None, error)
        raise


async def _talk(conversation: Conversation, message: str | None, *, debug: bool) -> None:
    """Send the message, or what somebody types."""
    if message is not None:
        await conversation.send(message)
    else:
        lines = open_lines(COMMANDS, config_folder() / "history")
        await Session(conversation, lines, debug=debug).talk()


async def _chat_id(client: KaiClient, options: dict[str, Any]) -> str:
    """The chat that goes on, or a new one. Raises `Failure` where it is not there, `UsageError` for two of them."""
    wanted = [options["chat_id"], options["resume"], NEWEST if options["newest"] else None]
    given = [each for each in wanted if each is not None]
    if len(given) > 1:
        raise click.UsageError("Choose one of --chat-id, --resume and --continue")
    if not given:
        return client.new_chat_id()
    return given[0] if options["chat_id"] is not None else await find_chat(client, given[0])


def _rules(options: dict[str, Any]) -> Rules:
    return Rules(everything=options["auto_approve"], tools=set(options["approve"]), read_only=options["read_only"])


def _message_options(options: dict[str, Any]) -> dict[str, Any]:
    """Keywords of `KaiClient.run`. kai-assistant ignores restrictions (protocol 2.3), hence `Rules.read_only`."""
    restrictions = ToolRestrictions(read_only_mode=True) if options["read_only"] else None
    given = {"branch_id": options["branch_id"], "tool_restrictions": restrictions}
    return {"visibility": options["visibility"], **{name: value for name, value in given.items() if value is not None}}
