"""What can break between a caller and Kai: each time one typed error, and never a hang or half an answer sold as whole."""

import asyncio
import json
import signal
import sys
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from nats.aio.msg import Msg
from nats_broker import Broker, running_broker
from services import CONTENT_TYPES, Answers, bare, finish, saying, served, service, text, thinking

from kai_client.events import SSEEvent, StartEvent
from kai_client.exceptions import (
    KaiBadRequestError,
    KaiClosedError,
    KaiConnectionError,
    KaiError,
    KaiForbiddenError,
    KaiRateLimitError,
    KaiServerError,
    KaiStreamError,
    KaiTimeoutError,
)
from kai_client.nats import NatsKai, kai_router
from kai_client.nats.client import ContentType
from kai_client.nats.door import Connection
from kai_client.server import ScriptedKai
from kai_client.transport import RetryPolicy

CHAT = str(uuid.uuid4())
SUBJECT = "svc.ai.llm.v1.infer"
SECRET = "123-456789-AbCdEfGhIjKlMnOpQrStUvWx"

Chunk = dict[str, Any]


def chunk(index: int, delta: str = "", **fields: Any) -> Chunk:
    """A chunk with a piece of text, or with what else is given."""
    event = {"type": "text-delta", "id": "0", "delta": delta}
    return {"index": index, "delta": delta, "is_final": False, **({"event": event} if delta else {}), **fields}


@asynccontextmanager
async def odd_service(url: str, answer: Callable[[Connection, str], Any]) -> AsyncGenerator[None]:
    """A service of another make, that answers as it likes."""
    connection = await bare(url)

    async def asked(message: Msg) -> None:
        await answer(connection, message.reply)

    await connection.subscribe(SUBJECT, cb=asked)
    await connection.flush()
    try:
        yield
    finally:
        await connection.close()


def sending(*messages: object) -> Callable[[Connection, str], Any]:
    """An answer of these messages, JSON or bytes."""

    async def answer(connection: Connection, inbox: str) -> None:
        for message in messages:
            data = message if isinstance(message, bytes) else json.dumps({"chunks": message}).encode()
            await connection.publish(inbox, data, "nobody.listens.here")

    return answer


async def test_no_broker() -> None:
    """Without a broker connecting fails in time, with no password in the error"""
    with pytest.raises(KaiConnectionError, match="connection:failed") as caught:
        await NatsKai.connect(f"nats://me:{SECRET}@127.0.0.1:1", connect_timeout=0.5)
    assert SECRET not in repr(caught.value) + str(caught.value)


async def test_no_service(broker: Broker) -> None:
    """Without a service each call fails at once and says so"""
    async with NatsKai.connect(broker.url) as kai:
        for call in (kai.chat("Hi"), kai.infer("Hi"), kai.ping(), kai.get_chat(CHAT)):
            with pytest.raises(KaiConnectionError, match="connection:no_service"):
                await call


async def test_a_killed_worker(broker: Broker) -> None:
    """A worker that is killed in the middle of an answer is noticed by its silence"""
    script = Path(__file__).with_name("worker_process.py")
    worker = await asyncio.create_subprocess_exec(sys.executable, script, broker.url, stdout=asyncio.subprocess.PIPE)
    assert worker.stdout is not None
    await worker.stdout.readline()
    async with NatsKai.connect(broker.url, silence=1.5) as kai, kai.send_message(CHAT, "Hi") as stream:
        await anext(stream)
        worker.send_signal(signal.SIGKILL)
        await worker.wait()
        with pytest.raises(KaiStreamError, match="stream:broken") as caught:
            await stream.get_final_text()
        assert caught.value.partial_text == "Hm"


async def test_a_stopped_worker(broker: Broker) -> None:
    """A worker that is stopped in good order says so to those whom it was answering"""
    async with NatsKai.connect(broker.url) as kai:
        async with service(broker.url, thinking()):
            stream = kai.send_message(CHAT, "Hi")
            await anext(stream)
            whole = asyncio.create_task(kai.infer("Hi"))
            await asyncio.sleep(0.2)
        with pytest.raises(KaiServerError, match="offline:service"):
            await stream.get_final_text()
        with pytest.raises(KaiServerError, match="offline:service"):
            await whole


@pytest.mark.parametrize("kill", [False, True])
async def test_a_broker_restart(broker: Broker, kill: bool) -> None:
    """A stream that a restart of the broker interrupts ends with a typed error; the next one is answered"""
    backend = saying("Hi", then=lambda: asyncio.sleep(1))
    async with served(broker.url, backend, silence=2.0) as kai:
        stream = kai.send_message(CHAT, "Hi")
        await anext(stream)
        await broker.restart(kill=kill)
        try:
            assert await stream.get_final_text() == "Hi"  # nothing was lost after all
        except KaiStreamError as error:
            assert error.code == "stream:broken"  # noqa: PT017 - either way
        async with asyncio.timeout(20):
            while True:
                try:
                    assert (await kai.chat("Again"))[1] == "Hi"
                except (KaiConnectionError, KaiTimeoutError, KaiStreamError):
                    await asyncio.sleep(0.1)  # the worker is still looking for its broker
                else:
                    break


