"""What is missing between a message that broke off and the same message as it was stored, as events. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from kai_client.events import SSEEvent, event_from_chunk
from kai_client.message import DataUIPart, ReasoningUIPart, StepStartUIPart, TextUIPart, ToolUIPart, UIMessage, UIPart

from .tool_difference import tool_chunks

__all__ = ["IrreconcilableError", "is_complete", "missing_events"]

_GROWING: Final = {"streaming", "input-streaming", "input-available", "approval-responded"}
"""States that a whole answer does not end in: something is being written, or a tool runs."""


class IrreconcilableError(ValueError):
    """The stored message does not begin with what had arrived."""


def is_complete(message: UIMessage) -> bool:
    """Whether nothing in a stored message is still being written."""
    return not any(part.get("state") in _GROWING or part.get("preliminary") for part in message.parts)


def missing_events(partial: UIMessage, stored: UIMessage, open_ids: Mapping[int, str | None]) -> list[SSEEvent]:
    """The events that make `stored` out of `partial`, `finish` included.

    `open_ids` are the ids of the parts of `partial` that were still being written. Raises `IrreconcilableError` where `stored`
    takes back or changes anything that had arrived.
    """
    chunks: list[dict[str, Any]] = []
    if not partial.parts and stored.id:
        chunks.append({"type": "start", "messageId": stored.id})
    chunks += _parts(partial.parts, stored.parts, open_ids)
    if stored.metadata is not None and stored.metadata != partial.metadata:
        chunks.append({"type": "message-metadata", "messageMetadata": stored.metadata})
    asks = any(part.state == "approval-requested" for part in stored.tool_parts)
    chunks.append({"type": "finish", "finishReason": "tool-calls" if asks else "stop"})
    return [event_from_chunk(chunk) for chunk in chunks]


def _parts(
    partial: Sequence[UIPart], stored: Sequence[UIPart], open_ids: Mapping[int, str | None]
) -> Iterator[dict[str, Any]]:
    rest = list(stored)
    for index, before in enumerate(partial):
        while rest and _is_marker(rest[0]) and not _same(before, rest[0]) and not _is_marker(before):
            yield from _new(rest.pop(0), index)
        if rest and _same(before, rest[0]):
            yield from _grown(before, rest.pop(0), index in open_ids, open_ids.get(index))
        elif not _is_marker(before):
            raise IrreconcilableError(f"the stored message has no {before.type} in place {index}")
        # Else a marker that the backend does not store.
    for index, part in enumerate(rest, len(partial)):
        yield from _new(part, index)


def _is_marker(part: UIPart) -> bool:
    """What a backend may or may not store: step markers and its own data."""
    return isinstance(part, StepStartUIPart | DataUIPart)


def _same(before: UIPart, after: UIPart) -> bool:
    """Whether both are the same part, at different times."""
    if isinstance(before, ToolUIPart):
        return isinstance(after, ToolUIPart) and before.tool_call_id == after.tool_call_id
    return before.type == after.type and before.get("id") == after.get("id", before.get("id"))


def _grown(before: UIPart, after: UIPart, is_open: bool, part_id: str | None) -> Iterator[dict[str, Any]]:
    """Of a part that had arrived, at least in part."""
    if isinstance(before, TextUIPart | ReasoningUIPart) and isinstance(after, TextUIPart | ReasoningUIPart):
        yield from _rest_of_text(before, after, is_open, part_id)
    elif isinstance(before, ToolUIPart) and isinstance(after, ToolUIPart):
        chunks = tool_chunks(before, after)
        if chunks is None:
            raise IrreconcilableError(f"the tool call {before.tool_call_id!r} ended otherwise")
        yield from chunks
    elif before != after:
        if not isinstance(before, DataUIPart) or before.id is None:
            raise IrreconcilableError(f"a {before.type} part is another one")
        yield after.to_dict()


def _rest_of_text(
    before: TextUIPart | ReasoningUIPart, after: TextUIPart | ReasoningUIPart, is_open: bool, part_id: str | None
) -> Iterator[dict[str, Any]]:
    rest = after.text.removeprefix(before.text)
    if before.text and rest == after.text:
        raise IrreconcilableError("the stored text begins otherwise")
    if not is_open:
        if rest:
            raise IrreconcilableError("a text that was complete has grown")
    elif part_id is None:  # the legacy chunks
        if rest or before.type == "text":
            yield {"type": before.type, "text": rest, **({"state": "done"} if before.type == "text" else {})}
    else:
        if rest:
            yield {"type": f"{before.type}-delta", "id": part_id, "delta": rest}
        yield {"type": f"{before.type}-end", "id": part_id, **_metadata(after)}


def _new(part: UIPart, index: int) -> Iterator[dict[str, Any]]:
    """A part of which nothing had arrived."""
    match part:
        case TextUIPart() | ReasoningUIPart():
            part_id = part.get("id") or f"recovered-{index}"
            yield {"type": f"{part.type}-start", "id": part_id}
            yield {"type": f"{part.type}-delta", "id": part_id, "delta": part.text}
            yield {"type": f"{part.type}-end", "id": part_id, **_metadata(part)}
        case _ if isinstance(part, ToolUIPart):
            yield from tool_chunks(None, part) or []
        case StepStartUIPart():
            yield {"type": "start-step"}
        case _:
            yield part.to_dict()


def _metadata(part: TextUIPart | ReasoningUIPart) -> dict[str, Any]:
    wire = part.to_dict()
    return {key: wire[key] for key in ("providerMetadata", "citations") if wire.get(key) is not None}
