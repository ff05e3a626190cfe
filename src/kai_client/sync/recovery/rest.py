# Made of kai_client/recovery/rest.py by scripts/generate_sync.py: change that, and run this.
"""Where the rest of a broken answer comes from: the resume route, or the stored chat (protocol 7)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from kai_client._wire import is_object, read_leniently
from kai_client.accumulator import Accumulator
from kai_client.events import SSEEvent
from kai_client.exceptions import KaiAuthenticationError, KaiClosedError, KaiError, KaiForbiddenError
from kai_client.message import UIMessage
from kai_client.models import ChatDetail
from kai_client.recovery.difference import IrreconcilableError, is_complete, missing_events
from kai_client.sync import waits
from kai_client.sync.sse import EventDecoder
from kai_client.sync.transport import Body, Carrier, StreamHead, StreamRequest, path_segment

__all__ = ["Broken", "Source", "is_recoverable", "rest_of"]

_LOST: Final = {"stream:broken", "stream:incomplete", "timeout:idle"}
"""What breaks a connection. Error chunks, aborts and malformed data are the backend's own words: they stand."""

_SECONDS: Final = 300.0
_NO_CONTENT: Final = 204


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A stream that broke: what it answered, and what of it was delivered."""

    chat_id: str
    request: StreamRequest
    began: UIMessage | None
    partial: UIMessage
    events: int
    open_ids: Mapping[int, str | None]
    may_resume: bool


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a stream goes on: events that are there, and where more bytes come from, if any do."""

    ready: Iterator[SSEEvent]
    decoder: EventDecoder
    body: Body | None = None


def is_recoverable(error: KaiError) -> bool:
    """Whether the connection failed, and not the answer."""
    return error.code in _LOST


def rest_of(transport: Carrier, broken: Broken) -> Source | None:
    """The rest of the answer; None where it cannot be had, or does not go on from what was delivered.

    Waits for as long as `total` of the stream's timeouts allows, else for five minutes.
    """
    if broken.may_resume and (source := _resumed(transport, broken)) is not None:
        return source
    seconds = None if transport.stream_timeouts.total is not None else _SECONDS
    try:
        events = waits.within(seconds, lambda: _stored_rest(transport, broken))
    except (TimeoutError, IrreconcilableError):
        return None
    return None if events is None else Source(ready=iter(events), decoder=EventDecoder())


def _resumed(transport: Carrier, broken: Broken) -> Source | None:
    """The replay, read up to where the broken stream was; None where there is none, or it is of another answer."""
    path = f"/api/chat/{path_segment(broken.chat_id, 'chat_id')}/stream"
    head = StreamHead()
    try:
        body = transport.open(StreamRequest(method="GET", path=path, may_be_empty=True), head)
    except KaiClosedError:
        raise
    except KaiError:
        return None
    found: Source | None = None
    try:
        if head.status_code != _NO_CONTENT:
            found = _skipped(body, EventDecoder(transport.limits.event_bytes), broken)
    except KaiClosedError:
        raise
    except KaiError:
        pass
    finally:
        if found is None:
            body.close()
    return found


def _skipped(body: Body, decoder: EventDecoder, broken: Broken) -> Source | None:
    """The replay without what was delivered, if that is what it begins with."""
    shadow, left = Accumulator(broken.began), broken.events
    ready: Iterator[SSEEvent] = iter(())
    while True:
        for event in ready if left else ():
            shadow.apply(event)
            left -= 1
            if not left:
                break
        if not left:
            same = shadow.message.to_dict() == broken.partial.to_dict()
            return Source(ready=ready, decoder=decoder, body=body) if same else None
        data = body.read() if decoder.failure is None else None
        if data is None:
            return None
        ready = decoder.feed(data)


def _stored_rest(transport: Carrier, broken: Broken) -> list[SSEEvent] | None:
    """What the stored answer has beyond the partial one, asked for with growing waits; None where it may not be read.

    It is believed when it is complete and reads the same twice: some backends store an answer while it grows. One that is
    behind what was delivered will catch up. Raises `IrreconcilableError` for one that says something else.
    """
    path = f"/api/chat/{path_segment(broken.chat_id, 'chat_id')}"
    wait = transport.retry.wait_initial
    before: object = None
    while True:
        try:
            chat: object = transport.request("GET", path)
        except KaiClosedError:
            raise
        except (KaiAuthenticationError, KaiForbiddenError):
            return None
        except KaiError:
            chat = None
        stored = _answer_in(chat, broken)
        now = stored.to_dict() if stored is not None else None
        if stored is not None and now == before:
            try:
                return missing_events(broken.partial, stored, broken.open_ids)
            except IrreconcilableError:
                if not broken.partial.text.startswith(stored.text):
                    raise
        before = now
        transport.connections.sleep(wait)
        wait = min(wait * 1.5, transport.retry.wait_max)


def _answer_in(chat: object, broken: Broken) -> UIMessage | None:
    """The whole assistant message that answers the request, if the chat has it."""
    try:
        messages = read_leniently(ChatDetail, chat).messages if is_object(chat) else []
    except ValueError:
        return None
    sent: object = broken.request.json
    asked: object = sent.get("message") if is_object(sent) else None
    if is_object(asked) and asked.get("role") == "user":
        place = next((index for index, message in enumerate(messages) if message.id == asked.get("id")), None)
        messages = [] if place is None else messages[place + 1 :]
    answer = messages[-1] if messages else None
    if answer is None or answer.role != "assistant" or not is_complete(answer):
        return None
    if asked is None and broken.partial.id not in {"", answer.id}:
        return None  # a resumed stream: what the chat ends with is another answer
    if broken.began is not None and list(answer.parts) == list(broken.began.parts):
        return None  # as it was before this stream began
    return answer
