"""`kai export -o md`: a chat as Markdown that reads well where Markdown is shown, on GitHub for one.

What people and Kai wrote stays Markdown, yet cannot change the rest of the page: raw HTML in it is shown, not obeyed, and a
code block that was left open is closed. All else is quoted so that it is text.
"""

import html
import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token
from pydantic import JsonValue

from kai_client.cli.drawing import harmless, minute
from kai_client.cli.terminal import json_text, one_line
from kai_client.models import ChatDetail

from .passages import (
    Attachment,
    Call,
    Interjection,
    Passage,
    Source,
    Sources,
    Spoken,
    Thought,
    followable,
    passages,
    said_at,
    speaker,
)
from .transcript import heading

__all__ = ["chat_markdown"]

_MARKS: Final = re.compile(r"([\\`*_\[\]<>&~|#])")
_TAG: Final = re.compile(r"(?<!\\)<(?=[A-Za-z/!?])")
_ROUNDS: Final = 10
"""How often what is left of raw HTML is looked for: each round may uncover some. What then remains becomes a code block."""


def chat_markdown(chat: ChatDetail, *, reasoning: bool, tools: bool, secret: str | None) -> str:
    """The document."""
    title, facts = heading(chat, secret)
    blocks = [f"# {_quoted(title, secret)}", f"*{_quoted(facts, secret)}*"]
    for message in chat.messages:
        said = [
            text
            for passage in passages(message)
            if (tools or not isinstance(passage, Call)) and (reasoning or not isinstance(passage, Thought))
            for text in _blocks(passage, message.role, secret)
        ]
        if said:
            time = minute(said_at(message))
            blocks += [f"## {_quoted(speaker(message), secret)}{f' ({time})' if time else ''}", *said]
    return "\n\n".join(blocks) + "\n"


def _blocks(passage: Passage, role: str, secret: str | None) -> Iterator[str]:
    match passage:
        case Spoken():
            text = contained(harmless(passage.text, secret))
            yield text if role == "assistant" else _quote(text)
        case Thought():
            yield "<details>\n<summary>Reasoning</summary>"
            yield _quote(contained(harmless(passage.text, secret)))
            yield "</details>"
        case Interjection():
            yield "You, meanwhile:"
            yield _quote(contained(harmless(passage.text, secret)))
        case Call():
            yield from _call(passage, secret)
        case Attachment():
            yield f"File: {_link(Source(passage.name, passage.url or ''), secret)} ({_quoted(passage.media_type, secret)})"
        case Sources():
            yield "Sources:"
            yield "\n".join(f"- {_link(source, secret)}" for source in passage.sources)


def _call(call: Call, secret: str | None) -> Iterator[str]:
    name, outcome = (html.escape(one_line(text, secret)) for text in (call.name, call.outcome))
    yield f"<details>\n<summary>Tool <code>{name}</code>: {outcome}</summary>"
    for label, value in (("Input", call.input), ("Output", call.output)):
        if value is not None:
            yield f"{label}:"
            yield _value(value, secret)
    yield "</details>"


def _value(value: JsonValue, secret: str | None) -> str:
    """Text as it is, anything else as JSON."""
    return (
        fenced(harmless(value, secret), "text") if isinstance(value, str) else fenced(json_text(value, secret), "json")
    )


def fenced(text: str, language: str) -> str:
    """A code block whose fence is longer than any run of backticks in `text`, which therefore cannot end it."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def contained(text: str) -> str:
    """Markdown that means the same wherever it stands, and nothing to what follows: no raw HTML, no open code block."""
    text = text.strip("\n")
    for _ in range(_ROUNDS):
        tags = [token for token in _parser().parse(text) if _has_html(token)]
        if not tags:
            return _closed(text)
        text = _without_tags(text, tags)
    return fenced(text, "markdown")


@cache
def _parser() -> MarkdownIt:
    """The dialect of GitHub, as far as it decides what is HTML and what is code."""
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def _has_html(token: Token) -> bool:
    return token.type == "html_block" or any(child.type == "html_inline" for child in token.children or ())


def _without_tags(text: str, tokens: list[Token]) -> str:
    """What would be tags within these blocks is escaped; code, in which a backslash would be seen, stays if it can."""
    lines = text.split("\n")
    for token in tokens:
        begin, end = token.map or (0, len(lines))
        block = "\n".join(lines[begin:end])
        escaped = _without_inline_tags(block, token.children or [])
        if escaped == block:
            escaped = _TAG.sub(r"\\<", block)
        lines[begin:end] = escaped.split("\n")
    return "\n".join(lines)


def _without_inline_tags(block: str, children: list[Token]) -> str:
    """The tags are looked for in their order between the code, since the parser does not say where they are."""
    at = 0
    for child in children:
        if child.type not in {"html_inline", "code_inline"}:
            continue
        if found := re.compile(r"(?<!\\)" + re.escape(child.content)).search(block, at):
            escape = "\\" if child.type == "html_inline" else ""
            block = f"{block[: found.start()]}{escape}{block[found.start() :]}"
            at = found.end() + len(escape)
    return block


def _closed(text: str) -> str:
    """`text` with the end of its last code block, where that is missing."""
    last = _parser().parse(f"{text}\n\nwhat follows\n")[-1]
    return f"{text}\n{last.markup}" if last.type == "fence" else text


def _quote(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def _quoted(text: str, secret: str | None) -> str:
    """Text on one line that means nothing in Markdown."""
    return _MARKS.sub(r"\\\1", one_line(text, secret))


def _link(source: Source, secret: str | None) -> str:
    """A link, if it can be followed; else what there is to read."""
    title, url = _quoted(source.title, secret), followable(one_line(source.url, secret))
    if url is not None:
        return f"[{title}](<{url}>)"
    return f"{title} {_quoted(source.url, secret)}".rstrip() if source.url != source.title else title
