"""A stored chat as somebody reads it: who said what, which tools ran and what became of them, what the answer rests on."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias
from urllib.parse import quote, urlsplit

from pydantic import JsonValue

from kai_client._wire import is_object, to_wire
from kai_client.cli.outcomes import is_refusal
from kai_client.message import (
    FileUIPart,
    ReasoningFileUIPart,
    ReasoningUIPart,
    SourceDocumentUIPart,
    SourceUrlUIPart,
    SteeringUIPart,
    TextUIPart,
    UIPart,
    UnknownUIPart,
)
from kai_client.message.tools import ToolUIPartBase, is_tool_type, name_of_tool
from kai_client.models import ChatDetail, Message
from kai_client.types import JsonObject

__all__ = [
    "Attachment",
    "Call",
    "Interjection",
    "Passage",
    "Source",
    "Sources",
    "Spoken",
    "Thought",
    "chat_json",
    "followable",
    "passages",
    "said_at",
    "speaker",
]

Tone: TypeAlias = Literal["good", "bad", "open"]


@dataclass(frozen=True, slots=True)
class Spoken:
    """What was said: Markdown where Kai says it."""

    text: str


@dataclass(frozen=True, slots=True)
class Thought:
    """What the model thought aloud."""

    text: str


@dataclass(frozen=True, slots=True)
class Interjection:
    """What the user said while Kai was answering."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A tool call. `outcome` is a few words in lower case, `tone` whether they are good news."""

    name: str
    input: JsonValue = None
    output: JsonValue = None
    outcome: str
    tone: Tone = "open"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file. `url` is None where the file itself is in the chat."""

    name: str
    media_type: str
    url: str | None


@dataclass(frozen=True, slots=True)
class Source:
    """A page or document; `url` is empty for the latter."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Sources:
    """What the message rests on; each source once."""

    sources: tuple[Source, ...]


Passage: TypeAlias = Spoken | Thought | Interjection | Call | Attachment | Sources
"""A piece of a message. All texts are the server's: whoever shows them makes them harmless."""

_WAITS: Final = "waits for approval"


def passages(message: Message) -> Iterator[Passage]:
    """The message's pieces in order, its sources last; parts that nobody reads are left out."""
    sources: dict[str, Source] = {}
    for part in message.parts:
        match part:
            case SourceUrlUIPart():
                sources.setdefault(part.url, Source(part.title or part.url, part.url))
            case SourceDocumentUIPart():
                sources.setdefault(part.source_id, Source(part.title or part.filename or part.source_id, ""))
            case _:
                if (passage := _passage(part)) is not None:
                    yield passage
    if sources:
        yield Sources(tuple(sources.values()))


def _passage(part: UIPart) -> Passage | None:
    passage: Passage | None = None
    match part:
        case TextUIPart() if part.text.strip():
            passage = Spoken(part.text)
        case ReasoningUIPart() if part.text.strip():
            passage = Thought(part.text)
        case FileUIPart() | ReasoningFileUIPart():
            passage = _attachment(part)
        case SteeringUIPart():
            passage = _interjection(part)
        case ToolUIPartBase():
            passage = _call(part)
        case UnknownUIPart():
            passage = _unknown_call(part)
        case _:
            pass
    return passage


def _interjection(part: SteeringUIPart) -> Interjection | None:
    said = [piece["text"] for piece in part.parts if is_object(piece) and isinstance(piece.get("text"), str)]
    return Interjection("\n\n".join(said)) if said else None


def _attachment(part: FileUIPart | ReasoningFileUIPart) -> Attachment:
    inside = part.url.startswith("data:")
    name = (part.filename if isinstance(part, FileUIPart) else None) or part.get("name")
    if not isinstance(name, str) or not name:
        name = "a file" if inside else _path(part.url).rpartition("/")[2] or part.url
    return Attachment(name, part.media_type, None if inside else part.url)


def _path(url: str) -> str:
    """The path of `url`; empty for what is no URL."""
    try:
        return urlsplit(url).path
    except ValueError:
        return ""


def _call(part: ToolUIPartBase) -> Call:
    wire = part.to_dict()
    given = wire.get("input")
    if given is None:
        given = wire.get("rawInput")
    outcome, tone = _outcome(part, wire)
    output = wire.get("output") if part.state == "output-available" else None
    return Call(name=part.tool_name or "?", input=given, output=output, outcome=outcome, tone=tone)


def _outcome(part: ToolUIPartBase, wire: JsonObject) -> tuple[str, Tone]:
    """In words, and whether they are good news."""
    approval = part.approval
    denied = f"denied: {approval.reason}" if approval is not None and approval.reason else "denied"
    match part.state:
        case "output-denied":
            return denied, "bad"
        case "output-error":
            error = wire.get("errorText")
            return (f"failed: {error}" if error else "failed"), "bad"
        case "output-available":
            if is_refusal(wire.get("output")):
                return denied, "bad"
            return ("still running", "open") if wire.get("preliminary") is True else ("done", "good")
        case "approval-responded" if approval is not None and approval.approved is False:
            return denied, "bad"
        case state:
            return _pending(state, is_asked=approval is not None and approval.approved is None), "open"


def _pending(state: str, *, is_asked: bool) -> str:
    """What a call without a result waits for."""
    match state:
        case "approval-responded":
            return "approved, no result yet"
        case "approval-requested":
            return _WAITS
        case "input-available":
            return _WAITS if is_asked else "no result yet"
        case _:
            return "broken off before it was called"


def _unknown_call(part: UnknownUIPart) -> Call | None:
    """A tool call in a state that this version does not know."""
    if not is_tool_type(part.type):
        return None
    wire = part.to_dict()
    name, outcome = name_of_tool(part.type, wire.get("toolName")), str(wire.get("state") or "unknown state")
    return Call(name=name or "?", input=wire.get("input"), output=wire.get("output"), outcome=outcome)


def speaker(message: Message) -> str:
    """Who says it, as a heading: `You`, `Kai`, or the role that the backend names."""
    metadata: object = message.metadata
    hidden = " (hidden)" if is_object(metadata) and metadata.get("hidden") is True else ""
    return {"user": "You", "assistant": "Kai"}.get(message.role, message.role.capitalize() or "?") + hidden


def said_at(message: Message) -> datetime | None:
    """When the message was made, where the backend says so: beside it or in its metadata."""
    if message.created_at is not None:
        return message.created_at
    metadata: object = message.metadata
    stored = metadata.get("createdAt") if is_object(metadata) else None
    try:
        return datetime.fromisoformat(stored) if isinstance(stored, str) else None
    except ValueError:
        return None


def chat_json(chat: ChatDetail) -> JsonObject:
    """The chat as the API gave it, key for key; moments are `datetime`."""
    return {**to_wire(chat), "messages": [message.to_dict() for message in chat.messages]}


def followable(url: str) -> str | None:
    """`url` fit to be a link: http, https or mailto, without a character that could end it; None for any other."""
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        return None
    if scheme not in {"http", "https", "mailto"}:
        return None
    return quote(url.strip(), safe="%/:?#[]@!$&'*+,;=~-._")
