"""Every public method that talks to a server: how it is called, and a good answer to it."""

# pyright: reportDeprecated=false

import json
import warnings
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from fault_server import TOKEN

from kai_client import ChatStream, KaiBackend, KaiClient, KaiError, Limits, RetryPolicy, Timeouts, approve_all

CHAT = "6f0a8f0e-0000-4000-8000-000000000000"
MESSAGE = "6f0a8f0e-0000-4000-8000-000000000001"
NOW = "2026-11-20T10:00:00.000Z"
SETTINGS = {"projectId": "12", "userId": "7", "customInstructions": None, "createdAt": NOW, "updatedAt": NOW}
VOTE = {"chatId": CHAT, "messageId": MESSAGE, "type": "up"}
ONCE = RetryPolicy(attempts=1)
LIMITS = Limits(event_bytes=2**20, json_bytes=2**20, error_bytes=2**14)

Wants = Literal["json", "any", "stream", "answer", "resume"]
"""`json` needs an object, `any` is content with any 2xx, `stream` yields events, `answer` judges whether it is whole."""


@dataclass(frozen=True)
class Target:
    """Where a call goes, and how patiently."""

    url: str
    timeouts: Timeouts
    client: KaiClient


Call = Callable[[Target], Awaitable[Any]]


@dataclass(frozen=True)
class Method:
    """A public method. `first` answers a GET that it makes before the request that is spoiled."""

    name: str
    call: Call
    wants: Wants
    body: bytes
    first: bytes | None = None

    @property
    def content_type(self) -> str:
        """Of the good answer."""
        return "application/json" if self.wants in {"json", "any"} else "text/event-stream"


def _json(name: str, call: Callable[[KaiClient], Awaitable[Any]], answer: Any, wants: Wants = "json") -> Method:
    return Method(name, lambda target: call(target.client), wants, json.dumps(answer).encode())


CHUNKS: list[dict[str, Any]] = [
    {"type": "start", "messageId": "m1"},
    {"type": "start-step"},
    {"type": "text-start", "id": "0"},
    {"type": "text-delta", "id": "0", "delta": "He"},
    {"type": "text-delta", "id": "0", "delta": "llo"},
    {"type": "text-end", "id": "0"},
    {"type": "tool-input-available", "toolCallId": "c1", "toolName": "query_data", "input": {"sql": "SELECT 1"}},
    {"type": "tool-output-available", "toolCallId": "c1", "output": [1, None, {"a": "b"}]},
    {"type": "finish-step"},
    {"type": "finish", "finishReason": "stop"},
]
STREAM = "".join(f"data: {json.dumps(each)}\n\n" for each in CHUNKS).encode() + b"data: [DONE]\n\n"
_APPROVAL = {"type": "tool-x", "toolCallId": "c1", "state": "approval-requested", "input": {}, "approval": {"id": "a1"}}
ASKING = json.dumps({"id": CHAT, "messages": [{"id": "m1", "role": "assistant", "parts": [_APPROVAL]}]}).encode()


async def _events(stream: ChatStream) -> list[Any]:
    return [event.to_chunk() async for event in stream]


async def _texts(stream: ChatStream) -> str:
    return "".join([text async for text in stream.text_stream])


async def _updates(stream: ChatStream) -> Any:
    return [message async for message in stream.updates()][-1].to_dict()


async def _final(stream: ChatStream) -> Any:
    return (await stream.get_final_message()).to_dict()


async def _in_block(stream: ChatStream) -> list[Any]:
    async with stream:
        return await _events(stream)


async def _one_by_one(stream: ChatStream) -> list[Any]:
    events: list[Any] = []
    try:
        while (event := await anext(stream, None)) is not None:
            events.append(event.to_chunk())
    finally:
        await stream.aclose()
    return events


async def _text(stream: ChatStream) -> str:
    return await stream.get_final_text()


async def _chat(client: KaiClient) -> str:
    return (await client.chat("Hi"))[1]


async def _nobody_asks(client: KaiClient) -> str:
    """Reads the chat, and finds that no message asks for the approval."""
    try:
        return await _superseded(lambda: client.approve_tool(CHAT, "a1")).get_final_text()
    except KaiError as error:
        if error.code != "approval:not_found":
            raise
        return error.code


