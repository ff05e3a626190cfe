"""The door to nats-py: the calls that we make, with types that are known, and its exceptions as ours.

nats-py leaves the types of its options open, so that every use of it would be unknown to a type checker.
"""

# pyright: reportUnknownMemberType=false

import asyncio
import re
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Final, Protocol

from nats import errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from kai_client.exceptions import KaiClosedError, KaiConnectionError, KaiError, KaiTimeoutError

__all__ = [
    "NO_RESPONDERS",
    "TOO_LARGE",
    "Connection",
    "Inbox",
    "connect",
    "map_nats_errors",
    "require_room",
    "require_subject",
    "status_of",
]

NO_RESPONDERS: Final = "503"
"""The status of a message by which the broker says that nobody listens."""


TOO_LARGE: Final = "request:too_large"
"""The code of a message that the broker would not take."""

_SUBJECT: Final = re.compile(r"[!-)+\-/-=?-~]+(\.[!-)+\-/-=?-~]+)*")

_HEADERS_BESIDE: Final = 512
"""More than the headers that FastStream and JetStream add to ours, and the line that begins them."""


class Inbox(Protocol):
    """A subscription."""

    async def unsubscribe(self) -> None:
        """Nothing more is wanted."""
        ...


class Connection(Protocol):
    """What we use of a `nats.aio.client.Client`, which is one."""

    @property
    def is_closed(self) -> bool:
        """It will not come back."""
        ...

    @property
    def is_connected(self) -> bool:
        """It is not looking for its broker."""
        ...

    @property
    def max_payload(self) -> int:
        """How many bytes the broker takes in one message."""
        ...

    def new_inbox(self) -> str:
        """A subject that nobody else has."""
        ...

    async def publish(
        self, subject: str, payload: bytes = ..., reply: str = ..., headers: dict[str, str] | None = ...
    ) -> None:
        """Hand a message to the broker."""
        ...

    async def subscribe(
        self,
        subject: str,
        queue: str = ...,
        cb: Callable[[Msg], Awaitable[None]] | None = ...,
        *,
        pending_msgs_limit: int = ...,
        pending_bytes_limit: int = ...,
    ) -> Inbox:
        """Have `cb` called with every message."""
        ...

    async def request(
        self,
        subject: str,
        payload: bytes = ...,
        timeout: float = ...,  # noqa: ASYNC109 - nats-py's own
        *,
        headers: dict[str, str] | None = ...,
    ) -> Msg:
        """The first answer."""
        ...

    async def flush(self, timeout: int = ...) -> None:  # noqa: ASYNC109 - nats-py's own
        """The broker has had all that was published."""
        ...

    async def close(self) -> None:
        """End it."""
        ...


async def connect(
    url: str,
    *,
    seconds: float,
    on_error: Callable[[Exception], Awaitable[None]] | None = None,
    on_disconnect: Callable[[], Awaitable[None]] | None = None,
    on_reconnect: Callable[[], Awaitable[None]] | None = None,
    options: Mapping[str, object] | None = None,
) -> Client:
    """A connection that looks for its broker for ever, once it had found it within `seconds`.

    `options` are others of `nats.connect`, such as `user_credentials` and `tls`. Raises `KaiConnectionError`.
    """
    client = Client()
    given: dict[str, object] = {
        "allow_reconnect": True,
        "max_reconnect_attempts": -1,
        "reconnect_time_wait": 0.2,
        "error_cb": on_error or _quiet,
        "disconnected_cb": on_disconnect,
        "reconnected_cb": on_reconnect,
        **(options or {}),
    }
    try:
        async with asyncio.timeout(seconds):
            await client.connect(url, **given)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    except Exception as error:  # noqa: BLE001 - whatever its parser, its TLS and its sockets raise
        await client.close()
        raise KaiConnectionError(
            "Cannot connect to the NATS broker", "connection:failed", type(error).__name__
        ) from None
    return client


async def _quiet(error: Exception) -> None:
    """nats-py would print what goes wrong in between; whoever waits for an answer is told by its absence."""


@contextmanager
def map_nats_errors() -> Generator[None]:
    """What nats-py raises as a `KaiError`, without its words: they may name the broker and its password."""
    try:
        yield
    except KaiError:
        raise
    except (errors.Error, OSError, TimeoutError) as error:
        raise _mapped(error) from None


def _mapped(error: Exception) -> KaiError:
    cause = type(error).__name__
    match error:
        case errors.NoRespondersError():
            return KaiConnectionError("No Kai service listens on this subject", "connection:no_service", cause)
        case errors.MaxPayloadError():
            return KaiError("The message is larger than the broker takes (max_payload)", TOO_LARGE, cause)
        case errors.ConnectionClosedError() | errors.ConnectionDrainingError():
            return KaiClosedError("The connection to the broker was closed", "closed", cause)
        case TimeoutError():
            return KaiTimeoutError("No answer in time", "timeout:idle", cause)
        case errors.OutboundBufferLimitError():
            return KaiConnectionError("The broker is away, and too much waits for it", "connection:lost", cause)
        case _:
            return KaiConnectionError("The connection to the broker failed", "connection:lost", cause)


def require_subject(subject: str) -> None:
    """Raises `ValueError` for what requests cannot be sent to: wildcards, spaces, empty words."""
    if not _SUBJECT.fullmatch(subject):
        raise ValueError("a subject is words of printable ASCII without * and >, joined by dots")


def require_room(most: int, data: bytes, headers: Mapping[str, str]) -> None:
    """Raises nats-py's `MaxPayloadError` for a message that is larger than `most`, the broker's `max_payload`.

    nats-py counts the body alone. The broker counts the headers, too, and ends the connection of whoever sends more, for good.
    """
    written = sum(len(name) + len(value.encode("utf-8", "replace")) + len(": \r\n") for name, value in headers.items())
    if len(data) + written + _HEADERS_BESIDE > most:
        raise errors.MaxPayloadError


def status_of(message: Msg) -> str | None:
    """The broker's own word in a message; None in one of somebody's."""
    return (message.headers or {}).get("Status")
