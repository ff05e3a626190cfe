"""Events to the assistant message, with the semantics of the AI SDK 7 (protocol 5.3).

The transition table is `_HANDLERS` here and in `tool_parts`. Where the SDK gives up (a delta for an unknown id, an output for
an unknown call) a part is made and a warning noted, so that nothing that arrived is lost; `strict` gives up as the SDK
does. Parts are found through indexes, never by searching: every event is constant work.
"""

from collections.abc import Callable
from typing import Any, ClassVar, TypeAlias

from kai_client.events import (
    BaseSSEEvent,
    CustomEvent,
    DataEvent,
    FileEvent,
    FinishEvent,
    MessageMetadataEvent,
    ReasoningDeltaEvent,
    ReasoningEndEvent,
    ReasoningEvent,
    ReasoningFileEvent,
    ReasoningStartEvent,
    ResetStepEvent,
    SourceDocumentEvent,
    SourceUrlEvent,
    SSEEvent,
    StartEvent,
    SteeringMessageEvent,
    StepStartEvent,
    TextDeltaEvent,
    TextEndEvent,
    TextEvent,
    TextStartEvent,
    UsageEvent,
)
from kai_client.message import UIMessage
from kai_client.types import Json

from .growing import GrowingText, SoFar
from .metadata import merge_metadata
from .part_state import ABSENT, PartState
from .problems import Problems
from .runs import Run
from .tool_parts import ToolParts

_Handler: TypeAlias = Callable[[Any, Any], bool | None]

_PART_FIELDS: dict[type[SSEEvent], tuple[str, ...]] = {
    FileEvent: ("mediaType", "url", "providerMetadata"),
    ReasoningFileEvent: ("mediaType", "url", "providerMetadata"),
    SourceUrlEvent: ("sourceId", "url", "title", "providerMetadata"),
    SourceDocumentEvent: ("sourceId", "mediaType", "title", "filename", "providerMetadata"),
    CustomEvent: ("kind", "providerMetadata"),
    SteeringMessageEvent: ("id", "parts"),
}
"""Which fields of a chunk that is a part of its own the part keeps."""


