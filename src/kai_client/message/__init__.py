"""The UI message and its parts, as the AI SDK builds them (protocol 5.1)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final, Self, TypeAlias, cast

from pydantic import BaseModel, JsonValue, PlainSerializer, PlainValidator, ValidationError
from pydantic.alias_generators import to_camel

from kai_client._wire import is_array, is_object, to_wire
from kai_client.types import Json, JsonObject

from .base import UIPartBase
from .content import (
    CustomUIPart,
    DataUIPart,
    FileUIPart,
    ReasoningFileUIPart,
    ReasoningUIPart,
    SourceDocumentUIPart,
    SourceUrlUIPart,
    SteeringUIPart,
    StepStartUIPart,
    TextUIPart,
    UnknownUIPart,
)
from .lazy import LazyParts
from .tools import (
    ToolApprovalRequestedUIPart,
    ToolApprovalRespondedUIPart,
    ToolApprovalState,
    ToolInputAvailableUIPart,
    ToolInputStreamingUIPart,
    ToolOutputAvailableUIPart,
    ToolOutputDeniedUIPart,
    ToolOutputErrorUIPart,
    is_tool_type,
)

ToolUIPart: TypeAlias = (
    ToolInputStreamingUIPart
    | ToolInputAvailableUIPart
    | ToolApprovalRequestedUIPart
    | ToolApprovalRespondedUIPart
    | ToolOutputAvailableUIPart
    | ToolOutputErrorUIPart
    | ToolOutputDeniedUIPart
)
"""A tool call in any state; `isinstance` and `match part.state` narrow it."""

UIPart: TypeAlias = (
    TextUIPart
    | ReasoningUIPart
    | ToolInputStreamingUIPart
    | ToolInputAvailableUIPart
    | ToolApprovalRequestedUIPart
    | ToolApprovalRespondedUIPart
    | ToolOutputAvailableUIPart
    | ToolOutputErrorUIPart
    | ToolOutputDeniedUIPart
    | StepStartUIPart
    | SourceUrlUIPart
    | SourceDocumentUIPart
    | FileUIPart
    | ReasoningFileUIPart
    | CustomUIPart
    | SteeringUIPart
    | DataUIPart
    | UnknownUIPart
)
"""A part of a message."""

_BY_TYPE: Final[dict[str, type[UIPart]]] = {
    "text": TextUIPart,
    "reasoning": ReasoningUIPart,
    "step-start": StepStartUIPart,
    "source-url": SourceUrlUIPart,
    "source-document": SourceDocumentUIPart,
    "file": FileUIPart,
    "reasoning-file": ReasoningFileUIPart,
    "custom": CustomUIPart,
    "steering-message": SteeringUIPart,
}

_BY_STATE: Final[dict[str, type[UIPart]]] = {
    "input-streaming": ToolInputStreamingUIPart,
    "input-available": ToolInputAvailableUIPart,
    "approval-requested": ToolApprovalRequestedUIPart,
    "approval-responded": ToolApprovalRespondedUIPart,
    "output-available": ToolOutputAvailableUIPart,
    "output-error": ToolOutputErrorUIPart,
    "output-denied": ToolOutputDeniedUIPart,
}


def read_part(data: Mapping[str, Any]) -> UIPart:
    """A part from its JSON. It never fails for an object: what fits no class is an `UnknownUIPart` that keeps everything."""
    kind, state = data.get("type"), data.get("state")
    found: type[UIPart] | None = None
    if isinstance(kind, str):
        found = _BY_TYPE.get(kind) or (DataUIPart if kind.startswith("data-") else None)
        if found is None and isinstance(state, str) and is_tool_type(kind):
            found = _BY_STATE.get(state)
    if found is not None:
        try:
            return found.model_validate(data)
        except ValidationError:
            pass
    return UnknownUIPart.model_validate({**data, "type": kind if isinstance(kind, str) else "unknown"})


def _read_parts(value: object) -> Sequence[UIPart]:
    if isinstance(value, LazyParts):
        return cast("LazyParts[UIPart]", value)
    if not is_array(value):
        raise ValueError("parts must be a list")
    return [cast("UIPart", part) if isinstance(part, UIPartBase) else read_part(_object(part)) for part in value]


def _object(value: object) -> dict[str, Any]:
    if not is_object(value):
        raise ValueError("a part must be an object")
    return value


def _write_parts(parts: Sequence[UIPart]) -> list[JsonValue]:
    """Parts are dumped as the JSON they are, whatever the options: the published interface has them as dictionaries."""
    return [part.to_dict() for part in parts]


class UIMessage(
    BaseModel,
    frozen=True,
    alias_generator=to_camel,
    populate_by_name=True,
    extra="allow",
    defer_build=True,
):
    """A message as the AI SDK's own client would have it. A snapshot: later events do not change it.

    Every part is a frozen object of its own class, and answers as the mapping it is on the wire, too: `part["text"]`,
    `part.get("state")`, `"type" in part`, `dict(part)`.
    """

    id: str
    role: str
    parts: Annotated[Sequence[UIPart], PlainValidator(_read_parts), PlainSerializer(_write_parts)]
    metadata: Json = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The message from its JSON. Raises `ValueError` for what is no message; unknown parts survive."""
        return cls.model_validate(data)

    @classmethod
    def from_snapshot(
        cls, message_id: str, makers: tuple[Callable[[], UIPart], ...], fields: Mapping[str, Any]
    ) -> "UIMessage":
        """The message whose parts are made when somebody looks at them; for the accumulator. `fields` have wire names."""
        known = {"metadata": fields["metadata"]} if "metadata" in fields else {}
        message = cls.model_construct(id=message_id, role="assistant", parts=LazyParts(makers), **known)
        if message.model_extra is not None:  # never by keyword: a field of the wire may be called `cls`
            message.model_extra.update({name: value for name, value in fields.items() if name != "metadata"})
        return message

    @property
    def text(self) -> str:
        """The text of all text parts, in order."""
        return "".join(part.text for part in self.parts if isinstance(part, TextUIPart))

    @property
    def tool_parts(self) -> list[ToolUIPart]:
        """The tool calls, in order."""
        return [part for part in self.parts if isinstance(part, ToolUIPart)]

    def __hash__(self) -> int:
        return hash((self.id, self.role))  # of parts and metadata, JSON as they are, there is none

    def to_dict(self) -> JsonObject:
        """The message as JSON, key for key: what was absent stays absent, null stays null."""
        return {**to_wire(self), "parts": _write_parts(self.parts)}


__all__ = [
    "CustomUIPart",
    "DataUIPart",
    "FileUIPart",
    "LazyParts",
    "ReasoningFileUIPart",
    "ReasoningUIPart",
    "SourceDocumentUIPart",
    "SourceUrlUIPart",
    "SteeringUIPart",
    "StepStartUIPart",
    "TextUIPart",
    "ToolApprovalRequestedUIPart",
    "ToolApprovalRespondedUIPart",
    "ToolApprovalState",
    "ToolInputAvailableUIPart",
    "ToolInputStreamingUIPart",
    "ToolOutputAvailableUIPart",
    "ToolOutputDeniedUIPart",
    "ToolOutputErrorUIPart",
    "ToolUIPart",
    "UIMessage",
    "UIPart",
    "UnknownUIPart",
    "read_part",
]