ODD: list[tuple[list[object], str]] = [
    ([[chunk(0, "a"), chunk(2, "c")]], "stream:broken"),
    ([[chunk(0, "a")], [chunk(2, "", is_final=True)]], "stream:broken"),
    ([[chunk(1, "b")]], "stream:broken"),
    ([[chunk(0, "a")], [chunk(0, "a")]], "stream:out_of_order"),
    ([[chunk(0, "a"), chunk(1, "b")], [chunk(0, "a")]], "stream:out_of_order"),
    ([b"\x00"], "stream:malformed"),
    ([b"[1]"], "stream:malformed"),
    ([[{"index": 0}]], "stream:malformed"),
    ([[1]], "stream:malformed"),
    ([[chunk(0, "a")], b"{}"], "stream:malformed"),
    ([[chunk(0, "a")]], "stream:broken"),
    ([[]], "stream:broken"),
    ([[chunk(0, event=[1])]], "stream:malformed"),
    ([[chunk(0, is_final=True, error={"code": "x", "message": "no"})]], "x"),
    ([[chunk(0, is_final=True, error=7)]], "stream:malformed"),
]


@pytest.mark.parametrize(("messages", "code"), ODD)
async def test_an_odd_service(broker: Broker, messages: list[object], code: str) -> None:
    """Chunks that are lost, doubled, out of order, unreadable or do not end are each a typed error"""
    async with (
        odd_service(broker.url, sending(*messages)),
        NatsKai.connect(broker.url, silence=0.5) as kai,
    ):
        with pytest.raises(KaiError) as caught:
            await kai.chat("Hi")
        assert caught.value.code == code


async def test_a_silent_service(broker: Broker) -> None:
    """A service that takes a request and says nothing is a timeout, for a stream and for one reply"""
    async with (
        odd_service(broker.url, sending()),
        NatsKai.connect(broker.url, silence=0.5, stream_timeout=0.5) as kai,
    ):
        with pytest.raises(KaiTimeoutError, match="timeout:idle"):
            await kai.chat("Hi")
        with pytest.raises(KaiTimeoutError, match="timeout:idle"):
            await kai.infer("Hi")


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
async def test_what_the_broker_does_not_take(broker: Broker, content_type: ContentType) -> None:
    """An event, an answer or a question that is larger than the broker's limit is a typed error, and nothing else breaks"""
    large = "x" * (1024 * 1024)

    async def events(question: str) -> AsyncIterator[SSEEvent]:
        yield StartEvent(message_id="m")
        yield text("before")
        yield text(large if question == "large" else "small")
        yield finish()

    async with served(broker.url, Answers(events), content_type=content_type) as kai:
        with pytest.raises(KaiStreamError, match="stream:event_too_large") as caught:
            await kai.chat("large")
        assert caught.value.partial_text == "before"
        with pytest.raises(KaiError, match="response:too_large"):
            await kai.infer("large")
        with pytest.raises(KaiError, match="request:too_large"):
            await kai.chat(large)
        assert (await kai.chat("small"))[1] == "beforesmall"


async def test_a_request_that_is_none(broker: Broker) -> None:
    """What cannot be read is refused in words, with the field and without its value"""
    async with service(broker.url, saying("Hi")):
        caller = await bare(broker.url)
        for body, headers, cause in (
            (b"hello", {}, "it is not JSON"),
            (b'{"promt": "SECRET"}', {}, "promt"),
            (b'{"prompt": ""}', {}, "text"),
            (b'{"prompt": "Hi", "chat_id": "SECRET"}', {}, "id"),
            (b'{"prompt": "Hi"}', {"content-type": "text/plain"}, "content-type"),
            (b"\xff\xff", {"content-type": "application/x-protobuf"}, "not protobuf"),
            (b'{"prompt": "Hi"}', {"kai-deadline": "soon"}, "kai-deadline"),
        ):
            message = await caller.request(SUBJECT, body, 5, headers=headers or None)
            if headers.get("content-type") == "application/x-protobuf":
                assert b"not protobuf" in message.data
                continue
            error = json.loads(message.data)["error"]
            assert error["code"].startswith("bad_request:"), error
            assert cause in error["cause"]
            assert b"SECRET" not in message.data
        late = await caller.request(SUBJECT, b'{"prompt": "Hi"}', 5, headers={"kai-deadline": "1000"})
        assert json.loads(late.data)["error"]["code"] == "timeout:deadline"
        unknown = await caller.request(f"{SUBJECT}.explode", b"{}", 5)
        assert json.loads(unknown.data)["error"]["code"] == "not_found:api"
        await caller.close()


