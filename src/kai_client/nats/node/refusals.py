"""How often a job came back without having been tried: the broker counts these deliveries, too, and we do not.

Otherwise more workers than the quota feeds would use up the attempts of jobs that nobody has tried.
"""

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from faststream.nats import NatsBroker
from nats.errors import Error

if TYPE_CHECKING:
    from nats.js.kv import KeyValue

__all__ = ["Refusals"]

_KEPT: Final = 30 * 86400.0


class Refusals:
    """Counts, in a key-value bucket that all workers of a node share. What the broker does not keep counts as nothing."""

    def __init__(self, broker: NatsBroker, node: str) -> None:
        self._broker = broker
        self._bucket = f"{node}-refused"

    async def _open(self) -> "KeyValue":
        return await self._broker.key_value(self._bucket, ttl=_KEPT)

    async def of(self, place: str) -> int:
        """How often the message at this place came back like this."""
        with suppress(Error, OSError, ValueError):
            return int((await (await self._open()).get(place)).value or 0)
        return 0

    async def add(self, place: str) -> None:
        """It came back once more."""
        with suppress(Error, OSError):
            await (await self._open()).put(place, str(await self.of(place) + 1).encode())
