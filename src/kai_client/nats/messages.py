"""What travels between a caller and the service, whatever it is encoded in.

Requests are read strictly: a field that is misspelt or of another type is refused by its name, so that nothing of a prompt gets
lost. Answers are read liberally.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kai_client.events import UsageInfo
from kai_client.types import Json, JsonObject

from .faults import FaultRecord
from .text import Name, Text

__all__ = [
    "Chunk",
    "InferMessage",
    "InferReply",
    "InferRequest",
    "Meta",
    "OperationReply",
    "OperationRequest",
    "Parameters",
    "ToolLimits",
]


class _Asked(BaseModel):
    """A part of a request."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Told(BaseModel):
    """A part of an answer."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="ignore")


class Meta(_Asked):
    """What a request says about itself."""

    request_id: Name | None = None
    """Under which it is found in logs; the service makes one up where there is none."""
    trace_id: Text | None = None
    idempotency_key: Text | None = None
    """The same key twice reaches Kai once."""
    labels: dict[Text, Text] = Field(default_factory=dict[str, str])
    user: Text | None = None
    """Whose chats these are, where the service keeps its callers apart. A name, not a credential: never a token."""
    mode: Literal["agent", "assistant"] | None = None
    """Whose manners the answer has (kai-agent's, by default), where the service has both."""


class InferMessage(_Asked):
    """The message to be answered: a text, or the parts of a UI message as Kai's own API takes them."""

    role: Literal["user", "assistant"]
    id: Text | None = None
    content: Text | None = None
    parts: list[JsonObject] = Field(default_factory=list[JsonObject])
    metadata: JsonObject | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.content is None) == (not self.parts):
            raise ValueError("give either content or parts")
        return self


class ToolLimits(_Asked):
    """The tools that a chat may use; its first message decides."""

    allowed_tools: list[Text] | None = None
    disallowed_tools: list[Text] | None = None
    read_only_mode: bool | None = None


class Parameters(_Asked):
    """What Kai is asked to do otherwise; None is "not given"."""

    visibility: Literal["private", "public"] | None = None
    branch_id: int | None = Field(default=None, ge=-(2**63), lt=2**63)
    hidden: bool | None = None
    request_path: Text | None = None
    tool_restrictions: ToolLimits | None = None


class InferRequest(_Asked):
    """One message to be answered, as `prompt` or in `messages`."""

    meta: Meta = Field(default_factory=Meta)
    chat_id: Text | None = None
    """The chat, a UUID; without it a new one begins."""
    model: Text | None = None
    prompt: Text | None = None
    messages: list[InferMessage] = Field(default_factory=list[InferMessage])
    parameters: Parameters = Field(default_factory=Parameters)
    stream: bool = False
    window: int | None = Field(default=None, ge=1, lt=2**32)
    """Bytes that may be on their way to a caller that says how many it has taken; None: it does not say."""

    @model_validator(mode="after")
    def _one_message(self) -> Self:
        if (self.prompt is None) == (not self.messages):
            raise ValueError("give either prompt or messages")
        if len(self.messages) > 1:
            raise ValueError("messages: give one; Kai keeps the earlier ones under chat_id")
        return self


class OperationRequest(_Asked):
    """A call of another method of Kai's; `arguments` have the names of Kai's own API."""

    meta: Meta = Field(default_factory=Meta)
    arguments: JsonObject = Field(default_factory=dict[str, Json])
    window: int | None = Field(default=None, ge=1, lt=2**32)


class OperationReply(_Told):
    """The result, or the error."""

    result: Json = None
    error: FaultRecord | None = None


class InferReply(_Told):
    """The whole answer; with `error`, what there was of it."""

    request_id: Text = ""
    generation_id: Text | None = None
    """The id of the assistant's message."""
    chat_id: Text | None = None
    output: Text = ""
    finish_reason: Text | None = None
    usage: UsageInfo | None = None
    error: FaultRecord | None = None


@dataclass(slots=True)
class Chunk:
    """One event of a streamed answer, or its end. Not a model, and not frozen, which costs more: there is one for every token."""

    index: int
    """Counts from 0 without a gap."""
    delta: str = ""
    """The text, where the event is a piece of the answer's text."""
    is_final: bool = False
    """The last one, which has no event but tells how it ended."""
    event: bytes | None = None
    """The event as Kai's own stream has it: the JSON text of a UI message chunk."""
    generation_id: str | None = None
    chat_id: str | None = None
    finish_reason: str | None = None
    usage: UsageInfo | None = None
    error: FaultRecord | None = None


Chunks = Sequence[Chunk]
"""A message of a stream; without chunks it is a heartbeat."""
