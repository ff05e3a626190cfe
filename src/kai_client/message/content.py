"""Parts that are not tool calls."""

from typing import TYPE_CHECKING, Any, Literal

from kai_client.types import Json, ProviderMetadata

from .base import UIPartBase

__all__ = [
    "CustomUIPart",
    "DataUIPart",
    "FileUIPart",
    "ReasoningFileUIPart",
    "ReasoningUIPart",
    "SourceDocumentUIPart",
    "SourceUrlUIPart",
    "SteeringUIPart",
    "StepStartUIPart",
    "TextUIPart",
    "UnknownUIPart",
]


class TextUIPart(UIPartBase, frozen=True):
    """Text; `state` is `streaming` until it is `done`, and absent in what users wrote."""

    type: Literal["text"] = "text"
    text: str
    state: str | None = None
    provider_metadata: ProviderMetadata | None = None
    citations: list[Json] | None = None


class ReasoningUIPart(UIPartBase, frozen=True):
    """What the model thought aloud."""

    type: Literal["reasoning"] = "reasoning"
    text: str
    id: str | None = None
    state: str | None = None
    provider_metadata: ProviderMetadata | None = None


class StepStartUIPart(UIPartBase, frozen=True):
    """Here a step, one call of the model, begins."""

    type: Literal["step-start"] = "step-start"


class SourceUrlUIPart(UIPartBase, frozen=True):
    """A web page that the answer rests on."""

    type: Literal["source-url"] = "source-url"
    source_id: str
    url: str
    title: str | None = None
    provider_metadata: ProviderMetadata | None = None


class SourceDocumentUIPart(UIPartBase, frozen=True):
    """A document that the answer rests on."""

    type: Literal["source-document"] = "source-document"
    source_id: str
    media_type: str
    title: str
    filename: str | None = None
    provider_metadata: ProviderMetadata | None = None


class FileUIPart(UIPartBase, frozen=True):
    """A file; `url` is often a `data:` URL."""

    type: Literal["file"] = "file"
    url: str
    media_type: str
    filename: str | None = None
    provider_metadata: ProviderMetadata | None = None


class ReasoningFileUIPart(UIPartBase, frozen=True):
    """A file that belongs to the reasoning (AI SDK 7)."""

    type: Literal["reasoning-file"] = "reasoning-file"
    url: str
    media_type: str
    provider_metadata: ProviderMetadata | None = None


class CustomUIPart(UIPartBase, frozen=True):
    """A provider's own kind of part (AI SDK 7)."""

    type: Literal["custom"] = "custom"
    kind: str
    provider_metadata: ProviderMetadata | None = None


class SteeringUIPart(UIPartBase, frozen=True):
    """What the user said while the model was answering (AI SDK 7, experimental)."""

    type: Literal["steering-message"] = "steering-message"
    id: str
    parts: list[Json]


class DataUIPart(UIPartBase, frozen=True):
    """The application's own data: `type` is `data-<name>`, `data` any JSON."""

    type: str
    data: Json = None
    id: str | None = None

    if TYPE_CHECKING:
        # Unknown fields are attributes. Saying so also lets `match part.type` narrow the closed classes.
        def __getattr__(self, name: str) -> Any: ...

    @property
    def name(self) -> str:
        """The part of `type` after `data-`."""
        return self.type.removeprefix("data-")


class UnknownUIPart(UIPartBase, frozen=True):
    """A part of a type, state or shape that this version does not know; its fields are attributes under their wire names."""

    type: str

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...
