"""Tools that run on the client's side, against the AI SDK 6 and 7 (protocol 2.4, V11)."""

from typing import Any

import pytest
from ai_sdk import MAJORS, chat_with
from answers import wire
from deciding import REASON, Asked, Here, agreed, approvals, states, tool_parts

from kai_client import Denial, KaiBadRequestError, KaiStreamError, LocalResult, Ruling, deny_all
from kai_client.types import Json

pytestmark = pytest.mark.parametrize("major", MAJORS)


def runs(tool_input: Json) -> LocalResult:
    """A query that answers."""
    assert isinstance(tool_input, dict)
    return LocalResult({"rows": [tool_input["sql"]], "more": None})


def fails(tool_input: Json) -> LocalResult:
    """A query that fails."""
    del tool_input
    return LocalResult(error="The warehouse is closed")


def rows(number: int) -> str:
    """What the model is told about a query that ran."""
    return f'json {{"rows":["SELECT {number}"],"more":null}}'


async def test_result(major: str, ai_sdk_url: str) -> None:
    """A tool of this side runs here, with the call's input and without a question; its output is posted, and the model goes
    on from it.
    """
    async with chat_with(ai_sdk_url, major, "client-tool") as chat:
        tools, policy = Here(query=runs), Asked({})
        ours = await chat.run(approve=policy, tools=tools)
        said = await agreed(chat, ours)
        _, answer = await chat.posted()
    assert (tools.ran, policy.ids) == (["call-1-1"], [])
    assert answer.complete
    assert states(said) == ["output-available"]
    assert ours.text == f"Told: call-1-1 {rows(1)}."


@pytest.mark.parametrize(
    "output", [None, "", 0, False, [], {}, "text ü \u2028", {"a": [1.5, None, {"b": "c"}]}], ids=str
)
async def test_any_output(major: str, output: Json, ai_sdk_url: str) -> None:
    """Whatever JSON a tool returns is what the SDK keeps, nothing among it taken for no output."""
    async with chat_with(ai_sdk_url, major, "client-tool") as chat:
        ours = await chat.run(tools=Here(query=lambda _: LocalResult(output)))
        await agreed(chat, ours)
    (part,) = tool_parts(ours.parts)
    assert wire(part["state"], part["output"]) == wire("output-available", output)


async def test_error_text(major: str, ai_sdk_url: str) -> None:
    """What goes wrong in a tool of this side is posted as its error text, which the model is told."""
    async with chat_with(ai_sdk_url, major, "client-tool") as chat:
        ours = await chat.run(tools=Here(query=fails))
        said = await agreed(chat, ours)
    assert [(call["state"], call["errorText"]) for call in said.tool_calls] == [
        ("output-error", "The warehouse is closed")
    ]
    assert ours.text == 'Told: call-1-1 error-text "The warehouse is closed".'


@pytest.mark.parametrize(
    ("ruling", "bucket"),
    [(True, 'json {"created":"in.c-sales"}'), (Denial(reason=REASON), f'execution-denied "{REASON}"')],
    ids=["approved", "denied"],
)
async def test_results_and_decision_in_one_post(major: str, ruling: Ruling, bucket: str, ai_sdk_url: str) -> None:
    """Two results of this side and a decision about a call of the backend, all of one step, are one post."""
    async with chat_with(ai_sdk_url, major, "client-tools-and-approval") as chat:
        tools, policy = Here(query=runs), Asked({"call-1-2": ruling})
        ours = await chat.run(approve=policy, tools=tools)
        await agreed(chat, ours)
        _, answer = await chat.posted()
    assert (policy.ids, tools.ran) == (["call-1-2"], ["call-1-1", "call-1-3"])
    assert [part["state"] for part in tool_parts(answer.parts)] == [
        "output-available",
        "approval-responded",
        "output-available",
    ]
    assert ours.text == f"Told: call-1-1 {rows(1)}, call-1-2 {bucket}, call-1-3 {rows(2)}."


async def test_nothing_runs_while_a_call_stays_pending(major: str, ai_sdk_url: str) -> None:
    """A tool of this side runs when its result can be posted: not while another call of the step waits for a decision."""
    async with chat_with(ai_sdk_url, major, "client-tools-and-approval") as chat:
        tools = Here(query=runs)
        ours = await chat.run(approve=lambda _: None, tools=tools)
        assert (tools.ran, len(await chat.posted())) == ([], 1)
        assert ours.message == (await chat.expected()).message
        ours = await chat.run(None, approve=Asked({"call-1-2": True}), tools=tools)
        await agreed(chat, ours)
    assert tools.ran == ["call-1-1", "call-1-3"]


