"""One response of an answer: its request, its bytes, the events that they make, and where the rest is when it breaks."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from kai_client.accumulator import Accumulator
from kai_client.events import SSEEvent
from kai_client.exceptions import KaiClosedError, KaiError, KaiStreamError
from kai_client.message import UIMessage
from kai_client.recovery import Broken, is_recoverable, rest_of
from kai_client.sse import EventDecoder
from kai_client.telemetry import Recovery, note
from kai_client.transport import Body, Carrier, StreamHead

from .opening import Opening
from .telling import Telling
from .watch import Watch

_OK: Final = 200

__all__ = ["Leg"]


class Leg:
    """A response that is read; an answer that was asked for approvals may take several, one after the other.

    `ready` are the events that are there, made by `decoder` of the piece `data`. `ended` says that no more bytes will come,
    `over` that they ended where an answer may end.
    """

    def __init__(self, transport: Carrier, watch: Watch, opening: Opening, telling: Telling) -> None:
        self.head: StreamHead = StreamHead()
        self.ready: Iterator[SSEEvent] = iter(())
        self.data: bytes = b""
        self.decoder: EventDecoder = EventDecoder(transport.limits.event_bytes)
        self.ended: bool = False
        self.over: bool = False
        self._transport = transport
        self._watch = watch
        self.began: UIMessage | None = opening.message
        """The message as it was when this response began."""
        self._opening = opening
        self._telling = telling
        self._body: Body | None = None
        self._ended_with: Exception | None = None
        self._resumed_at: int | None = None
        self._grace_over: float | None = None
        self._grace_from = 0
        """How many events there were when the grace began."""

    @property
    def terminal(self) -> bool:
        """Whether the answer was declared over."""
        return self.decoder.terminal

    @property
    def is_whole(self) -> bool:
        """Whether it was declared over, or ended where an answer may end."""
        return self.over or self.terminal

    @property
    def events(self) -> int:
        """How many events were handed out."""
        return self.decoder.events_received

    @property
    def request_id(self) -> str | None:
        """The id of the request in the service's logs, where its response head names one."""
        return self.head.request_id

    @property
    def is_open(self) -> bool:
        """Whether the request was sent."""
        return self._body is not None

    @property
    def is_asked_for(self) -> bool:
        """Whether there is a request."""
        return self._opening.request is not None

    @property
    def failure(self) -> Exception | None:
        """What is to be raised instead of reading the response."""
        return self._opening.failure

    async def open(self) -> None:
        """Send the request, once; afterwards the response's head has arrived."""
        if self._opening.request is None:
            self.ended = self.over = True
            return
        if self._body is not None:
            return
        failure = self._opening.failure
        try:
            with self._telling.asking(self._opening.request):
                self._body = await self._transport.open(self._opening.request, self.head)
        except KaiError as error:
            if failure is None:
                raise
            self._telling.response_ended(self, error)
            raise failure from error
        if failure is not None:
            self._telling.response_ended(self)
            await self.aclose()
            raise failure

    async def aclose(self) -> None:
        """Give the connection back."""
        self.ended = True
        if self._body is not None:
            await self._body.aclose()

    async def receive(self) -> bool:
        """Have the events of the next piece ready, once the last ones were taken; False at the end of the response.

        Raises `KaiError` where the response breaks, is no event stream, or ends in the middle of an answer.
        """
        if self.decoder.failure is not None:
            raise self.decoder.failure
        if self.ended:
            self._require_end()
            return False
        try:
            data = await self._watch.within(self._piece, self._until() if self.decoder.terminal else None)
        except KaiError as error:
            if not self.decoder.terminal:
                if self._transport.connections.closed:
                    raise KaiClosedError("The client was closed while its stream was read", "closed") from error
                raise
            data = None  # the answer was complete: how its connection ended no longer matters
        if self._telling.awaits_first:
            self._telling.arrived(self.events)
        if data is None:
            self.ended = True
            self.data, self.ready = b"", self.decoder.close()
        else:
            self.data, self.ready = data, self.decoder.feed(data)
        return True

    @property
    def quick(self) -> Callable[[], Awaitable[bytes]] | None:
        """What gives the next piece without further ado: the caller watches, feeds the decoder, and tells `ended_with`.

        None where something else than the next piece is to be expected, or where that may hold the first event that
        somebody wants to know of.
        """
        if self._body is None or self.ended or self._ended_with is not None or self._watch.is_timed:
            return None
        if self._telling.awaits_first:
            return None
        return self._body.next

    def ended_with(self, error: Exception) -> None:
        """The quick way ended so: `receive` makes of it what it means."""
        self._ended_with = error

    async def _piece(self) -> bytes | None:
        if self._ended_with is not None and self._body is not None:
            await self._body.ended(self._ended_with)
            return None
        if self._body is None:
            await self.open()
        return None if self._body is None else await self._body.read()

    def _until(self) -> float:
        """When to stop waiting: an answer that was declared over may be followed by its usage, but not for ever."""
        events = self.decoder.events_received
        if self._grace_over is None or events > self._grace_from:  # comments prolong nothing
            self._grace_over = self._watch.now() + self._transport.stream_timeouts.grace
            self._grace_from = events
        return self._grace_over

    def _require_end(self) -> None:
        # Comments alone are nothing to resume, too (protocol 7.1).
        request = self._opening.request
        empty_is_fine = request is None or (request.may_be_empty and self.decoder.silent)
        if not (self.over or self.decoder.terminal or empty_is_fine):
            raise KaiStreamError("The answer broke off: no finish, error or [DONE]", "stream:incomplete")
        self.over = True

    def received(self) -> str | None:
        """How much of a body had arrived, for the text of an error; None before there was one."""
        if self.head.status_code is None:
            return None
        return f"{self.decoder.events_received} events, {self.decoder.bytes_received} bytes"

    async def find_rest(self, error: KaiError, chat_id: str, answer: Accumulator, *, resumable: bool) -> bool:
        """Whether the rest of a response that broke was found; it is what comes next then."""
        request = self._opening.request
        if request is None or self.head.status_code != _OK or not is_recoverable(error):
            return False
        delivered = self.decoder.events_received
        broken = Broken(
            chat_id=chat_id,
            request=request,
            began=self.began,
            partial=answer.message,
            events=delivered,
            open_ids=answer.open_ids,
            # A replay that broke where the last one did will break there again.
            may_resume=resumable and self._resumed_at != delivered,
        )
        if self._body is not None:
            await self._body.aclose()
        try:
            with self._telling.recovering(request):
                source = await self._watch.within(lambda: rest_of(self._transport, broken))
                note(Recovery(found=source is not None))
        except KaiClosedError:
            raise
        except KaiError:
            return False
        if source is None:
            return False
        self._ended_with = None
        self.data, self.ready, self.decoder, self._body = b"", source.ready, source.decoder, source.body
        self.ended = self.over = source.body is None  # a stored answer is taken whole or not at all
        self._resumed_at = delivered
        return True
