"""A request as it arrived, and the way back to who sent it."""

import asyncio
import logging
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from faststream.nats import NatsBroker, NatsMessage

from kai_client.exceptions import KaiTimeoutError
from kai_client.server.service import Caller

from .codecs import JSON, Codec, refused
from .door import require_room
from .faults import FaultRecord, traced
from .json_codec import JsonCodec
from .messages import Chunk, InferReply, Meta, OperationReply
from .protobuf_codec import ProtobufCodec

__all__ = ["CODECS", "DEADLINE", "KIND", "Call", "codec_of", "log"]

log: Final = logging.getLogger("kai_client.nats")

DEADLINE: Final = "kai-deadline"
"""The header that says until when an answer is wanted, in seconds since 1970."""

KIND: Final = "kai-message"
"""The header that says what a message is: `reply`, `result` or `chunks`."""

CODECS: Final[dict[str, Codec]] = {codec.content_type: codec for codec in (JsonCodec(), ProtobufCodec())}


def codec_of(headers: Mapping[str, str] | None) -> Codec | None:
    """How a message is written: as its header says, as JSON without one; None for what is neither."""
    content_type = (headers or {}).get("content-type", "").partition(";")[0].strip().lower()
    return CODECS.get(content_type or JSON)


@dataclass(kw_only=True)
class Call:
    """One request. What answers it goes through here."""

    broker: NatsBroker
    message: NatsMessage
    codec: Codec = field(default_factory=JsonCodec)
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    deadline: float | None = None
    """On the loop's clock."""

    def understand(self) -> None:
        """Read the headers. Raises `KaiBadRequestError` and, for one that nobody waits for any more, `KaiTimeoutError`."""
        codec = codec_of(self.message.headers)
        if codec is None:
            raise refused(f"content-type: it must be one of {', '.join(CODECS)}")
        self.codec = codec
        if deadline := self.message.headers.get(DEADLINE):
            try:
                left = float(deadline) - time.time()
            except ValueError:
                raise refused(f"{DEADLINE}: it must be the seconds since 1970") from None
            if not left > 0:
                raise KaiTimeoutError("The deadline was over before the service came to it", "timeout:deadline")
            self.deadline = asyncio.get_running_loop().time() + left

    def caller_of(self, meta: Meta) -> Caller:
        """Who asks, as a host of many users knows them; the request's own id is the answer's from now on."""
        self.request_id = meta.request_id or self.request_id
        return Caller(token=meta.user or "", mode=meta.mode or "agent")

    async def reply(self, reply: InferReply) -> None:
        """The one reply to a request that is not streamed."""
        await self._send("reply", self.codec.write_reply(reply))

    async def refuse(self, error: BaseException) -> None:
        """The reply to a request that cannot be answered."""
        await self.reply(InferReply(request_id=self.request_id, error=self.fault(error)))

    async def result(self, reply: OperationReply) -> None:
        """What came of an operation."""
        await self._send("result", self.codec.write_result(reply))

    async def chunks(self, chunks: Sequence[Chunk], control: str) -> int:
        """A piece of a stream; how many bytes it has. `control` is where its reader may answer."""
        data = self.codec.write_chunks(chunks)
        await self._send("chunks", data, control)
        return len(data)

    def fault(self, error: BaseException) -> FaultRecord:
        """What the caller is told of an error; what it is not told is in the log here."""
        record = FaultRecord.of(error)
        if record.code == "internal:api":
            log.error("A request failed (%s)\n%s", self.request_id, traced(error))
        return record.model_copy(update={"request_id": record.request_id or self.request_id})

    async def _send(self, kind: str, data: bytes, reply_to: str = "") -> None:
        if not self.message.reply_to:
            return  # nobody asked for an answer
        headers = {"content-type": self.codec.content_type, KIND: kind}
        require_room(self.broker.connection.max_payload, data, {**headers, "correlation_id": self.request_id})
        await self.broker.publish(
            data, self.message.reply_to, headers=headers, reply_to=reply_to, correlation_id=self.request_id
        )
