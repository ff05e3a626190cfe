"""Worker nodes: what fails is tried again, or reported once."""

import asyncio
import json
import logging
import time
from collections.abc import Callable
from typing import Any

import pytest
from nats_broker import Broker
from node_runs import IN, OUT, desk_at, echo, running, settings_for, until

from kai_client import (
    KaiAuthenticationError,
    KaiBadRequestError,
    KaiConnectionError,
    KaiError,
    KaiForbiddenError,
    KaiNotFoundError,
    KaiRateLimitError,
    KaiTimeoutError,
)
from kai_client.nats.node import Answer, Job, JobContext, JobFault

TOKEN = "123-456-abcdefghijklmnopqrstuvwxyz"


class Failing:
    """A handler that raises what it is given, in turn, and answers after that."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.times: list[float] = []

    async def __call__(self, ctx: JobContext[Any], job: Job) -> Answer:
        """Do the job, or not."""
        self.times.append(time.monotonic())
        if self.errors:
            raise self.errors.pop(0)
        return await echo(ctx, job)


@pytest.mark.parametrize(
    "error",
    [
        KaiRateLimitError("Later", "rate_limit:chat", status_code=429),
        KaiTimeoutError("Slow", "timeout:idle"),
        KaiConnectionError("Gone", "connection:failed"),
        KaiAuthenticationError("Who?", "unauthorized:chat"),
        ZeroDivisionError(),
        TimeoutError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_may_pass_is_tried_again(broker: Broker, error: Exception) -> None:
    """Two failed attempts, and then the answer; nothing is reported."""
    failing = Failing(error, error)
    async with desk_at(broker) as desk, running(failing, settings_for(broker)):
        await desk.hand_in(Job(id="a", text="x"))
        await desk.until_count(1)
        await desk.until_count(0, "kai_jobs")
        assert ([answer.id for answer in await desk.answers()], len(failing.times)) == (["a"], 3)


async def test_the_pause_is_the_one_that_the_service_names(broker: Broker) -> None:
    """After a 429 with Retry-After the job is not delivered before that time; other jobs are."""
    failing = Failing(KaiRateLimitError("Later", "rate_limit:chat", status_code=429, retry_after=1.0))
    async with desk_at(broker) as desk, running(failing, settings_for(broker)):
        await desk.hand_in(Job(id="a", text="x"))
        await until(lambda: failing.times)
        await desk.hand_in(Job(id="b", text="x"))
        await desk.until_count(2)
        ids = [answer.id for answer in await desk.answers()]
    assert ids == ["b", "a"]
    assert failing.times[-1] - failing.times[0] >= 1.0


async def test_to_be_told_when_to_come_back_is_no_attempt(broker: Broker) -> None:
    """Refusals with a Retry-After do not use up the attempts: after more of them than there are attempts, it is answered."""
    later = KaiRateLimitError("Later", "rate_limit:chat", status_code=429, retry_after=0.05)
    failing = Failing(*[later] * 6, KaiTimeoutError("Slow", "timeout:idle"))
    async with desk_at(broker) as desk, running(failing, settings_for(broker, deliveries=2)):
        await desk.hand_in(Job(id="a", text="x"))
        await desk.until_count(1)
        assert ([answer.id for answer in await desk.answers()], len(failing.times)) == (["a"], 8)


async def test_a_rate_limit_without_a_time_is_no_hurry(broker: Broker) -> None:
    """Where a 429 does not say how long to wait, the pause is a longer one than after other failures."""
    failing = Failing(KaiRateLimitError("Later", "rate_limit:chat", status_code=429))
    async with desk_at(broker) as desk, running(failing, settings_for(broker, quota_pause=1)):
        await desk.hand_in(Job(id="a", text="x"))
        await desk.until_count(1)
    assert failing.times[-1] - failing.times[0] >= 1.0


@pytest.mark.parametrize(
    "error",
    [
        KaiBadRequestError("No such branch", "bad_request:api", status_code=400),
        KaiForbiddenError("Not yours", "forbidden:chat", status_code=403),
        KaiNotFoundError("No chat", "not_found:chat", status_code=404),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_never_passes_is_reported_at_once(broker: Broker, error: KaiError) -> None:
    """One attempt, one record on the error subject with the error and the job; the queue is empty."""
    failing = Failing(error)
    job = Job(id="a", text="x", labels={"team": "y"})
    async with desk_at(broker) as desk, running(failing, settings_for(broker)):
        await desk.hand_in(job)
        await desk.until_count(1)
        await desk.until_count(0, "kai_jobs")
        (fault,) = await desk.faults()
    assert (fault.id, fault.attempts, len(failing.times)) == ("a", 1, 1)
    assert (fault.error.code, fault.error.message, fault.error.status_code) == (
        error.code,
        error.message,
        error.status_code,
    )
    assert Job.model_validate(fault.job) == job
    assert type(fault.error.to_error()) is type(error)


POISON: dict[str, bytes] = {
    "no JSON": b"\xff\xfe{",
    "no object": b"[1, 2]",
    "no text": b'{"id": "a"}',
    "empty text": b'{"id": "a", "text": ""}',
    "bad id": b'{"id": "a b", "text": "x"}',
    "deep": b"[" * 100_000,
    "half a character": b'{"id": "a", "text": "\\ud800"}',
    "half a character beside": b'{"id": "a", "note": "\\ud800"}',
    "deep meta": b'{"id": "a", "text": "x", "meta": {"a": ' + b"[" * 900 + b"]" * 900 + b"}}",
    "nothing": b"",
}


@pytest.mark.parametrize("body", POISON.values(), ids=POISON.keys())
async def test_poison_lands_once_on_the_error_subject(broker: Broker, body: bytes) -> None:
    """What is no job never reaches the handler; it is reported once, and the jobs behind it are done."""
    failing = Failing()
    async with desk_at(broker) as desk, running(failing, settings_for(broker, ack_wait=0.5)):
        await desk.hand_in(body, Job(id="good", text="x"))
        await desk.until_count(2)
        await desk.until_count(0, "kai_jobs")
        (fault,), answers = await desk.faults(), await desk.answers()
    assert (fault.error.code, fault.attempts) == ("bad_request:job", 1)
    assert ([answer.id for answer in answers], len(failing.times)) == (["good"], 1)


async def test_too_many_attempts_are_reported_once(broker: Broker) -> None:
    """A job whose attempts all fail is reported after the last of them, with their number."""
    failing = Failing(*[KaiTimeoutError("Slow", "timeout:idle")] * 9)
    async with desk_at(broker) as desk, running(failing, settings_for(broker, deliveries=3)):
        await desk.hand_in(Job(id="a", text="x"))
        await desk.until_count(1)
        await desk.until_count(0, "kai_jobs")
        (fault,) = await desk.faults()
    assert (fault.attempts, fault.error.code, len(failing.times)) == (3, "timeout:idle", 3)


async def test_a_job_that_kills_its_workers_is_reported(broker: Broker) -> None:
    """Deliveries that nobody came back from count, too: the job is not tried again for ever."""
    async with desk_at(broker) as desk:
        async with running(echo, settings_for(broker, ack_wait=0.2)):
            pass  # streams and consumer
        await desk.hand_in(Job(id="a", text="x"))
        consumer = await desk.jetstream.pull_subscribe_bind("kai_jobs", stream="kai_jobs")
        for _ in range(2):
            await consumer.fetch(1, timeout=10)  # and dies
        failing = Failing()
        async with running(failing, settings_for(broker, deliveries=2, ack_wait=0.2)):
            await desk.until_count(1)
            (fault,) = await desk.faults()
    assert (fault.error.code, fault.attempts, failing.times) == ("node:deliveries", 3, [])


async def test_a_long_job_is_delivered_once(broker: Broker) -> None:
    """A job that takes 36 times the ack-wait, as 3 minutes are to 5 s, stays with its worker, though another one is free."""
    began: list[str] = []

    async def slow(ctx: JobContext[Any], job: Job) -> Answer:
        began.append(job.id)
        await asyncio.sleep(14.4)
        return await echo(ctx, job)

    settings = settings_for(broker, ack_wait=0.4)
    async with desk_at(broker) as desk, running(slow, settings), running(slow, settings):
        await desk.hand_in(Job(id="a", text="x"))
        await desk.until_count(1)
        await desk.until_count(0, "kai_jobs")
    assert began == ["a"]


async def test_a_job_that_takes_too_long_is_ended(broker: Broker) -> None:
    """A handler that never returns is cancelled after the job's time, and the job is tried again."""
    stuck = 0

    async def handler(ctx: JobContext[Any], job: Job) -> Answer:
        nonlocal stuck
        if ctx.attempt == 1:
            try:
                await asyncio.Event().wait()
            finally:
                stuck += 1
        return await echo(ctx, job)

    async with desk_at(broker) as desk, running(handler, settings_for(broker, job_timeout=0.2)):
        await desk.hand_in(Job(id="a", text="x"))
        await desk.until_count(1)
    assert stuck == 1


