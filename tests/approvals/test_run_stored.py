"""What the chat holds when a decision is about to be posted: read again every time, and believed."""

from typing import Any

import pytest
from run_handmade import (
    ASKS,
    CHAT,
    ENDS,
    MESSAGE,
    Chunk,
    HandmadeKai,
    called,
    chat_of,
    finish,
    requested,
    start,
    waiting_part,
)
from run_scenes import Notes
from starlette.responses import JSONResponse

from kai_client import KaiClient, KaiError, KaiNotFoundError

BACKENDS = ["kai-assistant", None]
ASKED: Chunk = waiting_part("c1", given={"n": 1})
CHANGED: list[Chunk] = [
    waiting_part("c1", given={"n": "DROP TABLE"}),
    {**ASKED, "state": "output-available", "output": "done by another"},
    {**ASKED, "state": "approval-responded", "approval": {"id": "a-c1", "approved": False}},
]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("now", CHANGED, ids=range(len(CHANGED)))
@pytest.mark.parametrize("text", ["go", None])
async def test_a_chat_that_changes_while_the_policy_thinks(backend: str | None, now: Chunk, text: str | None) -> None:
    """A yes to what was asked is no yes to what is there now, also where the run itself began from the chat."""
    stored = [ASKED]
    streams = [ASKS, ENDS] if text else [ENDS]

    def chat(_: object) -> Any:
        return chat_of(*stored)

    kai = HandmadeKai(*streams, chat=chat)

    async def policy(_: object) -> bool:
        stored[:] = [now]
        return True

    async with kai.served(), KaiClient("token", kai.url, kai.url, backend=backend) as client:
        with pytest.raises(KaiError) as caught:
            await client.run(CHAT, text, approve=policy).get_final_message()
    assert caught.value.code == "approval:changed"
    assert len(kai.chats) == (1 if text else 0)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("ruling", [True, False])
async def test_a_chat_that_is_gone(backend: str | None, ruling: bool) -> None:
    """A chat that the backend says it does not have is the user's to know: nothing is posted into it."""

    def gone(_: object) -> JSONResponse:
        return JSONResponse({"code": "not_found:chat", "message": "There is no such chat."}, 404)

    kai, notes = HandmadeKai(ASKS, ENDS, chat=gone), Notes(ruling)
    async with kai.served(), KaiClient("token", kai.url, kai.url, backend=backend) as client:
        with pytest.raises(KaiNotFoundError) as caught:
            await client.run(CHAT, "go", approve=notes).get_final_message()
    assert (caught.value.code, notes.asked, kai.sent) == ("not_found:chat", ["c1"], [])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("count", [0, 1])
async def test_a_message_that_is_not_stored_yet(backend: str | None, count: int) -> None:
    """A chat that ends with the user's message, or has none, has not kept the assistant's yet: it is answered as received."""
    chat = chat_of(ASKED)
    chat["messages"] = chat["messages"][:count]
    kai = HandmadeKai(ASKS, ENDS, chat=chat)
    async with kai.served(), KaiClient("token", kai.url, kai.url, backend=backend) as client:
        assert await client.run(CHAT, "go", approve=Notes(rules=True)).get_final_text() == "Done."
    (posted,) = kai.sent
    assert (posted["message"]["id"], posted["message"]["role"]) == (MESSAGE, "assistant")
    assert [part["approval"] for part in posted["message"]["parts"]] == [{"id": "a-c1", "approved": True}]


@pytest.mark.parametrize("n", [1, 1.5, True, "1", None, [1, {"a": 1}]], ids=repr)
async def test_what_is_the_same_json_is_the_same_call(n: Any) -> None:
    """The order of keys is no difference between what was received and what is stored."""
    asks = [start(), called("c1", given={"n": n, "m": 2}), requested("c1"), finish("tool-calls")]
    kai = HandmadeKai(asks, ENDS, chat=chat_of(waiting_part("c1", given={"m": 2, "n": n})))
    async with kai.served(), KaiClient("token", kai.url, kai.url, backend="kai-assistant") as client:
        assert await client.run(CHAT, "go", approve=Notes(rules=True)).get_final_text() == "Done."
    assert len(kai.sent) == 1
