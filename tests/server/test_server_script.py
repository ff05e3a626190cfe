"""The words of a script, and the streams that they make (protocol 4.6, V1 to V14)."""

import json
from collections.abc import Generator
from typing import Any

import pytest
from local_api import local_api, new_id, only, text_of, types_of

from kai_client.events import ToolCallEvent
from kai_client.server import (
    Execution,
    Item,
    Question,
    ScriptedKai,
    ToolFailure,
    ToolResult,
    TurnSpec,
    abort,
    ask,
    call,
    data,
    document,
    fail,
    file,
    finish,
    raw,
    say,
    source,
    think,
    title,
    usage,
    when,
)
from kai_client.server.faults import Mode
from kai_client.types import Json, JsonObject

STEP_OF_TEXT = ["start-step", "text-start", "text-delta", "text-end", "finish-step"]
INPUT = ["start-step", "tool-input-start", "tool-input-delta", "tool-input-available"]

STREAMS: list[tuple[str, Mode, TurnSpec, list[str]]] = [
    ("V1 text", "agent", "Hello to you", ["start", *STEP_OF_TEXT, "finish"]),
    (
        "V2 server tool",
        "agent",
        [call("q", {"a": 1}, {"rows": 1}), say("One row.")],
        ["start", *INPUT, "tool-output-available", "finish-step", *STEP_OF_TEXT, "finish"],
    ),
    (
        "text before a call is in its step",
        "agent",
        [say("Let me see."), call("q", output=1)],
        ["start", *STEP_OF_TEXT[:-1], *INPUT[1:], "tool-output-available", "finish-step", "finish"],
    ),
    (
        "V3 needs approval",
        "assistant",
        [ask("w", {"a": 1}), say("Done.")],
        ["start", *INPUT, "tool-approval-request", "finish-step", "finish"],
    ),
    (
        "V6 automatic approval",
        "agent",
        [call("q", output=1, automatic=True)],
        [
            "start",
            *INPUT,
            "tool-approval-request",
            "tool-approval-response",
            "tool-output-available",
            "finish-step",
            "finish",
        ],
    ),
    (
        "V6 automatic denial",
        "agent",
        [call("q", output=1, automatic=False, id="c")],
        [
            "start",
            *INPUT,
            "tool-approval-request",
            "tool-approval-response",
            "tool-output-denied",
            "finish-step",
            *STEP_OF_TEXT,
            "finish",
        ],
    ),
    (
        "V7 tool throws",
        "agent",
        [call("q", error="boom"), say("It failed.")],
        ["start", *INPUT, "tool-output-error", "finish-step", *STEP_OF_TEXT, "finish"],
    ),
    (
        "V8 invalid input",
        "agent",
        [call("q", {"a": "x"}, invalid="a must be a number")],
        ["start", *INPUT[:-1], "tool-input-error", "tool-output-error", "finish-step", "finish"],
    ),
    (
        "V9 preliminary",
        "agent",
        [call("q", output=3, preliminary=[1, 2])],
        ["start", *INPUT, "tool-output-available", "finish-step", "finish"],
    ),
    (
        "V11 client-side tool",
        "assistant",
        [call("pick_file", client_side=True)],
        ["start", *INPUT, "finish-step", "finish"],
    ),
    (
        "V12 model error",
        "agent",
        [say("So"), fail("Overloaded")],
        ["start", *STEP_OF_TEXT[:-1], "error", "finish-step", "finish"],
    ),
    ("V12 writer error", "agent", [fail("Broken", finish=False)], ["start", "error"]),
    ("V13 abort", "agent", [say("So"), abort("user"), say("unsaid")], ["start", *STEP_OF_TEXT[:-1], "abort"]),
    (
        "reasoning",
        "agent",
        [think("Hm well"), say("Yes")],
        ["start", "start-step", "reasoning-start", "reasoning-delta", "reasoning-end", *STEP_OF_TEXT[1:], "finish"],
    ),
    (
        "sources, files, data",
        "agent",
        [source("https://a.test", "A"), document("Manual"), file("data:,x", "text/plain"), data("n", 1), title("T")],
        [
            "start",
            "start-step",
            "source-url",
            "source-document",
            "file",
            "data-n",
            "data-chat-title",
            "finish-step",
            "finish",
        ],
    ),
    (
        "usage after finish",
        "agent",
        [usage(1, 2, after_finish=True), "x"],
        ["start", *STEP_OF_TEXT, "finish", "data-usage"],
    ),
    (
        "unknown chunk",
        "agent",
        [raw({"type": "new-thing", "n": [1]})],
        ["start", "start-step", "new-thing", "finish-step", "finish"],
    ),
    ("nothing", "agent", [], ["start", "finish"]),
]


