"""Backends that ask by ending the stream, whose second stream need not say what became of the call (protocol 2.4)."""

from typing import Any

import pytest
from run_handmade import CHAT, HandmadeKai, HandTools, called, finish, start, words
from run_scenes import Notes

from kai_client import KaiClient, LocalResult, RetryPolicy

CONFIRM = [start(), called("c1", given={"n": 1}), finish("tool-calls")]
GOES_ON = [start("msg-2"), *words("All right."), finish()]
BACKENDS = ["kai-assistant", None]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("ruling", [True, False])
async def test_a_call_that_is_not_mentioned_again_is_over(backend: str | None, ruling: bool) -> None:
    """An answer that goes on in words alone ends well, and its call is asked about once."""
    kai, notes = HandmadeKai(CONFIRM, GOES_ON), Notes(ruling)
    async with kai.served(), KaiClient("token", kai.url, kai.url, backend=backend) as client:
        stream = client.run(CHAT, "go", approve=notes)
        assert await stream.get_final_text() == "All right."
        assert stream.finish_reason == "stop"
    assert notes.asked == ["c1"]
    assert [body["message"]["parts"][0]["result"] for body in kai.sent] == ["confirmed" if ruling else "denied"]


@pytest.mark.parametrize("backend", BACKENDS)
async def test_the_next_call_is_a_question_of_its_own(backend: str | None) -> None:
    """After a call that was not mentioned again, another one is asked about, and only that is answered."""
    again = [start("msg-2"), *words("And."), called("c2", "x"), finish("tool-calls")]
    kai, notes = HandmadeKai(CONFIRM, again, GOES_ON), Notes({"c1": True, "c2": False})
    async with kai.served(), KaiClient("token", kai.url, kai.url, backend=backend) as client:
        assert await client.run(CHAT, "go", approve=notes).get_final_text() == "And.All right."
    assert notes.asked == ["c1", "c2"]
    answers = [[(part["toolCallId"], part["result"]) for part in body["message"]["parts"]] for body in kai.sent]
    assert answers == [[("c1", "confirmed")], [("c2", "denied")]]


@pytest.mark.parametrize("ruling", [True, False])
async def test_a_catalogue_does_not_make_an_agent(ruling: bool) -> None:
    """A bare call at the end of a stream, whose decision nobody took while it was open, is answered by that decision in the
    oldest way, and is over when it is not mentioned again.
    """
    kai, notes = HandmadeKai(CONFIRM, GOES_ON, tools={"tools": []}, settings={}, decided=404), Notes(ruling)
    async with kai.served(), KaiClient("token", kai.url, kai.url) as client:
        assert await client.run(CHAT, "go", approve=notes).get_final_text() == "All right."
    assert notes.asked == ["c1"]
    (body,) = kai.chats[1:]
    assert body["message"]["parts"] == [
        {"type": "tool-result", "toolCallId": "c1", "toolName": "w", "result": "confirmed" if ruling else "denied"}
    ]


@pytest.mark.parametrize("tools", [404, 403, 500, {"tools": []}], ids=str)
async def test_tools_of_this_side_whatever_becomes_of_the_catalogue(tools: Any) -> None:
    """A call of this side's own tool is run at the end of the stream and its result posted: it is no question to anybody,
    even where the backend's catalogue cannot be read or there is one.
    """
    asks = [start(), called("l1", "here", {"n": 1}), finish("tool-calls")]
    kai, notes = HandmadeKai(asks, GOES_ON, tools=tools, decided=404), Notes(rules=False)
    mine = HandTools({"here": LocalResult(output=2)})
    async with (
        kai.served(),
        KaiClient("token", kai.url, kai.url, retry=RetryPolicy(attempts=1)) as client,
    ):
        assert await client.run(CHAT, "go", approve=notes, tools=mine).get_final_text() == "All right."
    assert (mine.ran, notes.asked) == ([("l1", {"n": 1})], [])
    (body,) = kai.chats[1:]
    assert body["message"]["parts"][0]["output"] == 2
