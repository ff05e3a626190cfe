"""What a streaming call returns, and how it is read (see `chat_stream`)."""

from .chat_stream import ChatStream
from .continuation import Continuation
from .opening import Opening

__all__ = ["ChatStream", "Continuation", "Opening"]
