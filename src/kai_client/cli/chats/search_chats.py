"""Looking for a text in chats: in their titles, which the history has, and in what was said, which has to be fetched."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Final

from kai_client import KaiClient, KaiForbiddenError, KaiNotFoundError
from kai_client.models import Chat

__all__ = ["matching"]

_AT_ONCE: Final = 6
"""How many chats are being read at any time: enough to hide the waiting, too few to trouble the backend."""


async def matching(client: KaiClient, chats: AsyncGenerator[Chat], text: str, *, content: bool) -> AsyncGenerator[Chat]:
    """Those of the `chats` that have the text in their title or, with `content`, in a message; case does not matter.

    In their order, each as soon as it and all before it are known.
    """
    wanted = text.casefold()
    async with aclosing(chats):
        found = _reading(client, chats, wanted) if content else _titled(chats, wanted)
        async with aclosing(found):
            async for chat in found:
                yield chat


async def _titled(chats: AsyncIterator[Chat], wanted: str) -> AsyncGenerator[Chat]:
    async for chat in chats:
        if _has_title(chat, wanted):
            yield chat


async def _reading(client: KaiClient, chats: AsyncIterator[Chat], wanted: str) -> AsyncGenerator[Chat]:
    running: deque[tuple[Chat, asyncio.Task[bool]]] = deque()
    try:
        async for chat in chats:
            running.append((chat, asyncio.create_task(_is_match(client, chat, wanted))))
            while running and (running[0][1].done() or len(running) == _AT_ONCE):
                first, match = running.popleft()
                if await match:
                    yield first
        while running:
            first, match = running.popleft()
            if await match:
                yield first
    finally:
        await _cancel([match for _, match in running])


async def _cancel(tasks: list[asyncio.Task[bool]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _is_match(client: KaiClient, chat: Chat, wanted: str) -> bool:
    """Whether the text is in the chat; a chat that was deleted meanwhile has none."""
    if _has_title(chat, wanted):
        return True
    try:
        detail = await client.get_chat(chat.id)
    except (KaiNotFoundError, KaiForbiddenError):
        return False
    return any(wanted in message.text.casefold() for message in detail.messages)


def _has_title(chat: Chat, wanted: str) -> bool:
    return wanted in (chat.title or "").casefold()
