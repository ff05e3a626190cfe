"""Events as chunks of a stream."""

from typing import Final

from kai_client.events import SSEEvent, TextDeltaEvent, TextEvent

from .json_codec import json_bytes
from .messages import Chunk
from .text import whole_text

__all__ = ["chunk_of"]

_PLAIN: Final = {"type", "id", "text"}
_DELTA: Final = b'{"type":"text-delta","delta":%s,"id":%s}'


def chunk_of(index: int, event: SSEEvent) -> Chunk:
    """The chunk for an event. A plain piece of text, of which a stream nearly consists, is written without further ado."""
    if type(event) is TextDeltaEvent and event.model_fields_set <= _PLAIN and not event.model_extra:
        text = event.text
        if text.isascii():
            return Chunk(index, text, event=_DELTA % (json_bytes(text), json_bytes(event.id)))
    return Chunk(index, _text(event), event=json_bytes(event.to_chunk()))


def _text(event: SSEEvent) -> str:
    """The answer's text in an event, without half characters."""
    return whole_text(event.text) if isinstance(event, TextEvent) else ""
