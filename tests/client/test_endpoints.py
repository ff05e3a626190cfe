"""The 17 endpoints of protocol section 2: what is sent, and both variants of what comes back."""

# pyright: reportDeprecated=false

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
import respx

from kai_client import ChatModel, KaiClient, KaiError, KaiNotFoundError, ToolRestrictions, VoteType

pytestmark = pytest.mark.filterwarnings("ignore:Use client.run:DeprecationWarning")

BASE = "https://kai.test"
CHAT = "6f0a8f0e-0000-4000-8000-000000000000"
MESSAGE = "6f0a8f0e-0000-4000-8000-000000000001"
NOW = "2026-11-20T10:00:00.000Z"
ANSWER = 'data: {"type":"text","text":"Hi"}\n\ndata: {"type":"finish"}\n\n'
SETTINGS = {"projectId": 12, "userId": "7", "customInstructions": None, "createdAt": NOW, "updatedAt": NOW, "new": 1}
USER = {"x-storageapi-token": "tok", "x-storageapi-url": "https://connection.keboola.com", "x-workspace-id": "42"}

Call = Callable[[KaiClient], Awaitable[Any]]


@pytest.fixture
async def client() -> AsyncIterator[KaiClient]:
    """A client of a mocked backend."""
    async with KaiClient("tok", "https://connection.keboola.com", BASE, workspace_id="42") as kai:
        yield kai


TABLE: list[tuple[str, Call, str, str, Any, Any]] = [
    ("ping", lambda c: c.ping(), "GET", "/ping", None, {"timestamp": NOW}),
    (
        "info",
        lambda c: c.info(),
        "GET",
        "/api",
        None,
        {"timestamp": NOW, "uptime": 1.5, "appName": "a", "appVersion": "1", "serverVersion": "2"},
    ),
    ("get_chat", lambda c: c.get_chat(CHAT), "GET", f"/api/chat/{CHAT}", None, {"id": CHAT}),
    ("delete_chat", lambda c: c.delete_chat(CHAT), "DELETE", f"/api/chat?id={CHAT}", None, {}),
    (
        "submit_approval",
        lambda c: c.submit_approval(CHAT, "c1", approved=True, reason="ok", updated_input={"a": 1}, answers={"q": "x"}),
        "POST",
        f"/api/chat/{CHAT}/approval",
        {"toolUseId": "c1", "approved": True, "reason": "ok", "updatedInput": {"a": 1}, "answers": {"q": "x"}},
        {"success": True, "toolUseId": "c1", "approved": True},
    ),
    ("get_history", lambda c: c.get_history(), "GET", "/api/history?limit=10", None, {"chats": [], "hasMore": False}),
    (
        "get_history with a cursor",
        lambda c: c.get_history(3, starting_after="x-1"),
        "GET",
        "/api/history?limit=3&starting_after=x-1",
        None,
        {"chats": [{"id": "x"}], "hasMore": True},
    ),
    ("get_votes", lambda c: c.get_votes(CHAT), "GET", f"/api/vote?chatId={CHAT}", None, []),
    (
        "vote",
        lambda c: c.vote(CHAT, MESSAGE, VoteType.UP),
        "PATCH",
        "/api/vote",
        {"chatId": CHAT, "messageId": MESSAGE, "type": "up"},
        "Message voted",
    ),
    (
        "get_usage",
        lambda c: c.get_usage(),
        "GET",
        "/api/usage",
        None,
        {"messagesUsed": 1, "messagesLimit": 2, "resetDate": NOW},
    ),
    ("get_settings", lambda c: c.get_settings(), "GET", "/api/settings", None, SETTINGS),
    (
        "update_settings",
        lambda c: c.update_settings(custom_instructions=None),
        "PATCH",
        "/api/settings",
        {"customInstructions": None},
        SETTINGS,
    ),
    ("get_user_settings", lambda c: c.get_user_settings(), "GET", "/api/settings/user", None, SETTINGS),
    (
        "update_user_settings",
        lambda c: c.update_user_settings(tool_permissions={"run_job": "blocked"}),
        "PATCH",
        "/api/settings/user",
        {"toolPermissions": {"run_job": "blocked"}},
        SETTINGS,
    ),
    (
        "get_tools",
        lambda c: c.get_tools(),
        "GET",
        "/api/settings/tools",
        None,
        {"tools": [{"name": "q", "description": "d", "readOnly": True}]},
    ),
    (
        "get_suggestions",
        lambda c: c.get_suggestions("dashboard", {"k": 1}),
        "POST",
        "/api/suggestions",
        {"context": "dashboard", "data": {"k": 1}},
        {"suggestions": [], "suggestionSessionId": "s"},
    ),
]


