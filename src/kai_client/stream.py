"""`ChatStream`: what a streaming call returns. It owns the response and makes sure that it is closed."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Final, NoReturn, Self, TypeVar

from .accumulator import Accumulator
from .events import ErrorEvent, SSEEvent, TextEvent, ToolCallEvent, UsageInfo
from .exceptions import KaiClosedError, KaiError, KaiStreamError, KaiTimeoutError, error_class
from .message import UIMessage
from .recovery import Broken, OpenParts, is_recoverable, rest_of
from .sse import EventDecoder
from .transport import StreamHead, StreamRequest, Transport, log_event
from .types import FinishReason, Json

_OK: Final = 200

PickT = TypeVar("PickT")
ResultT = TypeVar("ResultT")

__all__ = ["ChatStream", "Opening"]


@dataclass(frozen=True)
class Opening:
    """How a stream begins: its request, and the assistant message that goes on in it, if there is one."""

    request: StreamRequest
    message: UIMessage | None = None


class ChatStream:
    """The answer to one message: an async iterator of events that is also an async context manager.

    Nothing is sent before the stream is entered or first iterated. `async for event in stream` alone is enough: leaving the
    loop in any way, by its end, `break`, an exception or cancellation, gives the connection back. Within `async with` the
    block's end does so, and iteration can go on after a `break`. A stream is read once.

    Iterating yields `error` and `abort` as the events they are, and raises `KaiStreamError` when the body ends before the
    answer was declared over; `text_stream`, `updates`, `get_final_text` and `get_final_message` raise for all three, so that half an
    answer is never taken for a whole one. The exception carries what had arrived as `partial_text` and `partial_message`.

    With `recover`, a lost connection is not the end: the rest is fetched, and the events go on as if nothing had happened.
    `resumable` says whether the backend may be able to replay streams.
    """

    def __init__(
        self,
        transport: Transport,
        prepare: Callable[[], Awaitable[Opening]],
        *,
        chat_id: str,
        recover: bool = False,
        resumable: bool = True,
    ) -> None:
        self.chat_id = chat_id
        self._recovers = recover
        self._resumable = resumable
        self._began: UIMessage | None = None
        self._open_parts = OpenParts()
        self._delivered = 0
        self._resumed_at: int | None = None
        self._error: KaiError | None = None
        self._transport = transport
        self._prepare = prepare
        self._request: StreamRequest | None = None
        self._head = StreamHead()
        self._body: AsyncGenerator[bytes] | None = None
        self._decoder = EventDecoder(transport.limits.event_bytes)
        self._ready: Iterator[SSEEvent] = iter(())
        self._answer = Accumulator()
        self._changed = False
        self._reading: asyncio.Timeout | None = None
        self._closing = False
        self._deadline: float | None = None
        self._grace_over: float | None = None
        self._entered = False
        self._ended = False
        self._closed = False
        self._over = False
        """The body has ended where an answer may end."""

    async def __aenter__(self) -> Self:
        """Send the request and wait for the response's head, so that a refused request raises here."""
        self._entered = True
        await self._within_time(self._open)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> AsyncIterator[SSEEvent]:
        return self._iterate()

    async def __anext__(self) -> SSEEvent:
        """The next event, for `anext(stream)`; whoever takes events one by one closes the stream."""
        event = await self._next()
        if event is None:
            raise StopAsyncIteration
        return event

    async def aclose(self) -> None:
        """Give the connection back. Closing twice is fine; a closed stream yields nothing more.

        A task that is reading the stream meanwhile gets a `KaiClosedError`.
        """
        self._closed = True
        if self._reading is not None:
            if not self._closing:  # its time can only be over once
                self._closing = True
                self._reading.reschedule(0)
        else:
            await self._release()

    async def _release(self) -> None:
        """Give the connection back; a stream that broke may yet go on."""
        self._ended = True
        self._ready = iter(())
        if self._body is not None:
            await self._body.aclose()

    @property
    def text_stream(self) -> AsyncIterator[str]:
        """The answer's text alone, piece by piece; raises when the answer is not whole."""
        return self._pick(lambda event: event.text if isinstance(event, TextEvent) and event.text else None)

    def updates(self) -> AsyncIterator[UIMessage]:
        """The message after every event that changed it; raises at the end when the answer is not whole.

        Each is a snapshot and costs little until its parts are looked at, so a user interface can draw every one or only
        the newest.
        """
        return self._pick(lambda _: self.message if self._changed else None)

    async def get_final_text(self) -> str:
        """Read the rest and return the whole text; raises `KaiError` when the answer is not whole."""
        await self._read_all()
        return self.text

    async def get_final_message(self) -> UIMessage:
        """Read the rest and return the whole message; raises `KaiError` when the answer is not whole."""
        await self._read_all()
        return self.message

    @property
    def text(self) -> str:
        """The text so far."""
        return self._answer.text

    @property
    def message(self) -> UIMessage:
        """The assistant message so far; a snapshot that later events do not change."""
        return self._answer.message

    @property
    def tool_calls(self) -> dict[str, ToolCallEvent]:
        """The last state of each tool call by its id, with name and input."""
        return self._answer.tool_calls

    @property
    def usage(self) -> UsageInfo:
        """The token counts so far."""
        return self._answer.usage

    @property
    def finish_reason(self) -> str | None:
        """Why the answer ended, None while it has not."""
        return self._answer.finish.finish_reason if self._answer.finish else None

    @property
    def metadata(self) -> Json:
        """The message's metadata so far, merged; None if there was none."""
        return self._answer.metadata

    @property
    def warnings(self) -> list[str]:
        """What did not fit, and where the AI SDK would have given up."""
        return self._answer.warnings

    @property
    def request_id(self) -> str | None:
        """The id of the request in the service's logs, where its response head names one."""
        return self._head.request_id

    async def _iterate(self) -> AsyncGenerator[SSEEvent]:
        try:
            while (event := await self._next()) is not None:
                yield event
        finally:
            await self._left()

    async def _pick(self, pick: Callable[[SSEEvent], PickT | None]) -> AsyncGenerator[PickT]:
        """What `pick` makes of each event, and at the end the judgement whether the answer is whole."""
        try:
            while (event := await self._next()) is not None:
                if (picked := pick(event)) is not None:
                    yield picked
            self._require_whole()
        finally:
            await self._left()

    async def _read_all(self) -> None:
        try:
            while await self._next() is not None:
                pass
        finally:
            await self._left()
        self._require_whole()

    async def _left(self) -> None:
        """Reading has ended: by its end, `break`, an exception or cancellation.

        An `async with` around it closes at its own end; and who was refused, since another task reads, closes nothing.
        """
        if self._entered or self._reading is not None:
            return
        await (self._release() if self._error is not None else self.aclose())

    async def _open(self) -> AsyncGenerator[bytes]:
        """Send the request, once; afterwards the head has arrived."""
        if self._closed:
            raise KaiClosedError("The stream was closed; send the message again", "closed")
        if self._body is None:
            opening = await self._prepare()
            self._request = opening.request
            self._began = opening.message
            self._answer = Accumulator(opening.message)
            self._body = await self._transport.open(opening.request, self._head)
        return self._body

    async def recover(self) -> None:
        """Make a stream that broke go on: iterate again, and what was missing comes, nothing twice.

        kai-assistant replays the stream; else the chat is read until the answer is stored in it, for as long as the stream's
        `total` timeout allows or five minutes. Raises the error of the stream again where the rest cannot be had, and for
        errors that are the backend's own words. Does nothing for a stream that did not break.
        """
        error = self._error
        if self._closed:
            raise KaiClosedError("The stream was closed; send the message again", "closed")
        if error is not None and not await self._goes_on(error):
            raise error

    async def _next(self) -> SSEEvent | None:
        """The next event, None after the last."""
        while True:
            try:
                return await self._next_received()
            except KaiError as error:
                if self._recovers and not self._closed and await self._goes_on(error):
                    continue
                self._error = error
                await self._release()
                self._count(error)
                self._attach(error)
                raise

    async def _next_received(self) -> SSEEvent | None:
        while True:
            for event in self._ready:
                self._changed = self._answer.apply(event)
                self._open_parts.note(event, self._part_count)
                self._delivered += 1
                log_event(event.type, self._transport.credentials)
                self._grace_over = None  # usage may be followed by more; comments prolong nothing
                return event
            if self._ended or self._closed:
                return None
            await self._receive()

    def _part_count(self) -> int:
        return self._answer.part_count

    async def _goes_on(self, error: KaiError) -> bool:
        """Whether the rest of the answer was found; it is what comes next then."""
        if self._request is None or self._head.status_code != _OK or not is_recoverable(error):
            return False
        broken = Broken(
            chat_id=self.chat_id,
            request=self._request,
            began=self._began,
            partial=self.message,
            events=self._delivered,
            open_ids=self._open_parts.ids(),
            # A replay that broke where the last one did will break there again.
            may_resume=self._resumable and self._resumed_at != self._delivered,
        )
        if self._body is not None:
            await self._body.aclose()
        try:
            source = await self._within_time(lambda: rest_of(self._transport, broken))
        except KaiClosedError:
            raise
        except KaiError:
            return False
        if source is None:
            return False
        self._error = None
        self._ready, self._decoder, self._body = source.ready, source.decoder, source.body
        self._ended = source.body is None
        self._resumed_at = self._delivered
        return True

    async def _receive(self) -> None:
        """Have the decoder work on the next piece of the body, or note its end."""
        try:
            data = await self._within_time(self._piece)
        except KaiError as error:
            if not self._decoder.terminal:
                if self._transport.connections.closed:
                    raise KaiClosedError("The client was closed while its stream was read", "closed") from error
                raise
            data = None  # the answer was complete: how its connection ended no longer matters
        if data is not None:
            self._ready = self._decoder.feed(data)
            return
        self._ended = True
        self._ready = self._last_events()

    async def _piece(self) -> bytes | None:
        return await anext(await self._open(), None)

    async def _within_time(self, work: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """What `work` returns, unless the time for all of it is over, or the stream is closed meanwhile."""
        if self._reading is not None:
            raise RuntimeError("The stream is being read by another task")
        timeouts = self._transport.stream_timeouts
        now = asyncio.get_running_loop().time()
        if self._deadline is None and timeouts.total is not None:
            self._deadline = now + timeouts.total
        try:
            async with asyncio.timeout_at(self._until(now)) as self._reading:
                return await work()
        except TimeoutError as error:
            if self._closed:
                await self._release()
                raise KaiClosedError("The stream was closed while it was being read", "closed") from error
            raise KaiTimeoutError(f"No whole answer within {timeouts.total} s in all", "timeout:total") from error
        finally:
            self._reading = None
            self._closing = False

    def _until(self, now: float) -> float | None:
        """When to stop waiting: an answer that was declared over may be followed by its usage, but not for ever."""
        if not self._decoder.terminal:
            return self._deadline
        if self._grace_over is None:
            self._grace_over = now + self._transport.stream_timeouts.grace
        return self._grace_over if self._deadline is None else min(self._grace_over, self._deadline)

    def _last_events(self) -> Iterator[SSEEvent]:
        yield from self._decoder.close()
        # Comments alone are nothing to resume, too (protocol 7.1).
        empty_is_fine = self._request is not None and self._request.may_be_empty and self._decoder.silent
        if not (self._decoder.terminal or empty_is_fine):
            raise KaiStreamError("The answer broke off: no finish, error or [DONE]", "stream:incomplete")
        self._over = True

    def _require_whole(self) -> None:
        """Raise for an answer that ended, but not well, or was not read to its end."""
        if self._error is not None:
            raise self._error
        if self._answer.errors:
            self._fail(self._answer.errors[0])
        if self._answer.abort is not None:
            reason = self._answer.abort.reason
            self._refuse(KaiStreamError("The answer was aborted", "stream:aborted", reason))
        if self.finish_reason == FinishReason.ERROR:  # what kai-agent says when nobody decided in time (protocol 2.5)
            self._refuse(KaiStreamError("The answer failed, and the backend does not say why", "stream:finish_error"))
        if not (self._over or self._decoder.terminal or self._answer.finish):
            self._refuse(KaiClosedError("The stream was closed before the answer was whole", "closed"))

    def _fail(self, event: ErrorEvent) -> NoReturn:
        """An error chunk's code, if it has one, decides the class as the same code would in a response."""
        kind = error_class(event.code)
        self._refuse((KaiStreamError if kind is KaiError else kind)(event.message, event.code or "stream:error"))

    def _refuse(self, error: KaiError) -> NoReturn:
        self._attach(error)
        raise error

    def _count(self, error: KaiError) -> None:
        """Say how much had arrived when the body of an answer went wrong."""
        if self._head.status_code is not None and isinstance(error, KaiStreamError | KaiTimeoutError):
            seen = f"{self._decoder.events_received} events, {self._decoder.bytes_received} bytes"
            error.message = f"{error.message} after {seen}"
            error.args = (error.message,)

    def _attach(self, error: KaiError) -> None:
        error.request_id = error.request_id or self._head.request_id
        error.partial_text = self.text
        error.partial_message = self.message
        self._transport.credentials.redact_error(error)
