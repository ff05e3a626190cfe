"""The same key twice reaches Kai once: the first to create the key in the broker's key-value store asks, the others do not."""

import hashlib
import json
from contextlib import suppress
from typing import Final

from faststream.nats import NatsBroker
from nats.errors import Error, MaxPayloadError
from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError
from nats.js.kv import KeyValue

from kai_client.exceptions import KaiError
from kai_client.server.faults import refusal

from .door import require_room
from .faults import FaultRecord
from .json_codec import JsonCodec
from .messages import InferReply, InferRequest

__all__ = ["Claim", "claimed"]

BUCKET: Final = "kai-idempotency"
KEEP_SECONDS: Final = 24 * 3600.0

_RUNNING: Final = b""
_CODEC: Final = JsonCodec()


class Claim:
    """A key that this request has. `reply` is the answer of an earlier request with it, if there was one."""

    def __init__(self, store: KeyValue, key: str, digest: str, most: int, reply: InferReply | None = None) -> None:
        self.reply = reply
        self.begun = False
        """Kai has been asked, or may have been."""
        self._store = store
        self._key = key
        self._digest = digest
        self._most = most

    async def settle(self, reply: InferReply) -> None:
        """Keep the answer; one that never reached Kai, or that the store does not take, is not kept: the key is free again."""
        error = reply.error
        try:
            if not self.begun or (error is not None and (error.status_code in _REFUSED or error.code in _NEVER_SENT)):
                await self._store.delete(self._key)
            else:
                await self._store.put(self._key, self._kept(reply))
        except (Error, TimeoutError):
            return  # the key stays taken until it expires: better than asking Kai again

    def _kept(self, reply: InferReply) -> bytes:
        """The answer, or that there was one which the broker does not take."""
        entry = _entry(self._digest, _CODEC.write_reply(reply))
        try:
            require_room(self._most, entry, {})
        except MaxPayloadError:
            return _entry(
                self._digest, _CODEC.write_reply(reply.model_copy(update={"output": "", "error": _TOO_LARGE}))
            )
        return entry


_TOO_LARGE: Final = FaultRecord(
    code="response:too_large", message="There was an answer, which is larger than the broker keeps (max_payload)"
)
_REFUSED: Final = frozenset({400, 401, 403, 404, 413, 422, 429})
_NEVER_SENT: Final = frozenset({"connection:failed", "connection:no_service", "timeout:connect", "timeout:pool"})


async def claimed(broker: NatsBroker, subject: str, request: InferRequest) -> Claim | None:
    """The claim to the request's key; None where it has none.

    Raises `KaiError` with the code `conflict:idempotency` where another request has it, and `KaiServerError` with the code
    `offline:idempotency` where the broker keeps no keys (JetStream is off): a key is never ignored.
    """
    key = request.meta.idempotency_key
    if key is None:
        return None
    # Keys of different users are different, and the store takes only some characters.
    name = hashlib.sha256(json.dumps([subject, request.meta.user, key]).encode()).hexdigest()
    digest = _digest(request)
    try:
        store = await broker.key_value(BUCKET, ttl=KEEP_SECONDS)
        found = await _found(store, name, _entry(digest, _RUNNING))
    except (Error, TimeoutError, OSError) as error:
        raise refusal("offline:idempotency", "The broker keeps no idempotency keys: JetStream is off") from error
    earlier = None if found is None else _earlier(found, digest, request)
    return Claim(store, name, digest, broker.connection.max_payload, earlier)


async def _found(store: KeyValue, name: str, entry: bytes) -> bytes | None:
    """What another request has left under the key; None where it was free, and `entry` is there now."""
    while True:
        with suppress(KeyWrongLastSequenceError):
            await store.create(name, entry)
            return None
        with suppress(KeyNotFoundError):  # freed in between
            return (await store.get(name)).value or b""


def _earlier(found: bytes, digest: str, request: InferRequest) -> InferReply:
    kept, _, answer = found.partition(b"\n")
    if kept.decode() != digest:
        raise _conflict("Another request has this idempotency key")
    if not answer:
        raise _conflict("The request with this idempotency key is still being answered", retry_after=1.0)
    if request.stream:
        raise _conflict(
            "The request with this idempotency key was answered; ask without stream to have the answer again"
        )
    return _CODEC.read_reply(answer)


def _conflict(message: str, retry_after: float | None = None) -> KaiError:
    return refusal("conflict:idempotency", message, retry_after=retry_after)


def _digest(request: InferRequest) -> str:
    """What makes two requests the same: all that Kai is asked, but not how the answer comes or how the request is named."""
    asked = request.model_dump(mode="json", exclude={"meta", "stream", "window"})
    for message in asked["messages"]:
        message.pop("id")  # a client makes one up for every attempt
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _entry(digest: str, answer: bytes) -> bytes:
    return digest.encode() + b"\n" + answer
