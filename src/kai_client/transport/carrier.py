"""What a client needs of whatever carries its requests: `Transport` carries them over HTTP, `kai_client.nats` over NATS."""

from collections.abc import Awaitable, Callable
from dataclasses import Field
from typing import Any, ClassVar, Protocol

from pydantic import JsonValue

from .credentials import Credentials
from .limits import Limits
from .requests import Query, StreamHead, StreamRequest
from .retry import RetryPolicy
from .timeouts import Timeouts

__all__ = ["Body", "Carrier", "Lines"]


class Body(Protocol):
    """The bytes of an event stream; see `StreamBody`."""

    @property
    def next(self) -> Callable[[], Awaitable[bytes]]:
        """Gives the next bytes; for what it raises ask `ended`."""
        ...

    async def read(self) -> bytes | None:
        """The next bytes; None after the last. Raises as `ended` does."""
        ...

    async def ended(self, error: Exception) -> None:
        """Close it, since `next` has raised `error`. Raises the `KaiError` that it means; an orderly end is none."""
        ...

    async def aclose(self) -> None:
        """Nothing more is read; closing twice is fine."""
        ...


class Lines(Protocol):
    """What requests go over; see `Connections`."""

    @property
    def closed(self) -> bool:
        """Whether the client was closed."""
        ...

    @property
    def only_one(self) -> bool:
        """Whether an open stream leaves nothing for other requests."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait. Raises `KaiClosedError` at once when the client is closed meanwhile."""
        ...


class Carrier(Protocol):
    """Requests of one client, a dataclass; see `Transport`. Failures are `KaiError`s."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def url(self) -> str:
        """Where requests go, for whoever observes: that of an HTTP service, or `nats:` and a subject."""
        ...

    @property
    def credentials(self) -> Credentials:
        """Who asks; nobody's token is in what they have redacted."""
        ...

    @property
    def connections(self) -> Lines:
        """What the requests go over."""
        ...

    @property
    def timeouts(self) -> Timeouts:
        """Those of requests."""
        ...

    @property
    def stream_timeouts(self) -> Timeouts:
        """Those of streams."""
        ...

    @property
    def retry(self) -> RetryPolicy:
        """What is tried again."""
        ...

    @property
    def limits(self) -> Limits:
        """How much is read."""
        ...

    async def request(
        self, method: str, path: str, *, params: Query | None = None, json: JsonValue = None, auth: bool = True
    ) -> JsonValue:
        """The JSON of the answer."""
        ...

    async def open(self, request: StreamRequest, head: StreamHead) -> Body:
        """A stream that has begun; `head` is filled in. Whoever reads the body closes it."""
        ...
