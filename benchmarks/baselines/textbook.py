"""What the documentation of httpx, httpx-sse and pydantic leads to: one SSE event, one validation, one at a time."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
from httpx_sse import aconnect_sse

from benchmarks.kinds import KEPT_CONNECTIONS, MOST_CONNECTIONS, QUESTION, SECONDS, Ask, See

from .chunk_models import one_adapter

__all__ = ["textbook"]


@asynccontextmanager
async def textbook(url: str) -> AsyncGenerator[Ask]:
    """httpx, httpx-sse, and a discriminated union."""
    limits = httpx.Limits(max_connections=MOST_CONNECTIONS, max_keepalive_connections=KEPT_CONNECTIONS)
    async with httpx.AsyncClient(timeout=SECONDS, limits=limits) as client:

        async def ask(see: See) -> int:
            count = 0
            adapter = one_adapter()
            async with aconnect_sse(client, "POST", url, json=QUESTION) as source:
                async for event in source.aiter_sse():
                    if event.data == "[DONE]":
                        break
                    see(adapter.validate_json(event.data))
                    count += 1
            return count

        yield ask
