"""What the service does with a request: ask the backend, and answer in one reply or in chunks."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from nats.errors import MaxPayloadError

from kai_client.backend import ChatBackend
from kai_client.events import SSEEvent
from kai_client.exceptions import KaiError, KaiServerError, KaiStreamError, KaiTimeoutError
from kai_client.server.faults import refusal
from kai_client.server.incoming import answer_to, service_for, with_service
from kai_client.server.service import KaiHost, KaiService
from kai_client.server.streams import Pump
from kai_client.telemetry import continuing

from .call import Call
from .chunks import chunk_of
from .idempotency import Claim, claimed
from .messages import Chunk, InferReply, OperationReply
from .operations import STREAMED, call_operation, open_operation
from .outbox import Outbox
from .requests import chat_body
from .summary import Summary

__all__ = ["InferService"]

_AHEAD: Final = 512
"""How many events are fetched before the caller has room for them; they also travel together."""


class InferService:
    """Answers with one backend. `max_workers` requests are answered at a time, `max_waiting` more wait for their turn."""

    def __init__(
        self, backend: ChatBackend | KaiService | KaiHost, subject: str, *, max_workers: int, max_waiting: int
    ) -> None:
        self._backend = with_service(backend)
        self._subject = subject
        self._most = max_workers + max_waiting
        self._accepted = 0
        self._slots = asyncio.Semaphore(max_workers)

    async def infer(self, call: Call) -> None:
        """Answer a request of the infer contract."""
        with continuing(call.message.headers or {}):
            await self._infer(call)

    async def _infer(self, call: Call) -> None:
        try:
            call.understand()
            request = call.codec.read_infer(call.message.body)
            body = chat_body(request)
            caller = call.caller_of(request.meta)
            claim = await claimed(call.broker, self._subject, request)
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller is told
            await call.refuse(error)
            return

        def events() -> AsyncIterator[SSEEvent]:
            if claim is not None:
                claim.begun = True
            return answer_to(body, caller, service_for(self._backend, caller))

        if claim is not None and claim.reply is not None:
            await call.reply(claim.reply)
        elif request.stream:
            await self._stream(call, events, Summary(body.id, whole=claim is not None), request.window, claim)
        else:
            await self._reply(call, events, Summary(body.id, whole=True), claim)

    async def operation(self, call: Call, name: str) -> None:
        """Answer the call of another method."""
        with continuing(call.message.headers or {}):
            await self._operation(call, name)

    async def _operation(self, call: Call, name: str) -> None:
        try:
            call.understand()
            request = call.codec.read_operation(call.message.body)
            service = service_for(self._backend, call.caller_of(request.meta))
            if name in STREAMED:
                given, chat_id = request.arguments, str(request.arguments.get("chatId"))
                summary = Summary(chat_id, whole=False)
                await self._stream(call, lambda: open_operation(service, name, given), summary, request.window)
                return
            async with asyncio.timeout_at(call.deadline):
                reply = OperationReply(result=await call_operation(service, name, request.arguments))
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller is told
            reply = OperationReply(error=call.fault(error))
        try:
            await call.result(reply)
        except Exception as error:  # noqa: BLE001 - likewise, where it can be
            await call.result(OperationReply(error=call.fault(_too_large(error))))

    async def _reply(
        self, call: Call, events: Callable[[], AsyncIterator[SSEEvent]], summary: Summary, claim: Claim | None
    ) -> None:
        failure: BaseException | None = None
        try:
            async with _until(call.deadline), self._turn(), Pump(events(), ahead=_AHEAD) as pump:
                while batch := await pump.batch():
                    for event in batch:
                        summary.add(event)
        except asyncio.CancelledError:
            await self._answer(call, _whole(call, summary, _stopped()), claim)
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller is told
            failure = error
        await self._answer(call, _whole(call, summary, failure), claim)

    @staticmethod
    async def _answer(call: Call, reply: InferReply, claim: Claim | None) -> None:
        if claim is not None:
            await claim.settle(reply)
        try:
            await call.reply(reply)
        except Exception as error:  # noqa: BLE001 - an answer that the broker does not take
            await call.refuse(_too_large(error))

    async def _stream(
        self,
        call: Call,
        events: Callable[[], AsyncIterator[SSEEvent]],
        summary: Summary,
        window: int | None,
        claim: Claim | None = None,
    ) -> None:
        stream = _Streaming(Outbox(call, window), summary)
        stopped: asyncio.CancelledError | None = None
        failure: BaseException | None = None
        try:
            async with (
                _until(call.deadline) as leave,
                stream.outbox.open(leave),
                self._turn(),
                Pump(events(), ahead=_AHEAD) as pump,
            ):
                while batch := await pump.batch():
                    await stream.send(batch)
        except asyncio.CancelledError as error:
            failure, stopped = _stopped(), error
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller is told
            failure = error
        reply = _whole(call, summary, failure)
        with suppress(Exception):  # the broker is gone, or the caller: it notices by itself
            await stream.end(reply)
        if claim is not None:
            await claim.settle(reply)
        if stopped is not None:
            raise stopped

    @asynccontextmanager
    async def _turn(self) -> AsyncGenerator[None]:
        """One of the `max_workers` slots. Raises `KaiRateLimitError` where too many wait for one."""
        if self._accepted >= self._most:
            raise refusal("rate_limit:service", "The service is busy; come back later", retry_after=1.0)
        self._accepted += 1
        try:
            async with self._slots:
                yield
        finally:
            self._accepted -= 1


class _Streaming:
    """The chunks of one answer, numbered."""

    def __init__(self, outbox: Outbox, summary: Summary) -> None:
        self.outbox = outbox
        self._summary = summary

    async def send(self, events: list[SSEEvent]) -> None:
        add = self._summary.add
        chunks: list[Chunk] = []
        for index, event in enumerate(events, self.outbox.count):
            add(event)
            chunks.append(chunk_of(index, event))
        await self.outbox.send(chunks)

    async def end(self, reply: InferReply) -> None:
        final = Chunk(
            index=self.outbox.count,
            is_final=True,
            generation_id=reply.generation_id,
            chat_id=reply.chat_id,
            finish_reason=reply.finish_reason,
            usage=reply.usage,
            error=reply.error,
        )
        await self.outbox.end(final)


@asynccontextmanager
async def _until(deadline: float | None) -> AsyncGenerator[Callable[[], None]]:
    """The time for an answer, which ends at `deadline`, or when what is yielded is called."""
    left = False

    def leave() -> None:
        nonlocal left
        left = True
        with suppress(RuntimeError):  # it is over already
            scope.reschedule(-1)

    scope = asyncio.timeout_at(deadline)
    try:
        async with scope:
            yield leave
    except TimeoutError as error:
        if left:
            raise KaiStreamError("The answer was cancelled", "stream:cancelled") from error
        if scope.expired():
            raise KaiTimeoutError("No whole answer before the deadline", "timeout:deadline") from error
        raise


def _whole(call: Call, summary: Summary, failure: BaseException | None) -> InferReply:
    failure = failure or summary.failure()
    return InferReply(
        request_id=call.request_id,
        generation_id=summary.generation_id or call.request_id,
        chat_id=summary.chat_id,
        output=summary.output,
        finish_reason=summary.finish_reason,
        usage=summary.usage,
        error=None if failure is None else call.fault(failure),
    )


def _stopped() -> KaiError:
    return KaiServerError("The service was stopped before the answer was whole", "offline:service", status_code=503)


def _too_large(error: Exception) -> Exception:
    if isinstance(error, MaxPayloadError):
        return KaiError("The answer is larger than the broker takes (max_payload)", "response:too_large")
    return error
