"""An HTTP server whose chat streams are made by pydantic-ai. `/{version}/{scenario}` is a base URL for a Kai client.

    POST /{version}/{scenario}/api/chat       the response of pydantic-ai's own adapter
    GET  /{version}/{scenario}/api/chat/{id}  the stored messages
    GET  /{version}/{scenario}/expected/{id}  the chunks that the adapter made, what its run result says, what was posted

It prints {"port": N} when it listens and ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final, Literal

import uvicorn
from pydantic import JsonValue, TypeAdapter
from pydantic_ai import AgentRunResult, DeferredToolRequests
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequestPart,
    ModelResponsePart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
)
from pydantic_ai.ui.vercel_ai import VercelAIAdapter
from pydantic_ai.ui.vercel_ai.request_types import SubmitMessage, UIMessage
from pydantic_ai.ui.vercel_ai.response_types import BaseChunk, DataChunk
from pydantic_ai_agents import SCENARIOS
from pydantic_core import to_jsonable_python
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Version = Literal[5, 6, 7]
JsonObject = dict[str, JsonValue]
Key = tuple[Version, str, str]

VERSIONS: Final[dict[str, Version]] = {"v5": 5, "v6": 6, "v7": 7}
FINISH_REASONS: Final = {
    "stop": "stop",
    "length": "length",
    "tool_call": "tool-calls",
    "content_filter": "content-filter",
}
STATES: Final = {
    "success": "output-available",
    "failed": "output-error",
    "retried": "output-error",
    "denied": "output-denied",
}
_MESSAGES: Final = TypeAdapter(list[UIMessage])


class Chat:
    """The messages of one chat, and the record of its last stream."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.posted: list[JsonObject] = []
        self.chunks: list[JsonObject] = []
        self.result: JsonObject | None = None
        self.ended = asyncio.Event()

    def add(self, message: Any) -> None:
        """A message that is known is replaced, with what came after it; else it comes last."""
        known = [index for index, old in enumerate(self.messages) if old["id"] == message["id"]]
        self.messages = [*self.messages[: known[0] if known else None], message]


CHATS: Final[dict[Key, Chat]] = {}


async def post_message(request: Request) -> Response:
    """Turns Kai's body, which has one message, into pydantic-ai's, which has them all, and lets its adapter answer."""
    body = await request.json()
    version, scenario, _ = key = key_of(request, body["id"])
    chat = CHATS.setdefault(key, Chat())
    chat.posted.append(body["message"])
    chat.add(body["message"])
    chat.chunks, chat.result, chat.ended = [], None, asyncio.Event()
    adapter: VercelAIAdapter[None, str | DeferredToolRequests] = VercelAIAdapter(
        agent=SCENARIOS[scenario],
        run_input=SubmitMessage(id=body["id"], messages=_MESSAGES.validate_python(chat.messages)),
        accept=request.headers.get("accept"),
        sdk_version=version,
        server_message_id=body["message"]["id"] if body["message"]["role"] == "assistant" else None,
    )
    return adapter.streaming_response(recorded(chat, adapter, version))


async def recorded(chat: Chat, adapter: Any, version: Version) -> AsyncIterator[BaseChunk]:
    """The chunks of a run; each is noted as it goes onto the wire, and so is what the run says when it is over."""

    async def on_complete(result: AgentRunResult[str | DeferredToolRequests]) -> AsyncIterator[BaseChunk]:
        chat.result = said(result)
        stored = VercelAIAdapter.dump_messages(result.all_messages(), sdk_version=version)
        chat.messages = _MESSAGES.dump_python(stored, mode="json", by_alias=True, exclude_none=True)
        yield DataChunk(type="data-usage", data=chat.result["usage"])

    try:
        async for chunk in adapter.run_stream(on_complete=on_complete):
            encoded = chunk.encode(version)
            if encoded != "[DONE]":
                chat.chunks.append(json.loads(encoded))
            yield chunk
    finally:
        chat.ended.set()


def said(result: AgentRunResult[str | DeferredToolRequests]) -> JsonObject:
    """What the result of a run says about it."""
    messages = result.new_messages()
    usage = result.usage
    return {
        "text": "".join(part.content for part in parts_of(messages) if isinstance(part, TextPart)),
        "reasoning": "".join(part.content for part in parts_of(messages) if isinstance(part, ThinkingPart)),
        "toolCalls": list(tool_calls(result)),
        "finishReason": FINISH_REASONS.get(result.response.finish_reason or ""),
        "usage": {
            "promptTokens": usage.input_tokens,
            "completionTokens": usage.output_tokens,
            "totalTokens": usage.total_tokens,
        },
    }


def tool_calls(result: AgentRunResult[str | DeferredToolRequests]) -> Iterator[JsonObject]:
    """Each call of the run, and of the one that it resumes, with what came of it."""
    parts = list(parts_of(result.all_messages()))
    returns = {part.tool_call_id: part for part in parts if isinstance(part, ToolReturnPart)}
    new = {
        part.tool_call_id for part in parts_of(result.new_messages()) if isinstance(part, ToolCallPart | ToolReturnPart)
    }
    for part in parts:
        if isinstance(part, ToolCallPart) and part.tool_call_id in new:
            done = returns.get(part.tool_call_id)
            state = STATES[done.outcome] if done else "approval-requested"
            yield {
                "toolCallId": part.tool_call_id,
                "toolName": part.tool_name,
                "state": state,
                "input": part.args_as_dict(),
                "output": to_jsonable_python(done.content) if done and state == "output-available" else None,
                "errorText": done.model_response_str(wrap_if_error=False) if done and state == "output-error" else None,
            }


def parts_of(messages: list[ModelMessage]) -> Iterator[ModelRequestPart | ModelResponsePart]:
    """The parts of all messages: what the model said, and what was said to it."""
    for message in messages:
        yield from message.parts


async def get_messages(request: Request) -> Response:
    """The stored messages of a chat."""
    chat = CHATS.get(key_of(request, request.path_params["id"]))
    if chat is None:
        return JSONResponse({"code": "not_found:chat", "message": "No such chat"}, 404)
    return JSONResponse({"id": request.path_params["id"], "messages": chat.messages})


async def get_expected(request: Request) -> Response:
    """What pydantic-ai sent and said in the last stream of a chat."""
    chat = CHATS[key_of(request, request.path_params["id"])]
    await chat.ended.wait()
    return JSONResponse({"chunks": chat.chunks, "result": chat.result, "posted": chat.posted})


def key_of(request: Request, chat_id: str) -> Key:
    """Which chat of which scenario in which version."""
    return VERSIONS[request.path_params["version"]], request.path_params["scenario"], chat_id


def main() -> None:
    """Listens on a free port until the standard input ends."""
    routes = [
        Route("/{version}/{scenario}/api/chat", post_message, methods=["POST"]),
        Route("/{version}/{scenario}/api/chat/{id}", get_messages),
        Route("/{version}/{scenario}/expected/{id}", get_expected),
    ]
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), log_level="warning", lifespan="off"))
    listener = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(json.dumps({"port": listener.getsockname()[1]}) + "\n")
    sys.stdout.flush()

    def end_with_input() -> None:
        sys.stdin.read()
        server.should_exit = True

    threading.Thread(target=end_with_input, daemon=True).start()
    server.run(sockets=[listener])


if __name__ == "__main__":
    main()
