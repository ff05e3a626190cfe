"""The AI SDK's chunks as ordinary pydantic models, with the fields that the SDK documents, and one adapter for all of them."""

from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic.alias_generators import to_camel

__all__ = ["AnyChunk", "list_adapter", "one_adapter"]

Metadata = dict[str, Any] | None


class Chunk(BaseModel):
    """Validators are built at the first use, so that the time to the first event has them in, as ours has."""

    model_config = ConfigDict(alias_generator=to_camel, defer_build=True)


class Start(Chunk):
    """The answer begins."""

    type: Literal["start"]
    message_id: str | None = None
    message_metadata: Any = None


class StartStep(Chunk):
    """A step begins."""

    type: Literal["start-step"]


class TextStart(Chunk):
    """A text begins."""

    type: Literal["text-start"]
    id: str
    provider_metadata: Metadata = None


class TextDelta(Chunk):
    """A piece of text."""

    type: Literal["text-delta"]
    id: str
    delta: str
    provider_metadata: Metadata = None


class TextEnd(Chunk):
    """A text is complete."""

    type: Literal["text-end"]
    id: str
    provider_metadata: Metadata = None


class ReasoningStart(Chunk):
    """A thought begins."""

    type: Literal["reasoning-start"]
    id: str
    provider_metadata: Metadata = None


class ReasoningDelta(Chunk):
    """A piece of a thought."""

    type: Literal["reasoning-delta"]
    id: str
    delta: str
    provider_metadata: Metadata = None


class ReasoningEnd(Chunk):
    """A thought is complete."""

    type: Literal["reasoning-end"]
    id: str
    provider_metadata: Metadata = None


class ToolInputStart(Chunk):
    """A tool call begins."""

    type: Literal["tool-input-start"]
    tool_call_id: str
    tool_name: str
    provider_executed: bool | None = None
    dynamic: bool | None = None
    title: str | None = None


class ToolInputDelta(Chunk):
    """A piece of the input's JSON."""

    type: Literal["tool-input-delta"]
    tool_call_id: str
    input_text_delta: str


class ToolInputAvailable(Chunk):
    """The input is complete."""

    type: Literal["tool-input-available"]
    tool_call_id: str
    tool_name: str
    input: Any
    provider_executed: bool | None = None
    provider_metadata: Metadata = None
    dynamic: bool | None = None
    title: str | None = None


class ToolOutputAvailable(Chunk):
    """The tool has answered."""

    type: Literal["tool-output-available"]
    tool_call_id: str
    output: Any
    provider_executed: bool | None = None
    dynamic: bool | None = None
    preliminary: bool | None = None


class Usage(Chunk):
    """The backend's own counts."""

    type: Literal["data-usage"]
    data: dict[str, Any]
    id: str | None = None
    transient: bool | None = None


class FinishStep(Chunk):
    """A step is over."""

    type: Literal["finish-step"]


class Finish(Chunk):
    """The answer is complete."""

    type: Literal["finish"]
    finish_reason: str | None = None
    message_metadata: Any = None


AnyChunk = Annotated[
    Start
    | StartStep
    | TextStart
    | TextDelta
    | TextEnd
    | ReasoningStart
    | ReasoningDelta
    | ReasoningEnd
    | ToolInputStart
    | ToolInputDelta
    | ToolInputAvailable
    | ToolOutputAvailable
    | Usage
    | FinishStep
    | Finish,
    Field(discriminator="type"),
]


@cache
def one_adapter() -> TypeAdapter[AnyChunk]:
    """Reads one chunk."""
    return TypeAdapter(AnyChunk)


@cache
def list_adapter() -> TypeAdapter[list[AnyChunk]]:
    """Reads a JSON array of chunks."""
    return TypeAdapter(list[AnyChunk])
