"""A request and its answer as they happen, and what is written down of them."""

import base64
import json
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from .cassette import Ending, Entry
from .hiding import Hiding

__all__ = ["Exchange", "Later", "written"]

_BREAK: Final = ": the answer went on here\n"
"""A comment of the stream, for as long as the parts of an answer are one text."""

_DONE: Final = b"[DONE]"


@dataclass(slots=True, eq=False)
class Exchange:
    """An exchange as it happens."""

    request: str
    """`GET /api/history?limit=10`."""
    sent: bytes
    chat_id: str = ""
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict[str, str])
    """The fields of `Entry` that headers are."""
    parts: list[bytearray] = field(default_factory=lambda: [bytearray()])
    """The answer: what came first, and what came after each decision that was made meanwhile."""
    causes: list["Exchange"] = field(default_factory=list["Exchange"])
    """The decisions."""
    ended: Ending = "left"
    over: bool = False

    def goes_on_after(self, cause: "Exchange") -> None:
        """What comes from now on comes after this decision. An event that has begun is part of it."""
        part = self.parts[-1]
        end = part.rfind(b"\n") + 1
        self.parts.append(part[end:])
        del part[end:]
        self.causes.append(cause)


class Later(NamedTuple):
    """A part of an answer that had to wait."""

    cause: Exchange
    entry: Entry


def written(exchange: Exchange, hiding: Hiding) -> tuple[Entry, list[Later]]:
    """The exchange as entries: the first part, and those that had to wait. Without what must not be known."""
    content = b"".join(exchange.parts)
    if exchange.ended == "left" and content.rstrip().endswith(_DONE):
        exchange.ended = "whole"  # who has read this has read everything, and need not wait for the end of the body
    try:
        first, *later = _parts(exchange, hiding)
        encoded = ""
    except UnicodeDecodeError:  # no text: secrets are ASCII, so they can be found all the same
        first, later = "", [""] * len(exchange.causes)
        encoded = base64.b64encode(hiding.text(content.decode("latin-1")).encode("latin-1")).decode()
    rest = [(cause, text) for cause, text in zip(exchange.causes, later, strict=True) if text]
    entry = Entry(
        request=hiding.text(exchange.request),
        sent=hiding.text(_pretty(exchange.sent.decode("utf-8", "replace"))),
        status=exchange.status,
        answer=first,
        answer_base64=encoded,
        ended="whole" if rest else exchange.ended,
    ).model_copy(update={name: hiding.text(value) for name, value in exchange.headers.items()})
    last = len(rest) - 1
    return entry, [
        Later(cause, Entry(answer=text, ended=exchange.ended if number == last else "whole"))
        for number, (cause, text) in enumerate(rest)
    ]


def _parts(exchange: Exchange, hiding: Hiding) -> list[str]:
    """The parts of a text; they are one text as long as something is looked for in it."""
    if "json" in exchange.headers.get("content_type", ""):
        return [hiding.text(_pretty(part.decode())) for part in exchange.parts]
    whole = _BREAK.join(part.decode() for part in exchange.parts)
    return hiding.stream(whole).split(_BREAK)


def _pretty(text: str) -> str:
    """JSON on many lines, so that a change shows where it is; any other text as it is."""
    try:
        pretty = json.dumps(json.loads(text), ensure_ascii=False, indent=2)
        pretty.encode()
    except ValueError:
        return text
    return pretty
