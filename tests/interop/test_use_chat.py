"""`useChat` of the AI SDK 6 and 7 talks to the backend of the example: what the page draws is what Kai said."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from ai_sdk import MAJORS
from chat_backend import TOKEN, GatedKai, example, in_front_of, kai_behind, served
from use_chat import Browser, Drawn, Page

from kai_client import SSEEvent, TextDeltaEvent
from kai_client.server import (
    ScriptedKai,
    TurnSpec,
    WireStyle,
    call,
    data,
    fail,
    finish,
    raw,
    say,
    serve,
    source,
    think,
    ui_message_response,
)

each_major = pytest.mark.parametrize("major", MAJORS)


def streaming(text: str) -> Callable[[Drawn], bool]:
    """Whether this is drawn while the answer goes on."""
    return lambda drawn: (drawn.status, drawn.text) == ("streaming", text)


def assert_tells_nothing(page: Page) -> None:
    """The token, hosts and tracebacks are in nothing that the page was ever given."""
    seen = json.dumps([drawn._asdict() for drawn in page.history])
    assert [word for word in (TOKEN, "127.0.0.1", "Traceback", ".py") if word in seen] == []


@each_major
async def test_text_is_drawn_as_it_comes(major: str, browser: Browser) -> None:
    """The first piece is on the page before Kai has written the second; the end is the end of Kai's stream."""
    kai = GatedKai()
    kai.expect("hi")
    async with served(kai) as backend:
        page = browser.page(major, backend.api)
        await page.send("hi")
        await page.until(streaming("You said hi"))
        kai.gates["hi"].set()
        drawn = await page.until_over()
        await kai.left["hi"].wait()
    assert (drawn.status, drawn.error, drawn.text) == ("ready", None, "You said hi, did you not?")
    assert [message["role"] for message in drawn.messages] == ["user", "assistant"]
    assert_tells_nothing(page)


@each_major
async def test_two_chats_at_once(major: str, browser: Browser) -> None:
    """Each page gets its own answer, whichever ends first."""
    kai = GatedKai()
    kai.expect("one", "two")
    async with served(kai) as backend:
        pages = {text: browser.page(major, backend.api) for text in ("one", "two")}
        for text, page in pages.items():
            await page.send(text)
            await page.until(streaming(f"You said {text}"))
        for text in ("two", "one"):
            kai.gates[text].set()
            drawn = await pages[text].until_over()
            assert (drawn.status, drawn.text) == ("ready", f"You said {text}, did you not?")


@each_major
async def test_stop_closes_kais_stream(major: str, browser: Browser) -> None:
    """Stop, in a silence of Kai's, ends Kai's stream too; the page keeps what it has, and the chat goes on."""
    kai = GatedKai()
    kai.expect("hi", "again")
    async with served(kai) as backend:
        page = browser.page(major, backend.api)
        await page.send("hi")
        await page.until(streaming("You said hi"))
        page.stop()
        await kai.left["hi"].wait()
        drawn = await page.until_over()
        assert (drawn.status, drawn.error, drawn.text) == ("ready", None, "You said hi")
        kai.gates["again"].set()
        assert (await page.ask("again")).text == "You said again, did you not?"


@each_major
async def test_kai_remembers_the_chat(major: str, browser: Browser) -> None:
    """The second message goes to the same chat of Kai's, alone: the history is Kai's own."""
    async with served(ScriptedKai(["Hello.", lambda question: f"{len(question.history)} messages before."])) as backend:
        page = browser.page(major, backend.api)
        await page.ask("Hi")
        assert (await page.ask("And?")).text == "2 messages before."
        posts: list[Any] = [each.body for each in backend.kai.requests if each.path == "/api/chat"]
    assert len({post["id"] for post in posts}) == 1
    assert [post["message"]["parts"] for post in posts] == [
        [{"type": "text", "text": "Hi"}],
        [{"type": "text", "text": "And?"}],
    ]


@each_major
async def test_everything_else_is_drawn(major: str, browser: Browser) -> None:
    """Reasoning, tool calls and their failures, sources and data reach the page as the SDK's own parts."""
    turn = [
        think("Let me see."),
        call("get_tables", {"bucket": "in.c-crm"}, ["customers"]),
        call("run_query", {"sql": "SELECT"}, error="There is no such table."),
        source("https://help.keboola.com", "Help"),
        data("progress", {"percent": 50}),
        say("There you are."),
    ]
    async with served(ScriptedKai([turn])) as backend:
        page = browser.page(major, backend.api)
        drawn = await page.ask("Hi")
    assert (drawn.status, drawn.error, drawn.text) == ("ready", None, "There you are.")
    assert [(part["type"], part["state"]) for part in drawn.tools] == [
        ("tool-get_tables", "output-available"),
        ("tool-run_query", "output-error"),
    ]
    assert drawn.tools[0]["output"] == ["customers"]
    assert drawn.tools[1]["errorText"] == "There is no such table."
    kinds = {part["type"] for part in drawn.parts}
    assert {"reasoning", "source-url", "data-progress", "text"} <= kinds
    assert {part.get("state") for part in drawn.parts if part["type"] in {"text", "reasoning"}} == {"done"}


