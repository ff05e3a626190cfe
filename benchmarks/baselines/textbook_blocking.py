"""What the documentation of httpx, httpx-sse and pydantic leads to without an event loop."""

from collections.abc import Generator
from contextlib import contextmanager

import httpx
from httpx_sse import connect_sse

from benchmarks.kinds import QUESTION, SECONDS, BlockingAsk, See

from .chunk_models import one_adapter

__all__ = ["textbook"]


@contextmanager
def textbook(url: str) -> Generator[BlockingAsk]:
    """httpx, httpx-sse, and a discriminated union."""
    with httpx.Client(timeout=SECONDS) as client:

        def ask(see: See) -> int:
            count = 0
            adapter = one_adapter()
            with connect_sse(client, "POST", url, json=QUESTION) as source:
                for event in source.iter_sse():
                    if event.data == "[DONE]":
                        break
                    see(adapter.validate_json(event.data))
                    count += 1
            return count

        yield ask
