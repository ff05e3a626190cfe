"""Policies, tools and parsers of the blocking client: plain functions, called in the thread that reads."""

import io
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

import httpx
import pytest
from pydantic import BaseModel

from kai_client import (
    Approval,
    Denial,
    KaiClosedError,
    KaiConfigError,
    KaiError,
    KaiStreamError,
    ToolCall,
    ToolContext,
    UIMessage,
)
from kai_client.sync import (
    ChatStream,
    KaiClient,
    LocalTools,
    Policy,
    SSEStreamParser,
    Toolbox,
    all_of,
    any_of,
    approve_all,
    approve_only,
    ask,
    by_id,
    deny_all,
    first_of,
    parse_sse_stream,
    with_timeout,
)
from kai_client.testing.local import KaiServer

TOKEN = "some-token"
STORAGE = "https://connection.keboola.com"
BUCKET = "Create a bucket called demo"
CALL: ToolCall[Any] = ToolCall(
    chat_id="c",
    tool_call_id="c1",
    tool_name="a",
    input={"n": 1},
    message=UIMessage.from_dict({"id": "m", "role": "assistant", "parts": []}),
)


def slow(_: object) -> bool:
    """Says yes too late."""
    time.sleep(0.02)
    return True


@pytest.mark.parametrize(
    ("policy", "approved"),
    [
        (approve_all, True),
        (deny_all, False),
        (approve_only("a"), True),
        (approve_only("b"), False),
        (by_id({"c1": True}), True),
        (by_id({"c2": True}), None),
        (first_of(by_id({}), approve_all), True),
        (all_of(approve_all, deny_all), False),
        (any_of(deny_all, approve_all), True),
        (with_timeout(lambda _: True, 60), True),
        (with_timeout(slow, 0.01), False),
        (ask, False),
    ],
)
def test_policies_return_their_decision(policy: Policy, approved: bool | None) -> None:
    """There is nothing to await: each returns an `Approval`, a `Denial` or None."""
    ruling = policy(CALL)
    expected = {True: Approval, False: Denial, None: type(None)}[approved]
    assert isinstance(ruling, expected)