@pytest.mark.parametrize(("name", "call", "method", "url", "sent", "answer"), TABLE, ids=[row[0] for row in TABLE])
@respx.mock
async def test_each_endpoint_sends_what_the_protocol_says(
    client: KaiClient, name: str, call: Call, method: str, url: str, sent: Any, answer: Any
) -> None:
    """Method, path, query, body and headers are those of protocol section 2; `/ping` and `/api` go without credentials."""
    reply = httpx.Response(200, text=answer) if isinstance(answer, str) else httpx.Response(200, json=answer)
    route = respx.route(method=method).mock(return_value=reply)
    await call(client)
    request = route.calls.last.request
    assert str(request.url) == BASE + url
    assert (json.loads(request.content) if request.content else None) == sent
    shown = {key: request.headers.get(key) for key in USER}
    assert shown == (dict.fromkeys(USER) if name in {"ping", "info"} else USER)


async def _chat_body(client: KaiClient, **options: Any) -> dict[str, Any]:
    route = respx.post(f"{BASE}/api/chat").mock(return_value=httpx.Response(200, text=ANSWER))
    assert await client.send_message(CHAT, "Hello", **options).get_final_text() == "Hi"
    body: dict[str, Any] = json.loads(route.calls.last.request.content)
    assert body["message"].pop("id").count("-") == 4
    return body


@respx.mock
async def test_send_message_leaves_out_what_is_not_set(client: KaiClient) -> None:
    """A plain message has no metadata, no branch and no restrictions: the backend refuses a null (protocol 2.3)."""
    assert await _chat_body(client) == {
        "id": CHAT,
        "message": {"role": "user", "parts": [{"type": "text", "text": "Hello"}]},
        "selectedChatModel": "chat-model",
        "selectedVisibilityType": "private",
    }


@respx.mock
async def test_send_message_sends_every_option(client: KaiClient) -> None:
    """Each keyword arrives under its wire name; `hidden` is always in metadata that is sent at all."""
    body = await _chat_body(
        client,
        visibility="public",
        branch_id=7,
        request_path="/a",
        model=ChatModel.REASONING,
        tool_restrictions=ToolRestrictions(allowed_tools=["q"], read_only_mode=True),
    )
    assert body == {
        "id": CHAT,
        "message": {
            "role": "user",
            "parts": [{"type": "text", "text": "Hello"}],
            "metadata": {"hidden": False, "requestContext": {"path": "/a"}},
        },
        "selectedChatModel": "chat-model-reasoning",
        "selectedVisibilityType": "public",
        "branchId": 7,
        "toolRestrictions": {"allowedTools": ["q"], "readOnlyMode": True},
    }
    assert (await _chat_body(client, hidden=True))["message"]["metadata"] == {"hidden": True}
    assert (await _chat_body(client, tool_restrictions={"disallowedTools": ["x"]}))["toolRestrictions"] == {
        "disallowedTools": ["x"]
    }


@pytest.mark.parametrize(("method", "approved"), [("approve_tool", True), ("reject_tool", False)])
@respx.mock
async def test_an_approval_goes_back_in_the_assistant_message(client: KaiClient, method: str, approved: bool) -> None:
    """The v6 flow re-posts the message with that one request answered, everything else as it was (protocol 2.4)."""
    asked = {"type": "tool-q", "toolCallId": "c1", "state": "approval-requested", "output": None}
    other = {**asked, "toolCallId": "c2", "approval": {"id": "ap2"}}
    parts = [{"type": "text", "text": "x"}, {**asked, "approval": {"id": "ap1", "signature": "s"}}, other]
    messages = [
        {"id": "u1", "role": "user", "parts": [{"type": "text", "text": "do"}]},
        {"id": "a1", "role": "assistant", "parts": parts},
    ]
    respx.get(f"{BASE}/api/chat/{CHAT}").mock(return_value=httpx.Response(200, json={"id": CHAT, "messages": messages}))
    route = respx.post(f"{BASE}/api/chat").mock(return_value=httpx.Response(200, text=ANSWER))
    assert await getattr(client, method)(CHAT, "ap1", reason="why").get_final_text() == "Hi"
    answer = {"id": "ap1", "signature": "s", "approved": approved, "reason": "why"}
    answered = {**asked, "state": "approval-responded", "approval": answer}
    assert json.loads(route.calls.last.request.content)["message"] == {
        "id": "a1",
        "role": "assistant",
        "parts": [parts[0], answered, other],
    }


@respx.mock
async def test_an_approval_that_nobody_asks_for_is_not_found(client: KaiClient) -> None:
    """An unknown approval id is a `KaiError` with the code `approval:not_found`; nothing is posted."""
    respx.get(f"{BASE}/api/chat/{CHAT}").mock(return_value=httpx.Response(200, json={"id": CHAT, "messages": []}))
    with pytest.raises(KaiError) as caught:
        await client.approve_tool(CHAT, "ap1").get_final_text()
    assert caught.value.code == "approval:not_found"


