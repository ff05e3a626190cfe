"""`ChatStream`: what a streaming call returns. It owns the response and makes sure that it is closed."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from types import TracebackType
from typing import Self, TypeVar

from kai_client.events import SSEEvent, TextEvent, ToolCallEvent, UsageInfo
from kai_client.exceptions import KaiClosedError, KaiError
from kai_client.message import UIMessage
from kai_client.transport import Carrier, logged
from kai_client.types import Json

from .carrying import Carrying
from .continuation import Continuation
from .failing import attach, count
from .folding import Folding
from .leg import Leg
from .opening import Opening
from .telling import Telling
from .verdict import failure_of
from .watch import Watch, drop

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
        transport: Carrier,
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
        self._watch = Watch(transport.stream_timeouts.total)
        self._leg: Leg | None = None
        self._ready: Iterator[SSEEvent] = iter(())
        """The events that can be handed out without waiting."""
        self._quick: Callable[[], Awaitable[bytes]] | None = None
        """What gives the next piece, while nothing else is to be expected."""
        self._folding = Folding()
        self._telling = Telling(transport.url, chat_id, self._folding, is_run=continuation is not None)
        self._carrying = Carrying(continuation, self._folding) if continuation is not None else None
        self._entered = self._done = False
        self._error: Exception | None = None
        self._broken: KaiError | None = None
        """The error of the response itself, which may have a rest somewhere."""

    async def __aenter__(self) -> Self:
        """Send the request and wait for the response's head, so that a refused request raises here."""
        self._refuse_another()
        self._entered = True
        with self._telling.to_its_end(lambda: self._leg):
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
        while True:
            for event in self._ready:
                return event
            if not await self._more():
                raise StopAsyncIteration

    async def aclose(self) -> None:
        """Give the connection back. Closing twice is fine; a closed stream yields nothing more.

        A task that is reading the stream meanwhile gets a `KaiClosedError`.
        """
        reading = self._watch.close()
        self._stop()
        if not reading:
            await self._release()

    async def _release(self) -> None:
        """Give the connection back; a stream that broke may yet go on."""
        self._stop()
        self._telling.ended(self._leg)
        if self._leg is not None:
            await self._leg.aclose()

    def _stop(self) -> None:
        """Hand out nothing more of what is there; whoever iterates may be in the middle of it."""
        self._quick = None
        ready, self._ready = self._ready, iter(())
        drop(ready)

    @property
    def text_stream(self) -> AsyncIterator[str]:
        """The answer's text alone, piece by piece; raises when the answer is not whole."""
        return self._pick(lambda event: event.text if isinstance(event, TextEvent) and event.text else None)

    def updates(self) -> AsyncIterator[UIMessage]:
        """The message after every event that changed it; raises at the end when the answer is not whole.

        Each is a snapshot and costs little until its parts are looked at: draw every one of them, or only the newest.
        """
        return self._pick(self._update)

    def _update(self, _: SSEEvent) -> UIMessage | None:
        answer = self._folding.answer
        return answer.message if self._folding.changed else None

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
        return self._folding.answer.text

    @property
    def message(self) -> UIMessage:
        """The assistant message so far; a snapshot that later events do not change."""
        return self._folding.answer.message

    @property
    def tool_calls(self) -> dict[str, ToolCallEvent]:
        """The last state of each tool call by its id, with name and input."""
        return self._folding.answer.tool_calls

    @property
    def usage(self) -> UsageInfo:
        """The token counts so far."""
        return self._folding.answer.usage

    @property
    def finish_reason(self) -> str | None:
        """Why the answer ended, None while it has not."""
        return finish.finish_reason if (finish := self._folding.answer.finish) else None

    @property
    def metadata(self) -> Json:
        """The message's metadata so far, merged; None if there was none."""
        return self._folding.answer.metadata

    @property
    def warnings(self) -> list[str]:
        """What did not fit, and where the AI SDK would have given up."""
        return self._folding.answer.warnings

    @property
    def request_id(self) -> str | None:
        """The id of the request in the service's logs, where its response head names one."""
        return self._leg.request_id if self._leg is not None else None

    async def _iterate(self) -> AsyncGenerator[SSEEvent]:
        try:
            while True:
                for event in self._ready:
                    yield event
                if not await self._more():
                    return
        finally:
            await self._left()

    async def _pick(self, pick: Callable[[SSEEvent], PickT | None]) -> AsyncGenerator[PickT]:
        """What `pick` makes of each event, and at the end the judgement whether the answer is whole."""
        self._folding.looks = True
        try:
            while True:
                for event in self._ready:
                    if (picked := pick(event)) is not None:
                        yield picked
                if not await self._more():
                    break
            self._require_whole()
        finally:
            await self._left()

    async def _read_all(self) -> None:
        self._folding.takes_all = True
        try:
            await anext(self._pick(_nothing), None)
        finally:
            self._folding.takes_all = False

    async def _left(self) -> None:
        """Reading has ended. An `async with` closes at its own end; who was refused, since another task reads, closes nothing."""
        if self._entered or self._watch.waits:
            return
        await (self._release() if self._error is not None else self.aclose())

    async def recover(self) -> None:
        """Make a stream that broke go on: iterate again, and what was missing comes, nothing twice.

        kai-assistant replays the stream; else the chat is read until the answer is stored in it, for as long as the stream's
        `total` timeout allows or five minutes. Raises the error of the stream again where the rest cannot be had, and for
        errors that are the backend's own words. Does nothing for a stream that did not break.
        """
        error, broken, leg = self._error, self._broken, self._leg
        if self._watch.closed:
            raise KaiClosedError("The stream was closed; send the message again", "closed")
        if error is not None:
            self._refuse_another()
            with self._telling.to_its_end(lambda: leg):
                if not (leg and broken and broken is error and await self._find_rest(leg, broken)):
                    raise error

    async def _find_rest(self, leg: Leg, error: KaiError) -> bool:
        if not await leg.find_rest(error, self.chat_id, self._folding.answer, resumable=self._resumable):
            return False
        self._folding.looks = True  # the bytes of the rest are others
        self._ready = self._handed_out(leg)
        self._error = self._broken = None
        return True

    async def _open(self) -> None:
        """Send the request, once; afterwards the head has arrived."""
        if self._leg is None:
            with self._telling.running():
                opening = await self._prepare()
            self._folding.begin(opening.message)
            self._leg = self._begun(opening)
        await self._leg.open()

    def _begun(self, opening: Opening) -> Leg:
        self._ready = self._folding.following(opening.events)
        return Leg(self._transport, self._watch, opening, self._telling)

    async def _more(self) -> bool:
        """Have more events ready; False after the last."""
        leg, quick = self._leg, self._quick
        if leg is None or quick is None or leg.decoder.over:
            return await self._more_with_care()
        # Token by token the steps around an event cost more than the event: these are as few as there can be.
        self._watch.begin()
        try:
            try:
                data = await quick()
            except Exception as error:  # noqa: BLE001 - what it means is found out there
                leg.ended_with(error)
                data = None
            finally:
                self._watch.end()
        except (asyncio.CancelledError, KaiClosedError) as error:
            await self._failed(error)
            raise
        if data is None:
            return await self._more_with_care()
        folding = self._folding
        if folding.looks:
            self._ready = folding.take_in(data, leg.decoder)
        else:
            self._ready = leg.decoder.feed(data)
            folding.newest = len(folding.kept)
            folding.kept += data
        return True

    def _refuse_another(self) -> None:
        """Whoever comes while a task reads changes nothing for it."""
        if self._watch.waits:
            raise RuntimeError("The stream is being read by another task, or by this one further out")

    async def _more_with_care(self) -> bool:
        self._refuse_another()
        if self._error is not None or self._watch.closed or self._done:
            return False
        self._quick = None
        try:
            return await self._receive()
        except (asyncio.CancelledError, Exception) as error:
            await self._failed(error)
            raise

    async def _failed(self, error: BaseException) -> None:
        """Reading has ended so."""
        if isinstance(error, Exception):
            self._error = error
        else:  # what it was in the middle of is undone or unknown: going on could send a request twice
            self._error = KaiClosedError("The stream was closed: reading it was cancelled", "closed")
        self._telling.ended(self._leg, error)
        await self._release()
        if self._leg is not None and error is self._broken:
            count(error, self._leg.received())
        attach(error, self._folding, self.request_id, self._transport.credentials)

    async def _receive(self) -> bool:
        leg = self._leg
        if leg is None:
            await self._watch.within(self._open)
            return True
        if self._carrying is not None:
            if self._carrying.unheard is not None:
                return await self._was_heard(self._carrying, self._carrying.unheard, leg)
            if not leg.is_open:
                leg.began = self.message
        try:
            if await leg.receive():
                self._ready = self._handed_out(leg)
                return True
        except KaiError as error:
            if error is leg.failure:
                raise
            self._broken = error
            if self._watch.closed or not self._recovers or not await self._find_rest(leg, error):
                raise
            return True
        return await self._go_on(leg)

    def _handed_out(self, leg: Leg) -> Iterator[SSEEvent]:
        events = logged(leg.ready, self._transport.credentials)
        if self._carrying is not None:
            return self._carrying.hand_out(events)
        self._quick = leg.quick if events is leg.ready else None
        return self._folding.hand_out(events, leg.data, leg.decoder)

    async def _was_heard(self, carrying: Carrying, event: SSEEvent, leg: Leg) -> bool:
        """Tell the continuation, now that the reader knows; whether the answer is read on."""
        carrying.unheard = None
        with self._telling.running(leg):
            self._done = not await self._watch.within(lambda: carrying.continuation.heard(event, self._folding.answer))
        if self._done:
            await self._release()
        else:
            self._ready = self._handed_out(leg)
        return not self._done

    async def _go_on(self, leg: Leg) -> bool:
        """Whether more comes after a response that ended."""
        self._telling.response_ended(leg)
        carrying = self._carrying
        opening = None
        if carrying is not None and leg.over and leg.is_asked_for and not failure_of(self._folding.answer):
            carrying.is_deciding = True
            with self._telling.running():
                opening = await self._watch.within(lambda: self._decided(carrying, leg))
            carrying.is_deciding = False
        if carrying is None or opening is None:
            self._done = True
            self._telling.ended(leg)
            self._ready = carrying.ending() if carrying is not None else iter(())
            return carrying is not None
        carrying.go_on()
        self._leg = self._begun(opening)
        return True

    async def _decided(self, carrying: Carrying, leg: Leg) -> Opening | None:
        await leg.aclose()  # deciding can take long, and may need the connection
        return await carrying.continuation.go_on(self._folding.answer)

    def _require_whole(self) -> None:
        """Raise for an answer that ended, but not well, or was not read to its end."""
        if self._error is not None:
            raise self._error
        failure = failure_of(self._folding.answer)
        if failure is None and not self._done and not self._declared_over():
            failure = KaiClosedError("The stream was closed before the answer was whole", "closed")
        if failure is not None:
            attach(failure, self._folding, self.request_id, self._transport.credentials)
            raise failure

    def _declared_over(self) -> bool:
        """Whether all was there when it was left: only what may follow the end was not waited for."""
        if self._leg is None or (self._carrying is not None and self._carrying.is_open):
            return False
        return self._leg.is_whole or self._folding.answer.finish is not None


def _nothing(_: SSEEvent) -> str | None:
    return None
