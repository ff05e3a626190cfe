"""`kai get-chat`: the chat as it looked, on a terminal or as lines of text."""

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Final

from kai_client.cli.drawing import harmless, minute
from kai_client.cli.screen import print_markdown
from kai_client.cli.terminal import json_line, one_line, short
from kai_client.models import ChatDetail, Message

from .passages import (
    Attachment,
    Call,
    Interjection,
    Passage,
    Source,
    Sources,
    Spoken,
    Thought,
    passages,
    said_at,
    speaker,
)

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["call_line", "draw_chat", "heading", "plain_chat"]

_STYLES: Final = {"good": "green", "bad": "red", "open": "yellow"}


def heading(chat: ChatDetail, secret: str | None) -> tuple[str, str]:
    """The title, and a line with what else is known of the chat as a whole."""
    facts = [f"chat {chat.id}", minute(chat.created_at or chat.updated_at), chat.visibility or ""]
    return one_line(chat.title or "A chat without a title", secret), ", ".join(
        one_line(fact, secret) for fact in facts if fact
    )


def call_line(call: Call, secret: str | None) -> tuple[str, str, str]:
    """A tool call in short: its name, its arguments and its outcome, each fit for one line."""
    arguments = "" if call.input is None else short(json_line(call.input, secret))
    return one_line(call.name, secret), arguments, short(one_line(call.outcome, secret))


def plain_chat(chat: ChatDetail, *, reasoning: bool, secret: str | None) -> Iterator[str]:
    """The chat as blocks of text, to be printed with an empty line between them; Markdown stays as it was written."""
    yield "\n".join(heading(chat, secret))
    for message in chat.messages:
        shown = _shown(message, reasoning=reasoning)
        for number, block in enumerate(_together(shown)):
            text = "\n".join(_plain(passage, secret) for passage in block)
            yield text if number else f"{one_line(speaker(message), secret)}:\n{text}"


def _shown(message: Message, *, reasoning: bool) -> list[Passage]:
    return [passage for passage in passages(message) if reasoning or not isinstance(passage, Thought)]


def _together(shown: list[Passage]) -> Iterator[list[Passage]]:
    """Each passage by itself, but tool calls that follow each other as one block."""
    for is_call, group in groupby(shown, lambda passage: isinstance(passage, Call)):
        if is_call:
            yield list(group)
        else:
            yield from ([passage] for passage in group)


def _plain(passage: Passage, secret: str | None) -> str:
    match passage:
        case Spoken():
            return harmless(passage.text, secret).strip("\n")
        case Thought():
            return f"(thinks)\n{harmless(passage.text, secret).strip()}"
        case Interjection():
            return f"(you, meanwhile)\n{harmless(passage.text, secret).strip()}"
        case Call():
            name, arguments, outcome = call_line(passage, secret)
            return " ".join(filter(None, ("[tool", name, arguments, f"- {outcome}]")))
        case Attachment():
            return _file_line(passage, secret)
        case Sources():
            return "\n".join(["Sources:", *(f"- {_source_line(source, secret)}" for source in passage.sources)])


def _file_line(file: Attachment, secret: str | None) -> str:
    where = f" {one_line(file.url, secret)}" if file.url is not None else ""
    return f"[file {one_line(file.name, secret)} ({one_line(file.media_type)}){where}]"


def _source_line(source: Source, secret: str | None) -> str:
    """The title and the URL, once where they are the same."""
    return " ".join(dict.fromkeys(filter(None, (one_line(source.title, secret), one_line(source.url, secret)))))


def draw_chat(chat: ChatDetail, on: "Console", *, reasoning: bool, secret: str | None) -> None:
    """The chat for people: Markdown rendered, a line per tool call, what was thought in a dim voice."""
    title, facts = heading(chat, secret)
    on.print(title, style="bold")
    on.print(facts, style="dim")
    for message in chat.messages:
        for number, block in enumerate(_together(_shown(message, reasoning=reasoning))):
            on.print()
            if number == 0:
                _draw_speaker(message, on, secret)
            for passage in block:
                _draw(passage, message, on, secret)


def _draw_speaker(message: Message, on: "Console", secret: str | None) -> None:
    from rich.text import Text  # noqa: PLC0415 - slow to import

    style = "bold cyan" if message.role == "user" else "bold magenta"
    on.print(
        Text.assemble((one_line(speaker(message), secret), style), (f"  {minute(said_at(message))}".rstrip(), "dim"))
    )


def _draw(passage: Passage, message: Message, on: "Console", secret: str | None) -> None:
    from rich.text import Text  # noqa: PLC0415 - slow to import

    match passage:
        case Spoken() if message.role == "assistant":
            print_markdown(harmless(passage.text, secret), on)
        case Spoken():
            on.print(Text(harmless(passage.text, secret).strip("\n")))
        case Thought():
            on.print(Text(harmless(passage.text, secret).strip(), style="dim italic"))
        case Interjection():
            on.print(
                Text("You, meanwhile: ", style="bold cyan").append(
                    harmless(passage.text, secret).strip(), style="not bold"
                )
            )
        case Call():
            _draw_call(passage, on, secret)
        case Attachment() | Sources():
            on.print(Text(_plain(passage, secret), style="dim"))


def _draw_call(call: Call, on: "Console", secret: str | None) -> None:
    """One line; of what has no room the arguments go first, the outcome last."""
    from rich.cells import set_cell_size  # noqa: PLC0415 - slow to import
    from rich.text import Text  # noqa: PLC0415

    name, arguments, outcome = call_line(call, secret)
    start, end = Text(f"tool {name}", style="dim"), Text(f" {outcome}", style=_STYLES[call.tone])
    room = on.width - start.cell_len - end.cell_len - 1
    middle = Text(f" {arguments}" if arguments else "", style="dim")
    if middle.cell_len > room:
        middle = Text(f" {set_cell_size(arguments, room - 3).rstrip()}..." if room > len("...") else "", style="dim")
    on.print(Text.assemble(start, middle, end), no_wrap=True, overflow="ellipsis")
