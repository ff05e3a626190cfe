"""The messages as JSON."""

import json
from collections.abc import Sequence
from typing import Any, Final, TypeVar

import pydantic_core
from pydantic import BaseModel

from kai_client._wire import decode_json, is_array, is_object
from kai_client.events import UsageInfo

from .codecs import JSON, malformed, refused, validated
from .faults import FaultRecord
from .messages import Chunk, InferReply, InferRequest, OperationReply, OperationRequest

__all__ = ["JsonCodec", "json_bytes", "json_value"]

ModelT = TypeVar("ModelT", bound=BaseModel)

_PLAIN: Final = b'{"index":%d,"delta":%s,"is_final":false,"event":%s}'


def json_bytes(value: object) -> bytes:
    """The JSON text of a value. Half a surrogate pair, which JavaScript may send, travels as the question mark it prints."""
    try:
        return pydantic_core.to_json(value)
    except (ValueError, RecursionError):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def json_value(data: bytes) -> Any:
    """The value of a JSON text. Raises `ValueError`."""
    try:
        return pydantic_core.from_json(data, allow_inf_nan=False)
    except ValueError:
        return decode_json(data.decode())


class JsonCodec:
    """See `Codec`."""

    content_type: str = JSON

    def write_infer(self, request: InferRequest) -> bytes:
        """Without what is not given."""
        return _written(request)

    def read_infer(self, data: bytes) -> InferRequest:
        """Strictly."""
        return validated(InferRequest, _asked(data))

    def write_operation(self, request: OperationRequest) -> bytes:
        """Without what is not given."""
        return json_bytes({**_given(request, "arguments"), "arguments": request.arguments})

    def read_operation(self, data: bytes) -> OperationRequest:
        """Strictly."""
        return validated(OperationRequest, _asked(data))

    def write_reply(self, reply: InferReply) -> bytes:
        """Without what is not known."""
        return json_bytes({**_given(reply, "usage", "error"), **_told(reply.usage, reply.error)})

    def read_reply(self, data: bytes) -> InferReply:
        """Liberally."""
        return _answer(InferReply, data)

    def write_result(self, reply: OperationReply) -> bytes:
        """The result or the error."""
        return json_bytes({"result": reply.result} if reply.error is None else _told(None, reply.error))

    def read_result(self, data: bytes) -> OperationReply:
        """Liberally."""
        return _answer(OperationReply, data)

    def write_chunks(self, chunks: Sequence[Chunk]) -> bytes:
        """All of them in one message, each event as it is."""
        return b'{"chunks":[%s]}' % b",".join(map(_chunk, chunks))

    def read_chunks(self, data: bytes) -> list[Chunk]:
        """Liberally."""
        try:
            value = json_value(data)
            chunks: object = value.get("chunks") if is_object(value) else None
            if is_array(chunks):
                return [_read_chunk(each) for each in chunks]
        except (ValueError, KeyError, TypeError, AttributeError):
            pass
        raise malformed(streaming=True) from None


def _asked(data: bytes) -> object:
    try:
        return json_value(data)
    except ValueError:
        raise refused("request: it is not JSON") from None


def _answer(model: type[ModelT], data: bytes) -> ModelT:
    try:
        return model.model_validate(json_value(data))
    except ValueError:
        raise malformed() from None


def _given(model: BaseModel, *but: str) -> dict[str, Any]:
    return model.model_dump(mode="json", exclude_none=True, exclude_defaults=True, exclude=set(but))


def _written(model: BaseModel) -> bytes:
    return json_bytes(_given(model))


def _told(usage: UsageInfo | None, error: FaultRecord | None) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if usage is not None:
        told["usage"] = {name: getattr(usage, name) for name in UsageInfo.model_fields}
    if error is not None:
        told["error"] = error.model_dump(exclude_none=True)
    return told


def _chunk(chunk: Chunk) -> bytes:
    if chunk.event is not None and not chunk.is_final:
        return _PLAIN % (chunk.index, json_bytes(chunk.delta) if chunk.delta else b'""', chunk.event)
    ids = {
        "generation_id": chunk.generation_id,
        "chat_id": chunk.chat_id,
        "finish_reason": chunk.finish_reason,
    }
    known = {name: value for name, value in ids.items() if value is not None}
    fixed = {"index": chunk.index, "delta": chunk.delta, "is_final": chunk.is_final}
    text = json_bytes({**fixed, **known, **_told(chunk.usage, chunk.error)})
    return text if chunk.event is None else b'%s,"event":%s}' % (text[:-1], chunk.event)


def _read_chunk(value: dict[str, Any]) -> Chunk:
    event = value.get("event")
    if not isinstance(value["index"], int):
        raise TypeError("index")
    text = None if event is None else json_bytes(event)
    if not value["is_final"] and text is not None:
        return Chunk(value["index"], value["delta"], event=text)
    usage, error = value.get("usage"), value.get("error")
    return Chunk(
        index=value["index"],
        delta=value["delta"],
        is_final=value["is_final"],
        event=text,
        generation_id=value.get("generation_id"),
        chat_id=value.get("chat_id"),
        finish_reason=value.get("finish_reason"),
        usage=None if usage is None else UsageInfo.model_validate(usage),
        error=None if error is None else FaultRecord.model_validate(error),
    )