async def test_tool_that_nobody_has_beside_a_request(major: str, ai_sdk_url: str) -> None:
    """Beside a request, a call of a client-side tool that nobody has is answered with an error text: the SDK takes a step
    only whole.
    """
    async with chat_with(ai_sdk_url, major, "client-tools-and-approval") as chat:
        policy = Asked({"call-1-2": True})
        ours = await chat.run(approve=policy)
        await agreed(chat, ours)
        _, answer = await chat.posted()
    assert policy.ids == ["call-1-2"]
    assert answer.complete
    assert states(ours) == ["output-error", "output-available", "output-error"]
    assert ours.text.count("This client has no tool of this name.") == 2


async def test_asked_client_tool_denied(major: str, ai_sdk_url: str) -> None:
    """A tool of this side for which the backend wants approval does not run when it is denied."""
    async with chat_with(ai_sdk_url, major, "asked-client-tool") as chat:
        tools = Here(query=runs)
        ours = await chat.run(approve=Asked({"call-1-1": Denial(reason=REASON)}), tools=tools)
        await agreed(chat, ours)
    assert tools.ran == []
    assert ours.text == f'Told: call-1-1 execution-denied "{REASON}".'


@pytest.mark.parametrize(
    ("tool", "outcome"),
    [(runs, rows(1)), (fails, 'error-text "The warehouse is closed"')],
    ids=["result", "error"],
)
async def test_asked_client_tool_approved(major: str, tool: Any, outcome: str, ai_sdk_url: str) -> None:
    """A tool of this side for which the backend wants approval runs here once it is approved, and its result is posted
    with the approval: the SDK has nothing else to go on with.
    """
    async with chat_with(ai_sdk_url, major, "asked-client-tool") as chat:
        tools, policy = Here(query=tool), Asked({"call-1-1": True})
        ours = await chat.run(approve=policy, tools=tools)
        await agreed(chat, ours)
        _, answer = await chat.posted()
    assert (policy.ids, tools.ran) == (["call-1-1"], ["call-1-1"])
    assert answer.complete
    assert approvals(answer.parts)["call-1-1"]["approved"] is True
    assert ours.text == f"Told: call-1-1 {outcome}."


async def test_sdk_takes_a_result_with_its_approval(major: str, ai_sdk_url: str) -> None:
    """The SDK goes on from a client-side call that was asked for, approved and run: both are in one part of one post."""
    async with chat_with(ai_sdk_url, major, "asked-client-tool") as chat:
        (request,) = (await chat.say()).requests
        message = (await chat.stored())[1]
        (part,) = tool_parts(message["parts"])  # type: ignore[arg-type]
        part |= {"state": "output-available", "output": 12, "approval": {"id": request.approval_id, "approved": True}}
        await chat.post(message)
        said = await chat.expected()
    assert (said.errors, said.text) == ([], "Told: call-1-1 json 12.")


@pytest.mark.parametrize("ruling", [True, False])
@pytest.mark.parametrize("tools", [None, Here(other=runs)], ids=["no tools", "other tools"])
async def test_tool_that_nobody_has(major: str, ruling: bool, tools: Here | None, ai_sdk_url: str) -> None:
    """A client-side call of a tool that nobody has looks like a question of the oldest backends; the SDK does not accept
    their answer, which is one `KaiBadRequestError`.
    """
    async with chat_with(ai_sdk_url, major, "client-tool") as chat:
        with pytest.raises(KaiBadRequestError) as raised:
            await chat.run(approve=Asked({"call-1-1": ruling}), tools=tools)
        posted = await chat.posted()
    assert "AI_TypeValidationError" in raised.value.message
    (part,) = posted[1].parts
    assert (part["type"], part["result"]) == ("tool-result", "confirmed" if ruling else "denied")
    assert len(posted) == 2


async def test_tool_that_nobody_has_without_validation(major: str, ai_sdk_url: str) -> None:
    """A backend that does not validate passes the oldest answer to the SDK, which cannot go on: one `KaiStreamError`."""
    async with chat_with(ai_sdk_url, major, "client-tool-trusting") as chat:
        stream = chat.client.run(chat.id, "Hello", approve=deny_all)
        with pytest.raises(KaiStreamError) as raised:
            await stream.get_final_text()
        said = await chat.expected()
        assert len(await chat.posted()) == 2
    assert (raised.value.code, [raised.value.message]) == ("stream:error", said.errors)


async def test_tool_that_nobody_has_left_pending(major: str, ai_sdk_url: str) -> None:
    """A client-side call that the policy leaves pending ends the run as the SDK ended its stream, and posts nothing."""
    async with chat_with(ai_sdk_url, major, "client-tool") as chat:
        ours = await chat.run(approve=lambda _: None)
        said = await chat.expected()
        assert len(await chat.posted()) == 1
    assert ours.chunks == said.chunks
    assert (ours.message, ours.finish_reason) == (said.message, "tool-calls")
