"""Nothing that was said is emitted unless somebody asks for it, and never the token."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from emitted import Emitted
from raw_sockets import RawServer, listening, read_request

from kai_client import Denial, KaiClient, KaiError, Toolbox, ToolCall, otel
from kai_client.server import Item, ask, call, fail, say, source, think, title, usage
from kai_client.testing.local import KaiServer

TOKEN = "1234-56789-s3cretToken"
CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"

SAID = [
    "whisper-asked",
    "whisper-thought",
    "whisper-answered",
    "whisper-input",
    "whisper-output",
    "whisper-local-input",
    "whisper-local-output",
    "whisper-title",
    "whisper-source",
    "whisper-failure",
    "whisper-refusal",
    "whisper-tool-failure",
    "whisper-reason",
    "whisper-path",
]
"""Everything that is said in `converse`, in one form or another."""

tools = Toolbox()


@tools.tool
def look(what: str) -> str:
    """Returns what it was told, or fails with it."""
    if what == "whisper-tool-failure":
        raise LookupError(what)
    return "whisper-local-output"


def reason(_: ToolCall[Any]) -> Denial:
    """Denies, and says why."""
    return Denial(reason="whisper-reason")


async def converse(server: KaiServer) -> None:
    """One of everything."""
    replies: list[list[Item]] = [
        [think("whisper-thought"), say("whisper-answered"), call("get", {"q": "whisper-input"}, "whisper-output")],
        [title("whisper-title"), source("https://whisper-source/", "whisper-source"), usage(1, 1)],
        [ask("make", {"q": "whisper-input"}), say("whisper-answered")],
        [
            call("look", {"what": "whisper-local-input"}, client_side=True),
            call("look", {"what": "whisper-tool-failure"}, client_side=True),
            say("whisper-answered"),
        ],
        [say("whisper-answered"), fail("whisper-failure")],
        [fail("whisper-refusal", status=400, code="whisper refusal of the server")],
    ]
    for reply in replies:
        server.kai.reply(*reply)
    async with KaiClient(TOKEN, server.url, server.url) as kai:
        for _ in replies:
            run = kai.run(kai.new_chat_id(), "whisper-asked", approve=reason, tools=tools, request_path="/whisper-path")
            with contextlib.suppress(KaiError):
                await run.get_final_text()


@pytest.mark.kai_server(mode="assistant")
async def test_nothing_that_was_said_is_emitted(
    emitted: Emitted, kai_server: KaiServer, caplog: pytest.LogCaptureFixture
) -> None:
    """No message, thought, argument, result, reason, title, source or error's words in any span, metric or log record."""
    with caplog.at_level(logging.DEBUG):
        await converse(kai_server)
    # The server has said all of it, and spans of all kinds were emitted.
    assert {span.name.partition(" ")[0] for span in emitted.spans} == {
        "chat",
        "invoke_agent",
        "execute_tool",
        "decide",
        "GET",
    }
    ours = "".join(record.getMessage() for record in caplog.records if record.name.startswith("kai_client"))
    everything = emitted.text() + ours
    assert [word for word in [*SAID, "whisper", TOKEN] if word in everything] == []


@pytest.mark.kai_server(mode="assistant")
async def test_what_was_said_is_emitted_where_it_is_asked_for(emitted: Emitted, kai_server: KaiServer) -> None:
    """What the convention has a place for, and still no error's words and no token."""
    otel.instrument(**emitted.providers, capture_content=True)
    await converse(kai_server)
    everything = emitted.text()
    asked_for = [*SAID[:7], "whisper-reason"]
    assert [word for word in asked_for if word not in everything] == []
    assert [word for word in ["whisper-failure", "whisper-refusal", TOKEN] if word in everything] == []


async def test_messages_have_the_form_of_the_convention(emitted: Emitted, kai_server: KaiServer) -> None:
    """JSON messages of parts: the question, and the answer with its thoughts, tool calls and results."""
    otel.instrument(**emitted.providers, capture_content=True)
    kai_server.kai.reply(think("Hm."), call("get_tables", {"bucket": "b"}, ["t"], id="c1"), say("One."))
    async with KaiClient(TOKEN, kai_server.url, kai_server.url) as kai:
        await kai.chat("Které tabulky?")
    span = emitted.one("chat")
    assert json.loads(span["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": "Které tabulky?"}]}
    ]
    assert json.loads(span["gen_ai.output.messages"]) == [
        {
            "role": "assistant",
            "parts": [
                {"type": "reasoning", "content": "Hm."},
                {"type": "tool_call", "id": "c1", "name": "get_tables", "arguments": {"bucket": "b"}},
                {"type": "tool_call_response", "id": "c1", "response": ["t"]},
                {"type": "text", "content": "One."},
            ],
            "finish_reason": "stop",
        }
    ]


