"""A client that is still looking for its backend: awaitable, and an async context manager."""

from collections.abc import Coroutine, Generator
from types import TracebackType
from typing import Any, Protocol, TypeVar


class _Closable(Protocol):
    async def close(self) -> None: ...


ClientT = TypeVar("ClientT", bound=_Closable)


class PendingClient(Coroutine[Any, Any, ClientT]):
    """`client = await pending`, and the caller closes the client; or `async with pending as client`, and the block does.

    It is a coroutine, as the published `from_storage_api` returns one: whatever takes a coroutine takes it.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, ClientT]) -> None:
        self._coroutine = coroutine
        self._client: ClientT | None = None

    def __await__(self) -> Generator[Any, Any, ClientT]:
        return self._coroutine.__await__()

    async def __aenter__(self) -> ClientT:
        """Find the backend; raises as awaiting does."""
        self._client = await self._coroutine
        return self._client

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.close()

    def send(self, value: Any, /) -> Any:
        """Part of the coroutine protocol."""
        return self._coroutine.send(value)

    def throw(self, *args: Any) -> Any:
        """Part of the coroutine protocol."""
        return self._coroutine.throw(*args)

    def close(self) -> None:
        """Part of the coroutine protocol: forget about it."""
        self._coroutine.close()
