"""A request that can be given up at any moment, without httpcore noticing more than a broken connection.

What is cancelled within httpcore's pool, between two of its waits for the network, leaves connections there that are never used
again and take a place for ever. Its network, on the other hand, may fail at any time. So whoever is cancelled is free at once
when the network is what is waited for; the request itself goes on in a task of its own, for which the network is broken from then on.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextvars import ContextVar
from typing import Final

import httpx

__all__ = ["network_of_attempt", "sent", "uninterrupted"]

_Send = Callable[[httpx.Request], Awaitable[httpx.Response]]


async def sent(send: _Send, request: httpx.Request) -> httpx.Response:
    """The response that `send` gives. Raises what it raises."""
    attempt = _Attempt()
    task = asyncio.ensure_future(attempt.run(send, request))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        attempt.give_up(task)
        await uninterrupted(_ended(task))
        raise


async def uninterrupted(work: Coroutine[None, None, None]) -> None:
    """Do `work`, which takes no more than some rounds of the event loop, to its end, and be cancelled then.

    However often: anyio cancels again in every round.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        task.result()
        return
    with contextlib.suppress(Exception):
        task.result()
    raise cancelled


async def _ended(task: "asyncio.Task[httpx.Response]") -> None:
    with contextlib.suppress(Exception, asyncio.CancelledError):
        response = await task  # answered in the moment in which it was cancelled
        await response.aclose()


@contextlib.contextmanager
def network_of_attempt() -> Generator[None]:
    """In this block the network is waited for. Raises `OSError` where the request was given up."""
    attempt = _CURRENT.get()
    if attempt is None:
        yield
    else:
        with attempt.network():
            yield


class _Attempt:
    def __init__(self) -> None:
        self._given_up = False
        self._in_network = False

    async def run(self, send: _Send, request: httpx.Request) -> httpx.Response:
        _CURRENT.set(self)
        return await send(request)

    def give_up(self, task: "asyncio.Task[httpx.Response]") -> None:
        self._given_up = True
        if self._in_network:
            task.cancel()

    @contextlib.contextmanager
    def network(self) -> Generator[None]:
        if self._given_up:
            raise _given_up()
        self._in_network = True
        try:
            yield
        except asyncio.CancelledError:
            if not self._given_up:
                raise
            raise _given_up() from None
        finally:
            self._in_network = False


_CURRENT: Final = ContextVar[_Attempt | None]("kai_client.attempt", default=None)


def _given_up() -> OSError:
    return ConnectionAbortedError("Nobody waits for it any more")
