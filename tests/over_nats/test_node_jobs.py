"""Worker nodes: a job in, its answer out."""

import asyncio
import json
from typing import Any

import pytest
from nats_broker import Broker
from node_runs import IN, desk_at, echo, running, settings_for, until

from kai_client.nats.node import Answer, Job, JobContext, ask_kai
from kai_client.server import ScriptedKai, call, say, usage
from kai_client.testing import KaiServer


async def test_a_job_becomes_an_answer(broker: Broker) -> None:
    """The answer is where the next node looks, with the id, labels and meta of its job; the job has left the queue."""
    job = Job(id="a.1", text="Hi", labels={"team": "x"}, meta={"row": 7})
    async with desk_at(broker) as desk, running(echo, settings_for(broker)):
        await desk.hand_in(job)
        await desk.until_count(1)
        await desk.until_count(0, "kai_jobs")
        ((subject, body),) = await desk.messages()
    assert subject == "kai.answers.job.a.1"
    assert Answer.model_validate_json(body) == Answer(id="a.1", text="Echo Hi", labels=job.labels, meta=job.meta)


async def test_a_message_by_hand_is_a_job(broker: Broker) -> None:
    """`{"prompt": ...}` is enough: the id is its `Nats-Msg-Id`, else its place in the stream."""
    async with desk_at(broker) as desk, running(echo, settings_for(broker)):
        await desk.jetstream.publish(IN, b'{"prompt": "Hi"}')
        await desk.jetstream.publish(f"{IN}.job.x", b'{"prompt": "Ho"}', headers={"Nats-Msg-Id": "named"})
        await desk.until_count(2)
        answers = await desk.answers()
    assert {answer.id: answer.text for answer in answers} == {"kai_jobs-1": "Echo Hi", "named": "Echo Ho"}


async def test_ask_kai_with_a_backend(broker: Broker) -> None:
    """The ready handler asks what the job says; text, usage, finish reason and tools of the answer cross the wire."""
    kai = ScriptedKai([[call("get_tables", output=[]), say("None."), usage(3, 4)]])
    async with desk_at(broker) as desk, running(ask_kai, settings_for(broker), kai=kai):
        await desk.hand_in(Job(id="a", text="Tables?"))
        await desk.until_count(1)
        (answer,) = await desk.answers()
    assert (answer.text, answer.finish_reason, bool(answer.chat_id)) == ("None.", "stop", True)
    assert answer.usage is not None
    assert answer.usage["total_tokens"] == 7
    assert [(tool.name, tool.state) for tool in answer.tool_calls] == [("get_tables", "output-available")]