@pytest.mark.parametrize(("mode", "turn", "expected"), [row[1:] for row in STREAMS], ids=[row[0] for row in STREAMS])
async def test_stream(mode: Mode, turn: TurnSpec, expected: list[str]) -> None:
    """Each turn makes the chunks of its captured stream, in order"""
    async with local_api(ScriptedKai([turn]), mode=mode) as api:
        assert types_of(await api.send(new_id(), "go")) == expected


async def test_dynamic_tool_says_so_on_every_chunk() -> None:
    """`dynamic` is on the start, the input and the output (V10)"""
    async with local_api(ScriptedKai([[call("q", output=1, dynamic=True)]])) as api:
        chunks = await api.send(new_id(), "go")
    flags = {chunk["type"]: chunk.get("dynamic") for chunk in chunks if chunk["type"].startswith("tool-")}
    assert flags == {
        "tool-input-start": True,
        "tool-input-delta": None,
        "tool-input-available": True,
        "tool-output-available": True,
    }


async def test_preliminary_outputs_repeat_the_last_one() -> None:
    """Preliminary values come flagged, the last again without the flag (V9)"""
    async with local_api(ScriptedKai([[call("q", output=3, preliminary=[1, 2])]])) as api:
        chunks = await api.send(new_id(), "go")
    outputs = [(c["output"], c.get("preliminary")) for c in chunks if c["type"] == "tool-output-available"]
    assert outputs == [(1, True), (2, True), (3, True), (3, None)]


async def test_input_deltas_join_to_the_input() -> None:
    """The pieces of a tool's input are the JSON text of its input"""
    value: Json = {"sql": "SELECT 'ž\u2028'", "n": [1, None]}
    async with local_api(ScriptedKai([[call("q", value, 1)]])) as api:
        chunks = await api.send(new_id(), "go")
    assert json.loads("".join(c["inputTextDelta"] for c in chunks if c["type"] == "tool-input-delta")) == value
    assert only(chunks, "tool-input-available")["input"] == value


@pytest.mark.parametrize("text", ["one two", "  lead", "trail \n", "\n\n", "a\u2028b c", "| a |\n| - |\n", "x"])
async def test_words_join_to_the_text(text: str) -> None:
    """The deltas of a text are the text, white space included"""
    async with local_api(ScriptedKai([say(text)])) as api:
        assert text_of(await api.send(new_id(), "go")) == text


async def test_finish_reason() -> None:
    """A turn can end for another reason than `stop`"""
    async with local_api(ScriptedKai([[say("So"), finish("length"), say("unsaid")]])) as api:
        chunks = await api.send(new_id(), "go")
    assert only(chunks, "finish")["finishReason"] == "length"
    assert text_of(chunks) == "So"


async def test_raw_chunk_is_sent_as_it_is() -> None:
    """A raw chunk travels unchanged, even one that a client cannot read"""
    chunk: JsonObject = {"type": "text-delta", "nonsense": {"b": 1, "a": None}}
    async with local_api(ScriptedKai([raw(chunk)])) as api:
        assert chunk in await api.send(new_id(), "go")


async def test_turns_in_order_then_an_error_that_says_so() -> None:
    """Ordered turns are used once each; after the last one the answer is a clear failure"""
    kai = ScriptedKai(["one", "two"])
    async with local_api(kai) as api:
        assert [text_of(await api.send(new_id(), "go")) for _ in range(2)] == ["one", "two"]
        assert kai.remaining == 0
        response = await api.http.post("/api/chat", json=api.body(new_id(), "third"))
        assert response.status_code == 500
        assert "no turn for this message: 'third'" in response.text


async def test_patterns_answer_whenever_they_match() -> None:
    """A pattern's turn is used for every match, before the turns in order"""
    async with local_api(ScriptedKai([when("ada", "Hi ", "Ada"), "other"])) as api:
        texts = [text_of(await api.send(new_id(), text)) for text in ("I am Ada", "else", "ADA?")]
    assert texts == ["Hi Ada", "other", "Hi Ada"]


async def test_reply_adds_turns_before_the_built_in_assistant() -> None:
    """`reply` scripts the next answer; afterwards the built-in assistant is back"""
    kai = ScriptedKai()
    async with local_api(kai) as api:
        kai.reply(say("Scripted."))
        assert text_of(await api.send(new_id(), "hello")) == "Scripted."
        assert "local stand-in" in text_of(await api.send(new_id(), "hello"))


