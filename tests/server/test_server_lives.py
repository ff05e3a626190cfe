"""How a server lives: starting, serving in a loop that does other things, resuming, ending without a trace."""

import asyncio
import signal
import socket
import threading
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, suppress
from typing import Any

import httpx
import pytest
from local_api import Api, chunks_of, error_of, local_api, new_id, only, text_of, types_of, until, user_of
from starlette.types import Receive, Scope, Send

from kai_client.events import SSEEvent, StartEvent, TextDeltaEvent
from kai_client.exceptions import KaiConnectionError, KaiError, KaiForbiddenError, KaiStreamError
from kai_client.models import ApprovalResponse
from kai_client.server import Question, ScriptedKai, ask, kai_app, pause, say, serve
from kai_client.server.faults import Mode


async def test_open_streams_do_not_keep_it_alive() -> None:
    """Leaving `serve` ends streams that wait or stall, and leaves no task behind"""
    before = asyncio.all_tasks()
    kai = ScriptedKai([[ask("w")], [pause(60)], "x"])
    app = kai_app(kai)

    async def read(api: Api, begun: asyncio.Event) -> str:
        async with api.http.stream("POST", "/api/chat", json=api.body(new_id(), "go")) as response:
            try:
                async for _ in response.aiter_raw():
                    begun.set()
            except httpx.RemoteProtocolError:
                return "cut"
        return "whole"

    async with asyncio.timeout(10), AsyncExitStack() as server:
        url = await server.enter_async_context(serve(app))
        async with user_of(url, app, "t") as api:
            app.next_stream()
            app.next_stream()
            app.next_stream(stall_after=1)
            readers: list[asyncio.Task[str]] = []
            for _ in range(3):
                begun = asyncio.Event()
                readers.append(asyncio.create_task(read(api, begun)))
                await begun.wait()
            await until(lambda: len(kai.approvals) == 1)
            await server.aclose()
            assert await asyncio.gather(*readers) == ["cut"] * 3
    assert len(kai.approvals) == 0
    await until(lambda: asyncio.all_tasks() <= before)


async def test_running_answers_do_not_keep_it_alive() -> None:
    """An assistant's answer that goes on without its reader ends with the server; what it said is kept"""
    before = asyncio.all_tasks()
    chat_id, kai = new_id(), ScriptedKai([[say("So"), pause(60)]])
    async with asyncio.timeout(10), local_api(kai, mode="assistant") as api:
        async with api.stream(api.body(chat_id, "go")) as chunks:
            await anext(chunks)
        assert list(kai.running) == [chat_id]
    assert not kai.running
    await until(lambda: asyncio.all_tasks() <= before)
    assert [message.text for message in kai.store.messages(chat_id)] == ["go", "So"]


async def test_idle_connections_do_not_keep_it_alive() -> None:
    """A keep-alive connection that nobody uses is closed"""
    async with asyncio.timeout(3), httpx.AsyncClient() as http, serve(kai_app(ScriptedKai())) as url:
        await http.get(f"{url}/ping")


@pytest.mark.parametrize("rounds", range(6))
async def test_who_comes_at_the_last_moment_is_not_left_hanging(rounds: int) -> None:
    """A connection that is accepted while the server is told to stop is closed like the others."""
    with socket.socket() as late:
        late.settimeout(5)
        async with serve(kai_app(ScriptedKai())) as url:
            late.connect(("127.0.0.1", int(url.rsplit(":", 1)[1])))
            for _ in range(rounds):
                await asyncio.sleep(0)
        with suppress(ConnectionResetError):  # it was never accepted
            assert late.recv(1) == b""


