"""Workers for tests: in this process or as programs, and what they leave at the broker."""

# pyright: reportUnknownMemberType=false
# nats-py leaves the types of its options open.

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import nats
from faststream import FastStream
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error
from nats.js.errors import NotFoundError
from nats_broker import Broker

from kai_client.nats.node import Answer, Job, JobFault, NodeSettings, kai_node
from kai_client.server import ScriptedKai

IN, OUT = "kai.jobs", "kai.answers"
PROGRAM = Path(__file__).with_name("node_program.py")


def settings_for(broker: Broker, **changes: Any) -> NodeSettings:
    """Settings of a node at this broker: quick ones."""
    quick: dict[str, Any] = {
        "ack_wait": 5.0,
        "retry_delay": 0.05,
        "publish_timeout": 5.0,
        "grace": 10.0,
        "quota_pause": 0.1,
    }
    quick |= {"servers": broker.url, "input": IN, "output": OUT}
    return NodeSettings(**(quick | changes))


@asynccontextmanager
async def running(handler: Any, settings: NodeSettings, **options: Any) -> AsyncGenerator[FastStream]:
    """A worker in this process; leaving the block tells it to stop and waits until it has."""
    make: Callable[..., FastStream] = kai_node
    app = make(handler, settings, **{"kai": ScriptedKai(), **options})
    task = asyncio.create_task(app.run())
    try:
        await until(lambda: getattr(app, "running", False) or task.done())
        if task.done():
            task.result()
        yield app
    finally:
        app.exit()
        await task


async def until(true: Callable[[], Any], seconds: float = 60) -> None:
    """Wait for something that comes."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - what it asks tells nobody
            await asyncio.sleep(0.01)


class Desk:
    """Somebody who hands in jobs and looks at what came of them."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.jetstream = client.jetstream()

    async def stream(self, name: str, *subjects: str) -> None:
        """Make a stream."""
        await self.jetstream.add_stream(name=name, subjects=list(subjects))

    async def hear(self, subject: str) -> list[tuple[bytes, dict[str, str]]]:
        """What arrives on a subject from now on, body and headers: the list grows."""
        heard: list[tuple[bytes, dict[str, str]]] = []

        async def hear(message: Msg) -> None:
            heard.append((message.data, message.headers or {}))

        await self.client.subscribe(subject, cb=hear)
        return heard

    async def headers(self, subject: str, stream: str = "kai_answers") -> dict[str, str]:
        """The headers of the last message on a subject."""
        raw = await self.jetstream.get_last_msg(stream, subject)
        return dict(raw.headers or {})  # pyright: ignore[reportUnknownArgumentType]

    async def hand_in(self, *jobs: Job | bytes) -> None:
        """Publish jobs, each once, whatever the broker is doing."""
        for job in jobs:
            if isinstance(job, bytes):
                await self.jetstream.publish(IN, job)
            else:
                await self.persist(job)

    async def persist(self, job: Job) -> None:
        """Publish until it is confirmed."""
        while True:
            try:
                await self.jetstream.publish(
                    IN, job.model_dump_json().encode(), timeout=1, headers={"Nats-Msg-Id": job.id}
                )
            except Error:
                await asyncio.sleep(0.05)
            else:
                return

    async def messages(self, stream: str = "kai_answers") -> list[tuple[str, bytes]]:
        """All messages of a stream: subject and body."""
        try:
            state = (await self.jetstream.stream_info(stream)).state
        except (Error, NotFoundError):
            return []
        found: list[tuple[str, bytes]] = []
        for number in range(state.first_seq, state.last_seq + 1):
            try:
                raw = await self.jetstream.get_msg(stream, number)
            except NotFoundError:
                continue
            found.append((raw.subject or "", raw.data or b""))
        return found

    async def count(self, stream: str = "kai_answers") -> int:
        """How many messages a stream has."""
        try:
            return (await self.jetstream.stream_info(stream)).state.messages
        except Error:
            return -1

    async def until_count(self, number: int, stream: str = "kai_answers", seconds: float = 60) -> None:
        """Wait until a stream has exactly so many messages."""
        async with asyncio.timeout(seconds):
            while await self.count(stream) != number:  # noqa: ASYNC110 - the broker tells nobody
                await asyncio.sleep(0.05)

    async def until_at_least(self, number: int, stream: str) -> None:
        """Wait until a stream has so many messages, or more."""
        async with asyncio.timeout(60):
            while await self.count(stream) < number:  # noqa: ASYNC110 - the broker tells nobody
                await asyncio.sleep(0.02)

    async def leader(self, stream: str) -> str:
        """The server that leads a stream."""
        about = (await self.jetstream.stream_info(stream)).cluster
        assert about is not None
        return about.leader or ""

    async def answers(self) -> list[Answer]:
        """The answers so far."""
        prefix = f"{OUT}.job."
        return [
            Answer.model_validate_json(body) for subject, body in await self.messages() if subject.startswith(prefix)
        ]

    async def faults(self) -> list[JobFault]:
        """The failures so far."""
        return [
            JobFault.model_validate_json(body) for subject, body in await self.messages() if subject == f"{OUT}.error"
        ]


class HasUrl(Protocol):
    """A broker, or a cluster of them."""

    @property
    def url(self) -> str:
        """Where it is; several with commas between."""
        ...


@asynccontextmanager
async def desk_at(broker: HasUrl) -> AsyncGenerator[Desk]:
    """A desk with a connection of its own."""

    async def quiet(error: Exception) -> None:
        del error

    client = await nats.connect(
        broker.url.split(","), max_reconnect_attempts=-1, reconnect_time_wait=0.1, error_cb=quiet
    )
    try:
        yield Desk(client)
    finally:
        await client.close()


@asynccontextmanager
async def programs(
    broker: Broker, number: int, folder: Path, **env: str
) -> AsyncGenerator[Sequence[asyncio.subprocess.Process]]:
    """Worker processes, which have ended when the block has."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(("KAI_", "STORAGE_API", "NATS_"))}
    own |= {"NATS_URL": broker.url, "KAI_NODE_INPUT": IN, "KAI_NODE_OUTPUT": OUT, "DIARY": str(folder), **env}
    workers = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-W",
            "error",
            str(PROGRAM),
            env={**own, "WORKER": str(worker)},
            stderr=asyncio.subprocess.PIPE,
        )
        for worker in range(number)
    ]
    try:
        yield workers
    finally:
        for worker in workers:
            if worker.returncode is None:
                worker.send_signal(signal.SIGKILL)
        for worker in workers:
            await worker.communicate()


async def echo(ctx: Any, job: Job) -> Answer:
    """The simplest handler."""
    del ctx
    return job.answer(f"Echo {job.text}")