def test_ask_reads_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """`ask` shows the call and takes the line that is typed."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    for line, expected in (("y\n", Approval), ("\n", Denial), ("", Denial), ("use dev\n", Denial)):
        monkeypatch.setattr(sys, "stdin", Terminal(line))
        ruling = ask(CALL)
        assert isinstance(ruling, expected)
        if isinstance(ruling, Denial) and line.strip():
            assert ruling.reason == "use dev"
    assert '"n": 1' in shown.getvalue()


def test_a_policy_that_returns_an_awaitable_denies(kai_server: KaiServer) -> None:
    """Nobody can await it: the call is denied, and a `TypeError` says why."""

    async def later() -> bool:
        return True

    def policy(_: object) -> Any:  # no coroutine function, which would be refused at once
        return later()

    with KaiClient.from_storage_api(TOKEN, kai_server.url) as client, pytest.raises(TypeError, match="async"):
        client.run(client.new_chat_id(), BUCKET, approve=policy).get_final_text()
    decisions: list[Any] = [each.body for each in kai_server.requests if each.path.endswith("/approval")]
    assert [decision["approved"] for decision in decisions] == [False]


def test_a_policy_that_reads_its_own_run_denies(kai_server: KaiServer) -> None:
    """It would wait for itself: it is told so, and the run is over, not stuck."""
    streams: list[ChatStream] = []

    with KaiClient.from_storage_api(TOKEN, kai_server.url) as client:
        streams.append(client.run(client.new_chat_id(), BUCKET, approve=lambda _: bool(streams[0].get_final_text())))
        with pytest.raises(RuntimeError, match="or by this one further out"):
            streams[0].get_final_text()
    decisions: list[Any] = [each.body for each in kai_server.requests if each.path.endswith("/approval")]
    assert [decision["approved"] for decision in decisions] == [False]


def test_policies_run_in_the_thread_that_reads(kai_server: KaiServer) -> None:
    """There is no other thread behind the client."""
    asked: list[int] = []

    def policy(_: object) -> bool:
        asked.append(threading.get_ident())
        return True

    with KaiClient.from_storage_api(TOKEN, kai_server.url) as client:
        client.run(client.new_chat_id(), BUCKET, approve=policy).get_final_text()
    assert asked == [threading.get_ident()]


class State(BaseModel):
    """What the tools share."""

    factor: int = 2


def test_a_toolbox_of_plain_functions() -> None:
    """Tools, their lifespan and their errors are those of the async toolbox, called in this thread."""
    ended: list[bool] = []

    @contextmanager
    def lifespan() -> Generator[State]:
        yield State()
        ended.append(True)

    tools = Toolbox(lifespan)

    @tools.tool
    def times(number: int, context: ToolContext[State]) -> dict[str, int]:
        """Multiplies."""
        return {"result": number * context.state.factor, "thread": threading.get_ident()}

    @tools.tool
    def fails(number: int) -> int:
        raise StopIteration(number)

    assert isinstance(tools, LocalTools)
    with pytest.raises(KaiConfigError):
        tools.execute("times", {"number": 2})
    with tools:
        assert tools.execute("times", {"number": 2}) == {"result": 4, "thread": threading.get_ident()}
        with pytest.raises(KaiError) as caught:
            tools.execute("times", {"number": "two"})
        assert caught.value.code == "tool:invalid_input"
        with pytest.raises(KaiError) as caught:
            tools.execute("fails", {"number": 1})
        assert caught.value.code == "tool:failed"
    assert ended == [True]
    with pytest.raises(KaiClosedError):
        tools.execute("times", {"number": 2})


def test_an_async_function_is_refused_when_it_is_given() -> None:
    """A program with a tool that nobody could call, or a policy that could only deny, does not start."""
    tools = Toolbox()

    async def later(number: int) -> int:
        return number

    with pytest.raises(
        TypeError, match=r"later\(\) is async: kai_client.Toolbox has such tools, kai_client.sync has not"
    ):
        tools.tool(later)
    with pytest.raises(TypeError, match=r"later\(\) is async: kai_client.Toolbox has such policies"):
        tools.approve("drop_bucket")(cast("Any", later))  # type checkers refuse it, too


def test_policies_of_a_toolbox(kai_server: KaiServer) -> None:
    """A typed policy of the toolbox decides about a tool of the backend."""
    tools, asked = Toolbox(), list[str]()

    @tools.approve("create_bucket")
    def create_bucket(call: ToolCall) -> bool:
        asked.append(call.tool_name)
        return True

    with KaiClient.from_storage_api(TOKEN, kai_server.url) as client:
        text = client.run(client.new_chat_id(), BUCKET, tools=tools).get_final_text()
    assert (text, asked) == ("I created the bucket `in.c-demo`.", ["create_bucket"])


BODY = b'data: {"type":"text-delta","id":"0","delta":"Hi"}\n\ndata: {"type":"finish"}\n\ndata: [DONE]\n\n'


def test_parsers_read_blocking_responses() -> None:
    """`parse_sse_stream` and `SSEStreamParser` take what has `iter_bytes`."""
    head = {"content-type": "text/event-stream"}
    assert [event.type for event in parse_sse_stream(httpx.Response(200, headers=head, content=BODY))] == [
        "text",
        "finish",
    ]
    parser = SSEStreamParser()
    assert list(parser.consume_stream(httpx.Response(200, headers=head, content=BODY), yield_events=False)) == []
    assert (parser.text, parser.finished) == ("Hi", True)
    with pytest.raises(KaiStreamError):
        list(parse_sse_stream(httpx.Response(200, html="<html>")))


def test_a_given_http_client_is_used_and_left_open(kai_server: KaiServer) -> None:
    """It stays the caller's to close."""
    with httpx.Client() as mine:
        with KaiClient.from_storage_api(TOKEN, kai_server.url, http_client=mine) as client:
            assert client.chat("Hi")[1]
        assert not mine.is_closed


def test_what_cannot_be_had_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no asyncio stack here, and no environment is an error when it is asked for."""
    wrong: Any = "asyncio"
    with pytest.raises(ValueError, match="httpx"):
        KaiClient(TOKEN, STORAGE, transport=wrong)
    for name in ("STORAGE_API_TOKEN", "STORAGE_API_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(KaiConfigError, match="STORAGE_API_TOKEN and STORAGE_API_URL"):
        KaiClient.from_env()


def test_closing_is_what_contextlib_closing_looks_for() -> None:
    """`close` twice is fine; a closed client stays closed."""
    client = KaiClient(TOKEN, STORAGE)
    client.close()
    client.close()
    with pytest.raises(KaiClosedError):
        client.ping()
    with pytest.raises(KaiClosedError):
        client.chat("Hi")
