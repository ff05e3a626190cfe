"""Who decides in the tests, and what runs on the client's side; both remember what they were asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ai_sdk import Expected, SDKChat
from answers import Answer, JsonObject, wire

from kai_client import Denial, FinishEvent, LocalResult, Policy, Ruling, StartEvent, ToolCall
from kai_client.types import Json

REASON = "Not on a Friday"
DONE = 'json {"created":"in.c-%s"}'
"""What the model is told about a bucket that was made."""
REFUSED = f'execution-denied "{REASON}"'
"""What the model is told about a call that was denied."""


class Asked:
    """A policy: what the rulings say, by call id; it leaves every other call pending."""

    def __init__(self, rulings: Mapping[str, Ruling]) -> None:
        self.calls: list[ToolCall[Any]] = []
        self._rulings = rulings

    def __call__(self, call: ToolCall[Any]) -> Ruling:
        """See `Policy`."""
        self.calls.append(call)
        return self._rulings.get(call.tool_call_id)

    @property
    def ids(self) -> list[str]:
        """The calls that it was asked about, in order."""
        return [call.tool_call_id for call in self.calls]


class Here:
    """Tools of this side, which are functions of their input; no policy of their own."""

    def __init__(self, **functions: Callable[[Json], LocalResult]) -> None:
        self.ran: list[str] = []
        self._functions = functions

    def runs(self, tool_name: str) -> bool:
        """See `LocalTools`."""
        return tool_name in self._functions

    def policy_for(self, tool_name: str) -> Policy | None:
        """See `LocalTools`."""
        del tool_name
        return None

    async def answer(self, call: ToolCall[Any]) -> LocalResult:
        """See `LocalTools`."""
        self.ran.append(call.tool_call_id)
        return self._functions[call.tool_name](call.input)


def tool_parts(parts: list[JsonObject]) -> list[JsonObject]:
    """The tool parts of a message."""
    return [part for part in parts if part["type"] == "dynamic-tool" or str(part["type"]).startswith("tool-")]


def approvals(parts: list[JsonObject]) -> dict[str, Any]:
    """The approval of each call that has one, by call id."""
    return {str(part["toolCallId"]): part["approval"] for part in tool_parts(parts) if "approval" in part}


def decision(approval_id: str, ruling: Ruling) -> JsonObject:
    """The chunk with which this side tells its reader what was decided."""
    said: JsonObject = {"type": "tool-approval-response", "approvalId": approval_id}
    if isinstance(ruling, Denial) and ruling.reason is not None:
        return {**said, "approved": False, "reason": ruling.reason}
    return {**said, "approved": ruling is True}


def states(answer: Answer | Expected) -> list[object]:
    """The state of each call, in order."""
    return [call["state"] for call in answer.tool_calls]


def told(**results: str) -> str:
    """What the model says that it was told about the calls of a first turn, by their numbers."""
    return "Told: " + ", ".join(f"call-1-{number[1:]} {result}" for number, result in results.items()) + "."


async def agreed(chat: SDKChat, ours: Answer) -> Expected:
    """What the SDK says of an answer that is over; fails where it says, or keeps, anything else than we do."""
    said = await chat.expected()
    assert said.errors == []
    assert ours.message == said.message
    assert wire(ours.message) == wire(said.message)
    assert (ours.text, ours.finish_reason) == (said.text, said.finish_reason)
    stored = await chat.stored()
    assert [message["role"] for message in stored] == ["user", "assistant"]
    assert wire(stored[1]) == wire(ours.message)
    kinds = [type(event) for event in ours.events]
    assert (kinds.count(StartEvent), kinds.count(FinishEvent)) == (1, 1)
    return said
