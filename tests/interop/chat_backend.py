"""The backend of `examples/fastapi_backend.py` between a browser and a local Kai, all of them on real sockets."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from kai_client import (
    FinishEvent,
    KaiClient,
    SSEEvent,
    StartEvent,
    TextDeltaEvent,
    TextEndEvent,
    TextStartEvent,
)
from kai_client.backend import ChatBackend
from kai_client.server import KaiApp, KaiHost, WireStyle, kai_app, serve

EXAMPLES = Path(__file__).parents[2] / "examples"
TOKEN = "the-token-of-the-backend"
Mode = Literal["agent", "assistant"]


def example() -> Any:
    """The module of the example, which finds its own neighbours as a script does."""
    if str(EXAMPLES) not in sys.path:
        sys.path.append(str(EXAMPLES))
    return importlib.import_module("fastapi_backend")


@dataclass
class Served:
    """A backend, and the Kai behind it."""

    url: str
    kai: KaiApp

    @property
    def api(self) -> str:
        """What `DefaultChatTransport` is given."""
        return f"{self.url}/api/chat"

    def decisions(self) -> list[Any]:
        """The bodies of the decisions that kai-agent was sent."""
        return [each.body for each in self.kai.requests if each.path.endswith("/approval")]


@asynccontextmanager
async def kai_behind(
    backend: ChatBackend | KaiHost, mode: Mode = "agent", style: WireStyle | None = None
) -> AsyncGenerator[tuple[KaiApp, str]]:
    """A local Kai and its URL."""
    app = kai_app(backend, mode=mode, style=style)
    async with serve(app) as url:
        yield app, url


@asynccontextmanager
async def served(
    backend: ChatBackend | KaiHost, mode: Mode = "agent", style: WireStyle | None = None
) -> AsyncGenerator[Served]:
    """The example, before a Kai that is `backend`."""
    async with kai_behind(backend, mode, style) as (app, kai_url), in_front_of(kai_url) as url:
        yield Served(url, app)


@asynccontextmanager
async def in_front_of(kai_url: str, port: int = 0) -> AsyncGenerator[str]:
    """The example, before a Kai that may outlive it."""
    app = example().create_app(lambda: KaiClient.from_storage_api(TOKEN, kai_url))
    async with serve(app, port=port) as url:
        yield url


class GatedKai:
    """Answers each message in two pieces; the second is written when the gate of the message opens.

    `left` is set when Kai stops writing: at the end, or because nobody reads any more.
    """

    def __init__(self) -> None:
        self.gates: dict[str, asyncio.Event] = {}
        self.left: dict[str, asyncio.Event] = {}

    def expect(self, *texts: str) -> None:
        """These messages will come."""
        for text in texts:
            self.gates[text], self.left[text] = asyncio.Event(), asyncio.Event()

    async def send_message(self, chat_id: str, text: str, *_: Any, **__: Any) -> AsyncIterator[SSEEvent]:
        """See `ChatBackend`."""
        try:
            yield StartEvent(message_id=str(uuid4()))
            yield TextStartEvent(id="0")
            yield TextDeltaEvent(id="0", text=f"You said {text}")
            await self.gates[text].wait()
            yield TextDeltaEvent(id="0", text=", did you not?")
            yield TextEndEvent(id="0")
            yield FinishEvent()
        finally:
            self.left[text].set()