async def test_the_client_comes_from_the_environment(
    broker: Broker, kai_server: KaiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without `kai=` the node opens the client that the environment describes, and closes it after the last job."""
    monkeypatch.setenv("STORAGE_API_TOKEN", "any")
    monkeypatch.setenv("STORAGE_API_URL", kai_server.url)
    kai_server.kai.reply("Hello")
    clients: list[Any] = []

    async def keep(kai: object) -> None:
        clients.append(kai)

    async with desk_at(broker) as desk, running(ask_kai, settings_for(broker), kai=None, on_startup=[keep]):
        await desk.hand_in(Job(id="a", text="Hi", chat_id="8d1f0000-0000-4000-8000-000000000001"))
        await desk.until_count(1)
        (answer,) = await desk.answers()
    assert (answer.text, answer.chat_id) == ("Hello", "8d1f0000-0000-4000-8000-000000000001")
    with pytest.raises(Exception, match="closed"):
        await clients[0].ping()


async def test_the_context(broker: Broker) -> None:
    """A handler can publish, and use key-value buckets and object stores; the request id is that of the message's header."""

    async def handler(ctx: JobContext[Any], job: Job) -> Answer:
        await ctx.publish("kai.progress", {"half": True})
        bucket = await ctx.key_value("notes")
        await bucket.put("last", job.id.encode())
        store = await ctx.object_store("files")
        await store.put("file", b"content")
        data = (await (await ctx.object_store("files")).get("file")).data
        entry = await (await ctx.key_value("notes")).get("last")
        return job.answer("done", data=[ctx.request_id, ctx.attempt, (entry.value or b"").decode(), len(data or b"")])

    async with desk_at(broker) as desk, running(handler, settings_for(broker)):
        heard = await desk.hear("kai.progress")
        body = Job(id="a", text="x").model_dump_json().encode()
        await desk.jetstream.publish(IN, body, headers={"correlation_id": "r-1"})
        await desk.until_count(1)
        (answer,) = await desk.answers()
        headers = await desk.headers("kai.answers.job.a")
    assert answer.data == ["r-1", 1, "a", 7]
    assert [(body, about["correlation_id"]) for body, about in heard] == [(b'{"half":true}', "r-1")]
    assert headers["correlation_id"] == "r-1"


async def test_the_answer_is_the_next_nodes_job(broker: Broker) -> None:
    """A node whose input is the other one's output goes on with its answers, and not with its failures."""

    async def first(ctx: JobContext[Any], job: Job) -> Answer:
        if job.text == "bad":
            raise ValueError(job.text)
        return await echo(ctx, job)

    async def second(ctx: JobContext[Any], job: Job) -> Answer:
        del ctx
        return job.answer(job.text.upper())

    last = settings_for(broker, input="kai.answers", output="kai.loud")
    async with (
        desk_at(broker) as desk,
        running(first, settings_for(broker, deliveries=1)),
        running(second, last),
    ):
        await desk.hand_in(Job(id="bad", text="bad"), Job(id="a", text="hi", meta={"n": 1}))
        await desk.until_count(1, "kai_loud")
        ((subject, body),) = await desk.messages("kai_loud")
    assert (subject, json.loads(body)["text"], json.loads(body)["meta"]) == ("kai.loud.job.a", "ECHO HI", {"n": 1})


async def test_so_many_at_a_time(broker: Broker) -> None:
    """A worker has `concurrency` jobs at a time, and never more; the others stay with the broker."""
    now = most = 0

    async def handler(ctx: JobContext[Any], job: Job) -> Answer:
        nonlocal now, most
        now += 1
        most = max(most, now)
        async with asyncio.timeout(30):
            while most < 3:  # noqa: ASYNC110 - until they are together, which is soon if they ever are
                await asyncio.sleep(0.01)
        now -= 1
        return await echo(ctx, job)

    async with desk_at(broker) as desk, running(handler, settings_for(broker, concurrency=3)):
        await desk.hand_in(*(Job(id=str(number), text="x") for number in range(12)))
        await desk.until_count(12)
    assert most == 3


async def test_the_hooks(broker: Broker) -> None:
    """Those of the start are over before the first job, those of the end come when the last is over; they get `kai`."""
    told: list[object] = []
    kai = ScriptedKai()

    async def begin(given: object) -> None:
        told.append(("begin", given is kai))

    async def end(given: object) -> None:
        told.append(("end", given is kai))

    async def handler(ctx: JobContext[Any], job: Job) -> Answer:
        told.append("job")
        return await echo(ctx, job)

    async with desk_at(broker) as desk:
        await desk.stream("kai_jobs", "kai.jobs", "kai.jobs.>")
        await desk.hand_in(Job(id="early", text="x"))
        options: Any = {"kai": kai, "on_startup": [begin], "on_shutdown": [end]}
        async with running(handler, settings_for(broker), **options):
            await desk.until_count(1)
    assert told == [("begin", True), "job", ("end", True)]


async def test_a_hook_that_fails_ends_the_worker(broker: Broker) -> None:
    """What a start-up hook raises is what `run` raises, and nothing is left open."""

    async def hook(kai: object) -> None:
        raise RuntimeError("no licence")

    with pytest.raises(RuntimeError, match="no licence"):
        async with running(echo, settings_for(broker), on_startup=[hook]):
            await until(lambda: False, 5)
