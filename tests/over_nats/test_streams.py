"""A streamed answer over a real broker: whole, in order, its own, and stopped when nobody wants it."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from nats_broker import Broker
from services import CONTENT_TYPES, Answers, bare, echo, finish, saying, served, service, text, thinking

from kai_client.events import SSEEvent, StartEvent, TextEvent
from kai_client.exceptions import KaiStreamError, KaiTimeoutError
from kai_client.nats import NatsKai
from kai_client.nats.client import ContentType
from kai_client.nats.reading import WINDOW
from kai_client.transport import RetryPolicy

CHAT = str(uuid.uuid4())
SUBJECT = "svc.ai.llm.v1.infer"
both = pytest.mark.parametrize("content_type", CONTENT_TYPES)


@both
async def test_many_chunks(broker: Broker, content_type: ContentType) -> None:
    """20,000 chunks arrive in order, none is lost"""
    count = 20_000
    async with served(broker.url, saying(*(f"{n} " for n in range(count))), content_type=content_type) as kai:
        texts = [event.text async for event in kai.send_message(CHAT, "Count") if isinstance(event, TextEvent)]
    assert texts == [f"{n} " for n in range(count)]


@both
async def test_chats_never_mix(broker: Broker, content_type: ContentType) -> None:
    """200 chats at once on two replicas each get their own answer, and both replicas answer some"""
    replicas = echo(), echo()

    async def ask(kai: NatsKai, number: int) -> None:
        question = f"question {number} " * 5
        async with kai.send_message(kai.new_chat_id(), question) as stream:
            assert await stream.get_final_text() == question
            assert stream.message.id == f"m-{question}"

    async with (
        service(broker.url, replicas[0]),
        service(broker.url, replicas[1]),
        NatsKai.connect(broker.url, content_type=content_type) as kai,
    ):
        await asyncio.gather(*(ask(kai, number) for number in range(200)))
    assert replicas[0].asked + replicas[1].asked == 200
    assert min(replica.asked for replica in replicas) > 20


@both
async def test_unusual_text(broker: Broker, content_type: ContentType) -> None:
    """Line separators, quotes, emoji and frames of the event stream are text like any other"""
    said = ["\u2028\r\n\n", 'data: {"a":"b"}\n\n', "😀", "é\0", "[DONE]"]
    async with served(broker.url, saying(*said), content_type=content_type) as kai:
        assert (await kai.chat("Hi"))[1] == "".join(said)
        assert (await kai.infer("Hi")).output == "".join(said)


async def test_leaving_stops_the_worker(broker: Broker) -> None:
    """Closing the stream closes the backend's"""
    backend = thinking()
    async with served(broker.url, backend) as kai:
        async for event in kai.send_message(CHAT, "Hi"):
            if isinstance(event, TextEvent):
                break
        async with asyncio.timeout(5):
            await backend.closed.wait()


async def test_a_caller_that_vanishes_stops_the_worker(broker: Broker) -> None:
    """A caller that goes without a word is noticed, and its answer is stopped"""
    backend = thinking()
    async with service(broker.url, backend):
        caller = await bare(broker.url)
        arrived = asyncio.Event()

        async def take(_: Any) -> None:
            arrived.set()

        await caller.subscribe("my.inbox", cb=take)
        await caller.publish(SUBJECT, b'{"prompt": "Hi", "stream": true}', reply="my.inbox")
        await arrived.wait()
        await caller.close()
        async with asyncio.timeout(5):
            await backend.closed.wait()


async def test_the_contract_as_plain_json(broker: Broker) -> None:
    """Any NATS client can ask: heartbeats, numbered chunks with text and event, then the end with id, usage and reason"""
    async with service(broker.url, saying("Hel", "lo")):
        caller = await bare(broker.url)
        messages: asyncio.Queue[Any] = asyncio.Queue()
        await caller.subscribe("my.inbox", cb=messages.put)
        request = {"meta": {"request_id": "r-1"}, "chat_id": CHAT, "prompt": "Hi", "stream": True}
        await caller.publish(SUBJECT, json.dumps(request).encode(), reply="my.inbox")
        chunks: list[dict[str, Any]] = []
        while not chunks or not chunks[-1]["is_final"]:
            message = await messages.get()
            assert message.headers["content-type"] == "application/json"
            chunks += json.loads(message.data)["chunks"]
        await caller.close()
    assert [chunk["index"] for chunk in chunks] == [0, 1, 2, 3, 4]
    assert [chunk["delta"] for chunk in chunks] == ["", "Hel", "lo", "", ""]
    assert chunks[1]["event"] == {"type": "text-delta", "id": "0", "delta": "Hel"}
    end = {"generation_id": "the-message", "chat_id": CHAT, "finish_reason": "stop"}
    assert chunks[-1] == {"index": 4, "delta": "", "is_final": True, **end}


