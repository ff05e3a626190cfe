"""The parts of the assistant message, folded from events as the AI SDK's reducer folds them (protocol 5.3, version 7).

Tolerant: where the SDK gives up (a delta for an unknown id, an output for an unknown call) a part is made, so that nothing
that arrived is lost. Every event is constant work: parts are found through indexes, never by searching.
"""

from collections.abc import Callable
from typing import Any, ClassVar, TypeAlias, cast

from kai_client._text import TextBuffer
from kai_client.events import (
    BaseSSEEvent,
    CustomEvent,
    DataEvent,
    FileEvent,
    ReasoningDeltaEvent,
    ReasoningEndEvent,
    ReasoningEvent,
    ReasoningFileEvent,
    ReasoningStartEvent,
    ResetStepEvent,
    SourceDocumentEvent,
    SourceUrlEvent,
    SSEEvent,
    SteeringMessageEvent,
    StepStartEvent,
    TextDeltaEvent,
    TextEndEvent,
    TextEvent,
    TextStartEvent,
    UsageEvent,
)
from kai_client.types import JsonObject

from .tool_parts import ToolParts

_Handler: TypeAlias = Callable[[Any, Any], None]
_GrowingKey: TypeAlias = tuple[str, str]


class MessageParts:
    """The growing parts. `snapshot()` is the message's `parts` as JSON."""

    def __init__(self) -> None:
        self._parts: list[JsonObject] = []
        self._buffers: dict[int, TextBuffer] = {}
        """Texts by `id()` of their part, which lives as long as the entry does."""
        self._growing: dict[_GrowingKey, JsonObject] = {}
        self._data: dict[tuple[str, str], JsonObject] = {}
        self._tools = ToolParts(self._parts)
        self._step_start = 0

    def apply(self, event: SSEEvent) -> None:
        """Fold one event in; events without a part change nothing."""
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(self, event)
        else:
            self._tools.apply(event)

    def snapshot(self) -> list[JsonObject]:
        """The parts so far; later events do not change what was returned."""
        return [self._frozen(part) for part in self._parts]

    def _frozen(self, part: JsonObject) -> JsonObject:
        buffer = self._buffers.get(id(part))
        return {**part, "text": str(buffer)} if buffer is not None else dict(part)

    def _open(self, kind: str, part_id: str, event: BaseSSEEvent) -> JsonObject:
        part: JsonObject = {"type": kind, "text": "", "state": "streaming"}
        if kind == "reasoning":
            part["id"] = part_id
        self._buffers[id(part)] = TextBuffer()
        _take(part, event, {"provider_metadata": "providerMetadata"})
        self._parts.append(part)
        self._growing[kind, part_id] = part
        return part

    def _grow(self, kind: str, part_id: str, piece: str, event: BaseSSEEvent) -> JsonObject:
        part = self._growing.get((kind, part_id)) or self._open(kind, part_id, event)
        self._buffers[id(part)].append(piece)
        _take(part, event, {"provider_metadata": "providerMetadata"})
        return part

    def _close(self, kind: str, part_id: str, event: BaseSSEEvent) -> None:
        part = self._growing.pop((kind, part_id), None)
        if part is not None:
            part["state"] = "done"
            _take(part, event, {"provider_metadata": "providerMetadata", "citations": "citations"})

    def _on_text(self, event: TextEvent) -> None:
        """The legacy `text` chunk: one part grows until a chunk says `done`."""
        self._grow("text", "", event.text, event)
        if event.state == "done":
            self._close("text", "", event)

    def _on_text_start(self, event: TextStartEvent) -> None:
        self._open("text", event.id, event)

    def _on_text_delta(self, event: TextDeltaEvent) -> None:
        self._grow("text", event.id, event.text, event)

    def _on_text_end(self, event: TextEndEvent) -> None:
        self._close("text", event.id, event)

    def _on_reasoning_start(self, event: ReasoningStartEvent) -> None:
        self._open("reasoning", event.id, event)

    def _on_reasoning_delta(self, event: ReasoningDeltaEvent) -> None:
        self._grow("reasoning", event.id, event.delta, event)

    def _on_reasoning_end(self, event: ReasoningEndEvent) -> None:
        self._close("reasoning", event.id, event)

    def _on_reasoning(self, event: ReasoningEvent) -> None:
        """AI SDK 5.0.0 to 5.0.51: reasoning without a frame."""
        self._grow("reasoning", "", event.text, event)

    def _on_step_start(self, _: StepStartEvent) -> None:
        self._parts.append({"type": "step-start"})
        self._step_start = len(self._parts)
        self._tools.start_step()

    def _on_reset_step(self, _: ResetStepEvent) -> None:
        """What the step has said is void; the marker stays (protocol 5.3)."""
        for part in self._parts[self._step_start :]:
            self._buffers.pop(id(part), None)
            self._data = {key: kept for key, kept in self._data.items() if kept is not part}
        del self._parts[self._step_start :]
        self._growing.clear()
        self._tools.reset()

    def _on_append(self, event: BaseSSEEvent) -> None:
        """Sources, files and the like: the chunk is the part."""
        self._parts.append(event.to_chunk())

    def _on_data(self, event: DataEvent | UsageEvent) -> None:
        """A data part with an id replaces the earlier one in place; a transient one is none (protocol 5.3)."""
        if event.transient:
            return
        part = event.to_chunk()
        earlier = self._data.get((event.type, event.id)) if event.id is not None else None
        if earlier is not None:
            earlier["data"] = part.get("data")
            return
        self._parts.append(part)
        if event.id is not None:
            self._data[event.type, event.id] = part

    _handlers: ClassVar[dict[type[SSEEvent], _Handler]] = {
        TextEvent: _on_text,
        TextStartEvent: _on_text_start,
        TextDeltaEvent: _on_text_delta,
        TextEndEvent: _on_text_end,
        ReasoningStartEvent: _on_reasoning_start,
        ReasoningDeltaEvent: _on_reasoning_delta,
        ReasoningEndEvent: _on_reasoning_end,
        ReasoningEvent: _on_reasoning,
        StepStartEvent: _on_step_start,
        ResetStepEvent: _on_reset_step,
        FileEvent: _on_append,
        ReasoningFileEvent: _on_append,
        SourceUrlEvent: _on_append,
        SourceDocumentEvent: _on_append,
        CustomEvent: _on_append,
        SteeringMessageEvent: _on_append,
        DataEvent: _on_data,
        UsageEvent: _on_data,
    }


def _take(part: JsonObject, event: BaseSSEEvent, names: dict[str, str]) -> None:
    """Copy the fields that the chunk carries; an absent or null one leaves the part as it is."""
    for name, wire in names.items():
        value = cast("JsonObject", event.__dict__).get(name)
        if value is not None:
            part[wire] = value