@pytest.mark.parametrize(("method", "result"), [("confirm_tool", "confirmed"), ("deny_tool", "denied")])
@respx.mock
async def test_the_oldest_flow_sends_a_tool_result(client: KaiClient, method: str, result: str) -> None:
    """`confirm_tool` and `deny_tool` are user messages with one tool-result part (protocol 2.4)."""
    route = respx.post(f"{BASE}/api/chat").mock(return_value=httpx.Response(200, text=ANSWER))
    await getattr(client, method)(CHAT, "c1", "run_job").get_final_text()
    message = json.loads(route.calls.last.request.content)["message"]
    assert message["parts"] == [{"type": "tool-result", "toolCallId": "c1", "toolName": "run_job", "result": result}]


@pytest.mark.parametrize("value", ["true", 1, None, "false"])
async def test_only_a_bool_decides(client: KaiClient, value: Any) -> None:
    """A string never approves, not even "false"."""
    with pytest.raises(TypeError):
        await client.submit_approval(CHAT, "c1", value)
    with pytest.raises(TypeError):
        client.send_tool_approval_response(CHAT, "ap1", value)


VOTES = [
    ([{"chatId": CHAT, "messageId": "m", "type": "down", "id": "v"}], ["down"]),
    (
        {"votes": [{"chatId": CHAT, "messageId": "m", "isUpvoted": True}, {"chatId": CHAT, "messageId": "n"}]},
        ["up", "down"],
    ),
]


@pytest.mark.parametrize(("answer", "types"), VOTES, ids=["list with type", "object with isUpvoted"])
@respx.mock
async def test_votes_are_read_in_both_shapes(client: KaiClient, answer: Any, types: list[str]) -> None:
    """A bare list or `{"votes": []}`, `type` or `isUpvoted` (protocol 8.2)."""
    respx.get(f"{BASE}/api/vote").mock(return_value=httpx.Response(200, json=answer))
    assert [vote.type for vote in await client.get_votes(CHAT)] == types


@pytest.mark.parametrize(
    ("answer", "vote_id"),
    [
        ({"text": "Message voted"}, None),
        ({"json": {"id": "v1", "chatId": CHAT, "messageId": "m", "type": "up"}}, "v1"),
        ({}, None),
    ],
    ids=["plain text", "json", "empty"],
)
@respx.mock
async def test_a_vote_is_answered_in_any_shape(client: KaiClient, answer: dict[str, Any], vote_id: str | None) -> None:
    """Today's backends answer plain text, older ones the vote itself."""
    respx.patch(f"{BASE}/api/vote").mock(return_value=httpx.Response(200, **answer))
    vote = await client.upvote(CHAT, "m")
    assert (vote.id, vote.chat_id, vote.message_id, vote.type) == (vote_id, CHAT, "m", "up")


@pytest.mark.parametrize(
    ("mcp", "names"),
    [(None, []), ([{"name": "a", "status": "ok", "x": 1}], ["a"]), ({"url": "https://m", "status": "ok"}, [""])],
    ids=["missing", "list", "object"],
)
@respx.mock
async def test_info_reads_every_shape_of_connected_mcp(client: KaiClient, mcp: Any, names: list[str]) -> None:
    """A list, one object, or nothing (protocol 2.2)."""
    data = {"timestamp": NOW, "uptime": 1, "appName": "a", "appVersion": "1", "serverVersion": "2"}
    respx.get(f"{BASE}/api").mock(
        return_value=httpx.Response(200, json=data | ({} if mcp is None else {"connectedMcp": mcp}))
    )
    info = await client.info()
    assert info.connected_mcp == ([] if mcp is None else mcp)
    assert [connection.name for connection in info.mcp_connections] == names


@pytest.mark.parametrize("update", ["update_settings", "update_user_settings"])
async def test_an_update_of_nothing_is_a_mistake(client: KaiClient, update: str) -> None:
    """Nothing given is a `ValueError` before anything is sent; None would clear."""
    with pytest.raises(ValueError, match="No setting"):
        await getattr(client, update)()


@pytest.mark.parametrize(
    "answer", [{"text": "<html>Sign in</html>"}, {"json": [1]}, {"json": {"x": 1}}, {"text": ""}, {"text": "NaN"}]
)
@respx.mock
async def test_an_answer_that_is_not_the_promised_json_is_a_kai_error(
    client: KaiClient, answer: dict[str, Any]
) -> None:
    """HTML, an array, an object without the fields, nothing: each a `KaiError`, no foreign exception."""
    respx.get(f"{BASE}/api/usage").mock(return_value=httpx.Response(200, **answer))
    with pytest.raises(KaiError) as caught:
        await client.get_usage()
    assert (caught.value.code or "").startswith("response:")


