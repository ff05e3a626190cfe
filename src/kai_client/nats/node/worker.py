"""One message: from its delivery to what the broker is told about it."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final, Generic, TypeAlias

from faststream.nats import NatsBroker
from faststream.nats.message import NatsMessage
from nats.errors import Error
from pydantic import JsonValue

from kai_client._wire import decode_json
from kai_client.exceptions import KaiBadRequestError, KaiConnectionError, KaiError, KaiTimeoutError
from kai_client.nats.faults import redacted, traced

from .context import JobContext, KaiT
from .jetstream import JetStream
from .messages import Answer, Job, JobFault, is_job_id, read_job
from .refusals import Refusals
from .settings import NodeSettings
from .verdict import NotKept, is_attempt, pause_after

__all__ = ["Handler", "Worker"]

Handler: TypeAlias = Callable[[JobContext[KaiT], Job], Awaitable[Answer]]

_MESSAGE_ID: Final = "Nats-Msg-Id"
_EXPECTED: Final = "Nats-Expected-Last-Subject-Sequence"
_BEATS: Final = 3
"""How many signs of life there are in the time that the broker waits for one."""


@dataclass(frozen=True, slots=True)
class _Delivery:
    """A message, and what the broker says of it."""

    message: NatsMessage
    attempt: int
    place: str
    """The stream and the number of the message there: no other message has it."""
    value: JsonValue
    """The decoded body; None where it is no JSON."""

    @classmethod
    def of(cls, message: NatsMessage) -> "_Delivery":
        about = message.raw_message.metadata
        try:
            value = decode_json(message.body.decode())
        except ValueError:
            value = None
        return cls(message, about.num_delivered, f"{about.stream}-{about.sequence.stream}", value)

    @property
    def id(self) -> str:
        """The job's id where it can be read; else that of its message, or its place."""
        given = self.value.get("id") if isinstance(self.value, dict) else None
        named = self.message.headers.get(_MESSAGE_ID)
        return next((each for each in (given, named) if isinstance(each, str) and is_job_id(each)), self.place)


