"""FastStream's broker, as a worker needs it."""

from typing import TYPE_CHECKING, Any

from faststream.nats import NatsBroker
from faststream.nats.message import NatsMessage
from faststream.nats.security import NatsCredentials
from nats.aio.client import Client
from nats.errors import Error

from kai_client.exceptions import KaiConfigError

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["WorkerBroker", "credentials", "whole"]


class WorkerBroker(NatsBroker):
    """A connection that can also be ended while its broker is away: FastStream would fail, having finished its work."""

    def __init__(self, servers: list[str], **options: Any) -> None:
        super().__init__(servers, **options)
        self._client: Client | None = None

    async def connect(self) -> Client:
        """The connection. Raises what nats-py raises."""
        self._client = await super().connect()
        return self._client

    async def stop(
        self,
        exc_type: type[BaseException] | None = None,
        exc_val: BaseException | None = None,
        exc_tb: "TracebackType | None" = None,
    ) -> None:
        """Finish what runs, and close. Stopping twice is fine."""
        if self._client is None or self._client.is_closed:
            return
        try:
            await super().stop(exc_type, exc_val, exc_tb)
        except (Error, ExceptionGroup):
            await self._client.close()


def credentials(file: str) -> NatsCredentials | None:
    """What a `.creds` file says. Raises `KaiConfigError` where reading it needs another package."""
    if not file:
        return None
    try:
        return NatsCredentials(file)
    except ImportError:
        raise KaiConfigError("NATS_CREDS needs nkeys: pip install nkeys", "config:missing") from None


async def whole(message: NatsMessage) -> NatsMessage:
    """A decoder that leaves the message as it is: what cannot be decoded has to be settled, too."""
    return message
