"""Server-Sent Events: bytes to frames to events, and the parser that accumulates them."""

from .chunks import parse_sse_event
from .content_type import check_content_type
from .decoder import MAX_EVENT_BYTES, EventDecoder
from .parser import ByteResponse, SSEStreamParser, parse_sse_stream
from .replays import in_runs, replay

__all__ = [
    "MAX_EVENT_BYTES",
    "ByteResponse",
    "EventDecoder",
    "SSEStreamParser",
    "check_content_type",
    "in_runs",
    "parse_sse_event",
    "parse_sse_stream",
    "replay",
]
