"""What ends with a client: it says so, and waits no longer than the client lives."""

import asyncio

from kai_client.exceptions import KaiClosedError

__all__ = ["Closable"]


class Closable:
    """Connections that can be closed. Whoever closes them sets `_closing` first."""

    def __init__(self) -> None:
        self._closing = asyncio.Event()

    @property
    def closed(self) -> bool:
        """Whether the client was closed."""
        return self._closing.is_set()

    async def sleep(self, seconds: float) -> None:
        """Wait. Raises `KaiClosedError` at once when the client is closed meanwhile."""
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            return
        raise KaiClosedError("The client was closed while it waited for another attempt", "closed")