@respx.mock
async def test_unknown_fields_are_kept_and_unreadable_optional_ones_are_absent(client: KaiClient) -> None:
    """New fields stay reachable; a broken date in one chat does not lose the list."""
    chats = [{"id": "a", "createdAt": "yesterday", "extra": {"k": 1}}, {"id": "b", "title": None}]
    respx.get(f"{BASE}/api/history").mock(return_value=httpx.Response(200, json={"chats": chats, "hasMore": False}))
    page = await client.get_history()
    assert page.chats[0].created_at is None
    assert page.chats[0].model_extra == {"extra": {"k": 1}}


@respx.mock
async def test_get_all_history_walks_the_pages(client: KaiClient) -> None:
    """The iterator asks page by page and yields every chat once."""
    pages = [{"chats": [{"id": "a"}, {"id": "b"}], "hasMore": True}, {"chats": [{"id": "c"}], "hasMore": False}]
    asked: list[dict[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(dict(request.url.params))
        return httpx.Response(200, json=pages[len(asked) - 1])

    respx.get(f"{BASE}/api/history").mock(side_effect=answer)
    assert [chat.id async for chat in client.get_all_history(batch_size=2)] == ["a", "b", "c"]
    assert asked == [{"limit": "2"}, {"limit": "2", "starting_after": "b"}]


IDS = ["", ".", "..", "a\nb", "a\x00", "\x7f", "\ud800"]


@pytest.mark.parametrize("bad", [*IDS, 7, None, b"x"], ids=repr)
@respx.mock
async def test_an_id_that_cannot_be_one_is_refused_before_anything_is_sent(client: KaiClient, bad: Any) -> None:
    """Empty, `.`, `..` and control characters are a `ValueError`, non-strings a `TypeError`, in every method."""
    kind = ValueError if isinstance(bad, str) else TypeError
    calls: list[Callable[[], Any]] = [
        lambda: client.send_message(bad, "x"),
        lambda: client.resume_stream(bad),
        lambda: client.approve_tool(bad, "x"),
        lambda: client.approve_tool("x", bad),
        lambda: client.confirm_tool("x", bad, "t"),
    ]
    for call in calls:
        with pytest.raises(kind):
            call()
    waits: list[Awaitable[Any]] = [
        client.get_chat(bad),
        client.delete_chat(bad),
        client.get_votes(bad),
        client.upvote(bad, "m"),
        client.upvote("x", bad),
        client.submit_approval(bad, "t", approved=True),
        client.submit_approval("x", bad, approved=True),
    ]
    for wait in waits:
        with pytest.raises(kind):
            await wait
    assert not respx.calls


@pytest.mark.parametrize("chat_id", ["a/b", "a?b#c", "ä ö", "100%", "%2F", "a\\b", "..%2f", "...", "~"])
@respx.mock
async def test_any_printable_id_is_one_path_segment(client: KaiClient, chat_id: str) -> None:
    """Slashes, question marks, percent signs and spaces are encoded; the server decodes the same id."""
    route = respx.route(method="GET").mock(return_value=httpx.Response(200, json={"id": chat_id}))
    assert (await client.get_chat(chat_id)).id == chat_id
    raw = route.calls.last.request.url.raw_path.decode()
    assert raw.startswith("/api/chat/")
    assert unquote(raw.removeprefix("/api/chat/")) == chat_id
    assert raw.count("/") == 3


@pytest.mark.parametrize(("name", "value"), [("limit", 0), ("limit", "3"), ("limit", True), ("batch_size", -1)])
async def test_counts_are_positive_ints(client: KaiClient, name: str, value: Any) -> None:
    """A page of nothing is the caller's mistake."""
    with pytest.raises((ValueError, TypeError), match=name):
        await client.get_history(value) if name == "limit" else client.get_all_history(value)


@pytest.mark.parametrize("branch", ["7", 7.0, True])
async def test_branch_id_is_an_int(client: KaiClient, branch: Any) -> None:
    """The backend refuses a branch id that is no integer, so it is refused here."""
    with pytest.raises(TypeError, match="branch_id"):
        client.send_message(CHAT, "x", branch_id=branch)


@respx.mock
async def test_an_approval_that_waits_for_nobody_is_not_found(client: KaiClient) -> None:
    """kai-agent's nested 404 keeps its code, its exception id and its status (protocol 2.5)."""
    error = {
        "error": {"type": "not_found", "surface": "chat", "message": "no pending approval", "exceptionId": "KAI-1"}
    }
    respx.post(f"{BASE}/api/chat/{CHAT}/approval").mock(return_value=httpx.Response(404, json=error))
    with pytest.raises(KaiNotFoundError) as caught:
        await client.submit_approval(CHAT, "c1", approved=False)
    assert (caught.value.code, caught.value.cause, caught.value.status_code) == ("not_found:chat", "KAI-1", 404)
