"""Chats with the Node server: what our client makes of a stream, and what the AI SDK says about the same stream."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import NamedTuple

import httpx
from answers import STORAGE_URL, TOKEN, Answer, JsonObject, parts_of, plain_http, read_all
from pydantic import BaseModel, ConfigDict, TypeAdapter
from pydantic.alias_generators import to_camel

from kai_client import KaiClient, LocalTools, Policy, deny_all

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
    "automatic-yes",
    "automatic-no",
    "signed",
    "changed-input",
    "described",
    "dynamic-approval",
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


class Posted(NamedTuple):
    """A message as the server got it, and whether the SDK's own client would have sent it: nothing in it waits."""

    message: JsonObject
    complete: bool

    @property
    def parts(self) -> list[JsonObject]:
        """The parts of the message."""
        return parts_of(self.message)


class SDKChat:
    """A chat with one scenario of one major."""

    def __init__(self, base_url: str, client: KaiClient, http: httpx.AsyncClient, chat_id: str | None = None) -> None:
        self.id = chat_id or client.new_chat_id()
        self.base_url = base_url
        self.client = client
        self.http = http

    async def say(self, text: str = "Hello") -> Answer:
        """Sends a message and reads its whole answer, whatever it is."""
        return await read_all(self.client.send_message(self.id, text))

    async def run(
        self, text: str | None = "Hello", *, approve: Policy = deny_all, tools: LocalTools | None = None
    ) -> Answer:
        """Carries an answer on through everything that it waits for; without a text, the answer that waits already."""
        return await read_all(self.client.run(self.id, text, approve=approve, tools=tools))

    async def posted(self) -> list[Posted]:
        """Every message that the server got, also those that it refused."""
        response = await self.http.get(f"{self.base_url}/posted/{self.id}")
        return TypeAdapter(list[Posted]).validate_json(response.raise_for_status().content)

    async def stored(self) -> list[JsonObject]:
        """The messages that the SDK has handed to the server to keep."""
        response = await self.http.get(f"{self.base_url}/api/chat/{self.id}")
        return TypeAdapter(list[JsonObject]).validate_python(response.raise_for_status().json()["messages"])

    async def post(self, message: JsonObject) -> None:
        """Posts a message past the client, and reads the answer."""
        body = {"id": self.id, "message": message}
        response = await self.http.post(f"{self.base_url}/api/chat", json=body)
        response.raise_for_status()

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


class WithoutMessages(httpx.AsyncHTTPTransport):
    """The server as one that has no route for the messages of a chat."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """See `httpx.AsyncBaseTransport`."""
        if request.method == "GET" and "/api/chat/" in request.url.path:
            return httpx.Response(404, json={"code": "not_found:api", "message": "There is no such route"})
        return await super().handle_async_request(request)


@asynccontextmanager
async def chat_with(url: str, major: str, scenario: str, chat_id: str | None = None) -> AsyncGenerator[SDKChat]:
    """A new client, with a new chat if it is not given one."""
    base_url = f"{url}/{major}/{scenario}"
    async with (
        plain_http() as http,
        KaiClient(TOKEN, STORAGE_URL, base_url) as client,
    ):
        yield SDKChat(base_url, client, http, chat_id)


@asynccontextmanager
async def chat_that_tells_no_messages(url: str, major: str, scenario: str) -> AsyncGenerator[SDKChat]:
    """The same with a client to which the server tells no messages."""
    base_url = f"{url}/{major}/{scenario}"
    async with (
        plain_http() as http,
        httpx.AsyncClient(transport=WithoutMessages(), trust_env=False) as blind,
        KaiClient(TOKEN, STORAGE_URL, base_url, http_client=blind) as client,
    ):
        yield SDKChat(base_url, client, http)
