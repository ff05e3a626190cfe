"""The server in front of a client of an assistant: what a user decided on one screen is not said of what is there now."""

from typing import Any

import httpx
import pytest
from run_handmade import CHAT, ENDS, Chunk, HandmadeKai, chat_of, start

from kai_client import KaiClient
from kai_client.server import kai_app, serve

UPSTREAM = {"type": "tool-w", "toolCallId": "c1", "state": "approval-requested"}
MESSAGE_ID = "87654321-4321-8765-4321-876543218765"


def decided(given: Any, approval_id: str) -> Chunk:
    """The part as a user's client sends it back, approved."""
    return {
        **UPSTREAM,
        "state": "approval-responded",
        "input": given,
        "approval": {"id": approval_id, "approved": True},
    }


async def sent_through(part: Chunk) -> tuple[int, list[Any]]:
    """The status of the gateway, and what reached the assistant, which asks about `n` = 2 under `a2`."""
    stored = {**UPSTREAM, "input": {"n": 2}, "approval": {"id": "a2"}}
    kai = HandmadeKai([start(MESSAGE_ID), *ENDS[1:]], chat=chat_of(stored, message_id=MESSAGE_ID))
    async with (
        kai.served(),
        KaiClient("token", kai.url, kai.url, backend="kai-assistant") as client,
        serve(kai_app(client, mode="assistant")) as url,
        httpx.AsyncClient(base_url=url, headers={"x-storageapi-token": "token", "x-storageapi-url": url}) as http,
    ):
        body = {
            "id": CHAT,
            "message": {"id": MESSAGE_ID, "role": "assistant", "parts": [part]},
            "selectedChatModel": "chat-model",
            "selectedVisibilityType": "private",
        }
        response = await http.post("/api/chat", json=body)
        return response.status_code, [body["message"]["parts"] for body in kai.chats]


@pytest.mark.parametrize(
    "part", [decided({"n": 1}, "a1"), decided({"n": 2}, "a1"), decided({"n": 1}, "a2")], ids=range(3)
)
async def test_an_old_answer_does_not_approve_a_new_question(part: Chunk) -> None:
    """A yes under another approval id, or about another input, reaches the assistant as no yes: it is a bad request."""
    status, sent = await sent_through(part)
    assert (status, sent) == (400, [])


async def test_an_answer_to_what_is_asked_passes() -> None:
    """The control: the same yes about the very question is passed on."""
    status, sent = await sent_through(decided({"n": 2}, "a2"))
    assert status == 200
    assert sent == [[decided({"n": 2}, "a2")]]
