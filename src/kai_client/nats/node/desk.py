"""The other side of the workers: hand a job in, and wait for what becomes of it."""

import asyncio
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Final, Self

from faststream import AckPolicy
from faststream.nats import JStream, PullSub
from faststream.nats.message import NatsMessage
from nats.aio.client import Client
from pydantic import ValidationError

from kai_client.exceptions import KaiConfigError, KaiConnectionError, KaiError, KaiTimeoutError
from kai_client.nats.door import map_nats_errors

from .broker import WorkerBroker, credentials, whole
from .jetstream import JetStream
from .messages import Answer, Job, JobFault, is_job_id
from .subjects import Station

__all__ = ["JobDesk"]

_CONNECT: Final = 5.0
_PATIENCE: Final = 60.0
"""How long to offer a job to a broker that does not confirm it."""
_FORGOTTEN: Final = 3600.0
"""After so long without its reader the broker forgets who waited for answers."""
_WINDOW: Final = 3600.0
_KEEP: Final = 30 * 86400.0
_AT_ONCE: Final = 100
_POLL: Final = 2.0
_LOOKS: Final = 5
_BETWEEN_LOOKS: Final = 0.1


class JobDesk:
    """Takes jobs whose ids begin with `batch` and a dot, and tells what became of each. `open` makes one."""

    def __init__(self, broker: WorkerBroker, jetstream: JetStream, taken: Station, left: Station, batch: str) -> None:
        self._broker = broker
        self._jetstream = jetstream
        self._taken = taken
        self._left = left
        self._batch = batch
        self._nonce = uuid.uuid4().hex
        self._waiting: dict[str, set[asyncio.Future[Answer]]] = {}
        self._jobs = self._answers = ""

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        servers: str,
        *,
        input: str,  # noqa: A002 - as in the settings
        output: str,
        batch: str,
        creds: str = "",
    ) -> AsyncGenerator[Self]:
        """A desk at the broker, for the block. The subjects are those of the workers' settings.

        Raises `KaiConnectionError` for a broker that is not there within five seconds, `KaiConfigError` for one whose streams
        do not fit, `ValueError` for what is no subject, or can be no beginning of an id.
        """
        if not is_job_id(batch):
            raise ValueError("a batch is words of letters, digits, _ and -, joined by dots")
        taken, left = Station(input), Station(output)
        broker = WorkerBroker(
            servers.split(","),
            security=credentials(creds),
            name=f"kai-desk-{batch}",
            max_reconnect_attempts=-1,
            reconnect_time_wait=1,
            logger=None,
            apply_types=False,
        )
        desk = cls(broker, JetStream(await _connected(broker)), taken, left, batch)
        name = f"kai-desk-{uuid.uuid4().hex}"
        try:
            await desk._prepare(name)
            yield desk
        finally:
            with suppress(KaiError):
                await desk._jetstream.remove_consumer(desk._answers, name)
            await broker.stop()

    async def _prepare(self, name: str) -> None:
        """Have the streams, and hear what arrives from now on."""
        self._answers = await self._jetstream.stream(self._left, queue=False, window=_WINDOW, keep=_KEEP)
        self._jobs = await self._jetstream.stream(self._taken, queue=True, window=_WINDOW, keep=_KEEP)
        if not await self._jetstream.is_queue(self._jobs):
            raise KaiConfigError(
                f"The stream {self._jobs} keeps jobs that are done: make it a work queue (retention)", "config:stream"
            )
        subjects = [self._left.job(f"{self._batch}.>"), self._left.error]
        await self._jetstream.collector(self._answers, name, subjects, forgotten_after=_FORGOTTEN)
        subscriber = self._broker.subscriber(
            self._left.name,
            durable=name,
            stream=JStream(self._answers, declare=False),
            pull_sub=PullSub(batch_size=_AT_ONCE, timeout=_POLL),
            ack_policy=AckPolicy.ACK,
            decoder=whole,
        )
        subscriber(self._arrived)
        with map_nats_errors():
            await self._broker.start()

    async def is_served(self) -> bool:
        """Whether a worker waits for jobs, or is at one; a worker between two jobs is seen at a second look."""
        for _ in range(_LOOKS):
            if await self._jetstream.is_served(self._jobs):
                return True
            await asyncio.sleep(_BETWEEN_LOOKS)
        return False

    async def do(self, job: Job, *, anew: bool = False, seconds: float | None = None) -> Answer:
        """What becomes of the job: its answer, if need be the one that was given before. `anew` forgets that one.

        A job that is in the queue already is not put there twice. Raises the `KaiError` that the worker reports, and
        `KaiTimeoutError` after `seconds`: then the job stays in the queue, and asking again finds its answer.
        `ValueError` for the id of another batch.
        """
        if not job.id.startswith(f"{self._batch}."):
            raise ValueError(f"this desk hears of the jobs of its batch: an id begins with {self._batch!r} and a dot")
        arrived: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(job.id, set()).add(arrived)
        try:
            async with asyncio.timeout(seconds):
                if (answer := await self._handed_in(job, anew=anew)) is not None:
                    return answer
                return await arrived
        except TimeoutError:
            raise KaiTimeoutError(
                f"No answer within {seconds:g} s; the job stays in the queue", "timeout:total"
            ) from None
        finally:
            self._waiting[job.id].discard(arrived)
            if not self._waiting[job.id]:
                del self._waiting[job.id]

    async def _handed_in(self, job: Job, *, anew: bool) -> Answer | None:
        """Put the job in the queue, unless it has an answer."""
        where, answer = self._taken.job(job.id), self._left.job(job.id)
        if anew:
            await self._jetstream.forget(self._answers, answer)
            await self._jetstream.forget(self._jobs, where)
        elif (body := await self._jetstream.last(self._answers, answer)) is not None:
            return Answer.model_validate_json(body)
        body = job.model_copy(update={"nonce": self._nonce}).model_dump_json().encode()
        headers = {"Nats-Expected-Last-Subject-Sequence": "0", "content-type": "application/json"}
        await self._jetstream.put(self._jobs, where, body, headers, patience=_PATIENCE)
        return None

    async def _arrived(self, message: NatsMessage) -> None:
        """An answer, or a failure, of which many are other people's."""
        subject = message.raw_message.subject
        try:
            if subject == self._left.error:
                fault = JobFault.model_validate_json(message.body)
                for waiting in self._of(fault.id):
                    waiting.set_exception(fault.error.to_error())
                return
            answer = Answer.model_validate_json(message.body)
        except ValidationError:
            return
        for waiting in self._of(answer.id):
            waiting.set_result(answer)

    def _of(self, job_id: str) -> list[asyncio.Future[Answer]]:
        """Who waits for this job."""
        return [each for each in self._waiting.get(job_id, ()) if not each.done()]


async def _connected(broker: WorkerBroker) -> Client:
    try:
        async with asyncio.timeout(_CONNECT):
            with map_nats_errors():
                return await broker.connect()
    except (KaiError, TimeoutError, ValueError) as error:
        cause = error.cause if isinstance(error, KaiError) else None
        raise KaiConnectionError("Cannot connect to the NATS broker", "connection:failed", cause) from None
