"""The words a script is written in: what an assistant says, calls, asks and sends.

    ScriptedKai(script=[
        "Hello!",
        [call("get_tables", output={"tables": []}), say("You have no tables.")],
        [ask("run_job", {"id": 1}, output={"status": "ok"}), say("The job ran.")],
    ])

Items are plain frozen values; `turn` plays them, and a generator function can yield them and receive tool results.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from kai_client.events import (
    DataEvent,
    FileEvent,
    SourceDocumentEvent,
    SourceUrlEvent,
    SSEEvent,
    UnknownEvent,
    UsageEvent,
    UsageInfo,
    event_from_chunk,
)
from kai_client.exceptions import KaiError, error_class
from kai_client.types import Json, JsonObject

__all__ = [
    "Abort",
    "Call",
    "Emit",
    "Execution",
    "Fail",
    "Finish",
    "Item",
    "Pause",
    "Say",
    "Think",
    "ToolFailure",
    "abort",
    "ask",
    "call",
    "data",
    "document",
    "fail",
    "file",
    "finish",
    "pause",
    "raw",
    "say",
    "source",
    "think",
    "title",
    "usage",
]


class ToolFailure(Exception):  # noqa: N818 - a tool's failure is an answer, not a fault of the server
    """Raised by a tool's function: its text becomes the `tool-output-error`."""


@dataclass(frozen=True, slots=True)
class Execution:
    """What a tool's function is called with: the input as approved, and the answers that came with the approval."""

    input: Json
    answers: JsonObject | None = None


class Item:
    """One thing that an assistant does: what the functions below make, and nothing else."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Say(Item):
    """A text part."""

    text: str


@dataclass(frozen=True, slots=True)
class Think(Item):
    """A reasoning part."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Item):
    """A tool call; `call` and `ask` make one."""

    tool: str
    input: Json = field(default_factory=dict[str, Json])
    output: Json | Callable[[Execution], Json] = None
    approval: bool = False
    """Whether a human is asked before it runs."""
    denied: str | None = None
    """What the assistant says when it was refused; it has a sentence of its own."""
    error: str | None = None
    invalid: str | None = None
    preliminary: tuple[Json, ...] = ()
    dynamic: bool = False
    client_side: bool = False
    automatic: bool | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Emit(Item):
    """An event that goes out as it is, in the open step or after `finish`."""

    event: SSEEvent
    after_finish: bool = False


@dataclass(frozen=True, slots=True)
class Fail(Item):
    """The answer fails: with an HTTP error if nothing was sent before, else with an `error` chunk."""

    text: str
    error: KaiError | None = None
    finish: bool = True


