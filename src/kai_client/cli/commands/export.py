"""`kai export`."""

from pathlib import Path
from typing import Final, Literal, TypeAlias

import click

from kai_client import KaiClient
from kai_client.cli.chats.new_file import check_new, write_file
from kai_client.cli.chats.passages import chat_json
from kai_client.cli.chats.pick_chat import chat_argument, find_chat, wanted_chat
from kai_client.cli.chats.waiting import with_waiting
from kai_client.cli.connect import run_with_client
from kai_client.cli.drawing import json_document
from kai_client.cli.settings import Settings
from kai_client.models import ChatDetail

__all__ = ["export"]

Format: TypeAlias = Literal["md", "json", "html"]

_BY_SUFFIX: Final[dict[str, Format]] = {
    ".md": "md",
    ".markdown": "md",
    ".json": "json",
    ".html": "html",
    ".htm": "html",
}


@click.command()
@chat_argument
@click.option(
    "-o",
    "--output-format",
    type=click.Choice(["md", "json", "html"]),
    help="Markdown, the chat as it is stored, or a web page. Default: what FILE ends in, else md.",
)
@click.option("--output", type=click.Path(path_type=Path, allow_dash=True), metavar="FILE", help="Default: stdout.")
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@click.option("--reasoning", is_flag=True, help="With what the model thought aloud.")
@click.option("--tools/--no-tools", default=True, show_default=True, help="With or without the tool calls.")
@click.pass_obj
def export(
    settings: Settings,
    chat_id: str | None,
    *,
    last: bool,
    output_format: Format | None,
    output: Path | None,
    force: bool,
    reasoning: bool,
    tools: bool,
) -> None:
    """Write a chat as Markdown, JSON or HTML.

    CHAT is an id or the beginning of one; - is the newest chat. The web page is one file that loads nothing; JSON is the
    whole chat whatever the other options say.

    \b
    kai export --last > chat.md
    kai export 8d1f --output chat.html --reasoning
    kai export 8d1f -o json | jq -r '.messages[].parts[].text // empty'
    """  # noqa: D301 - the control character is click's mark for lines that stay as they are
    wanted = wanted_chat(chat_id, last=last)
    file = None if output is None or str(output) == "-" else output
    if file is not None and not force:
        check_new(file)
    chosen = output_format or (_BY_SUFFIX.get(file.suffix.lower(), "md") if file is not None else "md")

    async def write(client: KaiClient) -> None:
        chat = await client.get_chat(await find_chat(client, wanted))
        if chosen != "json":
            chat = await with_waiting(client, chat)
        text = _document(chat, chosen, reasoning=reasoning, tools=tools, secret=settings.secret)
        if file is None:
            click.echo(text, nl=False)
        else:
            write_file(file, text, force=force)
            click.echo(f"wrote {file}", err=True)

    run_with_client(settings, write)


def _document(chat: ChatDetail, chosen: Format, *, reasoning: bool, tools: bool, secret: str | None) -> str:
    """The chat in one of the formats."""
    if chosen == "json":
        return json_document(chat_json(chat), secret) + "\n"
    if chosen == "html":
        from kai_client.cli.chats.export_html import chat_html  # noqa: PLC0415 - the parser is slow to import

        return chat_html(chat, reasoning=reasoning, tools=tools, secret=secret)
    from kai_client.cli.chats.export_markdown import chat_markdown  # noqa: PLC0415 - as above

    return chat_markdown(chat, reasoning=reasoning, tools=tools, secret=secret)