class Worker(Generic[KaiT]):
    """Has jobs done by `handler`, and settles each with the broker.

    The order is what makes a crash harmless: the answer is confirmed before the job is acknowledged. Until then the job is
    the broker's, which gives it to somebody else. And an answer is put where none is yet: the broker refuses a second one for
    as long as its stream keeps the first.
    """

    def __init__(
        self,
        handler: Handler[KaiT],
        settings: NodeSettings,
        kai: KaiT,
        broker: NatsBroker,
        jetstream: JetStream,
        output_stream: str,
        logger: logging.Logger,
    ) -> None:
        self._handler = handler
        self._settings = settings
        self._kai = kai
        self._broker = broker
        self._jetstream = jetstream
        self._stream = output_stream
        self._refusals = Refusals(broker, settings.durable)
        self._logger = logger

    async def receive(self, message: NatsMessage) -> None:
        """Do the job that is in the message."""
        delivery = _Delivery.of(message)
        request_id = message.correlation_id or delivery.id
        log = logging.LoggerAdapter(self._logger, {"job_id": delivery.id, "request_id": request_id})
        async with self._signs_of_life(message):
            try:
                await self._do(delivery, JobContext(self._kai, request_id, log, delivery.attempt, self._broker))
            except Exception as error:  # noqa: BLE001 - a handler may raise anything, and the broker must hear of it
                await self._give_up(delivery, error, log)
            else:
                await _tell(message.ack)

    async def _do(self, delivery: _Delivery, context: JobContext[KaiT]) -> None:
        """Have the answer confirmed by the broker."""
        job, headers = read_job(delivery.value, delivery.id), {"correlation_id": context.request_id}
        if await self._attempts(delivery) > self._settings.deliveries:
            raise KaiError(
                f"No worker came to an end with it in {self._settings.deliveries} attempts", "node:deliveries"
            )
        subject = self._settings.left.job(job.id)
        if await self._jetstream.last(self._stream, subject) is not None:
            context.logger.info("job %s: it has its answer already", job.id)
            return
        answer = await self._answer(context, job)
        # The subject, not the bare id: the stream may hold the job itself, too, and the answers of other nodes.
        headers |= {_MESSAGE_ID: f"{subject}/{job.nonce}" if job.nonce else subject, _EXPECTED: "0"}
        try:
            await self._put(subject, answer.model_dump_json().encode(), headers)
        except (KaiConnectionError, KaiTimeoutError) as error:
            raise NotKept("The broker does not confirm the answer", "node:not_kept", cause=error.cause) from error
        context.logger.info("job %s: answered", job.id)

    async def _answer(self, context: JobContext[KaiT], job: Job) -> Answer:
        seconds = self._settings.job_timeout
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                answer = await self._handler(context, job)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise KaiTimeoutError(f"The job took longer than {seconds:g} s", "timeout:job") from error
        if not isinstance(answer, Answer):  # pyright: ignore[reportUnnecessaryIsInstance] - a handler is the user's
            raise TypeError(f"a handler returns an Answer, not {type(answer).__name__}")
        return answer.model_copy(update={"id": job.id, "nonce": job.nonce})

    async def _put(self, subject: str, body: bytes, headers: dict[str, str]) -> None:
        headers["content-type"] = "application/json"
        await self._jetstream.put(self._stream, subject, body, headers, patience=self._settings.publish_timeout)

    async def _give_up(
        self, delivery: _Delivery, error: Exception, log: "logging.LoggerAdapter[logging.Logger]"
    ) -> None:
        """Let the job be tried again, or report it: it leaves the queue only when the report is confirmed."""
        settings, message = self._settings, delivery.message
        about = (delivery.id, delivery.attempt, _words(error))
        trace = "" if isinstance(error, KaiError) else f"\n{traced(error)}"
        attempts = await self._attempts(delivery)
        pause = pause_after(error, attempts, settings)
        if not is_attempt(error):
            await self._refusals.add(delivery.place)
        if pause is not None:
            log.warning("job %s: attempt %d failed (%s); again in %g s%s", *about, pause, trace)
            await _tell(lambda: message.nack(delay=pause))
            return
        log.error("job %s: failed for good, attempt %d (%s)%s", *about, trace)
        try:
            await self._report(delivery, error, attempts)
        except Exception as failure:  # noqa: BLE001 - whatever it is, the job must not be lost
            log.warning(
                "job %s: the failure cannot be reported (%s); it stays in the queue", delivery.id, _words(failure)
            )
            await _tell(lambda: message.nack(delay=settings.backoff(delivery.attempt)))
        else:
            await _tell(message.reject)

    async def _attempts(self, delivery: _Delivery) -> int:
        """How often the job was tried, this time included; looked up only where it matters."""
        if delivery.attempt < self._settings.deliveries:
            return delivery.attempt
        return delivery.attempt - await self._refusals.of(delivery.place)

    async def _report(self, delivery: _Delivery, error: Exception, attempts: int) -> None:
        headers = {_MESSAGE_ID: f"{delivery.place}/error"}
        try:
            await self._put(self._settings.left.error, _record(delivery, error, attempts, delivery.value), headers)
        except (KaiBadRequestError, ValueError, RecursionError):  # the job alone fills a message, or is no text at all
            await self._put(self._settings.left.error, _record(delivery, error, attempts, None), headers)

    @asynccontextmanager
    async def _signs_of_life(self, message: NatsMessage) -> AsyncGenerator[None]:
        """Tell the broker now and then that the job is in good hands, so that nobody else gets it."""

        async def beat() -> None:
            while True:
                await asyncio.sleep(self._settings.ack_wait / _BEATS)
                await _tell(message.in_progress)

        beating = asyncio.create_task(beat())
        try:
            yield
        finally:
            beating.cancel()
            with suppress(asyncio.CancelledError):
                await beating


async def _tell(word: Callable[[], Awaitable[None]]) -> None:
    """Say something that the broker may miss: it then delivers again, which is harmless."""
    with suppress(Error, OSError):
        await word()


def _record(delivery: _Delivery, error: Exception, attempts: int, job: JsonValue) -> bytes:
    return JobFault.of(error, id=delivery.id, attempts=attempts, job=job).model_dump_json().encode()


def _words(error: Exception) -> str:
    return redacted(str(error)) if isinstance(error, KaiError) else type(error).__name__
