"""`kai export -o html`: a chat as one page that asks nobody for anything: no script, no image, no font, no style from elsewhere.

Every text of the server is escaped; Markdown becomes HTML by way of a parser that passes no HTML on.
"""

import base64
import hashlib
from collections.abc import Iterator
from functools import cache
from html import escape
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token
from pydantic import JsonValue

from kai_client.cli.drawing import harmless, minute
from kai_client.cli.terminal import json_text, one_line
from kai_client.models import ChatDetail, Message

from .passages import (
    Attachment,
    Call,
    Interjection,
    Passage,
    Sources,
    Spoken,
    Thought,
    followable,
    passages,
    said_at,
    speaker,
)
from .transcript import heading

__all__ = ["chat_html"]

_STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --quiet: #767676; --kai: #1f6feb; }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin-bottom: 0; }
.facts, time { color: var(--quiet); font-size: .85rem; font-weight: normal; }
.message { margin: 1.5rem 0; padding-left: 1rem; border-left: 3px solid var(--line); }
.assistant { border-color: var(--kai); }
.message > h2 { font-size: 1rem; margin: 0 0 .5rem; }
.said { white-space: pre-wrap; }
pre { background: var(--soft); padding: .75rem; overflow-x: auto; white-space: pre-wrap; }
code { font-family: ui-monospace, monospace; font-size: .9em; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { border: 1px solid var(--line); padding: .25rem .6rem; }
.left { text-align: left; } .center { text-align: center; } .right { text-align: right; }
blockquote { margin-left: 0; padding-left: 1rem; border-left: 3px solid var(--line); }
details { margin: .75rem 0; } summary { cursor: pointer; }
.thought { color: var(--quiet); font-style: italic; white-space: pre-wrap; }
.good { color: #2da44e; } .bad { color: #d1242f; } .open { color: #9a6700; }
@media print {
  body { max-width: none; margin: 0; } pre { white-space: pre-wrap; } h2 { break-after: avoid; }
  details::details-content { content-visibility: visible; display: block; block-size: auto; }
}
"""

_POLICY: Final = "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'"

_PAGE: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header>
<h1 dir="auto">{title}</h1>
<p class="facts">{facts}</p>
</header>
<main>
{messages}
</main>
</body>
</html>
"""


def chat_html(chat: ChatDetail, *, reasoning: bool, tools: bool, secret: str | None) -> str:
    """The page."""
    title, facts = (_text(text, secret) for text in heading(chat, secret))
    sections: list[str] = []
    for message in chat.messages:
        said = [
            _element(passage, message.role, secret)
            for passage in passages(message)
            if (tools or not isinstance(passage, Call)) and (reasoning or not isinstance(passage, Thought))
        ]
        if said:
            sections.append("\n".join(_section(message, said, secret)))
    style = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    return _PAGE.format(
        policy=_POLICY.format(style=style), title=title, facts=facts, style=_STYLE, messages="\n".join(sections)
    )


def _section(message: Message, said: list[str], secret: str | None) -> Iterator[str]:
    moment = said_at(message)
    time = "" if moment is None else f' <time datetime="{moment.isoformat()}">{minute(moment)}</time>'
    yield f'<section class="message {"assistant" if message.role == "assistant" else "user"}">'
    yield f"<h2>{_text(speaker(message), secret)}{time}</h2>"
    yield from said
    yield "</section>"


def _element(passage: Passage, role: str, secret: str | None) -> str:
    match passage:
        case Spoken() | Interjection() | Thought():
            return _words(passage, role, secret)
        case Call():
            return _call(passage, secret)
        case Attachment():
            return (
                f"<p>File: {_link(passage.name, passage.url or '', secret)} ({_text(passage.media_type, secret)})</p>"
            )
        case Sources():
            items = [f"<li>{_link(source.title, source.url, secret)}</li>" for source in passage.sources]
            return "\n".join(["<p>Sources:</p>", "<ul>", *items, "</ul>"])


def _words(passage: Spoken | Interjection | Thought, role: str, secret: str | None) -> str:
    """Markdown is for what Kai says; who typed something typed it as it is."""
    if isinstance(passage, Spoken) and role == "assistant":
        return f'<div dir="auto">\n{_rendered(harmless(passage.text, secret))}</div>'
    kind = "thought" if isinstance(passage, Thought) else "said"
    text = f'<div class="{kind}" dir="auto">{_lines(passage.text, secret)}</div>'
    match passage:
        case Thought():
            return f"<details>\n<summary>Reasoning</summary>\n{text}\n</details>"
        case Interjection():
            return f"<p>You, meanwhile:</p>\n{text}"
        case Spoken():
            return text


def _call(call: Call, secret: str | None) -> str:
    outcome = f'<span class="{call.tone}">{_text(call.outcome, secret)}</span>'
    lines = [f"<details>\n<summary>Tool <code>{_text(call.name, secret)}</code>: {outcome}</summary>"]
    for label, value in (("Input", call.input), ("Output", call.output)):
        if value is not None:
            lines += [f"<p>{label}:</p>", f"<pre><code>{_value(value, secret)}</code></pre>"]
    return "\n".join([*lines, "</details>"])


def _value(value: JsonValue, secret: str | None) -> str:
    return _lines(value, secret) if isinstance(value, str) else escape(json_text(value, secret))


def _text(text: str, secret: str | None) -> str:
    return escape(one_line(text, secret))


def _lines(text: str, secret: str | None) -> str:
    return escape(harmless(text, secret).strip("\n"))


def _link(title: str, url: str, secret: str | None) -> str:
    shown, target = _text(title, secret), followable(one_line(url, secret))
    if target is not None:
        return f'<a href="{escape(target)}" rel="noopener noreferrer nofollow">{shown}</a>'
    return f"{shown} {_text(url, secret)}".rstrip() if url != title else shown


class _Harmless(MarkdownIt):
    """Markdown without HTML and images, whose links lead to web pages and mail addresses alone."""

    def validateLink(self, url: str) -> bool:  # noqa: N802 - the parser's name
        """See markdown-it: a link that is refused stays the text that it was."""
        return followable(url) is not None


@cache
def _parser() -> MarkdownIt:
    return _Harmless("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")


def _rendered(text: str) -> str:
    """Markdown as HTML; once more made harmless, since a text can name the characters that it does not contain."""
    parser = _parser()
    tokens = parser.parse(text)
    for token in tokens:
        for each in (token, *(token.children or ())):
            _restrain(each)
    return harmless(str(parser.renderer.render(tokens, parser.options, {})))


def _restrain(token: Token) -> None:
    """What the policy of the page forbids, or what a link should not do."""
    if token.type == "link_open":
        token.attrSet("rel", "noopener noreferrer nofollow")
    style = token.attrs.pop("style", None)
    if style is not None:  # the alignment of a column
        token.attrs["class"] = str(style).removeprefix("text-align:")
