"""`NatsKai`: the client of a Kai service on NATS, with the methods, events and exceptions of `KaiClient`."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Literal, Self, TypedDict, Unpack

from pydantic import JsonValue, SecretStr

from kai_client.client.connect import PendingClient
from kai_client.client.requests import build_models
from kai_client.client.runs import RunMethods
from kai_client.server.service import Caller, IncomingMessage, ToolReply
from kai_client.stream import ChatStream, Opening
from kai_client.transport import Credentials, RetryPolicy, StreamRequest, Timeouts, TimeoutTypes, path_segment
from kai_client.types import ChatModel, KaiBackend, VisibilityType

from .call import CODECS
from .carrier import NatsCarrier, OneConnection
from .codecs import JSON, PROTOBUF, validated
from .door import Connection, connect, require_subject
from .messages import InferReply, InferRequest, Meta
from .operations import TOOL_REPLIES
from .router import SUBJECT

__all__ = ["ContentType", "NatsKai", "Options"]

_TIMEOUT: Final = 30.0
_STREAM_TIMEOUT: Final = 600.0
_SILENCE: Final = 10.0
_CONNECT_SECONDS: Final = 5.0

ContentType = Literal["application/json", "application/x-protobuf"]


class Options(TypedDict, total=False):
    """The keywords of `NatsKai`, for `NatsKai.connect`."""

    subject: str
    timeout: TimeoutTypes
    stream_timeout: TimeoutTypes
    silence: float
    user: str | None
    backend: str | None
    retry: RetryPolicy | None
    content_type: ContentType


class NatsKai(RunMethods):
    """A client of the Kai service on a subject; it shows no credentials of Keboola's.

    Use it as `async with NatsKai.connect(url) as kai:`, or make one of your own nats-py connection, which stays yours to
    close. `timeout` and `stream_timeout` are those of `KaiClient`; a service that sends nothing for `silence` seconds, not
    even a heartbeat, counts as dead. `user` says whose chats these are, where the service keeps its callers apart;
    `content_type` how the messages are written. It is a whole service for `kai_app`, which makes it the HTTP gateway.
    """

    _transport: NatsCarrier  # the groups of methods, which know a Carrier, never set it

    def __init__(
        self,
        connection: Connection,
        *,
        subject: str = SUBJECT,
        timeout: TimeoutTypes = _TIMEOUT,
        stream_timeout: TimeoutTypes = _STREAM_TIMEOUT,
        silence: float = _SILENCE,
        user: str | None = None,
        backend: str | None = None,
        retry: RetryPolicy | None = None,
        content_type: ContentType = PROTOBUF,
    ) -> None:
        if content_type not in CODECS:
            raise ValueError(f"content_type must be {JSON!r} or {PROTOBUF!r}, not {content_type!r}")
        require_subject(subject)
        if not silence > 0:
            raise ValueError(f"silence must be a positive number of seconds, not {silence}")
        self.backend = backend
        """Whose manners the answers have, `kai-agent` or `kai-assistant`; None: whichever the service has."""
        self._transport = NatsCarrier(  # pyright: ignore[reportIncompatibleVariableOverride]
            subject=subject,
            connections=OneConnection(connection),
            codec=CODECS[content_type],
            credentials=Credentials(token=SecretStr(""), storage_url=""),
            timeouts=Timeouts.of(timeout, "timeout"),
            stream_timeouts=Timeouts.of(stream_timeout, "stream_timeout"),
            silence=silence,
            meta=Meta(user=user, mode="assistant" if backend == KaiBackend.ASSISTANT else None),
            retry=retry or RetryPolicy(),
        )

    @classmethod
    def connect(
        cls,
        url: str = "nats://127.0.0.1:4222",
        *,
        connect_timeout: float = _CONNECT_SECONDS,
        connection: Mapping[str, object] | None = None,
        **options: Unpack[Options],
    ) -> PendingClient[Self]:
        """A client with a connection of its own; `await` it or enter it with `async with`.

        `connection` has options of `nats.connect`, such as `user_credentials` and `tls`; `options` are those of the class.
        Raises `KaiConnectionError` when no broker answers within `connect_timeout` seconds. A broker that goes away later
        is looked for again.
        """
        return PendingClient(cls._connected(url, connect_timeout, connection, options))

    @classmethod
    async def _connected(
        cls, url: str, seconds: float, connection: Mapping[str, object] | None, options: Options
    ) -> Self:
        nats = await connect(url, seconds=seconds, options=connection)
        try:
            kai = cls(nats, **options)
        except BaseException:
            await nats.close()
            raise
        kai._transport.connections.own = True
        build_models()
        return kai

    async def infer(
        self, prompt: str, *, chat_id: str | None = None, model: str | ChatModel = ChatModel.CHAT, **parameters: Any
    ) -> InferReply:
        """The whole answer to `prompt` in one reply: its text, its id, tokens and finish reason.

        `parameters` are those of the infer contract: `visibility`, `branch_id`, `hidden`, `request_path`,
        `tool_restrictions`. It takes as long as the answer, at most the `stream_timeout`; a service that dies meanwhile shows
        only then, so prefer a stream for what takes long. Raises `KaiError`; what there was of the answer is its
        `partial_text`.
        """
        given = {"prompt": prompt, "chat_id": chat_id, "model": str(model), "parameters": parameters}
        return await self._transport.infer(validated(InferRequest, {**given, "meta": self._transport.meta}))

    def with_meta(
        self,
        *,
        request_id: str | None = None,
        trace_id: str | None = None,
        idempotency_key: str | None = None,
        labels: Mapping[str, str] | None = None,
        user: str | None = None,
    ) -> Self:
        """The same client, whose requests say this about themselves: `kai.with_meta(idempotency_key="order-7").infer(...)`.

        The same idempotency key twice reaches Kai once. A `trace_id` in the form of a W3C `traceparent` is also the header of
        that name. What is not given stays. It shares the connection: closing either closes both.
        """
        given = {"request_id": request_id, "trace_id": trace_id, "idempotency_key": idempotency_key, "user": user}
        known: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        return self._with_meta(**known, **({} if labels is None else {"labels": dict(labels)}))

    def _with_meta(self, **known: Any) -> Self:
        return self._with(meta=validated(Meta, {**self._transport.meta.model_dump(), **known}))

    def for_user(self, caller: Caller) -> Self:
        """The service as a caller of `kai_app` sees it. What names the caller to the service is not their token."""
        other = self._with_meta(user=caller.user_id, mode=caller.mode)
        other.backend = f"kai-{caller.mode}"
        return other

    def send_user_message(self, message: IncomingMessage) -> ChatStream:
        """The answer to a message that a gateway has taken, as it is: with its id, its files, its metadata."""
        options = message.options
        sent: dict[str, JsonValue] = {"id": message.id, "role": "user", "parts": list(message.parts)}
        if message.metadata is not None:
            sent["metadata"] = message.metadata
        body: dict[str, Any] = {
            "id": message.chat_id,
            "message": sent,
            "selectedChatModel": str(options.get("model", ChatModel.CHAT)),
            "selectedVisibilityType": str(options.get("visibility", VisibilityType.PRIVATE)),
        }
        if "branch_id" in options:
            body["branchId"] = options["branch_id"]
        if limits := options.get("tool_restrictions"):
            body["toolRestrictions"] = limits if isinstance(limits, dict) else limits.model_dump(by_alias=True)
        return self._opened(StreamRequest(method="POST", path="/api/chat", json=body), message.chat_id)

    def send_tool_replies(self, chat_id: str, replies: Sequence[ToolReply]) -> ChatStream:
        """The rest of the answer that waits for the replies which a gateway has taken."""
        path = f"/api/chat/{path_segment(chat_id, 'chat_id')}/replies"
        body = {"replies": TOOL_REPLIES.dump_python(list(replies), mode="json")}
        return self._opened(StreamRequest(method="POST", path=path, json=body), chat_id)

    def _opened(self, request: StreamRequest, chat_id: str) -> ChatStream:
        async def prepare() -> Opening:
            return Opening(request)

        return self._stream(prepare, chat_id)

    async def close(self) -> None:
        """End the open streams, and the connection, unless it is the caller's own. Closing twice is fine."""
        await self._transport.connections.aclose()

    async def aclose(self) -> None:
        """`close`, under the name that `contextlib.aclosing` looks for."""
        await self.close()

    async def __aenter__(self) -> Self:
        """Make the client ready, without sending anything."""
        build_models()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._transport.subject}>"
