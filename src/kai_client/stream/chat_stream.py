"""`ChatStream`: what a streaming call returns. It owns the response and makes sure that it is closed."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from types import TracebackType
from typing import Self, TypeVar

from kai_client.accumulator import Accumulator
from kai_client.events import FinishEvent, SSEEvent, StartEvent, TextEvent, ToolCallEvent, UsageInfo
from kai_client.exceptions import KaiClosedError, KaiError, KaiStreamError, KaiTimeoutError
from kai_client.message import UIMessage
from kai_client.transport import Transport, log_event
from kai_client.types import Json

from .continuation import Continuation
from .leg import Leg, Opening
from .verdict import failure_of
from .watch import Watch

PickT = TypeVar("PickT")

__all__ = ["ChatStream"]


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
        continuation: Continuation | None = None,
    ) -> None:
        self.chat_id = chat_id
        self._transport = transport
        self._prepare = prepare
        self._recovers = recover
        self._resumable = resumable
        self._continuation = continuation
        self._watch = Watch(transport.stream_timeouts.total)
        self._leg: Leg | None = None
        self._answer = Accumulator()
        self._changed = False
        self._added: Iterator[SSEEvent] = iter(())
        """What this side adds between two responses."""
        self._opening: Opening | None = None
        """How the next response begins, after that."""
        self._goes_on = False
        """Whether this is not the first response of the answer."""
        self._last: SSEEvent | None = None
        """The event that the continuation was not told of yet."""
        self._held: tuple[FinishEvent, bool] | None = None
        """A `finish` that may turn out not to be the end, and whether it changed the message."""
        self._deciding = False
        self._entered = False
        self._done = False
        self._error: Exception | None = None
        self._broken: KaiError | None = None
        """The error of the response itself, which may have a rest somewhere."""

    async def __aenter__(self) -> Self:
        """Send the request and wait for the response's head, so that a refused request raises here."""
        self._entered = True
        await self._watch.within(self._open)
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
        reading = self._watch.waits
        self._watch.close()
        if not reading:
            await self._release()

    async def _release(self) -> None:
        """Give the connection back; a stream that broke may yet go on."""
        if self._leg is not None:
            await self._leg.aclose()

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
        return self._leg.head.request_id if self._leg is not None else None

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
        if self._entered or self._watch.waits:
            return
        await (self._release() if self._error is not None else self.aclose())

    async def recover(self) -> None:
        """Make a stream that broke go on: iterate again, and what was missing comes, nothing twice.

        kai-assistant replays the stream; else the chat is read until the answer is stored in it, for as long as the stream's
        `total` timeout allows or five minutes. Raises the error of the stream again where the rest cannot be had, and for
        errors that are the backend's own words. Does nothing for a stream that did not break.
        """
        error, broken = self._error, self._broken
        if self._watch.closed:
            raise KaiClosedError("The stream was closed; send the message again", "closed")
        if error is None or (broken is not None and broken is error and await self._find_rest(broken)):
            return
        raise error

    async def _find_rest(self, error: KaiError) -> bool:
        if self._leg is None:
            return False
        if not await self._leg.find_rest(error, self.chat_id, self.message, resumable=self._resumable):
            return False
        self._error = self._broken = None
        return True

    async def _open(self) -> None:
        """Send the request, once; afterwards the head has arrived."""
        if self._watch.closed:
            raise KaiClosedError("The stream was closed; send the message again", "closed")
        if self._leg is None:
            opening = await self._prepare()
            self._answer = Accumulator(opening.message)
            self._added = iter(opening.events)
            self._leg = Leg(self._transport, self._watch, opening)
        await self._leg.open()

    async def _next(self) -> SSEEvent | None:
        """The next event, None after the last."""
        if self._watch.waits:
            raise RuntimeError("The stream is being read by another task")
        if self._error is not None or self._watch.closed or self._done:
            return None
        try:
            return await self._next_event()
        except asyncio.CancelledError:
            # What it was in the middle of is undone or unknown: going on could send a request twice.
            self._error = KaiClosedError("The stream was closed: reading it was cancelled", "closed")
            await self._release()
            raise
        except Exception as error:
            self._error = error
            await self._release()
            if isinstance(error, KaiError):
                self._count(error)
                self._attach(error)
            raise

    async def _next_event(self) -> SSEEvent | None:
        while True:
            if self._last is not None and not await self._was_heard(self._last):
                return None
            if self._leg is None:
                await self._watch.within(self._open)
            for added in self._added:
                self._changed = self._answer.apply(added)
                return added
            if self._opening is not None:
                opening, self._opening = self._opening, None
                self._leg = Leg(self._transport, self._watch, opening)
            event = await self._read()
            if event is not None:
                return event
            if not await self._go_on():
                return self._ending()

    async def _read(self) -> SSEEvent | None:
        """The next event of the response, None at its end."""
        leg = self._leg
        while leg is not None:
            try:
                for event in leg.ready:
                    if self._take(leg, event):
                        return event
                if leg.ended:
                    return None
                if not leg.is_open and self._continuation is not None:
                    leg.began = self.message
                await leg.receive()
            except KaiError as error:
                if error is leg.failure:
                    raise
                self._broken = error
                if self._watch.closed or not self._recovers or not await self._find_rest(error):
                    raise
        return None

    def _take(self, leg: Leg, event: SSEEvent) -> bool:
        """Fold an event in; whether it is handed out."""
        begins_again = self._goes_on and isinstance(event, StartEvent)
        folded = self._answer.going_on(event) if isinstance(event, StartEvent) and self._goes_on else event
        self._changed = self._answer.apply(folded)
        leg.note(event, self._answer)
        log_event(event.type, self._transport.credentials)
        if self._continuation is None:
            return True
        if isinstance(event, FinishEvent) and self._continuation.waits(self._answer):
            self._held = event, self._changed
            return False
        if begins_again or self._continuation.repeats(event):
            return False
        if self._continuation.concerns(event):
            self._last = event
        return True

    async def _was_heard(self, event: SSEEvent) -> bool:
        """Tell the continuation, now that the reader knows; whether the answer is read on."""
        continuation, self._last = self._continuation, None
        if continuation is not None and not await self._watch.within(lambda: continuation.heard(event, self._answer)):
            self._done = True
            await self._release()
        return not self._done

    async def _go_on(self) -> bool:
        """Whether the answer goes on after a response that ended."""
        continuation, leg = self._continuation, self._leg
        if continuation is None or leg is None or not (leg.over and leg.is_asked_for) or failure_of(self._answer):
            return False

        async def decide() -> Opening | None:
            await leg.aclose()  # deciding can take long, and may need the connection
            return await continuation.go_on(self._answer)

        self._deciding = True
        opening = await self._watch.within(decide)
        self._deciding = False
        if opening is None:
            return False
        self._held = None
        self._goes_on = True
        self._added = iter(opening.events)
        self._opening = opening
        self._answer.go_on()
        return True

    def _ending(self) -> SSEEvent | None:
        """The `finish` that was the end after all."""
        self._done = True
        if self._held is None:
            return None
        (event, self._changed), self._held = self._held, None
        return event

    def _require_whole(self) -> None:
        """Raise for an answer that ended, but not well, or was not read to its end."""
        if self._error is not None:
            raise self._error
        failure = failure_of(self._answer)
        if failure is None and not self._done and not self._declared_over():
            failure = KaiClosedError("The stream was closed before the answer was whole", "closed")
        if failure is not None:
            self._attach(failure)
            raise failure

    def _declared_over(self) -> bool:
        """Whether all was there when it was left: only what may follow the end was not waited for."""
        if self._deciding or self._held is not None or self._opening is not None or self._leg is None:
            return False
        return self._leg.over or self._leg.terminal or self._answer.finish is not None

    def _count(self, error: KaiError) -> None:
        """Say how much had arrived when the body of an answer went wrong."""
        received = self._leg.received() if self._leg is not None and error is self._broken else None
        if received is not None and isinstance(error, KaiStreamError | KaiTimeoutError):
            error.message = f"{error.message} after {received}"
            error.args = (error.message,)

    def _attach(self, error: KaiError) -> None:
        error.request_id = error.request_id or self.request_id
        error.partial_text = self.text
        error.partial_message = self.message
        self._transport.credentials.redact_error(error)
