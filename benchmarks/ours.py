"""`KaiClient` as it is used: on each network stack, event by event, and for the whole message."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Literal

from kai_client import KaiClient, Limits, UIMessage

from .kinds import MOST_CONNECTIONS, SECONDS, Ask, Opening, See

__all__ = ["final_message", "iterated", "iterated_then_message"]

Stack = Literal["asyncio", "httpx"]


def _client(url: str, stack: Stack) -> KaiClient:
    limits = Limits(connections=MOST_CONNECTIONS)
    return KaiClient(
        "token", "https://storage.test", base_url=url, stream_timeout=SECONDS, limits=limits, transport=stack
    )


def iterated(stack: Stack) -> Opening:
    """Event by event; nobody looks at the message."""

    @asynccontextmanager
    async def opened(url: str) -> AsyncGenerator[Ask]:
        async with _client(url, stack) as client:

            async def ask(see: See) -> int:
                count = 0
                async for event in client.send_message("chat", "hi"):
                    see(event)
                    count += 1
                return count

            yield ask

    return opened


def final_message(stack: Stack) -> Opening:
    """The message alone, by `get_final_message`."""

    @asynccontextmanager
    async def opened(url: str) -> AsyncGenerator[Ask]:
        async with _client(url, stack) as client:

            async def ask(see: See) -> int:
                message = await client.send_message("chat", "hi").get_final_message()
                see(message)
                return _length(message)

            yield ask

    return opened


def iterated_then_message(stack: Stack) -> Opening:
    """Event by event, and the message at the end."""

    @asynccontextmanager
    async def opened(url: str) -> AsyncGenerator[Ask]:
        async with _client(url, stack) as client:

            async def ask(see: See) -> int:
                stream = client.send_message("chat", "hi")
                async for event in stream:
                    see(event)
                return _length(stream.message)

            yield ask

    return opened


def _length(message: UIMessage) -> int:
    return len(message.text)
