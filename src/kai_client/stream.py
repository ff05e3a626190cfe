"""`ChatStream`: what a streaming call returns. It owns the response and makes sure that it is closed."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import NoReturn, Self, TypeVar

from .accumulator import Accumulator
from .events import ErrorEvent, SSEEvent, TextEvent, ToolCallEvent, UsageInfo
from .exceptions import KaiClosedError, KaiError, KaiStreamError, KaiTimeoutError, error_class
from .message import UIMessage
from .sse import EventDecoder
from .transport import StreamHead, StreamRequest, Transport
from .types import Json

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
    """

    def __init__(self, transport: Transport, prepare: Callable[[], Awaitable[Opening]], *, chat_id: str) -> None:
        self.chat_id = chat_id
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
        self._deadline: float | None = None
        self._entered = False
        self._ended = False

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
        self._ended = True
        self._ready = iter(())
        if self._reading is not None:
            self._reading.reschedule(0)
        elif self._body is not None:
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
            # Left by break, an exception or cancellation. An `async with` around it closes at its own end.
            if not self._entered:
                await self.aclose()

    async def _pick(self, pick: Callable[[SSEEvent], PickT | None]) -> AsyncGenerator[PickT]:
        """What `pick` makes of each event, and at the end the judgement whether the answer is whole."""
        try:
            while (event := await self._next()) is not None:
                if (picked := pick(event)) is not None:
                    yield picked
            self._require_whole()
        finally:
            if not self._entered:
                await self.aclose()

    async def _read_all(self) -> None:
        try:
            while await self._next() is not None:
                pass
        finally:
            if not self._entered:
                await self.aclose()
        self._require_whole()

    async def _open(self) -> AsyncGenerator[bytes]:
        """Send the request, once; afterwards the head has arrived."""
        if self._body is None:
            opening = await self._prepare()
            self._request = opening.request
            self._answer = Accumulator(opening.message)
            self._body = await self._transport.open(opening.request, self._head)
        return self._body

    async def _next(self) -> SSEEvent | None:
        """The next event, None after the last."""
        try:
            while True:
                for event in self._ready:
                    self._changed = self._answer.apply(event)
                    return event
                if self._ended:
                    return None
                await self._receive()
        except KaiError as error:
            await self.aclose()
            self._attach(error)
            raise

    async def _receive(self) -> None:
        """Have the decoder work on the next piece of the body, or note its end."""
        try:
            data = await self._within_time(self._piece)
        except KaiError:
            if not self._decoder.terminal:
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
        # An answer that was declared over may be followed by its usage, but not for ever.
        until = now + timeouts.grace if self._decoder.terminal else self._deadline
        try:
            async with asyncio.timeout_at(until) as self._reading:
                return await work()
        except TimeoutError as error:
            if self._ended:
                raise KaiClosedError("The stream was closed while it was being read", "closed") from error
            raise KaiTimeoutError(f"No whole answer within {timeouts.total} s in all", "timeout:total") from error
        finally:
            self._reading = None

    def _last_events(self) -> Iterator[SSEEvent]:
        yield from self._decoder.close()
        empty_is_fine = self._request is not None and self._request.may_be_empty and not self._decoder.bytes_received
        if not (self._decoder.terminal or empty_is_fine):
            seen = f"{self._decoder.events_received} events, {self._decoder.bytes_received} bytes"
            raise KaiStreamError(f"The answer broke off: no finish, error or [DONE] after {seen}", "stream:incomplete")

    def _require_whole(self) -> None:
        """Raise for an answer that ended, but not well."""
        if self._answer.errors:
            self._fail(self._answer.errors[0])
        if self._answer.abort is not None:
            reason = self._answer.abort.reason
            error = KaiStreamError("The answer was aborted", "stream:aborted", reason)
            self._attach(error)
            raise error

    def _fail(self, event: ErrorEvent) -> NoReturn:
        """An error chunk's code, if it has one, decides the class as the same code would in a response."""
        kind = error_class(event.code)
        error = (KaiStreamError if kind is KaiError else kind)(event.message, event.code or "stream:error")
        self._attach(error)
        raise error

    def _attach(self, error: KaiError) -> None:
        error.request_id = error.request_id or self._head.request_id
        error.partial_text = self.text
        error.partial_message = self.message
