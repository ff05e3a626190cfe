"""How a response of an answer begins."""

from collections.abc import Sequence
from dataclasses import dataclass

from kai_client.events import SSEEvent
from kai_client.message import UIMessage
from kai_client.transport import StreamRequest

__all__ = ["Opening"]


@dataclass(frozen=True)
class Opening:
    """How a response begins: its request, and the assistant message that goes on in it, if there is one.

    Without a request there is no response: the message is the whole answer. `events` are what this side adds before it, and
    `failure` is raised once the backend has taken the request.
    """

    request: StreamRequest | None
    message: UIMessage | None = None
    events: Sequence[SSEEvent] = ()
    failure: Exception | None = None
