"""`KaiClient` as it is used: on each network stack, event by event, and for the whole message."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Literal

from kai_client import ChatStream, KaiClient, Limits, UIMessage

from .kinds import MOST_CONNECTIONS, SECONDS, Ask, Opening, See

__all__ = ["final_message", "iterated", "iterated_then_message"]

Stack = Literal["asyncio", "httpx"]


def iterated(stack: Stack) -> Opening:
    """Event by event; nobody looks at the message."""

    async def read(stream: ChatStream, see: See) -> int:
        count = 0
        async for event in stream:
            see(event)
            count += 1
        return count

    return _reading(read, stack)


def final_message(stack: Stack) -> Opening:
    """The message alone, by `get_final_message`."""

    async def read(stream: ChatStream, see: See) -> int:
        message = await stream.get_final_message()
        see(message)
        return _length(message)

    return _reading(read, stack)


def iterated_then_message(stack: Stack) -> Opening:
    """Event by event, and the message at the end."""

    async def read(stream: ChatStream, see: See) -> int:
        async for event in stream:
            see(event)
        return _length(stream.message)

    return _reading(read, stack)


def _reading(read: Callable[[ChatStream, See], Awaitable[int]], stack: Stack) -> Opening:
    """A client whose answers are read by `read`."""

    @asynccontextmanager
    async def opened(url: str) -> AsyncGenerator[Ask]:
        limits = Limits(connections=MOST_CONNECTIONS)
        client = KaiClient(
            "token", "https://storage.test", base_url=url, stream_timeout=SECONDS, limits=limits, transport=stack
        )

        async def ask(see: See) -> int:
            return await read(client.send_message("chat", "hi"), see)

        async with client:
            yield ask

    return opened


def _length(message: UIMessage) -> int:
    return len(message.text)
