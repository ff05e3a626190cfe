"""What the tests of the local server have in common: a server in the test's own loop, and its raw HTTP interface."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx

from kai_client.backend import ChatBackend
from kai_client.server import KaiApp, KaiHost, KaiService, ScriptedKai, kai_app, serve
from kai_client.server.faults import Mode

Chunk = dict[str, Any]

BUCKET = "Create a bucket called demo"
"""What makes the built-in assistant ask for approval."""


def new_id() -> str:
    """A chat or message id."""
    return str(uuid4())


class Api:
    """One user's raw HTTP access; `api.http` is the client behind it."""

    def __init__(self, http: httpx.AsyncClient, app: KaiApp) -> None:
        self.http = http
        self.app = app

    def body(self, chat_id: str, text: str, **extra: Any) -> dict[str, Any]:
        """A chat request with one user message; `extra` replaces or adds keys."""
        message = {"id": new_id(), "role": "user", "parts": [{"type": "text", "text": text}]}
        return {
            "id": chat_id,
            "message": message,
            "selectedChatModel": "chat-model",
            "selectedVisibilityType": "private",
            **extra,
        }

    def repost(self, chat_id: str, message_id: str, parts: list[Chunk]) -> dict[str, Any]:
        """A chat request that sends the assistant's message back (protocol 2.4)."""
        return self.body(chat_id, "-", message={"id": message_id, "role": "assistant", "parts": parts})

    async def send(self, chat_id: str, text: str, **extra: Any) -> list[Chunk]:
        """The chunks of the whole answer."""
        return await self.post_chat(self.body(chat_id, text, **extra))

    async def post_chat(self, body: dict[str, Any]) -> list[Chunk]:
        """The chunks of the whole answer to a request."""
        response = await self.http.post("/api/chat", json=body)
        assert response.status_code == 200, response.text
        return chunks_of(response.text)

    @asynccontextmanager
    async def stream(self, body: dict[str, Any]) -> AsyncGenerator[AsyncIterator[Chunk]]:
        """The chunks as they come."""
        async with self.http.stream("POST", "/api/chat", json=body) as response:
            assert response.status_code == 200
            yield self._live(response)

    @staticmethod
    async def _live(response: httpx.Response) -> AsyncIterator[Chunk]:
        async for line in response.aiter_lines():
            if line.startswith("data: {"):
                yield json.loads(line[6:])

    async def decide(self, chat_id: str, call_id: str, approved: Any, **extra: Any) -> httpx.Response:
        """Post a decision about a call of the agent's."""
        body = {"toolUseId": call_id, "approved": approved, **extra}
        return await self.http.post(f"/api/chat/{chat_id}/approval", json=body)

    async def messages(self, chat_id: str) -> list[dict[str, Any]]:
        """The messages that are kept."""
        response = await self.http.get(f"/api/chat/{chat_id}")
        assert response.status_code == 200, response.text
        found: list[dict[str, Any]] = response.json()["messages"]
        return found


Backend = ChatBackend | KaiService | KaiHost


@asynccontextmanager
async def _nothing(backend: Backend) -> AsyncGenerator[Backend]:
    yield backend


between: Callable[[Backend], AbstractAsyncContextManager[Backend]] = _nothing
"""What stands between the app and the backend; tests/over_nats runs these tests with a broker there."""


@asynccontextmanager
async def local_api(
    backend: Backend | None = None,
    *,
    mode: Mode = "agent",
    token: str = "test-token",
    **options: Any,
) -> AsyncGenerator[Api]:
    """A server and one user of it; `options` are those of `kai_app`."""
    async with between(backend or ScriptedKai()) as behind:
        app = kai_app(behind, mode=mode, **options)
        async with serve(app) as url, user_of(url, app, token) as api:
            yield api


@asynccontextmanager
async def user_of(url: str, app: KaiApp, token: str) -> AsyncGenerator[Api]:
    """Another user of a running server."""
    headers = {"x-storageapi-token": token, "x-storageapi-url": url}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=10, verify=False) as http:
        yield Api(http, app)


def chunks_of(text: str) -> list[Chunk]:
    """The chunks of a standard body, `[DONE]` left out."""
    frames = [frame.removeprefix("data: ") for frame in text.split("\n\n") if frame]
    return [json.loads(frame) for frame in frames if frame != "[DONE]"]


def types_of(chunks: list[Chunk]) -> list[str]:
    """The chunk types, runs of the same type taken together."""
    types = [chunk["type"] for chunk in chunks]
    return [kind for index, kind in enumerate(types) if index == 0 or types[index - 1] != kind]


def text_of(chunks: list[Chunk]) -> str:
    """The answer's text."""
    return "".join(chunk["delta"] for chunk in chunks if chunk["type"] == "text-delta")


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens on its own and at once, but not in this task; the test's own timeout bounds it."""
    while not condition():  # noqa: ASYNC110 - there is no event to wait for: that is what is tested
        await asyncio.sleep(0.005)


def only(chunks: list[Chunk], kind: str) -> Chunk:
    """The one chunk of a type."""
    found = [chunk for chunk in chunks if chunk["type"] == kind]
    assert len(found) == 1, found
    return found[0]


def error_of(response: httpx.Response, mode: Mode) -> tuple[str, str]:
    """Code and message of an error body, which must have the mode's shape."""
    body = response.json()
    if mode == "assistant":
        assert set(body) <= {"code", "message", "cause"}, body
        return body["code"], body["message"]
    assert set(body) == {"error"}, body
    error = body["error"]
    assert set(error) <= {"type", "surface", "message", "subtype", "exceptionId"}, body
    return f"{error['type']}:{error['surface']}", error["message"]
