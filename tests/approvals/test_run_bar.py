"""The bar: the decision that was made about a call is the decision that the backend received about that call.

`KAI_EXAMPLES=10` plays ten times as much.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from run_plays import BrokenPolicyError, Performance, Planned, Play, disturbances, performances
from run_scenes import AGENTS, ASSISTANTS, LISTING, Notes, client_of, received

from kai_client import Approval, KaiClient, KaiError, SSEEvent
from kai_client.server import Caller, KaiApp, KaiService, ScriptedKai, serve

MANY = settings(
    max_examples=int(os.environ.get("KAI_EXAMPLES", "1")) * 40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)


class Theatre:
    """A Kai for each token, behind one server."""

    def __init__(self, plays: Sequence[Play]) -> None:
        self._stages = {f"token-{number}": ScriptedKai([]) for number in range(len(plays))}
        for stage, play in zip(self._stages.values(), plays, strict=True):
            stage.reply(play.turn())

    def for_user(self, caller: Caller) -> KaiService:
        """The one of this token."""
        return self._stages[caller.token].for_user(caller)

    async def aclose(self) -> None:
        """Close them all."""
        for stage in self._stages.values():
            await stage.aclose()


async def perform(performance: Performance, check: Any) -> None:
    """Give all plays at once, and check each."""
    app, front = performance.kind.app(Theatre(performance.plays), style=performance.style)
    async with serve(front) as url, asyncio.timeout(8):
        await asyncio.gather(
            *(
                _play(url, app, f"token-{number}", performance, play, check)
                for number, play in enumerate(performance.plays)
            )
        )


async def _play(url: str, app: KaiApp, token: str, performance: Performance, play: Play, check: Any) -> None:
    async with client_of(performance.kind, url, token) as client:
        await check(client, app, performance, play)


async def every_decision_arrives(client: KaiClient, app: KaiApp, performance: Performance, play: Play) -> None:
    """One run, and everything that must hold of it."""
    notes = Notes(play.rulings, is_async=play.is_async)
    chat_id = str(uuid4())
    stream = client.run(chat_id, "go", approve=notes)
    events: list[SSEEvent] = [event async for event in stream]

    assert received(app.requests, chat_id, performance.kind) == play.decisions(oldest=performance.oldest)
    asked = [(call.tool_call_id, call.tool_name, call.input) for call in notes.calls]
    assert asked == [(planned.id, planned.tool, planned.input) for planned in play.waiting()]
    assert {call.chat_id for call in notes.calls} <= {chat_id}
    assert Counter(call_id for call_id, _ in play.ran) == Counter(play.executions().keys())
    assert dict(play.ran) == play.executions()

    kinds = [event.type for event in events]
    assert kinds.count("finish") == 1
    assert kinds.count("start") == (performance.style.shapes == "standard")
    assert stream.finish_reason == "stop"
    parts = {part.tool_call_id: part for part in stream.message.tool_parts}
    assert list(parts) == [planned.id for planned in play.reached()]
    assert len(parts) == len(stream.message.tool_parts)
    for planned in play.reached():
        assert (parts[planned.id].tool_name, parts[planned.id].state) in states_of(planned, performance)
    if performance.tells_all:
        stored = (await client.get_chat(chat_id)).messages[-1]
        assert [part.to_dict() for part in stored.parts if part.type != "step-start"] == [
            part.to_dict() for part in stream.message.parts if part.type != "step-start"
        ]
        assert stored.id == stream.message.id


def states_of(planned: Planned, performance: Performance) -> set[tuple[str, str]]:
    """The states in which the reader may see a call in the end."""
    if planned.runs:
        states = {"output-available"}
    elif planned.approved:
        states = {"output-error"}
    elif performance.oldest:
        states = {"output-available"}  # which says `_declined`
    elif performance.tells_all:
        states = {"output-denied"}
    else:
        states = {"output-denied", "output-error", "approval-responded", "input-available"}
    return {(planned.tool, state) for state in states}


@MANY
@given(performances(AGENTS))
def test_on_kai_agent_each_call_gets_its_own_decision(performance: Performance) -> None:
    """Whatever an agent calls, what the policy said about a call is what arrives about it, once, and only that runs."""
    asyncio.run(perform(performance, every_decision_arrives))


@MANY
@given(performances([*ASSISTANTS, LISTING]))
def test_on_kai_assistant_each_call_gets_its_own_decision(performance: Performance) -> None:
    """Whatever an assistant calls, what the policy said about a call is what arrives about it, once, and only that runs."""
    asyncio.run(perform(performance, every_decision_arrives))


async def nothing_more_arrives(client: KaiClient, app: KaiApp, performance: Performance, play: Play) -> None:
    """One run whose policy may do anything, and what must never come of it."""
    notes = Notes(play.rulings, is_async=play.is_async)
    chat_id = str(uuid4())
    error: Exception | None = None
    try:
        await client.run(chat_id, "go", approve=notes).get_final_message()
    except (TypeError, BrokenPolicyError, KaiError) as caught:
        error = caught
    decided = received(app.requests, chat_id, performance.kind)
    assert max(Counter(decision.call_id for decision in decided).values(), default=1) == 1
    assert {decision.call_id for decision in decided if decision.approved is not False} <= {
        call_id
        for call_id in notes.asked
        if play.rulings[call_id] is True or isinstance(play.rulings[call_id], Approval)
    }
    assert max(Counter(notes.asked).values(), default=1) == 1
    waiting = {planned.id: planned for step in play.steps for planned in step if planned.waits}
    assert set(notes.asked) <= set(waiting)
    for call_id, execution in play.ran:
        ruling = play.rulings[call_id]
        if call_id in waiting:
            changed = isinstance(ruling, Approval)
            assert ruling is True or (changed and performance.kind.mode == "agent"), (call_id, ruling)
            assert execution.input == ({"changed": 1} if changed else waiting[call_id].input)
    failed = [one for one in notes.asked if isinstance(play.rulings[one], BrokenPolicyError)]
    if failed and not isinstance(error, KaiError | TypeError):
        assert error is play.rulings[failed[0]]


@MANY
@given(disturbances())
def test_whatever_a_policy_does_only_a_yes_approves(performance: Performance) -> None:
    """Failures, words, pending calls and changed arguments in any mix: what runs was approved, with that very input."""
    asyncio.run(perform(performance, nothing_more_arrives))
