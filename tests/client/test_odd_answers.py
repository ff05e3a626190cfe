"""Answers that are JSON, but not as promised: what can be read is read, nothing is made up, no foreign exception."""

# pyright: reportDeprecated=false

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import respx

from kai_client import KaiClient, KaiError, KaiServerError, SSEStreamParser

pytestmark = pytest.mark.filterwarnings("ignore:Use client.run:DeprecationWarning")

BASE = "https://kai.test"
CHAT = "6f0a8f0e-0000-4000-8000-000000000000"
ANSWER = 'data: {"type":"text","text":"Hi"}\n\ndata: {"type":"finish"}\n\n'


@pytest.fixture
async def client() -> AsyncIterator[KaiClient]:
    """A client of a mocked backend."""
    async with KaiClient("some-token", "https://connection.keboola.com", BASE) as kai:
        yield kai


@respx.mock
async def test_an_unknown_vote_is_not_a_down(client: KaiClient) -> None:
    """A `type` that is neither `up` nor `down` is an error in a list; a cast vote is what was cast."""
    weird = {"chatId": CHAT, "messageId": "m", "type": "weird"}
    respx.get(f"{BASE}/api/vote").mock(return_value=httpx.Response(200, json=[weird]))
    with pytest.raises(KaiError) as caught:
        await client.get_votes(CHAT)
    assert caught.value.code == "response:invalid"
    respx.patch(f"{BASE}/api/vote").mock(return_value=httpx.Response(200, json=weird))
    assert (await client.upvote(CHAT, "m")).type == "up"


@pytest.mark.parametrize(
    "message",
    [{"id": "m", "role": "user"}, {"id": "m", "role": "user", "parts": "x"}, {"role": "user", "parts": []}, 7],
    ids=["no parts", "parts of another type", "no id", "no object"],
)
@respx.mock
async def test_a_chat_does_not_lose_its_messages_silently(client: KaiClient, message: Any) -> None:
    """One message that cannot be read is an error, not an empty chat."""
    respx.get(f"{BASE}/api/chat/{CHAT}").mock(
        return_value=httpx.Response(200, json={"id": CHAT, "messages": [message]})
    )
    with pytest.raises(KaiError) as caught:
        await client.get_chat(CHAT)
    assert caught.value.code == "response:invalid"


@respx.mock
async def test_a_result_of_null_is_sent(client: KaiClient) -> None:
    """`result` is required (protocol 2.4): null is a result."""
    route = respx.post(f"{BASE}/api/chat").mock(return_value=httpx.Response(200, text=ANSWER))
    await client.send_tool_result(CHAT, "c1", "t", None).get_final_text()
    part = json.loads(route.calls.last.request.content)["message"]["parts"][0]
    assert part == {"type": "tool-result", "toolCallId": "c1", "toolName": "t", "result": None}


@respx.mock
async def test_history_with_and_without_time_zones(client: KaiClient) -> None:
    """Dates of either kind can stand beside each other."""
    pages = [
        {"chats": [{"id": "a", "createdAt": "2026-01-02T00:00:00Z"}], "hasMore": True},
        {"chats": [{"id": "b", "createdAt": "2026-01-01T00:00:00"}], "hasMore": False},
    ]
    respx.get(f"{BASE}/api/history").mock(side_effect=[httpx.Response(200, json=page) for page in pages])
    assert [chat.id async for chat in client.get_all_history(batch_size=1)] == ["a", "b"]


@respx.mock
async def test_an_mcp_connection_without_a_name_is_one(client: KaiClient) -> None:
    """Nulls in `connectedMcp` are no reason to fail (protocol 2.2)."""
    data = {"timestamp": "2026-01-01T00:00:00Z", "uptime": 1, "appName": "a", "appVersion": "1", "serverVersion": "2"}
    respx.get(f"{BASE}/api").mock(
        return_value=httpx.Response(200, json=data | {"connectedMcp": [{"name": None, "status": 7, "url": "u"}, "x"]})
    )
    assert [mcp.url for mcp in (await client.info()).mcp_connections] == ["u"]


@respx.mock
async def test_an_approval_of_a_deep_input(client: KaiClient) -> None:
    """A stored input that is nested deeply goes back as it is."""
    deep: Any = 1
    for _ in range(400):
        deep = [deep]
    part = {"type": "tool-q", "toolCallId": "c", "state": "approval-requested", "input": deep, "approval": {"id": "ap"}}
    message = {"id": "m", "role": "assistant", "parts": [part]}
    respx.get(f"{BASE}/api/chat/{CHAT}").mock(
        return_value=httpx.Response(200, json={"id": CHAT, "messages": [message]})
    )
    route = respx.post(f"{BASE}/api/chat").mock(return_value=httpx.Response(200, text=ANSWER))
    await client.approve_tool(CHAT, "ap").get_final_text()
    assert json.loads(route.calls.last.request.content)["message"]["parts"][0]["input"] == deep


@pytest.mark.parametrize("name", ["", "..", "a\nb"])
@respx.mock
async def test_history_with_an_odd_id_ends(client: KaiClient, name: str) -> None:
    """A backend may call its chats what it likes: the walk goes on from there, and ends."""
    pages = [{"chats": [{"id": name}], "hasMore": True}, {"chats": [{"id": "b"}], "hasMore": False}]
    respx.get(f"{BASE}/api/history").mock(side_effect=[httpx.Response(200, json=page) for page in pages])
    assert [chat.id async for chat in client.get_all_history(batch_size=1)] == [name, "b"]


@pytest.mark.parametrize("value", ["Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "-5", "nan", "soon"])
@respx.mock
async def test_a_retry_after_that_is_none_is_left_out(client: KaiClient, value: str) -> None:
    """What is neither seconds nor a date says nothing about when to come back."""
    respx.get(f"{BASE}/api/usage").mock(return_value=httpx.Response(429, headers={"retry-after": value}))
    with pytest.raises(KaiError) as caught:
        await client.get_usage()
    assert caught.value.retry_after is None


def test_a_message_may_have_any_field() -> None:
    """A message that goes on keeps fields that have the names of Python's own words."""
    odd: dict[str, Any] = {
        "id": "m",
        "role": "assistant",
        "parts": [],
        "cls": 1,
        "self": 2,
        "_fields_set": 3,
        "metadata": None,
    }
    assert SSEStreamParser(message=odd).message.to_dict() == odd


@respx.mock
async def test_a_code_in_an_answer_does_not_make_a_message_go_twice(client: KaiClient) -> None:
    """A server may write any code into its error: a POST that was answered with a 500 is not sent again."""
    route = respx.post(f"{BASE}/api/chat").mock(
        return_value=httpx.Response(500, json={"code": "connection:failed", "message": "x"})
    )
    with pytest.raises(KaiServerError):
        await client.chat("Hi")
    assert route.call_count == 1