def failing(error: Exception) -> Answers:
    """A backend that fails before its first word."""

    async def events(question: str) -> AsyncIterator[SSEEvent]:
        if question:
            raise error
        yield finish()

    return Answers(events)


@pytest.mark.parametrize(
    "error",
    [
        KaiForbiddenError("Not yours", "forbidden:chat", status_code=403, request_id="r-7"),
        KaiRateLimitError("Enough", "rate_limit:chat", status_code=429, retry_after=3600.0),
        KaiTimeoutError("Nothing arrived in time", "timeout:idle"),
        KaiConnectionError("Cannot connect to Kai", "connection:failed"),
        KaiStreamError("The stream broke off", "stream:broken"),
        KaiBadRequestError("No", "bad_request:api", "message.id: wrong", status_code=400),
        KaiError("Odd", "my:own"),
        KaiError("Odder"),
    ],
)
async def test_an_error_is_what_it_was(broker: Broker, error: KaiError) -> None:
    """The worker's `KaiError` is raised at the caller: its class, code, message, status, waiting time and request id"""
    async with served(broker.url, failing(error), retry=RetryPolicy(attempts=1)) as kai:
        for call in (kai.chat("Hi"), kai.infer("Hi")):
            with pytest.raises(KaiError) as caught:
                await call
            raised = caught.value
            assert type(raised) is type(error)
            assert raised.message.startswith(error.message)
            assert (raised.code, raised.status_code) == (error.code or "error:service", error.status_code)
            assert raised.retry_after == error.retry_after
            assert raised.request_id == error.request_id or error.request_id is None


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
async def test_no_secret_crosses(broker: Broker, content_type: ContentType) -> None:
    """Not a byte that the service sends has a token, a traceback, a path or the `repr` of an exception in it"""
    errors = [
        RuntimeError(f"token {SECRET} in /home/me/app.py"),
        ValueError(SECRET),
        KaiError(f"They said {SECRET}", "x:y", f"Bearer {SECRET}"),
        KaiConnectionError("Cannot connect", "connection:failed", f"ConnectError: https://me:{SECRET}@host/"),
        KaiServerError(
            f"https://me:{SECRET}@host/ failed", f"offline:{SECRET}", SECRET, {"a": SECRET}, status_code=503
        ),
    ]
    seen = bytearray()
    spy = await bare(broker.url)

    async def overhear(message: Msg) -> None:
        seen.extend(message.data + repr(message.headers).encode())

    await spy.subscribe("_INBOX.>", cb=overhear)
    await spy.flush()
    for error in errors:
        error.__cause__ = OSError(f"inner {SECRET}")
        once = RetryPolicy(attempts=1)
        async with served(broker.url, failing(error), retry=once, content_type=content_type) as kai:
            for call in (kai.chat("Hi"), kai.infer("Hi")):
                with pytest.raises(KaiError):
                    await call
    await spy.flush()
    await spy.close()
    assert b"internal:api" in seen
    for trace in (
        SECRET.encode(),
        b"Traceback",
        b"Error('",
        b'Error("',
        b"/home/",
        b".py",
        b"RuntimeError",
        b"OSError",
    ):
        assert trace not in bytes(seen), trace


async def test_closing_the_client(broker: Broker) -> None:
    """Closing the client ends its open streams, and later calls are refused"""
    async with service(broker.url, thinking()):
        kai = await NatsKai.connect(broker.url)
        stream = kai.send_message(CHAT, "Hi")
        await anext(stream)
        reading = asyncio.create_task(stream.get_final_text())
        await asyncio.sleep(0.1)
        await kai.close()
        await kai.close()
        for call in (reading, kai.chat("Hi"), kai.ping(), kai.infer("Hi")):
            with pytest.raises(KaiClosedError):
                await call


async def test_ones_own_connection_stays_open(broker: Broker) -> None:
    """A connection that was given is the caller's to close"""
    connection = await bare(broker.url)
    async with service(broker.url, saying("Hi")):
        async with NatsKai(connection) as kai:
            assert (await kai.chat("Hi"))[1] == "Hi"
        assert not connection.is_closed
        await connection.close()