async def test_executions_have_arguments_and_results(emitted: Emitted) -> None:
    """Also where no chat has called."""
    otel.instrument(**emitted.providers, capture_content=True)
    assert await tools.execute("look", {"what": "here"}) == "whisper-local-output"
    span = emitted.one("execute_tool look")
    assert json.loads(span["gen_ai.tool.call.arguments"]) == {"what": "here"}
    assert json.loads(span["gen_ai.tool.call.result"]) == "whisper-local-output"
    assert span["gen_ai.tool.call.id"] is None


async def test_the_token_is_in_no_content(emitted: Emitted, kai_server: KaiServer) -> None:
    """Not even where a user has pasted it, or the model repeats it."""
    otel.instrument(**emitted.providers, capture_content=True)
    kai_server.kai.reply(say(f"You said {TOKEN}."))
    async with KaiClient(TOKEN, kai_server.url, kai_server.url) as kai:
        await kai.chat(f"Here it is: {TOKEN}")
    span = emitted.one("chat")
    assert "Here it is: ***" in span["gen_ai.input.messages"]
    assert "You said ***." in span["gen_ai.output.messages"]
    assert TOKEN not in emitted.text()


VALUES = [("true", True), ("SPAN_ONLY", True), ("span_and_event", True)]
NO_VALUES = [("", False), ("false", False), ("event_only", False), ("no_content", False), ("yes please", False)]


@pytest.mark.parametrize(("value", "captured"), [*VALUES, *NO_VALUES])
async def test_the_environment_may_ask(
    emitted: Emitted, monkeypatch: pytest.MonkeyPatch, value: str, captured: bool
) -> None:
    """The conventions' own variable decides where the call does not."""
    monkeypatch.setenv(CAPTURE, value)
    otel.instrument(**emitted.providers)
    await tools.execute("look", {"what": "here"})
    otel.instrument(**emitted.providers, capture_content=not captured)
    await tools.execute("look", {"what": "there"})
    shown = ["gen_ai.tool.call.arguments" in span.attributes for span in emitted.spans]
    assert shown == [captured, not captured]


@asynccontextmanager
async def answering(status: bytes, kind: bytes, body: bytes) -> AsyncGenerator[KaiClient]:
    """A client of a server that always answers so."""
    seen = RawServer()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        head = b"HTTP/1.1 %s\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n" % (status, kind, len(body))
        writer.write(head + body)
        await reader.read()

    async with listening(seen, serve), KaiClient(TOKEN, seen.url, seen.url) as kai:
        yield kai


REFUSED = (b"400 No", b"application/json", '{"code": "%s", "message": "No"}', "KaiBadRequestError")
FAILED = (
    b"200 OK",
    b"text/event-stream",
    'data: {"type": "error", "code": "%s", "message": "No"}\n\n',
    "KaiStreamError",
)


@pytest.mark.parametrize("code", ["the customer Ada is not allowed", TOKEN, "failure:7f3a9c0e", "http:7034"])
@pytest.mark.parametrize(("status", "kind", "body", "name"), [REFUSED, FAILED], ids=["response", "stream"])
async def test_a_code_that_is_none_is_not_told(
    emitted: Emitted, code: str, status: bytes, kind: bytes, body: str, name: str
) -> None:
    """A server may write a sentence, an id or the token where a code should be: then the class is told."""
    async with answering(status, kind, (body % code).encode()) as kai:
        with pytest.raises(KaiError):
            await kai.chat("Hi")
    assert (emitted.one("chat").status, emitted.one("chat")["error.type"]) == (name, name)
    assert code not in emitted.text()


async def test_a_token_that_looks_like_a_code_is_not_told(emitted: Emitted) -> None:
    """Whatever it looks like."""
    _, kind, body, _ = FAILED
    async with (
        answering(b"200 OK", kind, (body % "some-token").encode()) as kai,
        KaiClient("some-token", kai.base_url, kai.base_url) as other,
    ):
        with pytest.raises(KaiError):
            await other.chat("Hi")
    assert emitted.one("chat").status == "***"
    assert "some-token" not in emitted.text()


async def test_half_a_character_is_told_as_exporters_can_encode_it(emitted: Emitted) -> None:
    """JavaScript cuts emoji in two; one such half would cost all spans that are exported with it."""
    otel.instrument(**emitted.providers, capture_content=True)
    chunks = [
        r'{"type":"tool-input-available","toolCallId":"c1","toolName":"get","input":{"q":"half \ud83d"}}',
        r'{"type":"finish","finishReason":"stop"}',
    ]
    async with answering(b"200 OK", FAILED[1], "".join(f"data: {chunk}\n\n" for chunk in chunks).encode()) as kai:
        await kai.chat("Hi")
    said = emitted.one("chat")["gen_ai.output.messages"]
    assert said == said.encode(errors="replace").decode()
    assert "half \ufffd" in said
