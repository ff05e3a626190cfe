"""One decision about one call, ever: what a backend asks a second time, or asks differently, gets no answer."""

from collections.abc import Sequence
from typing import Any

import pytest
from run_handmade import (
    ASKS,
    CHAT,
    ENDS,
    MESSAGE,
    WAIT,
    Chunk,
    HandmadeKai,
    called,
    chat_of,
    finish,
    output,
    requested,
    start,
    waiting_part,
    words,
)
from run_scenes import Notes

from kai_client import Approval, Denial, KaiClient, KaiError, RetryPolicy, UIMessage

CATALOGUE: dict[str, Any] = {"tools": {"tools": []}, "settings": {"toolPermissions": {}}}
BACKENDS = ["kai-assistant", None]


async def failure(
    kai: HandmadeKai, notes: Notes, backend: str | None, text: str | None = "go", **options: Any
) -> KaiError:
    """The error with which a run ends."""
    async with kai.served(), KaiClient("token", kai.url, kai.url, backend=backend) as client:
        with pytest.raises(KaiError) as caught:
            await client.run(CHAT, text, approve=notes, **options).get_final_message()
    return caught.value


async def success(
    kai: HandmadeKai, notes: Any, backend: str | None, text: str | None = "go", **options: Any
) -> UIMessage:
    """The message with which a run ends."""
    async with kai.served(), KaiClient("token", kai.url, kai.url, backend=backend) as client:
        return await client.run(CHAT, text, approve=notes, **options).get_final_message()


AGAIN: list[list[Chunk]] = [
    [start(), called("c1", given={"n": 1}), requested("c1"), finish("tool-calls")],
    [start(), requested("c1"), finish("tool-calls")],
    [start(), requested("c1", "a-other"), finish("tool-calls")],
    [start(), called("c1", given={"n": 2}), requested("c1"), finish("tool-calls")],
    [start(), called("c1", "drop", {"n": 1}), requested("c1", "a-other"), finish("tool-calls")],
    [start(), output("c1"), called("c1", given={"n": 1}), requested("c1"), finish("tool-calls")],
    [
        start(),
        output("c1"),
        {"type": "start-step"},
        called("c1", given={"n": 2}),
        requested("c1", "a2"),
        finish("tool-calls"),
    ],
    [start("msg-2"), called("c1", given={"n": 1}), requested("c1"), finish("tool-calls")],
    [start(None), called("c1", given={"n": 1}), requested("c1"), finish("tool-calls")],
]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("again", AGAIN, ids=range(len(AGAIN)))
@pytest.mark.parametrize("ruling", [True, False])
async def test_an_assistant_that_asks_again_gets_no_answer(
    backend: str | None, again: list[Chunk], ruling: bool
) -> None:
    """A second question about a call that was decided is an error: an old yes is never a new one."""
    kai, notes = HandmadeKai(ASKS, again, ENDS), Notes(ruling)
    error = await failure(kai, notes, backend)
    assert error.code == "approval:decided"
    assert notes.asked == ["c1"]
    assert len(kai.sent) == 1


@pytest.mark.parametrize("backend", BACKENDS)
async def test_an_assistant_that_asks_again_about_one_of_two(backend: str | None) -> None:
    """A new call beside one that is asked about again gets no answer either."""
    again = [start(), called("c2"), requested("c2"), requested("c1"), finish("tool-calls")]
    kai, notes = HandmadeKai(ASKS, again, ENDS), Notes(rules=True)
    error = await failure(kai, notes, backend)
    assert error.code == "approval:decided"
    assert len(kai.sent) == 1


AGENT_AGAIN: list[list[Chunk]] = [
    [output("c1"), called("c1", given={"n": 1})],
    [output("c1"), called("c1", given={"n": 2})],
    [output("c1"), {"type": "start-step"}, called("c1", given={"n": 2})],
    [{"type": "tool-output-denied", "toolCallId": "c1"}, called("c1", given={"n": 1})],
    [{"type": "tool-output-error", "toolCallId": "c1", "errorText": "no"}, called("c1", "drop")],
]


@pytest.mark.parametrize("backend", ["kai-agent", None])
@pytest.mark.parametrize("again", AGENT_AGAIN, ids=range(len(AGENT_AGAIN)))
async def test_an_agent_that_asks_again_gets_no_answer(backend: str | None, again: list[Chunk]) -> None:
    """A call that has ended and comes again under its old id is an error, and nothing more is sent."""
    stream = [start(), called("c1", given={"n": 1}), WAIT, *again, WAIT, finish()]
    kai, notes = HandmadeKai(stream, **CATALOGUE), Notes(rules=True)
    error = await failure(kai, notes, backend)
    assert error.code == "approval:decided"
    assert notes.asked == ["c1"]
    assert len(kai.decisions) == 1