def test_another_loop(tmp_path: Path) -> None:
    """A client of another event loop is refused, not waited for"""
    del tmp_path
    kept: list[NatsKai] = []

    async def first() -> None:
        from nats_broker import running_broker  # noqa: PLC0415

        async with running_broker() as broker, served(broker.url, ScriptedKai()) as kai:
            await kai.ping()
            kept.append(kai)

    asyncio.run(first())

    async def second() -> None:
        with pytest.raises(KaiClosedError):
            await kept[0].ping()

    asyncio.run(second())


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
async def test_no_size_ends_a_connection(broker: Broker, content_type: ContentType) -> None:
    """Whatever the sizes of a question and of its answer, headers included, both sides go on afterwards"""
    limit = 1024 * 1024

    async def events(question: str) -> AsyncIterator[SSEEvent]:
        yield StartEvent(message_id="m")
        yield text("x" * int(question) if question.isdigit() else "small")
        yield finish()

    async with served(broker.url, Answers(events), content_type=content_type, timeout=5, stream_timeout=5) as kai:
        for less in (0, 60, 120, 180, 240, 300, 400):
            for call in (kai.infer("q" * (limit - less)), kai.infer(str(limit - less)), kai.chat("q" * (limit - less))):
                with pytest.raises(KaiError, match="too_large"):
                    await call
        assert (await kai.infer("Hello")).output == "small"


async def test_a_small_broker() -> None:
    """What is ready together travels in as many messages as the broker's limit makes necessary"""
    async with running_broker(max_payload=8192) as broker, served(broker.url, saying(*["Hello "] * 2000)) as kai:
        assert (await kai.chat("x"))[1] == "Hello " * 2000


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
async def test_an_error_always_fits(broker: Broker, content_type: ContentType) -> None:
    """An error with megabytes of text, or with half characters, arrives as what it is, in a stream, too"""
    for words in ("y" * 2_000_000, "half \ud800"):
        async with served(broker.url, failing(KaiError(words, "a:b")), content_type=content_type, silence=5) as kai:
            for call in (kai.chat("Hi"), kai.infer("Hi")):
                with pytest.raises(KaiError, match="a:b"):
                    await call


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
async def test_half_characters(broker: Broker, content_type: ContentType) -> None:
    """Half a surrogate pair in the question or in the answer is a question mark, in both encodings"""
    async with served(broker.url, saying("A\ud800"), content_type=content_type) as kai:
        assert (await kai.infer("Q\ud800")).output == "A?"
        assert (await kai.chat("Q\ud800"))[1].startswith("A")


@pytest.mark.parametrize("request_id", ["r" * 600_000, "\\ud800", "a\\r\\nkai-message: result", "a\\u0000b"])
async def test_a_request_id_is_no_weapon(broker: Broker, request_id: str) -> None:
    """What cannot be a header's value is refused as a request id; the service answers others as before"""
    connection = await bare(broker.url)
    async with served(broker.url, saying("Hi")) as kai:
        body = b'{"prompt": "x", "meta": {"request_id": "%s"}}' % request_id.encode()
        answer = json.loads((await connection.request("svc.ai.llm.v1.infer", body, 5)).data)
        assert answer["error"]["code"] == "bad_request:infer"
        assert answer["error"]["cause"].startswith("meta.request_id: ")
        assert (await kai.infer("x")).output == "Hi"
    await connection.close()


async def test_no_secret_is_logged(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    """The traceback of a bug is in the service's log, but not the token that its words had"""
    async with served(broker.url, failing(RuntimeError(f"with {SECRET}"))) as kai:
        with pytest.raises(KaiServerError):
            await kai.infer("Hi")
    assert "RuntimeError: with ***" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("subject", ["a b", "a.*", ">", "", "a..b", ".a", "a\r\nPUB x 0", "\ud800"])
async def test_what_is_no_subject(broker: Broker, subject: str) -> None:
    """A subject that nothing can be sent to is the caller's own mistake, and told as one"""
    with pytest.raises(ValueError, match="a subject is"):
        await NatsKai.connect(broker.url, subject=subject)
    with pytest.raises(ValueError, match="a subject is"):
        kai_router(ScriptedKai(), subject=subject)


@pytest.mark.parametrize("index", ['"0"', "null", "[]"])
async def test_a_chunk_without_a_number(broker: Broker, index: str) -> None:
    """A chunk that is not numbered cannot be read; an answer that says nothing of its kind is none"""
    connection = await bare(broker.url)

    async def odd(message: Msg) -> None:
        rest = '"delta": "", "is_final": false, "event": {"type": "x"}'
        await connection.publish(message.reply, f'{{"chunks": [{{"index": {index}, {rest}}}]}}'.encode())

    await connection.subscribe("odd", cb=odd)
    async with NatsKai.connect(broker.url, subject="odd") as kai:
        await connection.flush()
        with pytest.raises(KaiStreamError, match="stream:malformed"):
            await kai.chat("Hi")
        with pytest.raises(KaiError, match="response:invalid"):
            await kai.infer("Hi")
    await connection.close()