@dataclass(frozen=True, slots=True)
class Finish(Item):
    """The answer ends here, for this reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Abort(Item):
    """The answer is aborted: no part, step or message is closed (protocol 4.6, V13)."""

    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Pause(Item):
    """Nothing is sent for a while."""

    seconds: float


_STATUS: Final = {400: "bad_request", 401: "unauthorized", 403: "forbidden", 404: "not_found", 429: "rate_limit"}


def say(text: str) -> Say:
    """Text, streamed word by word."""
    return Say(text)


def think(text: str) -> Think:
    """Reasoning, streamed word by word."""
    return Think(text)


def call(
    tool: str,
    input: Json = None,  # noqa: A002 - the field's own name
    output: Json | Callable[[Execution], Json] = None,
    *,
    error: str | None = None,
    invalid: str | None = None,
    preliminary: Sequence[Json] = (),
    dynamic: bool = False,
    client_side: bool = False,
    automatic: bool | None = None,
    id: str | None = None,  # noqa: A002 - the field's own name
) -> Call:
    """A tool call that runs without asking; consecutive ones share a step.

    `output` is the result or a function that makes it (raising `ToolFailure` to fail). `error` makes the tool fail (V7 of
    protocol 4.6), `invalid` makes its input invalid (V8), `preliminary` outputs come first (V9), `dynamic` marks an MCP
    tool (V10), `client_side` waits for the client's own result (V11), `automatic` is a decision that the backend makes by
    itself and reports (V6).
    """
    return Call(
        tool=tool,
        input={} if input is None else input,
        output=output,
        error=error,
        invalid=invalid,
        preliminary=tuple(preliminary),
        dynamic=dynamic,
        client_side=client_side,
        automatic=automatic,
        id=id,
    )


def ask(
    tool: str,
    input: Json = None,  # noqa: A002 - the field's own name
    output: Json | Callable[[Execution], Json] = None,
    *,
    denied: str | None = None,
    error: str | None = None,
    dynamic: bool = False,
    id: str | None = None,  # noqa: A002 - the field's own name
) -> Call:
    """A tool call that waits for approval; consecutive ones wait together.

    When it is refused the assistant says `denied`, or a sentence of its own, and the turn ends unless another call of the
    same step was approved. Without an `output`, `answers` that come with the approval are the output.
    """
    return Call(
        tool=tool,
        input={} if input is None else input,
        output=output,
        approval=True,
        denied=denied,
        error=error,
        dynamic=dynamic,
        id=id,
    )


def source(url: str, title: str | None = None, *, id: str | None = None) -> Emit:  # noqa: A002
    """A web page that the answer rests on."""
    return Emit(SourceUrlEvent.from_chunk(_chunk(sourceId=id or url, url=url, title=title)))


def document(title: str, media_type: str = "application/pdf", *, filename: str | None = None) -> Emit:
    """A document that the answer rests on."""
    fields = _chunk(sourceId=title, mediaType=media_type, title=title, filename=filename)
    return Emit(SourceDocumentEvent.from_chunk(fields))


def file(url: str, media_type: str) -> Emit:
    """A file that the model made."""
    return Emit(FileEvent(url=url, media_type=media_type))


def data(name: str, value: Json, *, id: str | None = None, transient: bool | None = None) -> Emit:  # noqa: A002
    """A `data-<name>` part."""
    return Emit(DataEvent.from_chunk(_chunk(type=f"data-{name}", data=value, id=id, transient=transient)))


def title(text: str) -> Emit:
    """The chat's title, as `data-chat-title`; the chat keeps it."""
    return data("chat-title", text)


def usage(prompt: int, completion: int, *, after_finish: bool = False) -> Emit:
    """Token counts, as `data-usage`; Kai is seen to send them before and after `finish`."""
    counts = UsageInfo(prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion)
    return Emit(UsageEvent(usage=counts), after_finish)


def raw(chunk: JsonObject) -> Emit:
    """A chunk exactly as given, known or not, even malformed."""
    try:
        event = event_from_chunk(chunk)
    except ValueError:
        return Emit(UnknownEvent.from_chunk(chunk))
    return Emit(event if event.to_chunk() == chunk else UnknownEvent.from_chunk(chunk))


def fail(
    text: str = "Something went wrong.",
    *,
    status: int | None = None,
    code: str | None = None,
    retry_after: float | None = None,
    finish: bool = True,
) -> Fail:
    """The answer fails here.

    With `status`, as the first item of a turn, it is an HTTP error (`code` defaults to that of the status). Otherwise it is
    an `error` chunk, followed by `finish` with the reason `error` (V12) unless `finish` is false.
    """
    if status is None:
        return Fail(text, finish=finish)
    code = code or f"{_STATUS.get(status, 'offline' if status == 503 else 'internal')}:chat"  # noqa: PLR2004
    error = error_class(code, status)(text, code, status_code=status, retry_after=retry_after)
    return Fail(text, error)


def finish(reason: str) -> Finish:
    """The answer ends here for a reason other than `stop`: `length`, `content-filter`, anything."""
    return Finish(reason)


def abort(reason: str | None = None) -> Abort:
    """The answer is cut off by the backend itself (V13)."""
    return Abort(reason)


def pause(seconds: float) -> Pause:
    """The backend is silent for so long."""
    return Pause(seconds)


def _chunk(**fields: Json) -> JsonObject:
    """A chunk without the fields that were not given."""
    return {key: value for key, value in fields.items() if value is not None}