async def test_a_job_is_not_acknowledged_before_its_answer_is_kept(broker: Broker) -> None:
    """While the answer cannot be published the job stays in the queue, and loses no attempt; once it can, there is one answer."""
    failing = Failing()
    async with desk_at(broker) as desk, running(failing, settings_for(broker, publish_timeout=0.3, deliveries=1)):
        await desk.jetstream.delete_stream("kai_answers")
        await desk.hand_in(Job(id="a", text="x"))
        await until(lambda: len(failing.times) >= 2)
        assert await desk.count("kai_jobs") == 1
        await desk.stream("kai_answers", OUT, f"{OUT}.>")
        await desk.until_count(1)
        await desk.until_count(0, "kai_jobs")
        assert [answer.id for answer in await desk.answers()] == ["a"]


async def test_an_answer_outlasts_an_absent_broker(broker: Broker) -> None:
    """An answer that was given while the broker was away is published when it is back: nobody has to ask again."""
    asked: list[str] = []
    away, back = asyncio.Event(), asyncio.Event()

    async def handler(ctx: JobContext[Any], job: Job) -> Answer:
        asked.append(job.id)
        away.set()
        await back.wait()
        return await echo(ctx, job)

    async with desk_at(broker) as desk, running(handler, settings_for(broker, ack_wait=30, publish_timeout=30)):
        await desk.hand_in(Job(id="a", text="x"))
        await away.wait()
        broker.stop(kill=True)
        back.set()
        await asyncio.sleep(0.5)
        await broker.start()
        await desk.until_count(1)
        await desk.until_count(0, "kai_jobs")
    assert asked == ["a"]