async def test_generator_turn_sees_results() -> None:
    """A generator yields calls and receives what came of them, one by one or as a list"""

    def turn(question: Question) -> Generator[Item | list[Item], Any, None]:
        first: ToolResult = yield call("a", {"n": 1}, lambda run: {"input": run.input})
        both: list[ToolResult] = yield [call("b", output=2), call("c", error="no")]
        yield say(f"{question.text}: {first.output} {[(r.tool, r.ok, r.error) for r in both]}")

    async with local_api(ScriptedKai([turn])) as api:
        chunks = await api.send(new_id(), "go")
    assert text_of(chunks) == "go: {'input': {'n': 1}} [('b', True, None), ('c', False, 'no')]"


async def test_function_turn_sees_the_chat() -> None:
    """A function of the question gets the text, the earlier messages and the options of `send_message`"""
    seen: list[Question] = []

    def turn(question: Question) -> str:
        seen.append(question)
        return "ok"

    chat_id = new_id()
    async with local_api(ScriptedKai(["first", turn])) as api:
        await api.send(chat_id, "one")
        await api.send(chat_id, "two", branchId=7)
    (question,) = seen
    assert (question.text, question.chat_id, question.options["branch_id"]) == ("two", chat_id, 7)
    assert [(message.role, message.text) for message in question.history] == [("user", "one"), ("assistant", "first")]


async def test_tool_function_may_fail() -> None:
    """A `ToolFailure` is the tool's error text"""

    def run(_: Execution) -> None:
        raise ToolFailure("no such table")

    async with local_api(ScriptedKai([[call("q", output=run)]])) as api:
        assert only(await api.send(new_id(), "go"), "tool-output-error")["errorText"] == "no such table"


async def test_bug_in_a_script_shows_no_detail(caplog: pytest.LogCaptureFixture) -> None:
    """An exception in a turn is an error chunk in our own words; the log has the traceback"""

    def turn(_: Question) -> Generator[Item, Any, None]:
        yield say("So")
        raise RuntimeError("secret at /home/me")

    async with local_api(ScriptedKai([turn])) as api:
        chunks = await api.send(new_id(), "go")
    assert types_of(chunks)[-1] == "error"
    assert "secret" not in str(chunks)
    assert "secret at /home/me" in caplog.text


async def test_fail_with_a_status_is_an_http_error() -> None:
    """`fail(status=...)` as the first item has its true status, code and Retry-After"""
    async with local_api(ScriptedKai([fail("Try later", status=503, retry_after=2)])) as api:
        response = await api.http.post("/api/chat", json=api.body(new_id(), "go"))
    assert (response.status_code, response.headers["retry-after"]) == (503, "2")
    assert response.json() == {"error": {"type": "offline", "surface": "chat", "message": "Try later"}}


async def test_fail_with_a_status_later_is_an_error_chunk() -> None:
    """After the first event there is no status any more: the error is a chunk"""
    async with local_api(ScriptedKai([[say("So"), fail("Gone", status=503)]])) as api:
        assert only(await api.send(new_id(), "go"), "error")["errorText"] == "Gone"


def test_a_function_cannot_be_one_item_of_several() -> None:
    """Mixing a function with items is refused when the script is written, not when it is played"""

    def turn(_: Question) -> str:
        return "x"

    with pytest.raises(TypeError, match="whole turn"):
        ScriptedKai().reply(say("a"), turn)


async def test_in_process_use_needs_no_http() -> None:
    """`ScriptedKai` is a `ChatBackend` itself, approvals included"""
    kai = ScriptedKai([[ask("w", {"a": 1}, "done"), say("Ok.")]])
    chat_id, seen = new_id(), list[str]()
    async for event in kai.send_message(chat_id, "go"):
        seen.append(event.type)
        if isinstance(event, ToolCallEvent) and event.state == "input-available":
            await kai.submit_approval(chat_id, event.tool_call_id, True)
    assert "finish" in seen


async def test_catalogue_has_the_tools_of_the_script() -> None:
    """`get_tools` names the calls of the script: those that ask are not read-only"""
    async with local_api(ScriptedKai([[call("q"), ask("w")]])) as api:
        tools: list[dict[str, Any]] = (await api.http.get("/api/settings/tools")).json()["tools"]
    assert {tool["name"]: tool["readOnly"] for tool in tools if tool["name"] in {"q", "w"}} == {"q": True, "w": False}