@each_major
@pytest.mark.parametrize("style", [WireStyle(shapes="legacy"), WireStyle(unknown_chunk=True, steps=False)])
async def test_what_the_sdk_would_refuse(style: WireStyle, major: str, browser: Browser) -> None:
    """Kai's other dialects, types that no SDK knows, odd finish reasons, nulls, and pieces of texts that were never begun do no harm."""
    turn = [
        call("get_tables", {"bucket": "in.c-crm"}, ["customers"]),
        raw({"type": "text-delta", "id": "9", "delta": "Out of the blue. "}),
        raw({"type": "source-url", "sourceId": "s", "url": "https://help.keboola.com", "title": None}),
        raw({"type": "tool-call", "toolCallId": "x", "state": "invented"}),
        raw({"type": "text-end", "id": "8"}),
        raw({"type": "reset-step"}),
        say("There you are."),
        finish("max_tokens"),
    ]
    async with served(ScriptedKai([turn]), style=style) as backend:
        page = browser.page(major, backend.api)
        drawn = await page.ask("Hi")
    assert (drawn.status, drawn.error) == ("ready", None)
    assert (drawn.text, drawn.states) == ("Out of the blue. There you are.", ["output-available"])
    assert drawn.tools[0]["output"] == ["customers"]


@each_major
async def test_a_refused_message_is_a_sentence(major: str, browser: Browser) -> None:
    """Kai's refusal is an error with Kai's words, and the same chat can try again."""
    kai = ScriptedKai([fail("You have no messages left this month.", status=429), "Hello."])
    async with served(kai) as backend:
        page = browser.page(major, backend.api)
        drawn = await page.ask("Hi")
        assert (drawn.status, drawn.error) == ("error", "You have no messages left this month.")
        page.regenerate()
        await page.until(lambda drawn: drawn.text == "Hello.")
    assert_tells_nothing(page)


@each_major
@pytest.mark.parametrize(
    ("turn", "style", "sentence", "text"),
    [
        (["Hello. ", fail("The model is overloaded.")], None, "The model is overloaded.", "Hello. "),
        (["Hello, my dear."], WireStyle(drop_after=4), "Kai's answer broke off.", "Hello,"),
    ],
    ids=["error chunk", "broken stream"],
)
async def test_an_answer_that_fails(
    turn: TurnSpec, style: WireStyle | None, sentence: str, text: str, major: str, browser: Browser
) -> None:
    """What ends an answer in the middle is one sentence on the page, which keeps what it had."""
    async with served(ScriptedKai([turn]), style=style) as backend:
        page = browser.page(major, backend.api)
        drawn = await page.ask("Hi")
    assert (drawn.status, drawn.error, drawn.text) == ("error", sentence, text)
    assert len({each.error for each in page.history} - {None}) == 1
    assert_tells_nothing(page)


@each_major
async def test_kai_is_not_there(major: str, browser: Browser) -> None:
    """A Kai that has gone away is a sentence without its address."""
    async with kai_behind(ScriptedKai()) as (_, kai_url):
        front = in_front_of(kai_url)
        url = await front.__aenter__()
    try:
        page = browser.page(major, f"{url}/api/chat")
        drawn = await page.ask("Hi")
    finally:
        await front.__aexit__(None, None, None)
    assert (drawn.status, drawn.error) == ("error", "Kai cannot be reached at the moment.")
    assert_tells_nothing(page)


@each_major
async def test_a_chat_id_that_is_none_of_kais(major: str, browser: Browser) -> None:
    """An id that is no UUID is refused by the backend in words that the page shows; Kai is not asked."""
    async with served(ScriptedKai()) as backend:
        page = browser.page(major, backend.api, chat_id="../../etc")
        drawn = await page.ask("Hi")
        assert not [each for each in backend.kai.requests if each.path.startswith("/api")]
    assert drawn.status == "error"
    assert drawn.error is not None
    assert drawn.error.startswith("id: Input should be a valid UUID")


NOT_REQUESTS: list[tuple[dict[str, Any], str]] = [
    ({"messages": []}, "messages: List should have at least 1 item"),
    (
        {"messages": [{"id": "m", "role": "user", "parts": [{"type": "text", "text": " "}]}]},
        "Please write something",
    ),
    ({"messages": [{"id": "m", "role": "assistant", "parts": []}]}, "Please write something"),
    ({"messages": [7]}, "messages: 0: "),
    ({"id": None}, "id: "),
]


@pytest.mark.parametrize(("change", "words"), NOT_REQUESTS)
async def test_requests_of_nobodys(change: dict[str, Any], words: str) -> None:
    """What no `useChat` posts is 400 with a line that says what is wrong."""
    message = {"id": "m", "role": "user", "parts": [{"type": "text", "text": "Hi"}]}
    body = {"id": "6d3f0d1c-6c39-4b0e-8a29-7f7c6a5d8b11", "messages": [message], **change}
    async with served(ScriptedKai()) as backend, httpx.AsyncClient() as http:
        response = await http.post(backend.api, json=body)
        assert not [each for each in backend.kai.requests if each.path == "/api/chat"]
    assert (response.status_code, response.headers["content-type"]) == (400, "text/plain; charset=utf-8")
    assert response.text.startswith(words)


async def test_a_silent_kai_is_no_dead_connection() -> None:
    """Comments are written from the beginning, and again in every silence, so that no proxy gives up; events are not lost."""
    gate = asyncio.Event()

    async def events() -> AsyncIterator[SSEEvent]:
        await gate.wait()
        yield TextDeltaEvent(id="0", text="Hello")

    app = example().FastAPI()
    app.get("/")(lambda: ui_message_response(events(), keep_alive=0.001))
    lines: list[str] = []
    async with serve(app) as url, httpx.AsyncClient() as http, http.stream("GET", url) as response:
        assert response.headers["x-vercel-ai-ui-message-stream"] == "v1"
        async for line in response.aiter_lines():
            lines += [line] if line else []
            if lines.count(": keep-alive") == 2:
                gate.set()
    assert lines[:3] == [": stream-open", ": keep-alive", ": keep-alive"]
    assert [line for line in lines if not line.startswith(":")] == [
        'data: {"type":"text-start","id":"0"}',
        'data: {"type":"text-delta","delta":"Hello","id":"0"}',
        'data: {"type":"text-end","id":"0"}',
        "data: [DONE]",
    ]
