"""Requests of a client over NATS: what `kai_client.transport.Transport` is over HTTP."""

import asyncio
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pydantic import JsonValue

from kai_client.exceptions import KaiClosedError
from kai_client.telemetry import RequestBegan, observed
from kai_client.telemetry import headers as trace_headers
from kai_client.transport import Credentials, Limits, RetryPolicy, StreamHead, StreamRequest, Timeouts
from kai_client.transport.closing import Closable
from kai_client.transport.retrying import retrying

from .call import DEADLINE, KIND, codec_of
from .codecs import Codec, malformed
from .door import Connection, map_nats_errors, require_room
from .messages import InferReply, InferRequest, Meta, OperationReply, OperationRequest
from .operation_paths import INFER, operation_of
from .reading import WINDOW, ChunkReader
from .requests import infer_request
from .telling import infer_began, infer_ended

__all__ = ["NatsCarrier", "OneConnection"]

_FOR_EVER: Final = 1e9
_OK, _EMPTY = 200, 204
_W3C: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class OneConnection(Closable):
    """The one connection that all requests and streams share. With `own` it is closed with the client."""

    only_one: bool = False

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self.own: bool = False
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._readers: set[ChunkReader] = set()

    def get(self) -> Connection:
        """The connection. Raises `KaiClosedError` when it was closed, or belongs to another event loop."""
        if self.closed or self._connection.is_closed:
            raise KaiClosedError("The client was closed; make a new one", "closed")
        if asyncio.get_running_loop() is not self._loop:
            raise KaiClosedError("The client belongs to another event loop; make one in each loop", "closed:other_loop")
        return self._connection

    def reader(self, silence: float | None) -> ChunkReader:
        """A reader that ends with the client at the latest."""
        reader = ChunkReader(self.get(), silence, lambda: self._readers.discard(reader))
        self._readers.add(reader)
        return reader

    async def aclose(self) -> None:
        """End all streams, and the connection, unless it is the caller's own; closing twice is fine."""
        self._closing.set()
        for reader in list(self._readers):
            reader.fail(KaiClosedError("The client was closed while its stream was read", "closed"))
            await reader.aclose()
        if self.own and not self._connection.is_closed:
            with map_nats_errors():
                await self._connection.close()


@dataclass(frozen=True, kw_only=True)
class NatsCarrier:
    """A `Carrier` to the service on one subject. `silence` is the seconds after which a silent service counts as dead."""

    subject: str
    connections: OneConnection = field(repr=False)
    codec: Codec = field(repr=False)
    credentials: Credentials = field(repr=False)
    timeouts: Timeouts
    stream_timeouts: Timeouts
    silence: float
    meta: Meta = field(default_factory=Meta)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    limits: Limits = field(default_factory=Limits)

    @property
    def url(self) -> str:
        """The subject, as a URL."""
        return f"nats:{self.subject}"

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        json: JsonValue = None,
        auth: bool = True,
    ) -> JsonValue:
        """The result of the operation that this is."""
        del auth  # nobody shows a token here
        name, arguments = operation_of(method, path, params, json)
        data = self.codec.write_operation(OperationRequest(meta=self.meta, arguments=arguments))

        async def attempt() -> OperationReply:
            answer, codec = await self._asked(f"{self.subject}.{name}", data, self.timeouts, "result")
            reply = codec.read_result(answer)
            if reply.error is not None:
                raise reply.error.to_error()
            return reply

        with observed(RequestBegan(method=method, path=path, url=self.url)):
            return (await retrying(self.retry, method, attempt, self.connections.sleep)).result

    async def infer(self, request: InferRequest) -> InferReply:
        """The one reply to a request. Raises its error, with what there was of the answer."""
        data = self.codec.write_infer(request)
        with observed(infer_began(request, self.url)) as seen:
            answer, codec = await self._asked(self.subject, data, self.stream_timeouts, "reply")
            reply = codec.read_reply(answer)
            if reply.error is not None:
                error = reply.error.to_error()
                error.partial_text = reply.output or None
                raise error
            seen.ending = infer_ended(reply)
            return reply

    async def _asked(self, subject: str, data: bytes, timeouts: Timeouts, kind: str) -> tuple[bytes, Codec]:
        seconds = min(timeouts.idle or _FOR_EVER, timeouts.total or _FOR_EVER)
        with map_nats_errors():
            connection, headers = self.connections.get(), self._headers(seconds)
            require_room(connection.max_payload, data, headers)
            message = await connection.request(subject, data, seconds, headers=headers)
        answered_in = codec_of(message.headers)
        if answered_in is None or (message.headers or {}).get(KIND) != kind:
            raise malformed()
        return message.data, answered_in

    def _headers(self, seconds: float | None) -> dict[str, str]:
        headers = {"content-type": self.codec.content_type}
        if seconds is not None and seconds < _FOR_EVER:
            headers[DEADLINE] = f"{time.time() + seconds:.3f}"
        if self.meta.trace_id is not None and _W3C.fullmatch(self.meta.trace_id):
            return {**headers, "traceparent": self.meta.trace_id}
        return {**headers, **trace_headers()}

    async def open(self, request: StreamRequest, head: StreamHead) -> ChunkReader:
        """A stream whose first event has arrived; `head` is filled in. Whoever reads the body closes it."""
        meta = self.meta.model_copy(update={"request_id": self.meta.request_id or str(uuid.uuid4())})
        subject, data = self._written(request, meta)
        timeouts = self.stream_timeouts

        async def attempt() -> ChunkReader:
            reader = self.connections.reader(min(self.silence, timeouts.idle or _FOR_EVER))

            async def ask(inbox: str) -> None:
                connection, headers = self.connections.get(), self._headers(timeouts.total)
                require_room(connection.max_payload, data, headers)
                await connection.publish(subject, data, inbox, headers)

            try:
                some = await reader.begin(ask)
            except BaseException:
                await reader.aclose()
                raise
            head.status_code = _OK if some or not request.may_be_empty else _EMPTY
            head.request_id = meta.request_id
            return reader

        return await retrying(self.retry, request.method, attempt, self.connections.sleep)

    def _written(self, request: StreamRequest, meta: Meta) -> tuple[str, bytes]:
        name, arguments = operation_of(request.method, request.path, None, request.json)
        if name == INFER:
            return self.subject, self.codec.write_infer(infer_request(arguments, meta, window=WINDOW))
        operation = OperationRequest(meta=meta, arguments=arguments, window=WINDOW)
        return f"{self.subject}.{name}", self.codec.write_operation(operation)
