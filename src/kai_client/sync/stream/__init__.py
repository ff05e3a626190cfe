# Made of kai_client/stream/__init__.py by scripts/generate_sync.py: change that, and run this.
"""What a streaming call returns, and how it is read (see `chat_stream`)."""

from kai_client.stream.opening import Opening
from kai_client.sync.stream.chat_stream import ChatStream
from kai_client.sync.stream.continuation import Continuation

__all__ = ["ChatStream", "Continuation", "Opening"]
