"""pydantic-ai's `VercelAIAdapter`, a second maker of such streams: ours is what the result of its run says."""

import pytest
from answers import wire
from pydantic_ai_chats import SCENARIOS, VERSIONS, Runs, chat_with

from kai_client import KaiStreamError, ReasoningDeltaEvent

each_version = pytest.mark.parametrize("version", VERSIONS)
each_scenario = pytest.mark.parametrize("scenario", SCENARIOS)


@each_scenario
@each_version
async def test_events_are_the_chunks(version: str, scenario: str, runs: Runs) -> None:
    """Each event turns back into the chunk that pydantic-ai encoded, key for key, and none is missing."""
    ours, theirs = await runs.of(version, scenario)
    assert ours.chunks == theirs.chunks
    assert wire(*ours.chunks) == wire(*theirs.chunks)
    assert [event.type for event in ours.events if type(event).__name__ == "UnknownEvent"] == []


@each_scenario
@each_version
async def test_answer_is_the_result_of_the_run(version: str, scenario: str, runs: Runs) -> None:
    """Text, reasoning, usage and finish reason are those of the run's result; `stop` where it gives no reason."""
    ours, theirs = await runs.of(version, scenario)
    run = theirs.run
    reasoning = "".join(event.delta for event in ours.events if isinstance(event, ReasoningDeltaEvent))
    assert (ours.text, reasoning) == (run.text, run.reasoning)
    assert {key: ours.usage[key] for key in run.usage} == run.usage
    assert ours.finish_reason == (run.finish_reason or "stop")


@each_scenario
@each_version
async def test_tool_calls_are_those_of_the_run(version: str, scenario: str, runs: Runs) -> None:
    """Each call has the id, name, state, input, output and error text that its message parts have; version 5 has no
    chunk for what waits for approval, so there the call ends with its input available (protocol 6, approval chunks).
    """
    ours, theirs = await runs.of(version, scenario)
    waiting = "input-available" if version == "v5" else "approval-requested"
    calls = [
        call | ({"state": waiting} if call["state"] == "approval-requested" else {}) for call in theirs.run.tool_calls
    ]
    assert ours.tool_calls == calls
    assert wire(*ours.tool_calls) == wire(*calls)


@each_version
async def test_chat_returns_the_output(version: str, pydantic_ai_url: str) -> None:
    """`chat()` returns the text of the run."""
    async with chat_with(pydantic_ai_url, version, "tool") as chat:
        assert await chat.client.chat("Hello", chat_id=chat.id) == (chat.id, (await chat.expected()).run.text)


@each_version
async def test_failed_run_raises(version: str, pydantic_ai_url: str) -> None:
    """A model that fails in mid-stream raises `KaiStreamError` with its error text and the text so far."""
    async with chat_with(pydantic_ai_url, version, "error-midstream") as chat:
        with pytest.raises(KaiStreamError) as raised:
            await chat.client.chat("Hello", chat_id=chat.id)
        expected = await chat.expected()
    assert expected.result is None
    assert {"type": "error", "errorText": raised.value.message} in expected.chunks
    assert raised.value.message == "The model is overloaded"
    assert (raised.value.code, raised.value.partial_text) == ("stream:error", "This goes well")
