"""The same idempotency key twice reaches Kai once."""

import asyncio

import pytest
from nats_broker import Broker, running_broker
from services import echo, saying, served, service

from kai_client.exceptions import KaiError, KaiRateLimitError, KaiServerError, KaiStreamError, KaiTimeoutError
from kai_client.nats import NatsKai
from kai_client.nats.messages import InferReply
from kai_client.transport import RetryPolicy


async def test_the_second_has_the_first_ones_answer(broker: Broker) -> None:
    """A request that was answered is not asked again, whichever replica it comes to: the answer is the same, ids included"""
    replicas = echo(), echo()
    async with (
        service(broker.url, replicas[0]),
        service(broker.url, replicas[1]),
        NatsKai.connect(broker.url) as kai,
    ):
        once = kai.with_meta(idempotency_key="order-7")
        replies = [await once.infer("Hello") for _ in range(6)]
        assert replies[0].output == "Hello"
        assert replies == [replies[0]] * 6
        assert replicas[0].asked + replicas[1].asked == 1
        assert (await kai.with_meta(idempotency_key="order-8").infer("Hello")).output == "Hello"
        assert replicas[0].asked + replicas[1].asked == 2


async def test_both_at_once(broker: Broker) -> None:
    """Of two at the same time one asks, the other is told that it is being answered"""
    go = asyncio.Event()
    backend = saying("Hi", then=go.wait)
    async with served(broker.url, backend) as kai:
        once = kai.with_meta(idempotency_key="k")
        first, second = asyncio.create_task(once.infer("Hello")), asyncio.create_task(once.infer("Hello"))
        done, waiting = await asyncio.wait([first, second], return_when=asyncio.FIRST_COMPLETED)
        with pytest.raises(KaiError, match="conflict:idempotency") as caught:
            await done.pop()
        assert (caught.value.status_code, caught.value.retry_after) == (409, 1.0)
        go.set()
        assert (await waiting.pop()).output == "Hi"
        assert backend.asked == 1


async def test_a_stream_counts_too(broker: Broker) -> None:
    """What a stream has answered is not asked again; who asks without stream has the answer"""
    backend = saying("Hi")
    async with served(broker.url, backend) as kai:
        once = kai.with_meta(idempotency_key="k")
        chat_id = kai.new_chat_id()
        assert (await once.chat("Hello", chat_id=chat_id))[1] == "Hi"
        with pytest.raises(KaiError, match="conflict:idempotency"):
            await once.chat("Hello", chat_id=chat_id)
        with pytest.raises(KaiError, match="conflict:idempotency"):
            await once.infer("Another question", chat_id=chat_id)
        assert backend.asked == 1


async def test_users_have_keys_of_their_own(broker: Broker) -> None:
    """The key of one user says nothing about another's"""
    backend = echo()
    async with served(broker.url, backend) as kai:
        assert (await kai.with_meta(idempotency_key="k", user="ann").infer("one")).output == "one"
        assert (await kai.with_meta(idempotency_key="k", user="bob").infer("two")).output == "two"


async def test_what_never_reached_kai_may_be_asked_again(broker: Broker) -> None:
    """A refusal frees the key; an answer that broke off does not"""
    errors: list[KaiError] = [
        KaiStreamError("broke", "stream:broken"),
        KaiRateLimitError("full", "rate_limit:chat", status_code=429),
    ]

    async def fails() -> None:
        if errors:
            raise errors.pop()

    backend = saying("Hi", then=fails)
    async with served(broker.url, backend, retry=RetryPolicy(attempts=1)) as kai:
        first = kai.with_meta(idempotency_key="a")
        with pytest.raises(KaiRateLimitError):
            await first.infer("Hello")
        with pytest.raises(KaiStreamError):
            await first.infer("Hello")
        with pytest.raises(KaiStreamError):
            await first.infer("Hello")
        assert backend.asked == 2


async def test_without_jetstream() -> None:
    """A broker that keeps no keys refuses requests with one: a key is never ignored"""
    backend = saying("Hi")
    async with running_broker(jetstream=False) as broker, served(broker.url, backend) as kai:
        with pytest.raises(KaiServerError, match="offline:idempotency"):
            await kai.with_meta(idempotency_key="k").infer("Hello")
        assert (await kai.infer("Hello")).output == "Hi"
        assert backend.asked == 1


async def test_what_waited_in_vain_may_be_asked_again(broker: Broker) -> None:
    """A request whose time was over before its turn came has never reached Kai: the key is free"""
    go = asyncio.Event()
    backend = saying("Hi", then=go.wait)
    async with service(broker.url, backend, max_workers=1), NatsKai.connect(broker.url) as kai:
        first = asyncio.create_task(kai.infer("Hello"))
        async with asyncio.timeout(10):
            while not backend.asked:  # noqa: ASYNC110 - the backend tells nobody
                await asyncio.sleep(0.01)
        once = kai.with_meta(idempotency_key="k")
        with pytest.raises(KaiTimeoutError):
            await once.with_options(stream_timeout=0.3).infer("Hello")
        go.set()
        await first
        assert (await answered(once)).output == "Hi"


async def answered(kai: NatsKai) -> InferReply:
    """The reply, once nobody else has the key."""
    async with asyncio.timeout(10):
        while True:
            try:
                return await kai.infer("Hello")
            except KaiError as error:
                if error.code != "conflict:idempotency":
                    raise
                await asyncio.sleep(0.05)


async def test_an_answer_too_large_to_be_kept(broker: Broker) -> None:
    """Who repeats a request whose answer is larger than the broker's limit is told so, not that it is being answered"""
    backend = saying("x" * 300_000, "x" * 300_000, "x" * 300_000, "x" * 300_000)
    async with served(broker.url, backend) as kai:
        once = kai.with_meta(idempotency_key="k")
        for _ in range(2):
            with pytest.raises(KaiError, match="response:too_large"):
                await once.infer("Hello")
        assert backend.asked == 1