async def test_anybody_may_cancel(broker: Broker) -> None:
    """A cancel message to the control subject, which every chunk names, ends the stream with an error that says so"""
    backend = thinking()
    async with service(broker.url, backend):
        caller = await bare(broker.url)
        messages: asyncio.Queue[Any] = asyncio.Queue()
        await caller.subscribe("my.inbox", cb=messages.put)
        await caller.publish(SUBJECT, b'{"prompt": "Hi", "stream": true}', reply="my.inbox")
        message = await messages.get()
        await caller.publish(message.reply, b'{"cancel": true}')
        while not (chunks := json.loads(message.data)["chunks"]) or not chunks[-1]["is_final"]:
            message = await messages.get()
        await caller.close()
    assert chunks[-1]["error"]["code"] == "stream:cancelled"
    assert backend.closed.is_set()


async def test_a_thinking_model_is_no_dead_one(broker: Broker) -> None:
    """Heartbeats keep a silent stream alive for longer than a service may be silent"""
    backend = saying("Hm", then=lambda: asyncio.sleep(2.5))
    async with served(broker.url, backend, silence=1.0) as kai:
        assert (await kai.chat("Hi"))[1] == "Hm"


async def test_a_slow_reader_holds_the_backend_back(broker: Broker) -> None:
    """Who reads slowly loses nothing, and the backend waits: no more than the window is on its way"""
    piece = "x" * 10_000
    made = 0

    async def events(question: str) -> AsyncIterator[SSEEvent]:
        nonlocal made
        del question
        yield StartEvent(message_id="m")
        for number in range(2000):
            made = number
            yield text(piece)
        yield finish()

    async with served(broker.url, Answers(events)) as kai, kai.send_message(CHAT, "Hi") as stream:
        await anext(stream)
        before = -1
        while before != made:  # until it stands still
            before = made
            await asyncio.sleep(0.5)
        assert made * len(piece) < 3 * WINDOW
        assert len(await stream.get_final_text()) == 2000 * len(piece)


async def test_a_deadline(broker: Broker) -> None:
    """The total time of a stream is known to the service, too: it stops the backend"""
    backend = thinking()
    async with served(broker.url, backend, silence=60) as kai:
        limited = kai.run(CHAT, "Hi", total=0.5)
        with pytest.raises(KaiTimeoutError) as caught:
            await limited.get_final_text()
        assert caught.value.partial_text == "Hm"
        async with asyncio.timeout(5):
            await backend.closed.wait()
        with pytest.raises(KaiTimeoutError, match=r"timeout:(deadline|idle)"):
            await kai.with_options(stream_timeout=0.5).infer("Hi")


async def test_more_than_the_workers(broker: Broker) -> None:
    """What waits for a worker is answered in its turn and meanwhile told that the service lives; too much is refused"""
    go = asyncio.Event()
    backend = saying("Hi", then=go.wait)
    async with (
        service(broker.url, backend, max_workers=2, max_waiting=2),
        NatsKai.connect(broker.url, silence=1.0, retry=RetryPolicy(attempts=1)) as kai,
    ):
        asking = [asyncio.create_task(kai.chat("Hi")) for _ in range(5)]
        done, waiting = await asyncio.wait(asking, timeout=2.0)
        assert backend.open == 2
        assert [type(task.exception()).__name__ for task in done] == ["KaiRateLimitError"]
        go.set()
        assert [(await task)[1] for task in waiting] == ["Hi"] * 4


async def test_an_answer_without_an_end(broker: Broker) -> None:
    """An iterator that ends is a whole answer, as it is for the HTTP server; one that fails is not"""

    async def fails() -> None:
        raise KaiStreamError("The answer broke off", "stream:incomplete")

    async with served(broker.url, saying("Hi", end=False)) as kai:
        assert (await kai.chat("Hi"))[1] == "Hi"
    async with served(broker.url, saying("Hi", then=fails)) as kai:
        with pytest.raises(KaiStreamError, match="stream:incomplete") as caught:
            await kai.chat("Hi")
        assert caught.value.partial_text == "Hi"
        with pytest.raises(KaiStreamError, match="stream:incomplete") as caught:
            await kai.infer("Hi")
        assert caught.value.partial_text == "Hi"