async def test_an_answer_is_given_once_whatever_the_duplicate_window(broker: Broker) -> None:
    """A job that comes again when the broker has forgotten its id is not asked again, and has one answer."""
    failing = Failing()
    async with desk_at(broker) as desk, running(failing, settings_for(broker, duplicate_window=0.1)):
        for count in (1, 2):
            await desk.jetstream.publish(IN, Job(id="a", text="x").model_dump_json().encode())
            await desk.until_count(1)
            await desk.until_count(0, "kai_jobs")
            await asyncio.sleep(0.3 * (2 - count))
        assert await desk.count() == 1
    assert len(failing.times) == 1


async def test_two_workers_with_one_job_leave_one_answer(broker: Broker) -> None:
    """Where a job is done twice after all, because its first worker was thought dead, the broker takes one answer."""
    first, second = asyncio.Event(), asyncio.Event()

    async def handler(ctx: JobContext[Any], job: Job) -> Answer:
        if ctx.attempt == 1:
            first.set()
            await second.wait()
        else:
            second.set()
        return await echo(ctx, job)

    async with (
        desk_at(broker) as desk,
        running(handler, settings_for(broker, concurrency=2, ack_wait=30, duplicate_window=0.1)),
    ):
        await desk.hand_in(Job(id="a", text="x"))
        await first.wait()
        await desk.client.publish("$JS.ACK.kai_jobs.kai_jobs.1.1.1.0.0", b"-NAK")  # as if the worker had given it back
        await desk.until_count(1)
        await desk.until_count(0, "kai_jobs")
        assert await desk.count() == 1


async def test_an_answer_that_is_too_large_is_reported(broker: Broker) -> None:
    """An answer that the broker will never take is an error that says what to do, with the job."""

    async def handler(ctx: JobContext[Any], job: Job) -> Answer:
        del ctx
        return job.answer("x" * 2_000_000)

    async with desk_at(broker) as desk, running(handler, settings_for(broker)):
        await desk.hand_in(Job(id="a", text="x"))
        await desk.until_count(1)
        (fault,) = await desk.faults()
    assert (fault.error.code, fault.id) == ("node:too_large", "a")
    assert "object store" in fault.error.message


