"""The other side of the workers: a desk hands jobs in and waits for what becomes of them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from nats_broker import Broker
from node_runs import IN, OUT, desk_at, echo, running, settings_for

from kai_client import KaiConfigError, KaiConnectionError, KaiForbiddenError, KaiRateLimitError, KaiTimeoutError
from kai_client.nats.node import Answer, Job, JobContext, JobDesk, ask_kai
from kai_client.testing import KaiServer


@asynccontextmanager
async def open_desk(broker: Broker, batch: str = "b") -> AsyncGenerator[JobDesk]:
    """A desk at the broker."""
    async with JobDesk.open(broker.url, input=IN, output=OUT, batch=batch) as desk:
        yield desk


@pytest.mark.parametrize(
    "error",
    [
        KaiForbiddenError("Not yours", "forbidden:chat", status_code=403),
        KaiRateLimitError("Used up", "rate_limit:chat", status_code=429),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_failure_is_raised_as_what_it_was(broker: Broker, error: Exception) -> None:
    """The worker's error is the desk's error: its class, code and status."""

    async def handler(ctx: JobContext[Any], job: Job) -> Answer:
        raise error

    async with open_desk(broker) as desk, running(handler, settings_for(broker, deliveries=2)):
        with pytest.raises(type(error)) as caught:
            await desk.do(Job(id="b.1", text="x"), seconds=20)
    assert vars(caught.value)["code"] == vars(error)["code"]
    assert caught.value is not error


async def test_an_answer_that_is_there_is_not_asked_for_again(broker: Broker) -> None:
    """Another desk gets the answer that was given before; `anew` has the job done once more."""
    asked: list[str] = []

    async def handler(ctx: JobContext[Any], job: Job) -> Answer:
        asked.append(job.id)
        return job.answer(f"answer {len(asked)}")

    job = Job(id="b.1", text="x")
    async with running(handler, settings_for(broker)):
        async with open_desk(broker) as desk:
            first = await desk.do(job, seconds=20)
        async with open_desk(broker) as desk:
            texts = [first.text, (await desk.do(job)).text, (await desk.do(job, anew=True, seconds=20)).text]
    assert (texts, len(asked)) == (["answer 1", "answer 1", "answer 2"], 2)


async def test_a_desk_outlasts_its_broker(broker: Broker) -> None:
    """An answer that is given after a crash of the broker reaches who has waited since before it."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def handler(ctx: JobContext[Any], job: Job) -> Answer:
        begun.set()
        await go_on.wait()
        return await echo(ctx, job)

    async with open_desk(broker) as desk, running(handler, settings_for(broker, ack_wait=30)):
        waiting = asyncio.create_task(desk.do(Job(id="b.1", text="x"), seconds=50))
        await begun.wait()
        await broker.restart(kill=True)
        go_on.set()
        assert (await waiting).text == "Echo x"


async def test_desks_do_not_disturb_each_other(broker: Broker) -> None:
    """Each desk hears of its own jobs, whoever else uses the same subjects."""
    async with open_desk(broker, "b") as one, open_desk(broker, "c") as other, running(echo, settings_for(broker)):
        jobs = [(one, "b.1", "x"), (other, "c.1", "y"), (one, "b.2", "z")]
        answers = await asyncio.gather(*(desk.do(Job(id=id_, text=text), seconds=20) for desk, id_, text in jobs))
    assert [answer.text for answer in answers] == ["Echo x", "Echo y", "Echo z"]


async def test_a_timeout_leaves_the_job_in_the_queue(broker: Broker) -> None:
    """Who asks again after a timeout gets the answer that came meanwhile, or comes."""
    async with open_desk(broker) as desk:
        assert not await desk.is_served()
        with pytest.raises(KaiTimeoutError, match="stays in the queue"):
            await desk.do(Job(id="b.1", text="x"), seconds=0.2)
        async with running(echo, settings_for(broker)):
            assert (await desk.do(Job(id="b.1", text="x"), seconds=20)).text == "Echo x"
            assert await desk.is_served()


async def test_a_broker_that_is_not_there(broker: Broker) -> None:
    """It is one error, after a few seconds."""
    broker.stop(kill=True)
    with pytest.raises(KaiConnectionError):
        async with open_desk(broker):
            pass


async def test_a_stream_that_forgets_nothing_is_no_queue(broker: Broker) -> None:
    """Where it cannot be known whether a job is done, the desk says so instead of waiting for ever."""
    async with desk_at(broker) as by_hand:
        await by_hand.stream("own", IN, f"{IN}.>")
    with pytest.raises(KaiConfigError, match="work queue"):
        async with open_desk(broker):
            pass


async def test_tools_that_want_to_be_allowed_are_denied(
    broker: Broker, kai_server: KaiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a real client `ask_kai` says no, and the answer says which tool was denied."""
    monkeypatch.setenv("STORAGE_API_TOKEN", "any")
    monkeypatch.setenv("STORAGE_API_URL", kai_server.url)
    async with open_desk(broker) as desk, running(ask_kai, settings_for(broker), kai=None):
        answer = await desk.do(Job(id="b.1", text="Create a bucket called sandbox"), seconds=30)
    assert [(tool.name, tool.state) for tool in answer.tool_calls] == [("create_bucket", "output-denied")]
    assert "I did not create the bucket" in answer.text


async def test_two_wait_for_one_job(broker: Broker) -> None:
    """Each of two that wait for the same job has its own patience; the one that stays gets the answer."""
    go = asyncio.Event()

    async def handler(ctx: JobContext[Any], job: Job) -> Answer:
        await go.wait()
        return job.answer("done")

    async with open_desk(broker) as desk, running(handler, settings_for(broker)):
        staying = asyncio.create_task(desk.do(Job(id="b.1", text="x"), seconds=30))
        with pytest.raises(KaiTimeoutError):
            await desk.do(Job(id="b.1", text="x"), seconds=0.3)
        go.set()
        assert (await staying).text == "done"


@pytest.mark.parametrize("batch", ["", "a b", "*", "b."])
async def test_what_is_no_batch(broker: Broker, batch: str) -> None:
    """A batch that no id can begin with is the caller's mistake, and so is the id of another batch."""
    with pytest.raises(ValueError, match="a batch is"):
        async with open_desk(broker, batch):
            pass
    async with open_desk(broker) as desk:
        with pytest.raises(ValueError, match="an id begins with 'b' and a dot"):
            await desk.do(Job(id="c.1", text="x"), seconds=5)
