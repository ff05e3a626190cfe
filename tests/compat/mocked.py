"""A mocked stack for the published scripts: the Storage API's index, a Kai service, and streams to answer with."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import httpx
import respx

STORAGE = "https://connection.keboola.com"
KAI = "https://kai.keboola.com"
TOKEN = "1-secret"
STREAM = {"content-type": "text/event-stream"}
CALL: dict[str, Any] = {"toolCallId": "c1", "toolName": "create_bucket", "input": {"name": "x"}}


def sse(*chunks: dict[str, Any]) -> bytes:
    """A stream as the AI SDK writes it."""
    return b"".join(f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks) + b"data: [DONE]\n\n"


def text(*pieces: str) -> list[dict[str, Any]]:
    """Text chunks."""
    return [{"type": "text-delta", "id": "0", "delta": piece} for piece in pieces]


ANSWER = sse(
    {"type": "start", "messageId": "m1"},
    {"type": "start-step"},
    {"type": "text-start", "id": "0"},
    *text("Hello", " world"),
    {"type": "tool-input-start", "toolCallId": "c1", "toolName": "create_bucket"},
    {"type": "tool-input-available", **CALL},
    {"type": "tool-output-available", "toolCallId": "c1", "output": {"id": "in.c-x"}},
    {"type": "tool-output-error", "toolCallId": "c2", "errorText": "boom"},
    {"type": "data-usage", "data": {"promptTokens": 3, "completionTokens": 4, "totalTokens": 7}},
    {"type": "finish", "finishReason": "stop"},
)
PENDING = sse(
    {"type": "tool-input-available", **CALL},
    {"type": "tool-approval-request", "approvalId": "ap1", "toolCallId": "c1"},
    {"type": "finish", "finishReason": "tool-calls"},
)
DONE = sse(
    {"type": "tool-output-available", "toolCallId": "c1", "output": {"id": "in.c-x"}}, *text("Done"), {"type": "finish"}
)


@contextmanager
def mocked_stack() -> Generator[respx.MockRouter]:
    """A stack with a `kai-assistant`; the routes of a test are added to it."""
    with respx.mock(assert_all_called=False) as router:
        services = [{"id": "queue", "url": "https://queue"}, {"id": "kai-assistant", "url": f"{KAI}/"}]
        router.get(url__startswith=f"{STORAGE}/v2/storage").respond(json={"services": services})
        router.get(f"{KAI}/ping").respond(json={"timestamp": "2025-01-01T00:00:00Z"})
        yield router


def chat_answers(router: respx.MockRouter, *bodies: bytes) -> respx.Route:
    """`POST /api/chat` answers with these streams, one after the other."""
    answers = [httpx.Response(200, content=body, headers=STREAM) for body in bodies]
    return router.post(f"{KAI}/api/chat").mock(side_effect=answers)


def posted(route: respx.Route) -> Any:
    """The JSON of the last request."""
    return json.loads(route.calls.last.request.content)