async def test_a_job_that_fills_a_message_can_still_be_reported(broker: Broker) -> None:
    """Where job and error together are more than a message may be, the error comes alone."""
    big = {"text": "x", "labels": "y" * 1_048_400}
    async with desk_at(broker) as desk, running(echo, settings_for(broker)):
        await desk.hand_in(json.dumps(big).encode())
        await desk.until_count(1)
        (fault,) = await desk.faults()
    assert (fault.job, fault.error.code) == (None, "bad_request:job")


SECRETS: dict[str, Callable[[], Exception]] = {
    "a bug": lambda: ValueError(f"token {TOKEN}"),
    "a Kai error": lambda: KaiBadRequestError(f"bad header {TOKEN}", "bad_request:api"),
    "a cause": lambda: KaiBadRequestError("bad", "bad_request:api", cause=f"ConnectError({TOKEN!r})"),
}


@pytest.mark.parametrize("error", SECRETS.values(), ids=SECRETS.keys())
async def test_nothing_of_an_exception_crosses_the_wire(broker: Broker, error: Callable[[], Exception]) -> None:
    """No secret, no traceback and no `repr` is in any message of the output, whatever was raised."""
    async with desk_at(broker) as desk, running(Failing(error()), settings_for(broker, deliveries=1)):
        await desk.hand_in(Job(id="a", text="x"))
        await desk.until_count(1)
        ((_, body),) = await desk.messages()
    text = body.decode()
    assert [word for word in (TOKEN, "Traceback", "ValueError", "File ", ".py") if word in text] == []
    assert JobFault.model_validate_json(body).error.message


async def test_what_is_no_answer_is_the_handlers_fault(broker: Broker) -> None:
    """A handler that returns something else has failed."""

    async def handler(ctx: JobContext[Any], job: Job) -> Any:
        del ctx
        return job.text

    async with desk_at(broker) as desk, running(handler, settings_for(broker, deliveries=1)):
        await desk.hand_in(Job(id="a", text="x"))
        await desk.until_count(1)
        (fault,) = await desk.faults()
    assert fault.error.code == "internal:api"


async def test_what_does_not_end_in_time_comes_to_another_worker(broker: Broker) -> None:
    """A worker that is told to stop waits for its job no longer than the grace; the job is not lost."""
    stuck = asyncio.Event()

    async def endless(ctx: JobContext[Any], job: Job) -> Answer:
        stuck.set()
        await asyncio.Event().wait()
        return await echo(ctx, job)

    async with desk_at(broker) as desk:
        async with running(endless, settings_for(broker, grace=0.2, ack_wait=1)):
            await desk.hand_in(Job(id="a", text="x"))
            await stuck.wait()
        async with running(echo, settings_for(broker, ack_wait=1)):
            await desk.until_count(1)
            assert [answer.id for answer in await desk.answers()] == ["a"]


async def test_no_log_line_has_the_brokers_password(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    """At any level: of the broker's URL nothing is logged that is secret, not even when the broker goes away."""
    servers = broker.url.replace("nats://", "nats://me:hunter2@")
    caplog.set_level(logging.DEBUG)
    async with desk_at(broker) as desk, running(echo, settings_for(broker, servers=servers)):
        await desk.hand_in(Job(id="a", text="x"))
        await desk.until_count(1)
        await broker.restart(kill=True)
        await desk.hand_in(Job(id="b", text="x"))
        await desk.until_count(2)
    assert "job a: answered" in caplog.text
    assert "hunter2" not in caplog.text


async def test_no_size_of_an_answer_ends_a_worker(broker: Broker) -> None:
    """Whatever an answer lacks to the broker's limit, it is kept or reported, and the worker does the next job."""

    async def handler(ctx: JobContext[Any], job: Job) -> Answer:
        del ctx
        return job.answer("x" * int(job.text))

    sizes = range(1024 * 1024 - 700, 1024 * 1024, 100)
    async with desk_at(broker) as desk, running(handler, settings_for(broker)):
        await desk.hand_in(*(Job(id=f"a{size}", text=str(size)) for size in sizes), Job(id="last", text="3"))
        await desk.until_count(len(sizes) + 1)
        assert {fault.error.code for fault in await desk.faults()} == {"node:too_large"}
        assert any(subject.endswith(".job.last") for subject, _ in await desk.messages())