class MessageReducer:
    """The growing message."""

    def __init__(self, message: UIMessage | None = None, *, strict: bool = False) -> None:
        self.problems: Problems = Problems(strict=strict)
        goes_on = message if message is not None and message.role == "assistant" else None
        # The SDK names the answer to a user's message like that message until `start` names it.
        self._begin(goes_on, message.id if message else "")

    def _begin(self, message: UIMessage | None, message_id: str = "") -> None:
        """Start anew, or from an assistant message that goes on."""
        self.message_id: str = message.id if message else message_id
        self.metadata: Json = message.metadata if message else None
        self._extra = dict(message.model_extra or {}) if message else {}
        self._has_metadata = message is not None and "metadata" in message.model_fields_set
        self.parts: list[PartState] = [
            PartState(part.to_dict(), index) for index, part in enumerate(message.parts if message else ())
        ]
        self.first_new_part: int = len(self.parts)
        self._growing: dict[tuple[str, str | None], tuple[PartState, GrowingText]] = {}
        self._data = {(part.fields["type"], part.fields["id"]): part for part in reversed(self.parts) if _has_id(part)}
        self._step_start = 1 + max(
            (i for i, part in enumerate(self.parts) if part.fields["type"] == "step-start"), default=-1
        )
        self._tools = ToolParts(self.parts, self.problems, self._step_start)

    def apply(self, event: SSEEvent) -> bool:
        """Fold one event in; whether the message changed, by the table's last column. Strict: `KaiStreamError`."""
        handler = self._handlers.get(type(event))
        if handler is None:
            return self._tools.apply(event)
        return handler(self, event) is not False

    @property
    def open_ids(self) -> dict[int, str | None]:
        """The id of each text or reasoning part that is not closed, by its place."""
        return {part.position: part_id for (_, part_id), (part, _) in self._growing.items()}

    def snapshot(self) -> UIMessage:
        """The message as it is now; later events do not change it."""
        fields: dict[str, Any] = {**self._extra, **({"metadata": self.metadata} if self._has_metadata else {})}
        return UIMessage.from_snapshot(self.message_id, tuple(part.snapshot() for part in self.parts), fields)

    def _append(self, fields: dict[str, Any]) -> PartState:
        part = PartState(fields, len(self.parts))
        self.parts.append(part)
        return part

    # Text and reasoning

    def _open(self, kind: str, part_id: str | None, provider_metadata: Json) -> tuple[PartState, GrowingText]:
        growing = GrowingText()
        identity = {"id": part_id} if kind == "reasoning" and part_id is not None else {}
        fields = {"type": kind, **identity, "text": SoFar(growing), "state": "streaming"}
        part = self._append({**fields, "providerMetadata": ABSENT if provider_metadata is None else provider_metadata})
        self._growing[kind, part_id] = part, growing
        return part, growing

    def grow(self, run: Run) -> None:
        """What the deltas of `run` do, one after the other."""
        if run.kind == "tool-input":
            self._tools.grow(run.id, run.text, deltas=run.deltas)
        else:
            self._grow(run.kind, run.id, run.text, None)

    def _grow(self, kind: str, part_id: str | None, piece: str, provider_metadata: Json) -> None:
        found = self._growing.get((kind, part_id))
        if found is None:
            if part_id is not None:  # None: the legacy chunks, which have no frame
                self.problems.note(f"{kind}-delta for the unknown id {part_id!r}")
            found = self._open(kind, part_id, None)
        part, growing = found
        growing.pieces.append(piece)
        part.touch()
        if provider_metadata is not None:
            part.update(providerMetadata=provider_metadata)

    def _close(self, kind: str, part_id: str | None, **fields: Json) -> bool:
        found = self._growing.pop((kind, part_id), None)
        if found is None:
            self.problems.note(f"{kind}-end for the unknown id {part_id!r}")
            return False
        part, _ = found
        part.update(state="done", **{key: value for key, value in fields.items() if value is not None})
        return True

    def _on_text(self, event: TextEvent) -> None:
        """The legacy `text` chunk: one part grows until a chunk says `done`."""
        self._grow("text", None, event.text, None)
        if event.state == "done":
            self._close("text", None)

    def _on_text_start(self, event: TextStartEvent) -> None:
        self._open("text", event.id, event.provider_metadata)

    def _on_text_delta(self, event: TextDeltaEvent) -> None:
        self._grow("text", event.id, event.text, event.provider_metadata)

    def _on_text_end(self, event: TextEndEvent) -> bool:
        return self._close("text", event.id, citations=event.citations, providerMetadata=event.provider_metadata)

    def _on_reasoning_start(self, event: ReasoningStartEvent) -> None:
        self._open("reasoning", event.id, event.provider_metadata)

    def _on_reasoning_delta(self, event: ReasoningDeltaEvent) -> None:
        self._grow("reasoning", event.id, event.delta, event.provider_metadata)

    def _on_reasoning_end(self, event: ReasoningEndEvent) -> bool:
        return self._close("reasoning", event.id, providerMetadata=event.provider_metadata)

    def _on_reasoning(self, event: ReasoningEvent) -> None:
        """AI SDK 5.0.0 to 5.0.51: reasoning without a frame."""
        self._grow("reasoning", None, event.text, event.provider_metadata)

    # Parts that arrive whole

    def _on_part(self, event: BaseSSEEvent) -> None:
        chunk = event.to_chunk()
        kept = {key: chunk[key] for key in _PART_FIELDS[type(event)] if chunk.get(key) is not None}  # type: ignore[index]
        self._append({"type": chunk["type"], **kept})

    def _on_data(self, event: DataEvent | UsageEvent) -> bool:
        """A data part with an id replaces the data of the first one with that type and id; a transient one is none."""
        if event.transient:
            return False
        chunk = event.to_chunk()
        earlier = self._data.get((event.type, event.id)) if event.id is not None else None
        if earlier is not None and earlier.is_in(self.parts):
            earlier.update(data=chunk.get("data", ABSENT))
            return True
        part = self._append(chunk)
        if event.id is not None:
            self._data[event.type, event.id] = part
        return True

    # The frame

    def _on_start(self, event: StartEvent) -> bool:
        """Another message id means another message: what was collected belongs to an earlier try (protocol 5.7)."""
        reset = event.message_id is not None and event.message_id != self.message_id
        if reset:
            self._begin(None, event.message_id or "")
        return self._merge(event.message_metadata) or event.message_id is not None

    def _merge(self, metadata: Json) -> bool:
        if metadata is None:
            return False
        try:
            self.metadata = merge_metadata(self.metadata, metadata)
        except ValueError as error:
            self.problems.note(str(error))
            self.metadata = metadata
        self._has_metadata = True
        return True

    def _on_metadata(self, event: MessageMetadataEvent | FinishEvent) -> bool:
        return self._merge(event.message_metadata)

    def _on_step_start(self, _: StepStartEvent) -> bool:
        self._append({"type": "step-start"})
        for kind in ("text", "reasoning"):
            self._growing.pop((kind, None), None)
        self._step_start = len(self.parts)
        self._tools.start_step()
        return False

    def _on_reset_step(self, _: ResetStepEvent) -> bool:
        """What the step has said is void; its marker stays."""
        anything_gone = len(self.parts) > self._step_start
        del self.parts[self._step_start :]
        self.first_new_part = min(self.first_new_part, len(self.parts))
        self._growing.clear()
        self._tools.reset_step()
        return anything_gone

    _handlers: ClassVar[dict[type[SSEEvent], _Handler]] = {
        TextEvent: _on_text,
        TextStartEvent: _on_text_start,
        TextDeltaEvent: _on_text_delta,
        TextEndEvent: _on_text_end,
        ReasoningStartEvent: _on_reasoning_start,
        ReasoningDeltaEvent: _on_reasoning_delta,
        ReasoningEndEvent: _on_reasoning_end,
        ReasoningEvent: _on_reasoning,
        **dict.fromkeys(_PART_FIELDS, _on_part),
        DataEvent: _on_data,
        UsageEvent: _on_data,
        StartEvent: _on_start,
        FinishEvent: _on_metadata,
        MessageMetadataEvent: _on_metadata,
        StepStartEvent: _on_step_start,
        ResetStepEvent: _on_reset_step,
    }


def _has_id(part: PartState) -> bool:
    return str(part.fields["type"]).startswith("data-") and isinstance(part.fields.get("id"), str)