async def _endless(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers /ping, and everything else for ever."""
    if scope["type"] == "lifespan":
        for _ in ("startup", "shutdown"):
            await send({"type": f"{(await receive())['type']}.complete"})
        return
    ends = scope["path"] == "/ping"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")] if ends else []})
    while True:
        await send({"type": "http.response.body", "body": b"x", "more_body": not ends})
        if ends:
            return
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("rounds", range(5))
@pytest.mark.parametrize("kept", [False, True], ids=["new", "kept"])
async def test_who_asks_at_the_last_moment_does_not_keep_it_alive(
    kept: bool, rounds: int, caplog: pytest.LogCaptureFixture
) -> None:
    """An answer that begins while the server is told to stop ends at once, not when uvicorn has lost its patience."""
    with socket.socket() as late:
        late.settimeout(5)
        async with serve(_endless) as url:
            late.connect(("127.0.0.1", int(url.rsplit(":", 1)[1])))
            if kept:
                late.send(b"GET /ping HTTP/1.1\r\nhost: x\r\n\r\n")
                assert (await asyncio.to_thread(late.recv, 1000)).startswith(b"HTTP/1.1 200")
            late.send(b"GET /endless HTTP/1.1\r\nhost: x\r\n\r\n")
            for _ in range(rounds):
                await asyncio.sleep(0)
        with suppress(ConnectionResetError):
            while late.recv(1000):
                pass
    assert [record.getMessage() for record in caplog.records] == []


async def test_the_port_is_free_again() -> None:
    """A second server can take the port of the first one"""
    async with serve(kai_app(ScriptedKai())) as url:
        port = int(url.rsplit(":", 1)[1])
        assert url == f"http://127.0.0.1:{port}"
        with pytest.raises(OSError, match=str(port)):
            async with serve(kai_app(ScriptedKai()), port=port):
                pass
    async with serve(kai_app(ScriptedKai()), port=port) as again:
        assert again == url


async def test_signals_stay_the_programs() -> None:
    """No signal handler is installed"""
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    async with serve(kai_app(ScriptedKai())):
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers


async def test_ipv6_has_a_url_too() -> None:
    """An IPv6 address is bracketed"""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    async with serve(kai_app(ScriptedKai()), host="::1") as url, httpx.AsyncClient() as http:
        assert url.startswith("http://[::1]:")
        assert (await http.get(f"{url}/ping")).status_code == 200


async def test_a_start_that_fails_raises(caplog: pytest.LogCaptureFixture) -> None:
    """An app that does not start is an exception, not a hang"""

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no"})

    with pytest.raises(RuntimeError, match="did not start"):
        async with serve(broken):
            pass


def echo(question: Question) -> str:
    """A turn that repeats the message."""
    return f"You said {question.text}"


async def test_many_chats_at_once_do_not_mix() -> None:
    """Fifty chats in parallel each get their own answer"""
    kai = ScriptedKai([echo] * 50, pace=0.001)
    async with local_api(kai) as api:
        texts = await asyncio.gather(*(api.send(new_id(), f"number {n}") for n in range(50)))
        assert [text_of(chunks) for chunks in texts] == [f"You said number {n}" for n in range(50)]
        history = (await api.http.get("/api/history", params={"limit": 100})).json()["chats"]
    assert len(history) == 50


async def test_nothing_to_resume_is_204() -> None:
    """Where no answer is being written: 204; where there is no chat: 404; a foreign one: 403"""
    chat_id = new_id()
    async with local_api(mode="assistant") as api:
        await api.send(chat_id, "hello")
        response = await api.http.get(f"/api/chat/{chat_id}/stream")
        assert (response.status_code, response.content) == (204, b"")
        response = await api.http.get(f"/api/chat/{new_id()}/stream")
        assert (response.status_code, error_of(response, "assistant")[0]) == (404, "not_found:chat")
        async with user_of(str(api.http.base_url), api.app, "another") as other:
            response = await other.http.get(f"/api/chat/{chat_id}/stream")
            assert (response.status_code, error_of(response, "assistant")[0]) == (403, "forbidden:chat")


async def test_a_running_answer_is_replayed_then_live() -> None:
    """After its reader left, the assistant's answer goes on; who resumes gets it from the first event to the last"""
    chat_id = new_id()
    words = " ".join(f"word{n}" for n in range(40))
    async with local_api(ScriptedKai([words], pace=0.01), mode="assistant") as api:
        async with api.stream(api.body(chat_id, "go")) as chunks:
            first = await anext(chunks)
        response = await api.http.get(f"/api/chat/{chat_id}/stream")
        assert response.status_code == 200
        resumed = chunks_of(response.text)
        assert resumed[0] == first
        assert (text_of(resumed), types_of(resumed)[-1]) == (words, "finish")
        assert (await api.messages(chat_id))[-1]["parts"][-1]["text"] == words


async def test_deleting_a_chat_stops_its_answer() -> None:
    """An assistant's running answer ends with its chat"""
    chat_id = new_id()
    kai = ScriptedKai([[say("So"), pause(60)]])
    async with local_api(kai, mode="assistant") as api, asyncio.timeout(5):
        async with api.stream(api.body(chat_id, "go")) as chunks:
            await anext(chunks)
            assert (await api.http.delete("/api/chat", params={"id": chat_id})).status_code == 200
            assert [chunk async for chunk in chunks][-1]["type"] == "text-end"
        assert not kai.running
        assert (await api.http.get(f"/api/chat/{chat_id}")).status_code == 404


class Bare:
    """A `ChatBackend` that has nothing but `send_message`, and fails where it is told to."""

    def __init__(self, *, before: Exception | None = None, after: Exception | None = None) -> None:
        self.before, self.after = before, after
        self.closed = 0
        self.options: dict[str, Any] = {}

    async def send_message(self, chat_id: str, text: str, **options: Any) -> AsyncGenerator[SSEEvent]:
        """Repeat the message."""
        self.options = options
        try:
            if self.before is not None:
                raise self.before
            yield StartEvent()
            yield TextDeltaEvent(id="0", text=f"echo {text}")
            if text == "wait":
                await asyncio.Event().wait()
            if self.after is not None:
                raise self.after
        finally:
            self.closed += 1


async def test_a_bare_backend_gets_everything_else() -> None:
    """With `send_message` alone, chats, votes, settings and usage are kept for the backend"""
    chat_id = new_id()
    app = kai_app(Bare())
    async with serve(app) as url, user_of(url, app, "t") as api:
        assert text_of(await api.send(chat_id, "hi", branchId=3)) == "echo hi"
        messages = await api.messages(chat_id)
        assert messages[-1]["parts"] == [{"type": "text", "text": "echo hi", "state": "streaming"}]
        vote = {"chatId": chat_id, "messageId": messages[-1]["id"], "type": "up"}
        assert (await api.http.patch("/api/vote", json=vote)).status_code == 200
        assert (await api.http.get("/api/usage")).json()["messagesUsed"] == 1
        assert (await api.http.get("/api/history")).json()["chats"][0]["title"] == "hi"
        assert (await api.decide(chat_id, "c", True)).status_code == 404


class Deciding(Bare):
    """A bare backend that also takes decisions."""

    async def submit_approval(self, chat_id: str, tool_use_id: str, approved: bool, **_: Any) -> ApprovalResponse:
        """Agree."""
        return ApprovalResponse(success=True, tool_use_id=tool_use_id, approved=approved)


async def test_a_bare_backend_may_take_decisions() -> None:
    """A backend with `submit_approval` gets the decisions of its own chats, and of no others"""
    chat_id = new_id()
    app = kai_app(Deciding())
    async with serve(app) as url, user_of(url, app, "t") as api, user_of(url, app, "other") as other:
        await api.send(chat_id, "hi")
        assert (await api.decide(chat_id, "c", False)).json() == {
            "success": True,
            "toolUseId": "c",
            "approved": False,
        }
        assert (await other.decide(chat_id, "c", True)).status_code == 403
        assert (await api.decide(new_id(), "c", True)).status_code == 404


@pytest.mark.parametrize(
    ("error", "status", "code", "message"),
    [
        (
            KaiForbiddenError("No Kai here", "forbidden:chat", "KAI-1", status_code=403),
            403,
            "forbidden:chat",
            "No Kai here",
        ),
        (KaiError("Odd", "http:418", status_code=418), 418, "internal:chat", "Odd"),
        (KaiConnectionError("connect to http://internal:1 failed"), 503, "offline:chat", "Kai cannot be reached"),
        (KaiStreamError("bad frame b'x'"), 502, "bad_response:chat", "broke off"),
        (RuntimeError("secret"), 500, "internal:api", "The server failed"),
    ],
)
async def test_errors_before_the_first_event_have_their_status(
    error: Exception, status: int, code: str, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A backend's error becomes the body of the mode with its true status; foreign ones show nothing of themselves"""
    modes: list[Mode] = ["agent", "assistant"]
    for mode in modes:
        app = kai_app(Bare(before=error), mode=mode)
        async with serve(app) as url, user_of(url, app, "t") as api:
            response = await api.http.post("/api/chat", json=api.body(new_id(), "go"))
        found = error_of(response, mode)
        assert (response.status_code, found[0]) == (status, code)
        assert message in found[1]
        for hidden in ("internal:1", "secret", "Traceback", "RuntimeError", "b'x'"):
            assert hidden not in response.text


@pytest.mark.parametrize(
    "error", [KaiForbiddenError("Gone", "forbidden:chat", status_code=403), RuntimeError("secret")]
)
async def test_errors_after_the_first_event_are_chunks(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """Once the head is out, an error is the last chunk"""
    app = kai_app(Bare(after=error))
    async with serve(app) as url, user_of(url, app, "t") as api:
        chunk = only(await api.send(new_id(), "go"), "error")
    assert chunk["errorText"] == (
        "Gone" if isinstance(error, KaiError) else "The server failed to answer this request."
    )


async def test_the_backend_is_closed_when_the_client_leaves() -> None:
    """A client that goes away closes the backend's iterator"""
    backend = Bare()
    app = kai_app(backend)
    async with serve(app) as url, user_of(url, app, "t") as api:
        async with api.stream(api.body(new_id(), "wait")) as chunks:
            await anext(chunks)
        await until(lambda: backend.closed == 1)


def test_it_runs_in_any_thread() -> None:
    """A server runs in a thread of its own, off the main one"""
    found: list[int] = []

    async def ask_once() -> None:
        async with serve(kai_app(ScriptedKai())) as url, httpx.AsyncClient() as http:
            found.append((await http.get(f"{url}/ping")).status_code)

    thread = threading.Thread(target=lambda: asyncio.run(ask_once()))
    thread.start()
    thread.join(10)
    assert found == [200]
