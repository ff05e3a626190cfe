"""The product's noun: a chat with Kai is an async iterator of typed events."""

from collections.abc import AsyncIterator
from typing import Any, Protocol, runtime_checkable

from .events import SSEEvent

__all__ = ["ChatBackend"]


@runtime_checkable
class ChatBackend(Protocol):
    """Anything that answers a chat message with events.

    `KaiClient` is one over HTTP; the local server hosts any. `options` are the keywords of `KaiClient.send_message`; an
    implementation ignores those that it does not know. (`*args` lets type checkers accept one that names its keywords.)
    """

    def send_message(self, chat_id: str, text: str, *args: Any, **options: Any) -> AsyncIterator[SSEEvent]:
        """The events of the answer to `text`, in order; failures are `KaiError`s."""
        ...
