"""What a handler has beside its job."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic

from faststream.nats import NatsBroker
from pydantic import BaseModel, JsonValue
from pydantic_core import to_json
from typing_extensions import TypeVar

from kai_client import KaiClient
from kai_client.backend import ChatBackend
from kai_client.nats.door import map_nats_errors, require_room

if TYPE_CHECKING:
    from nats.js.kv import KeyValue
    from nats.js.object_store import ObjectStore

__all__ = ["JobContext", "KaiT"]

KaiT = TypeVar("KaiT", bound=ChatBackend, default=KaiClient)
KaiT_co = TypeVar("KaiT_co", bound=ChatBackend, default=KaiClient, covariant=True)


@dataclass(frozen=True, slots=True)
class JobContext(Generic[KaiT_co]):
    """What the node has for the handler of one job."""

    kai: KaiT_co
    """The client that all jobs of this worker share; the node closes it if the node opened it."""
    request_id: str
    """Follows a job from node to node (the header `correlation_id`); the logger's lines have it, too."""
    logger: "logging.LoggerAdapter[logging.Logger]"
    attempt: int
    """1 at first; more when the job was tried before, by whomever."""
    _broker: NatsBroker = field(repr=False)

    async def publish(
        self, subject: str, message: BaseModel | JsonValue | bytes, *, headers: Mapping[str, str] | None = None
    ) -> None:
        """Tell whoever listens on `subject` now, progress for example: as JSON, bytes as they are. Nobody confirms it.

        Raises `KaiError`.
        """
        body = message if isinstance(message, bytes) else to_json(message)
        given = {"correlation_id": self.request_id, **(headers or {})}
        with map_nats_errors():
            require_room(self._broker.connection.max_payload, body, given)
            await self._broker.publish(body, subject, headers=dict(headers or {}), correlation_id=self.request_id)

    async def key_value(self, bucket: str) -> "KeyValue":
        """The key-value bucket, made if there is none: for what jobs tell each other. Raises `KaiError`."""
        with map_nats_errors():
            return await self._broker.key_value(bucket)

    async def object_store(self, bucket: str) -> "ObjectStore":
        """The object store, made if there is none: for what is too large for a message. Raises `KaiError`."""
        with map_nats_errors():
            return await self._broker.object_storage(bucket)
