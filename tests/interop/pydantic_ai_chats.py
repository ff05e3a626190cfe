"""Chats with the pydantic-ai server: what our client makes of a stream, and what the result of the run says."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
from answers import STORAGE_URL, TOKEN, Answer, JsonObject, plain_http, read_all
from pydantic import BaseModel, ConfigDict, TypeAdapter
from pydantic.alias_generators import to_camel

from kai_client import KaiClient, Policy

VERSIONS = ("v5", "v6", "v7")
SCENARIOS = (
    "text",
    "length",
    "reasoning",
    "tool",
    "two-tools",
    "retry",
    "tool-fails",
    "invalid-input",
    "unknown-tool",
    "test-model",
    "approval",
    "two-approvals",
)


class Run(BaseModel):
    """What the result of a run says (`pydantic_ai_app.said`)."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid")

    text: str
    reasoning: str
    tool_calls: list[JsonObject]
    usage: JsonObject
    finish_reason: str | None


class Expected(BaseModel):
    """The chunks that the adapter made, the result of its run if it came to one, and every message that was posted."""

    chunks: list[JsonObject]
    posted: list[JsonObject]
    result: Run | None

    @property
    def run(self) -> Run:
        """The result of a run that came to its end."""
        assert self.result is not None, self.chunks
        return self.result


class AgentChat:
    """A chat with one agent."""

    def __init__(self, base_url: str, client: KaiClient, http: httpx.AsyncClient, chat_id: str | None = None) -> None:
        self.id = chat_id or client.new_chat_id()
        self.base_url = base_url
        self.client = client
        self.http = http

    async def say(self) -> Answer:
        """Sends a message and reads its whole answer."""
        return await read_all(self.client.send_message(self.id, "Hello"))

    async def run(self, text: str | None = "Hello", *, approve: Policy) -> Answer:
        """Carries an answer on through every decision; without a text, the answer that waits already."""
        return await read_all(self.client.run(self.id, text, approve=approve))

    async def stored(self) -> list[JsonObject]:
        """The messages of the run, as pydantic-ai dumps them."""
        response = await self.http.get(f"{self.base_url}/api/chat/{self.id}")
        return TypeAdapter(list[JsonObject]).validate_python(response.raise_for_status().json()["messages"])

    async def expected(self) -> Expected:
        """What pydantic-ai says about the last stream."""
        response = await self.http.get(f"{self.base_url}/expected/{self.id}")
        return Expected.model_validate_json(response.raise_for_status().content)


@asynccontextmanager
async def chat_with(url: str, version: str, scenario: str, chat_id: str | None = None) -> AsyncGenerator[AgentChat]:
    """A new client, with a new chat if it is not given one."""
    base_url = f"{url}/{version}/{scenario}"
    async with plain_http() as http, KaiClient(TOKEN, STORAGE_URL, base_url) as client:
        yield AgentChat(base_url, client, http, chat_id)


class Runs:
    """One run of each agent, shared by the tests that only look at it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._known: dict[tuple[str, str], tuple[Answer, Expected]] = {}

    async def of(self, version: str, scenario: str) -> tuple[Answer, Expected]:
        """Our answer to the first message of a chat, and what pydantic-ai says about it."""
        key = version, scenario
        if key not in self._known:
            async with chat_with(self._url, version, scenario) as chat:
                self._known[key] = await chat.say(), await chat.expected()
        return self._known[key]
