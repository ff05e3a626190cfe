# Made of kai_client/sse/__init__.py by scripts/generate_sync.py: change that, and run this.
"""Server-Sent Events: bytes to frames to events, and the parser that accumulates them."""

from kai_client.sse.chunks import parse_sse_event
from kai_client.sse.content_type import check_content_type
from kai_client.sse.decoder import MAX_EVENT_BYTES, EventDecoder
from kai_client.sse.replays import in_runs, replay
from kai_client.sync.sse.parser import ByteResponse, SSEStreamParser, parse_sse_stream

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
