"""What our client makes of a stream, in the words of the wire, to be held against what the server's own side says."""

from __future__ import annotations

import json
from typing import NamedTuple

import httpx
from pydantic import JsonValue

from kai_client import ChatStream, SSEEvent, SSEStreamParser, ToolApprovalRequestEvent, ToolCallEvent

TOKEN = "1-fake"
STORAGE_URL = "https://connection.keboola.com"

JsonObject = dict[str, JsonValue]


class Answer(NamedTuple):
    """What our client made of a stream, in the words of the wire."""

    events: list[SSEEvent]
    text: str
    tool_calls: list[JsonObject]
    usage: JsonObject
    finish_reason: str | None
    message: JsonObject

    @property
    def chunks(self) -> list[JsonObject]:
        """The events as chunks."""
        return [event.to_chunk() for event in self.events]

    @property
    def parts(self) -> list[JsonObject]:
        """The parts of the message."""
        return parts_of(self.message)

    @property
    def requests(self) -> list[ToolApprovalRequestEvent]:
        """The calls that wait for a decision."""
        return [event for event in self.events if isinstance(event, ToolApprovalRequestEvent)]


def parts_of(message: JsonObject) -> list[JsonObject]:
    """The parts of a message."""
    parts = message["parts"]
    assert isinstance(parts, list)
    return [part for part in parts if isinstance(part, dict)]


async def read_all(stream: ChatStream) -> Answer:
    """The whole answer of a stream, also of one that ends with an error chunk or an abort."""
    events = [event async for event in stream]
    return Answer(
        events=events,
        text=stream.text,
        tool_calls=[row_of(call) for call in stream.tool_calls.values()],
        usage=stream.usage.model_dump(by_alias=True),
        finish_reason=stream.finish_reason,
        message=message_of(stream),
    )


def message_of(answer: ChatStream | SSEStreamParser) -> JsonObject:
    """The message as the SDK writes it."""
    return answer.message.to_dict()


def row_of(call: ToolCallEvent) -> JsonObject:
    """A tool call as the Node server lists it."""
    return {
        "toolCallId": call.tool_call_id,
        "toolName": call.tool_name,
        "state": call.state,
        "input": call.input,
        "output": call.output,
        "errorText": call.error_text,
    }


def wire(*values: JsonValue) -> str:
    """JSON text, in which 1, 1.0 and true are different, as they are not in Python."""
    return json.dumps(values, sort_keys=True, indent=1)


def plain_http(connections: int | None = None) -> httpx.AsyncClient:
    """An HTTP client for a server of the tests: without TLS, whose certificates take long to load, and without proxies."""
    return httpx.AsyncClient(verify=False, trust_env=False, limits=httpx.Limits(max_connections=connections))
