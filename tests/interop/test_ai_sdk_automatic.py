"""Decisions that the AI SDK 7 makes by itself (protocol 4.6, V6). Version 6 makes none."""

from typing import Final

import pytest
from ai_sdk import chat_with
from deciding import DONE, Asked, Here, agreed, approvals, told

from kai_client import LocalResult

MAJOR: Final = "v7"


@pytest.mark.parametrize("ruling", [True, False])
@pytest.mark.parametrize(
    ("scenario", "approved", "reason", "query"),
    [
        ("automatic-yes", True, "It only reads", 'json {"rows":["SELECT 1"]}'),
        ("automatic-no", False, "The warehouse is closed", 'error-text "The warehouse is closed"'),
    ],
    ids=["yes", "no"],
)
async def test_automatic_decision(
    scenario: str, approved: bool, reason: str, query: str, ruling: bool, ai_sdk_url: str
) -> None:
    """Nobody is asked about a call that the SDK decides by itself: its decision goes back as it came, the one that waits
    is decided beside it.
    """
    async with chat_with(ai_sdk_url, MAJOR, scenario) as chat:
        policy = Asked({"call-1-2": ruling})
        ours = await chat.run(approve=policy)
        await agreed(chat, ours)
        _, answer = await chat.posted()
    assert policy.ids == ["call-1-2"]
    assert answer.complete
    automatic = approvals(ours.parts)["call-1-1"]
    assert approvals(answer.parts)["call-1-1"] == automatic
    del automatic["id"]
    assert automatic == {"isAutomatic": True, "approved": approved, "reason": reason}
    assert approvals(ours.parts)["call-1-2"]["approved"] is ruling
    bucket = DONE % "sales" if ruling else "execution-denied null"
    assert ours.text == told(_1=query, _2=bucket, _3='text "noon"')


async def test_automatically_approved_client_tool(ai_sdk_url: str) -> None:
    """A tool of this side that the SDK approves by itself runs here: nobody else has its result."""
    async with chat_with(ai_sdk_url, MAJOR, "automatic-client-tool") as chat:
        tools, policy = Here(query=lambda _: LocalResult(12)), Asked({})
        ours = await chat.run(approve=policy, tools=tools)
        await agreed(chat, ours)
    assert (policy.ids, tools.ran) == ([], ["call-1-1"])
    assert ours.text == "Told: call-1-1 json 12."
