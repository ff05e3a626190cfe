"""Chats with the Node server: what our client makes of a stream, and what the AI SDK says about the same stream."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import NamedTuple

import httpx
from answers import STORAGE_URL, TOKEN, Answer, JsonObject, parts_of, plain_http, read_all
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from kai_client import KaiClient

MAJORS = ("v6", "v7")
SCENARIOS = (
    "text",
    "steps",
    "reasoning",
    "sources-files",
    "data-usage",
    "tool-fails",
    "invalid-input",
    "unknown-tool",
    "approval",
    "two-approvals",
    "dynamic-tool",
    "preliminary",
    "client-tool",
    "error-midstream",
    "abort",
    "metadata",
)


class Expected(BaseModel):
    """What the SDK says about the last stream of a chat (`node/reader.mjs`)."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid")

    message: JsonObject
    snapshots: int
    text: str
    tool_calls: list[JsonObject]
    usage: JsonObject | None
    finish_reason: str | None
    errors: list[str]
    aborted: bool
    chunks: list[JsonObject]

    @property
    def parts(self) -> list[JsonObject]:
        """The parts of the message."""
        return parts_of(self.message)


class Exchange(NamedTuple):
    """A stream from three sides: ours, the SDK's, and its bytes."""

    ours: Answer
    sdk: Expected
    data: bytes


class SDKChat:
    """A chat with one scenario of one major."""

    def __init__(self, base_url: str, client: KaiClient, http: httpx.AsyncClient) -> None:
        self.id = client.new_chat_id()
        self.base_url = base_url
        self.client = client
        self.http = http

    async def say(self, text: str = "Hello") -> Answer:
        """Sends a message and reads its whole answer, whatever it is."""
        return await read_all(self.client.send_message(self.id, text))

    async def expected(self) -> Expected:
        """What the SDK says about the last stream."""
        response = await self.http.get(f"{self.base_url}/expected/{self.id}")
        return Expected.model_validate_json(response.raise_for_status().content)

    async def sent(self) -> bytes:
        """The bytes of the last stream."""
        response = await self.http.get(f"{self.base_url}/bytes/{self.id}")
        return response.raise_for_status().content


class Exchanges:
    """One exchange with each scenario, shared by the tests that only look at it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._known: dict[tuple[str, str], Exchange] = {}

    async def of(self, major: str, scenario: str) -> Exchange:
        """The exchange with the first message of a chat."""
        key = major, scenario
        if key not in self._known:
            async with chat_with(self._url, major, scenario) as chat:
                self._known[key] = Exchange(await chat.say(), await chat.expected(), await chat.sent())
        return self._known[key]


@asynccontextmanager
async def chat_with(url: str, major: str, scenario: str) -> AsyncGenerator[SDKChat]:
    """A new chat of a new client."""
    base_url = f"{url}/{major}/{scenario}"
    async with (
        plain_http() as http,
        KaiClient(TOKEN, STORAGE_URL, base_url) as client,
    ):
        yield SDKChat(base_url, client, http)
