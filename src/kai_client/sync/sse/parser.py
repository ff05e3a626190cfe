# Made of kai_client/sse/parser.py by scripts/generate_sync.py: change that, and run this.
"""`SSEStreamParser`: the accumulated answer of a stream, with or without a connection."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from kai_client.accumulator import Accumulator
from kai_client.events import (
    DataEvent,
    ErrorEvent,
    FileEvent,
    SourceDocumentEvent,
    SourceUrlEvent,
    SSEEvent,
    ToolCallEvent,
    UsageInfo,
)
from kai_client.exceptions import KaiError, KaiStreamError
from kai_client.message import UIMessage
from kai_client.sse.content_type import check_content_type
from kai_client.sse.decoder import EventDecoder
from kai_client.types import Json


class ByteResponse(Protocol):
    """What is needed of an HTTP response; `httpx.Response` has it."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The response headers."""
        ...

    def iter_bytes(self) -> Iterator[bytes]:
        """The body, as it arrives."""
        ...


def parse_sse_stream(response: ByteResponse) -> Iterator[SSEEvent]:
    """The events of a streaming response, as they arrive; the caller closes the response.

    Raises `KaiStreamError` for malformed chunks and a body that breaks off. It does not judge whether the answer is whole:
    `SSEStreamParser.finished` and `ChatStream` do.
    """
    check_content_type(response.headers.get("content-type"))
    decoder, pieces = EventDecoder(), response.iter_bytes()
    data: bytes | None = b""
    while data is not None:
        try:
            data = next(pieces, None)
        except KaiError:
            raise
        except Exception as error:
            # Whatever HTTP library the response came from, its exceptions stay inside (design, section 4).
            seen = f"after {decoder.events_received} events and {decoder.bytes_received} bytes"
            name = type(error).__name__
            cause = f"{name}: {error}" if str(error) else name
            raise KaiStreamError(f"The stream broke {seen}", "stream:broken", cause) from error
        for event in decoder.close() if data is None else decoder.feed(data):
            yield event
        if decoder.failure is not None:
            raise decoder.failure


class SSEStreamParser:
    """Accumulates events into the answer they make.

    Feed it with `process_event`, or let `consume_stream` do so. Everything it returns is a snapshot. `message` (a
    `UIMessage` or its JSON) is an assistant message that goes on, as after an approval. An event that does not fit makes an
    implicit part and a warning; `strict` raises `KaiStreamError` where the AI SDK refuses the stream, at the same chunk.
    """

    def __init__(self, *, message: UIMessage | Mapping[str, Any] | None = None, strict: bool = False) -> None:
        self._strict = strict
        goes_on = message if message is None or isinstance(message, UIMessage) else UIMessage.from_dict(message)
        self._answer = Accumulator(goes_on, strict=strict)

    def process_event(self, event: SSEEvent) -> None:
        """Take one event in."""
        self._answer.apply(event)

    def reset(self) -> None:
        """Forget everything, for the next stream."""
        self._answer = Accumulator(strict=self._strict)

    def consume_stream(self, response: ByteResponse, yield_events: bool = True) -> Iterator[SSEEvent]:
        """Take a whole streaming response in, yielding each event unless `yield_events` is false; raises as `parse_sse_stream`."""
        for event in parse_sse_stream(response):
            self.process_event(event)
            if yield_events:
                yield event

    @property
    def text(self) -> str:
        """The answer's text."""
        return self._answer.text

    @property
    def reasoning(self) -> str:
        """What the model thought aloud."""
        return self._answer.reasoning

    @property
    def tool_calls(self) -> dict[str, ToolCallEvent]:
        """The last state of each tool call by its id; name and input stay known after the output has come."""
        return self._answer.tool_calls

    @property
    def sources(self) -> list[SourceUrlEvent | SourceDocumentEvent]:
        """The sources the answer rests on, in order."""
        return list(self._answer.sources)

    @property
    def files(self) -> list[FileEvent]:
        """The files the model made, in order."""
        return list(self._answer.files)

    @property
    def data(self) -> list[DataEvent]:
        """The application's data parts, a later one in the place of an earlier one with the same type and id."""
        return self._answer.data

    @property
    def errors(self) -> list[ErrorEvent]:
        """The error events; an answer with one is not whole."""
        return list(self._answer.errors)

    @property
    def finished(self) -> bool:
        """Whether a `finish` event has come. An aborted or broken answer never finishes."""
        return self._answer.finish is not None

    @property
    def aborted(self) -> bool:
        """Whether the backend stopped in the middle."""
        return self._answer.abort is not None

    @property
    def finish_reason(self) -> str | None:
        """Why the answer ended, None while it has not."""
        return self._answer.finish.finish_reason if self._answer.finish else None

    @property
    def usage(self) -> UsageInfo:
        """Token counts, each counted once, from whatever the backend sends."""
        return self._answer.usage

    @property
    def prompt_tokens(self) -> int:
        """Tokens of the prompt."""
        return self.usage.prompt_tokens

    @property
    def completion_tokens(self) -> int:
        """Tokens of the answer."""
        return self.usage.completion_tokens

    @property
    def total_tokens(self) -> int:
        """All tokens."""
        return self.usage.total_tokens

    @property
    def message(self) -> UIMessage:
        """The assistant message so far, equal to what the AI SDK builds of the same chunks."""
        return self._answer.message

    @property
    def metadata(self) -> Json:
        """The message's metadata, merged; None if there was none."""
        return self._answer.metadata

    @property
    def warnings(self) -> list[str]:
        """What did not fit, and where the AI SDK would have given up."""
        return self._answer.warnings