@pytest.mark.parametrize("backend", ["kai-agent", None])
async def test_an_agent_that_repeats_a_call_before_its_end(backend: str | None) -> None:
    """The same call twice before its output is one call: it is decided once, and the answer goes on."""
    stream = [start(), called("c1"), WAIT, called("c1"), output("c1"), *words("Done."), finish()]
    kai, notes = HandmadeKai(stream, **CATALOGUE), Notes(rules=True)
    assert (await success(kai, notes, backend)).text == "Done."
    assert (notes.asked, len(kai.decisions)) == (["c1"], 1)


STORED: dict[str, list[Chunk]] = {
    "other input": [waiting_part("c1", given={"n": 2})],
    "more input": [waiting_part("c1", given={"n": 1, "force": True})],
    "no input": [waiting_part("c1")],
    "true instead of 1": [waiting_part("c1", given={"n": True})],
    "text instead of 1": [waiting_part("c1", given={"n": "1"})],
    "other name": [waiting_part("c1", "drop", {"n": 1})],
    "other approval": [waiting_part("c1", given={"n": 1}, approval_id="a-other")],
    "answered": [
        {
            **waiting_part("c1", given={"n": 1}),
            "state": "approval-responded",
            "approval": {"id": "a-c1", "approved": True},
        }
    ],
    "answered while asked": [waiting_part("c1", given={"n": 1}, approval={"id": "a-c1", "approved": True})],
    "automatic": [waiting_part("c1", given={"n": 1}, approval={"id": "a-c1", "isAutomatic": True})],
    "ended": [{**waiting_part("c1", given={"n": 1}), "state": "output-available", "output": 1}],
    "failed": [{**waiting_part("c1", given={"n": 1}), "state": "output-error", "errorText": "no"}],
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", STORED)
async def test_a_call_that_has_changed_since_is_not_answered(backend: str | None, case: str) -> None:
    """What the chat holds must be what was decided about: else nothing is posted."""
    kai, notes = HandmadeKai(ASKS, ENDS, chat=chat_of(*STORED[case])), Notes(rules=True)
    error = await failure(kai, notes, backend)
    assert error.code == "approval:changed"
    assert notes.asked == ["c1"]
    assert kai.sent == []


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("parts", [[], [{"type": "text", "text": "Never mind."}], [waiting_part("c9")]])
async def test_a_call_that_is_gone_is_not_approved(backend: str | None, parts: list[Chunk]) -> None:
    """A chat that no longer has the call is not told that it was approved."""
    kai, notes = HandmadeKai(ASKS, ENDS, chat=chat_of(*parts)), Notes(rules=True)
    error = await failure(kai, notes, backend)
    assert error.code == "approval:changed"
    assert kai.sent == []


TWINS = [start(), called("c1"), called("c2", "drop"), requested("c1", "a"), requested("c2", "a"), finish("tool-calls")]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("rules", [{"c1": True, "c2": False}, {"c1": False, "c2": True}, {"c1": True, "c2": True}])
async def test_two_calls_under_one_approval(backend: str | None, rules: dict[str, bool]) -> None:
    """A yes that could be taken for two calls is not sent."""
    kai = HandmadeKai(TWINS, ENDS)
    error = await failure(kai, Notes(rules), backend)
    assert error.code == "approval:ambiguous"
    assert kai.sent == []


@pytest.mark.parametrize("twin", [waiting_part("c2", "drop", approval_id="a-c1"), waiting_part("c1", given={"n": 1})])
@pytest.mark.parametrize("backend", BACKENDS)
async def test_two_stored_calls_under_one_approval(backend: str | None, twin: Chunk) -> None:
    """The same where only the stored message has the second call: what is posted must not say yes to both."""
    kai = HandmadeKai(ASKS, ENDS, chat=chat_of(waiting_part("c1", given={"n": 1}), twin))
    error = await failure(kai, Notes(rules=True), backend)
    assert error.code in {"approval:ambiguous", "approval:changed"}
    assert kai.sent == []


async def test_two_waiting_calls_with_one_approval_in_a_resumed_chat() -> None:
    """A run without a text refuses it too."""
    kai = HandmadeKai(ENDS, chat=chat_of(waiting_part("c1", approval_id="a"), waiting_part("c2", approval_id="a")))
    error = await failure(kai, Notes({"c1": True, "c2": False}), "kai-assistant", None)
    assert error.code == "approval:ambiguous"
    assert kai.chats == []


async def test_one_call_id_twice_in_a_chat() -> None:
    """Two calls that wait under one call id cannot be told apart: neither is approved by the other's yes."""
    kai = HandmadeKai(
        ENDS, chat=chat_of(waiting_part("c1", given={"n": 1}), waiting_part("c1", "drop", approval_id="b"))
    )
    error = await failure(kai, Notes(rules=True), "kai-assistant", None)
    assert (error.code or "").startswith("approval:")
    assert kai.chats == []


EXTRAS: list[dict[str, Any]] = [
    {"signature": "sig\u2028-ü"},
    {"approvalDescriptor": {"deep": [1, None, {"a": "b"}]}},
    {"inputSchemaInput": {"type": "object", "x": None}},
    {"reason": "It writes."},
    {"signature": "s", "approvalDescriptor": None, "inputSchemaInput": [1.5, "x"]},
]
KEPT = {"approvalDescriptor": "descriptor", "reason": "requestReason"}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("extra", EXTRAS, ids=range(len(EXTRAS)))
@pytest.mark.parametrize("status", [404, 405])
async def test_a_backend_that_keeps_no_chats_gets_back_what_it_sent(
    backend: str | None, extra: dict[str, Any], status: int
) -> None:
    """Without a stored message the received one is answered, signature and all; no descriptor is none, as in the AI SDK."""
    asks = [
        start(),
        *words("Hm."),
        called("c1", given={"n": 1}, title="T", toolMetadata={"a": 1}),
        requested("c1", **extra),
        finish("tool-calls"),
    ]
    kai = HandmadeKai(asks, ENDS, chat=status)
    await success(kai, Notes(rules=True), backend)
    message = kai.chats[1]["message"]
    assert (message["id"], message["role"]) == (MESSAGE, "assistant")
    assert message["parts"][0] == {"type": "text", "text": "Hm.", "state": "done"}
    part = message["parts"][1]
    extra = {key: value for key, value in extra.items() if (key, value) != ("approvalDescriptor", None)}
    kept = {KEPT.get(key, key): value for key, value in extra.items()}
    assert part["approval"] == {"id": "a-c1", **kept, "approved": True}
    assert {key: part[key] for key in part if key != "approval"} == {
        "type": "tool-w",
        "toolCallId": "c1",
        "state": "approval-responded",
        "input": {"n": 1},
        "title": "T",
        "toolMetadata": {"a": 1},
    }


@pytest.mark.parametrize("ruling", [True, Denial(reason="no")], ids=repr)
@pytest.mark.parametrize("text", ["go", None])
async def test_unknown_keys_of_a_stored_message_come_back(ruling: Any, text: str | None) -> None:
    """Whatever a later version adds to a part or to its approval is posted as it was read."""
    approval = {
        "id": "a-c1",
        "signature": "s",
        "descriptor": {"k": [None, 1.5]},
        "inputSchemaInput": None,
        "later": {"x": "ü"},
    }
    waits = waiting_part(
        "c1",
        given={"n": 1, "none": None},
        approval=approval,
        laterKey=[1, {"a": None}],
        providerMetadata={"p": {"k": 1}},
    )
    others: list[Chunk] = [
        {"type": "step-start", "later": 1},
        {"type": "text", "text": "Hm.", "state": "done", "providerMetadata": {"p": {"x": None}}},
        {"type": "something-new", "value": {"of": [None]}},
        {"type": "tool-r", "toolCallId": "c0", "state": "output-available", "input": None, "output": {"a": None}},
        {"type": "data-x", "id": "d", "data": [None]},
    ]
    asks = [start(), called("c1", given={"n": 1, "none": None}), requested("c1"), finish("tool-calls")]
    streams: Sequence[Any] = [asks, ENDS] if text else [ENDS]
    kai = HandmadeKai(*streams, chat=chat_of(*others, waits))
    await success(kai, Notes(ruling), "kai-assistant", text)
    said = {"approved": True} if ruling is True else {"approved": False, "reason": "no"}
    posted = kai.chats[-1]["message"]
    assert posted["parts"] == [*others, {**waits, "state": "approval-responded", "approval": {**approval, **said}}]
    assert (posted["id"], posted["role"]) == (MESSAGE, "assistant")


@pytest.mark.parametrize("status", [500, 403, 401, 503])
async def test_a_chat_that_cannot_be_read_is_an_error(status: int) -> None:
    """Only a chat that is not there is answered as it was received; of any other failure the user hears."""
    kai = HandmadeKai(ASKS, ENDS, chat=status)
    async with kai.served(), KaiClient("token", kai.url, kai.url, backend="kai-assistant") as client:
        once = client.with_options(retry=RetryPolicy(attempts=1))
        with pytest.raises(KaiError) as caught:
            await once.run(CHAT, "go", approve=Notes(rules=True)).get_final_message()
    assert caught.value.status_code == status
    assert kai.sent == []


@pytest.mark.parametrize("backend", ["kai-agent", None])
@pytest.mark.parametrize(
    "answer",
    [
        {"success": False, "toolUseId": "c1", "approved": True},
        {"success": True, "toolUseId": "c1", "approved": False},
        {"success": False, "toolUseId": "c1", "approved": False},
    ],
)
async def test_a_decision_that_was_not_taken(backend: str | None, answer: dict[str, Any]) -> None:
    """A backend that says that it did not take a decision, or took another, is not believed."""
    kai = HandmadeKai([start(), called("c1"), WAIT, output("c1"), finish()], decided=answer, **CATALOGUE)
    error = await failure(kai, Notes(rules=True), backend)
    assert error.code == "approval:not_taken"
    assert len(kai.decisions) == 1


async def test_a_decision_taken_for_another_call() -> None:
    """A backend that says that it took the decision for another call is not believed."""
    answer = {"success": True, "toolUseId": "c2", "approved": True}
    kai = HandmadeKai([start(), called("c1"), WAIT, output("c1"), finish()], decided=answer, **CATALOGUE)
    error = await failure(kai, Notes(rules=True), "kai-agent")
    assert error.code == "approval:not_taken"


@pytest.mark.parametrize("backend", ["kai-agent", None])
@pytest.mark.parametrize("status", [400, 401, 403, 409, 500, 503])
@pytest.mark.parametrize("ruling", [True, Approval(updated_input={"n": 2})], ids=repr)
async def test_a_refused_decision_reaches_the_user(backend: str | None, status: int, ruling: Any) -> None:
    """Any failure but not-found is the user's to know; the decision is not sent again and the stream is closed."""
    kai, notes = HandmadeKai([start(), called("c1"), WAIT, finish()], decided=status, **CATALOGUE), Notes(ruling)
    error = await failure(kai, notes, backend)
    assert error.status_code == status
    assert len(kai.decisions) == 1


@pytest.mark.parametrize("backend", ["kai-agent", None])
@pytest.mark.parametrize("status", [404, 405])
@pytest.mark.parametrize("ruling", [True, False])
async def test_a_tool_that_ran_by_itself(backend: str | None, status: int, ruling: bool) -> None:
    """A decision that nobody waits for is harmless: the answer goes on."""
    stream = [start(), called("c1"), output("c1"), *words("Done."), finish()]
    kai, notes = HandmadeKai(stream, decided=status, **CATALOGUE), Notes(ruling)
    assert (await success(kai, notes, backend)).text == "Done."
    assert (notes.asked, len(kai.decisions)) == (["c1"], 1)


CONFIRM = [start(), called("c1", given={"n": 1}), finish("tool-calls")]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("ruling", "result"), [(True, "confirmed"), (False, "denied"), (Denial(reason="x"), "denied")])
@pytest.mark.parametrize("second", [MESSAGE, "msg-2", None])
async def test_the_oldest_flow(backend: str | None, ruling: Any, result: str, second: str | None) -> None:
    """A call that a stream ends with is answered by the two words; what follows, under whatever id, is the same message."""
    both = [start(), called("c1", given={"n": 1}), called("c2", "x"), finish("tool-calls")]
    rest = [start(second), output("c1"), output("c2"), *words("Done."), finish()]
    kai, notes = HandmadeKai(both, rest), Notes({"c1": ruling, "c2": True})
    async with kai.served(), KaiClient("token", kai.url, kai.url, backend=backend) as client:
        stream = client.run(CHAT, "go", approve=notes)
        events = [event async for event in stream]
    assert notes.asked == ["c1", "c2"]
    assert [event.type for event in events].count("start") == 1
    assert [event.type for event in events].count("finish") == 1
    (posted,) = kai.sent
    assert posted["message"]["role"] == "user"
    assert posted["message"]["parts"] == [
        {"type": "tool-result", "toolCallId": "c1", "toolName": "w", "result": result},
        {"type": "tool-result", "toolCallId": "c2", "toolName": "x", "result": "confirmed"},
    ]
    assert stream.message.id == MESSAGE
    assert [(part.tool_call_id, part.state) for part in stream.message.tool_parts] == [
        ("c1", "output-available"),
        ("c2", "output-available"),
    ]
    assert stream.message.text == "Done."


@pytest.mark.parametrize("backend", BACKENDS)
async def test_the_oldest_flow_asks_once(backend: str | None) -> None:
    """A call that comes back unanswered is not confirmed twice."""
    kai, notes = HandmadeKai(CONFIRM, CONFIRM, ENDS), Notes(rules=True)
    error = await failure(kai, notes, backend)
    assert error.code == "approval:decided"
    assert (notes.asked, len(kai.sent)) == (["c1"], 1)