def _superseded(call: Callable[[], ChatStream]) -> ChatStream:
    """A call of a method that says, rightly, that there is a better one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return call()


def _of_assistant(client: KaiClient) -> KaiClient:
    """The client of a known kai-assistant: a run needs no other request to find out."""
    client.backend = KaiBackend.ASSISTANT
    return client


async def _history(client: KaiClient) -> list[Any]:
    return [chat async for chat in client.get_all_history()]


async def _discover(target: Target) -> str:
    pending = KaiClient.from_storage_api(TOKEN, target.url, target.timeouts, retry=ONCE, limits=LIMITS)
    async with pending as client:
        return client.base_url


async def _from_env(target: Target) -> str:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("KAI_BASE_URL", "KAI_SERVICE", "WORKSPACE_ID"):
            patch.delenv(name, raising=False)
        patch.setenv("STORAGE_API_TOKEN", TOKEN)
        patch.setenv("STORAGE_API_URL", target.url)
        async with KaiClient.from_env(target.timeouts, retry=ONCE, limits=LIMITS) as client:
            return client.base_url


def _streaming(
    name: str,
    call: Callable[[KaiClient], ChatStream],
    read: Callable[[ChatStream], Awaitable[Any]] = _events,
    wants: Wants = "stream",
    first: bytes | None = None,
) -> Method:
    return Method(name, lambda target: read(call(target.client)), wants, STREAM, first)


INDEX = json.dumps({"services": [{"id": "kai-agent", "url": "http://127.0.0.1:1"}]}).encode()
INFO = {"timestamp": NOW, "uptime": 1.5, "appName": "a", "appVersion": "1", "serverVersion": "2"}
_STORED = {
    "id": CHAT,
    "title": "T",
    "messages": [{"id": "m1", "role": "assistant", "parts": [{"type": "text", "text": "Hi"}]}],
}

JSON_METHODS = [
    Method("from_storage_api", _discover, "json", INDEX),
    Method("from_env", _from_env, "json", INDEX),
    _json("ping", lambda c: c.ping(), {"timestamp": NOW}),
    _json("info", lambda c: c.info(), INFO),
    _json("get_chat", lambda c: c.get_chat(CHAT), _STORED),
    _json("delete_chat", lambda c: c.delete_chat(CHAT), {}, "any"),
    _json(
        "submit_approval",
        lambda c: c.submit_approval(CHAT, "c1", approved=True),
        {"success": True, "toolUseId": "c1", "approved": True},
    ),
    _json("get_history", lambda c: c.get_history(), {"chats": [{"id": "x"}], "hasMore": False}),
    _json("get_all_history", _history, {"chats": [{"id": "x"}], "hasMore": False}),
    _json("get_votes", lambda c: c.get_votes(CHAT), [VOTE]),
    _json("vote", lambda c: c.vote(CHAT, MESSAGE, "up"), "Message voted", "any"),
    _json("upvote", lambda c: c.upvote(CHAT, MESSAGE), VOTE, "any"),
    _json("downvote", lambda c: c.downvote(CHAT, MESSAGE), "Message voted", "any"),
    _json("get_usage", lambda c: c.get_usage(), {"messagesUsed": 1, "messagesLimit": 2, "resetDate": NOW}),
    _json("get_settings", lambda c: c.get_settings(), SETTINGS),
    _json("update_settings", lambda c: c.update_settings(custom_instructions=None), SETTINGS),
    _json("get_user_settings", lambda c: c.get_user_settings(), SETTINGS),
    _json("update_user_settings", lambda c: c.update_user_settings(tool_permissions=None), SETTINGS),
    _json("get_tools", lambda c: c.get_tools(), {"tools": [{"name": "q", "description": "d", "readOnly": True}]}),
    _json(
        "get_suggestions",
        lambda c: c.get_suggestions("dashboard", {"k": 1}),
        {"suggestions": [], "suggestionSessionId": "s"},
    ),
    _json("approve_tool: reading the chat", _nobody_asks, {"id": CHAT, "messages": []}),
]

STREAM_METHODS = [
    _streaming("send_message: iterated", lambda c: c.send_message(CHAT, "Hi")),
    _streaming("send_message: in a block", lambda c: c.send_message(CHAT, "Hi"), _in_block),
    _streaming("send_message: anext", lambda c: c.send_message(CHAT, "Hi"), _one_by_one),
    _streaming("send_message: text_stream", lambda c: c.send_message(CHAT, "Hi"), _texts, "answer"),
    _streaming("send_message: updates", lambda c: c.send_message(CHAT, "Hi"), _updates, "answer"),
    _streaming("send_message: get_final_text", lambda c: c.send_message(CHAT, "Hi"), _text, "answer"),
    _streaming("send_message: get_final_message", lambda c: c.send_message(CHAT, "Hi"), _final, "answer"),
    Method("chat", lambda target: _chat(target.client), "answer", STREAM),
    _streaming("resume_stream", lambda c: c.resume_stream(CHAT), wants="resume"),
    _streaming(
        "send_tool_approval_response",
        lambda c: _superseded(lambda: c.send_tool_approval_response(CHAT, "a1", approved=True)),
        first=ASKING,
    ),
    _streaming("approve_tool", lambda c: _superseded(lambda: c.approve_tool(CHAT, "a1")), first=ASKING),
    _streaming(
        "reject_tool", lambda c: _superseded(lambda: c.reject_tool(CHAT, "a1", reason="no")), _final, "answer", ASKING
    ),
    _streaming(
        "send_tool_result", lambda c: _superseded(lambda: c.send_tool_result(CHAT, "c1", "run_job", {"k": [1]}))
    ),
    _streaming("confirm_tool", lambda c: _superseded(lambda: c.confirm_tool(CHAT, "c1", "run_job"))),
    _streaming("deny_tool", lambda c: _superseded(lambda: c.deny_tool(CHAT, "c1", "run_job")), _text, "answer"),
    _streaming("run: iterated", lambda c: _of_assistant(c).run(CHAT, "Hi")),
    _streaming("run: get_final_text", lambda c: _of_assistant(c).run(CHAT, "Hi"), _text, "answer"),
    _streaming("run: goes on", lambda c: _of_assistant(c).run(CHAT, approve=approve_all), first=ASKING),
]

METHODS = JSON_METHODS + STREAM_METHODS
MORE_WAYS_TO_READ = [
    method
    for method in STREAM_METHODS
    if method.name.startswith("send_message") and method.name != "send_message: iterated"
]
