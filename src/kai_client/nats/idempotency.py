"""The same key twice reaches Kai once: the first to create the key in the broker's key-value store asks, the others do not."""

import hashlib
import json
from typing import Final

from faststream.nats import NatsBroker
from nats.errors import Error
from nats.js.errors import KeyWrongLastSequenceError
from nats.js.kv import KeyValue

from kai_client.exceptions import KaiError
from kai_client.server.faults import refusal

from .json_codec import JsonCodec
from .messages import InferReply, InferRequest

__all__ = ["Claim", "claimed"]

BUCKET: Final = "kai-idempotency"
KEEP_SECONDS: Final = 24 * 3600.0

_RUNNING: Final = b""
_CODEC: Final = JsonCodec()


class Claim:
    """A key that this request has. `reply` is the answer of an earlier request with it, if there was one."""

    def __init__(self, store: KeyValue, key: str, digest: str, reply: InferReply | None = None) -> None:
        self.reply = reply
        self._store = store
        self._key = key
        self._digest = digest

    async def settle(self, reply: InferReply) -> None:
        """Keep the answer; one that never reached Kai, or that the store does not take, is not kept: the key is free again."""
        error = reply.error
        try:
            if error is not None and (error.status_code in _REFUSED or error.code in _NEVER_SENT):
                await self._store.delete(self._key)
            else:
                await self._store.put(self._key, _entry(self._digest, _CODEC.write_reply(reply)))
        except (Error, TimeoutError):
            return  # the key stays taken until it expires: better than asking Kai again


_REFUSED: Final = frozenset({400, 401, 403, 404, 413, 422, 429})
_NEVER_SENT: Final = frozenset({"connection:failed", "timeout:connect", "timeout:pool"})


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
        try:
            await store.create(name, _entry(digest, _RUNNING))
        except KeyWrongLastSequenceError:
            found = (await store.get(name)).value or b""
        else:
            return Claim(store, name, digest)
    except (Error, TimeoutError, OSError) as error:
        raise refusal("offline:idempotency", "The broker keeps no idempotency keys: JetStream is off") from error
    return Claim(store, name, digest, _earlier(found, digest, request))


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
