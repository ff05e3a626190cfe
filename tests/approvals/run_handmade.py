"""A backend of which every answer is written by hand, on a real socket."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias, cast

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from kai_client import LocalResult, ToolCall
from kai_client.server import serve

Chunk: TypeAlias = dict[str, Any]
Answer: TypeAlias = Any
"""JSON, a status, or a function of the request's body that makes a response."""

WAIT: Chunk = {}
"""In a stream: wait until a decision was posted, once for each that is."""

HOLD: Chunk = {}
"""In a stream: wait until the test says `go_on`."""

CHAT = "12345678-1234-5678-1234-567812345678"
MESSAGE = "msg-1"


class HandmadeKai:
    """What was sent to it, and what it answers: `streams` in their order, the rest by route."""

    def __init__(
        self,
        *streams: Sequence[Chunk] | Answer,
        chat: Answer = 404,
        decided: Answer = None,
        tools: Answer = 404,
        settings: Answer = 404,
    ) -> None:
        self.url = ""
        self.chats: list[Any] = []
        """The bodies of `POST /api/chat`, the first of which is the user's text."""
        self.decisions: list[Any] = []
        """The bodies of the posted decisions."""
        self.reads: list[str] = []
        """What was read, in order."""
        self._streams = list(streams)
        self._decided = decided
        self._taken = asyncio.Semaphore(0)
        self._held = asyncio.Event()
        self._answers = {"chat": chat, "tools": tools, "settings": settings}
        self._app = Starlette(
            routes=[
                Route("/api/chat", self._chat, methods=["POST"]),
                Route("/api/chat/{id}/approval", self._decide, methods=["POST"]),
                Route("/api/chat/{id}", self._reading("chat")),
                Route("/api/settings/tools", self._reading("tools")),
                Route("/api/settings/user", self._reading("settings")),
                Route("/ping", _pong),
            ]
        )

    @property
    def sent(self) -> list[Any]:
        """What was posted after the user's text."""
        return [*self.chats[1:], *self.decisions]

    def go_on(self) -> None:
        """Let go of what a stream holds back."""
        self._held.set()

    @asynccontextmanager
    async def served(self) -> AsyncGenerator[str]:
        """Its URL, while it runs."""
        async with serve(self._app) as self.url:
            yield self.url

    async def _chat(self, request: Request) -> Response:
        self.chats.append(json.loads(await request.body()))
        stream: Any = self._streams.pop(0) if self._streams else 500
        if isinstance(stream, list):
            return StreamingResponse(self._stream(cast("list[Chunk]", stream)), media_type="text/event-stream")
        return reply(stream, self.chats[-1])

    async def _stream(self, chunks: Sequence[Chunk]) -> AsyncIterator[str]:
        for chunk in chunks:
            if chunk is WAIT:
                await self._taken.acquire()
            elif chunk is HOLD:
                await self._held.wait()
            else:
                yield f"data: {json.dumps(chunk)}\n\n"
        yield "data: [DONE]\n\n"

    async def _decide(self, request: Request) -> Response:
        body = json.loads(await request.body())
        self.decisions.append(body)
        given = {"success": True, "toolUseId": body["toolUseId"], "approved": body["approved"]}
        response = reply(given if self._decided is None else self._decided, body)
        if response.status_code < 400:
            self._taken.release()
        return response

    def _reading(self, name: str) -> Callable[[Request], Response]:
        def read(_: Request) -> Response:
            self.reads.append(name)
            return reply(self._answers[name], None)

        return read


def _pong(_: Request) -> Response:
    return JSONResponse({"timestamp": "2026-01-01T00:00:00Z"})


def reply(answer: Answer, body: Any) -> Response:
    """The response that an answer stands for."""
    if isinstance(answer, int):
        return JSONResponse({"code": f"http:{answer}", "message": "On purpose."}, answer)
    if callable(answer):
        made: Any = answer(body)
        return made if isinstance(made, Response) else JSONResponse(made)
    return JSONResponse(answer)


def page(status: int = 200) -> Callable[[object], Response]:
    """A web application's page."""
    return lambda _: Response("<!doctype html><title>Kai</title>", status, media_type="text/html")


def garbage(content_type: str = "application/json") -> Callable[[object], Response]:
    """What is no JSON, and says that it is."""
    return lambda _: Response("{nonsense", media_type=content_type)


def start(message_id: str | None = MESSAGE) -> Chunk:
    """The first chunk."""
    return {"type": "start"} if message_id is None else {"type": "start", "messageId": message_id}


def called(call_id: str, name: str = "w", given: Any = None, **extra: Any) -> Chunk:
    """A call with its input."""
    return {"type": "tool-input-available", "toolCallId": call_id, "toolName": name, "input": given or {}, **extra}


def requested(call_id: str, approval_id: str | None = None, **extra: Any) -> Chunk:
    """The request for approval."""
    return {
        "type": "tool-approval-request",
        "toolCallId": call_id,
        "approvalId": approval_id or f"a-{call_id}",
        **extra,
    }


def output(call_id: str, value: Any = "ok") -> Chunk:
    """The output of a call."""
    return {"type": "tool-output-available", "toolCallId": call_id, "output": value}


def finish(reason: str = "stop") -> Chunk:
    """The end."""
    return {"type": "finish", "finishReason": reason}


def words(text: str) -> list[Chunk]:
    """A text part."""
    return [
        {"type": "text-start", "id": "0"},
        {"type": "text-delta", "id": "0", "delta": text},
        {"type": "text-end", "id": "0"},
    ]


def waiting_part(
    call_id: str, name: str = "w", given: Any = None, approval_id: str | None = None, **extra: Any
) -> Chunk:
    """A part of a stored message that waits for a decision."""
    return {
        "type": f"tool-{name}",
        "toolCallId": call_id,
        "state": "approval-requested",
        "input": given or {},
        "approval": {"id": approval_id or f"a-{call_id}"},
        **extra,
    }


def chat_of(*parts: Mapping[str, Any], message_id: str = MESSAGE, **extra: Any) -> dict[str, Any]:
    """A stored chat whose last message has these parts."""
    return {
        "id": CHAT,
        "title": "T",
        "createdAt": "2026-01-01T00:00:00Z",
        "userId": "u",
        "visibility": "private",
        "messages": [
            {"id": "user-1", "role": "user", "parts": [{"type": "text", "text": "go"}]},
            {"id": message_id, "role": "assistant", "parts": [dict(part) for part in parts], **extra},
        ],
    }


ASKS = [start(), called("c1", given={"n": 1}), requested("c1"), finish("tool-calls")]
"""A stream that asks for approval of one call."""
ENDS = [start(), output("c1"), *words("Done."), finish()]
"""The stream that goes on from there to the end."""


class HandTools:
    """`LocalTools` by hand: what ran, and what it gave."""

    def __init__(self, results: dict[str, LocalResult]) -> None:
        self.ran: list[tuple[str, Any]] = []
        self._results = results

    def runs(self, tool_name: str) -> bool:
        """Whether it is one of these."""
        return tool_name in self._results

    def policy_for(self, tool_name: str) -> None:
        """None has a policy of its own."""
        del tool_name

    async def answer(self, call: ToolCall[Any]) -> LocalResult:
        """What was prepared."""
        self.ran.append((call.tool_call_id, call.input))
        return self._results[call.tool_name]
