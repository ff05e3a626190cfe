"""The messages as protobuf (`chat.proto`)."""

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.message import DecodeError, EncodeError, Message

from kai_client.events import UsageInfo

from . import _chat_pb2 as pb
from .codecs import PROTOBUF, malformed, refused, validated
from .faults import FaultRecord
from .json_codec import json_bytes, json_value
from .messages import Chunk, InferMessage, InferReply, InferRequest, Meta, OperationReply, OperationRequest, ToolLimits

__all__ = ["ProtobufCodec"]


class ProtobufCodec:
    """See `Codec`."""

    content_type: str = PROTOBUF

    def write_infer(self, request: InferRequest) -> bytes:
        """Presence is kept."""
        parameters = request.parameters
        limits = parameters.tool_restrictions
        given = parameters.model_dump(exclude_none=True, exclude={"tool_restrictions"})
        return _bytes(
            pb.InferRequest(
                meta=_meta(request.meta),
                chat_id=request.chat_id,
                model=request.model,
                prompt=request.prompt,
                messages=[_message(each) for each in request.messages],
                parameters=pb.Parameters(**given, tool_restrictions=None if limits is None else _limits(limits)),
                stream=request.stream,
                window=request.window,
            )
        )

    def read_infer(self, data: bytes) -> InferRequest:
        """Strictly, but for fields that a later version may have."""
        message = _asked(pb.InferRequest(), data)
        fields = _present(message, "chat_id", "model", "prompt", "window")
        parameters = _present(message.parameters, "visibility", "branch_id", "hidden", "request_path")
        if message.parameters.HasField("tool_restrictions"):
            parameters["tool_restrictions"] = _read_limits(message.parameters.tool_restrictions)
        messages = [_read_message(each) for each in message.messages]
        known = {"meta": _read_meta(message.meta), "messages": messages, "parameters": parameters}
        return validated(InferRequest, {**fields, **known, "stream": message.stream})

    def write_operation(self, request: OperationRequest) -> bytes:
        """The arguments as JSON text."""
        arguments = json_bytes(request.arguments)
        return _bytes(pb.OperationRequest(meta=_meta(request.meta), arguments_json=arguments, window=request.window))

    def read_operation(self, data: bytes) -> OperationRequest:
        """Strictly, but for fields that a later version may have."""
        message = _asked(pb.OperationRequest(), data)
        arguments = _json(message.arguments_json or b"{}", "arguments")
        known = {"meta": _read_meta(message.meta), "arguments": arguments}
        return validated(OperationRequest, {**known, **_present(message, "window")})

    def write_reply(self, reply: InferReply) -> bytes:
        """Presence is kept."""
        return _bytes(
            pb.InferReply(
                request_id=reply.request_id,
                generation_id=reply.generation_id,
                chat_id=reply.chat_id,
                output=reply.output,
                finish_reason=reply.finish_reason,
                usage=_usage(reply.usage),
                error=_fault(reply.error),
            )
        )

    def read_reply(self, data: bytes) -> InferReply:
        """What is there."""
        message = _told(pb.InferReply(), data)
        return InferReply(
            request_id=message.request_id,
            output=message.output,
            usage=_read_usage(message),
            error=_read_fault(message),
            **_present(message, "generation_id", "chat_id", "finish_reason"),
        )

    def write_result(self, reply: OperationReply) -> bytes:
        """The result as JSON text, or the error."""
        result = b"" if reply.error is not None else json_bytes(reply.result)
        return _bytes(pb.OperationReply(result_json=result, error=_fault(reply.error)))

    def read_result(self, data: bytes) -> OperationReply:
        """What is there."""
        message = _told(pb.OperationReply(), data)
        error = _read_fault(message)
        try:
            return OperationReply(result=None if error else json_value(message.result_json), error=error)
        except ValueError:
            raise malformed() from None

    def write_chunks(self, chunks: Sequence[Chunk]) -> bytes:
        """All of them in one message, each event as it is."""
        return _bytes(pb.Chunks(chunks=map(_chunk, chunks)))

    def read_chunks(self, data: bytes) -> list[Chunk]:
        """What is there."""
        try:
            return [_read_chunk(each) for each in pb.Chunks.FromString(data).chunks]
        except DecodeError:
            raise malformed(streaming=True) from None


def _bytes(message: Message) -> bytes:
    try:
        return message.SerializeToString()
    except (EncodeError, ValueError):
        raise malformed() from None


def _asked(message: Any, data: bytes) -> Any:
    try:
        message.ParseFromString(data)
    except DecodeError:
        raise refused("request: it is not protobuf") from None
    return message


def _told(message: Any, data: bytes) -> Any:
    try:
        message.ParseFromString(data)
    except DecodeError:
        raise malformed() from None
    return message


def _present(message: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(message, name) for name in names if message.HasField(name)}


def _json(data: bytes, name: str) -> object:
    try:
        return json_value(data)
    except ValueError:
        raise refused(f"{name}: it is not JSON") from None


def _meta(meta: Meta) -> pb.Meta:
    return pb.Meta(**meta.model_dump(exclude_none=True))


def _read_meta(message: pb.Meta) -> dict[str, Any]:
    known = _present(message, "request_id", "trace_id", "idempotency_key", "user", "mode")
    return {**known, "labels": dict(message.labels)}


def _message(message: InferMessage) -> pb.Message:
    metadata = None if message.metadata is None else json_bytes(message.metadata)
    return pb.Message(
        role=message.role,
        id=message.id,
        content=message.content,
        parts_json=map(json_bytes, message.parts),
        metadata_json=metadata,
    )


def _read_message(message: pb.Message) -> dict[str, Any]:
    found = {"role": message.role, **_present(message, "id", "content")}
    if message.HasField("metadata_json"):
        found["metadata"] = _json(message.metadata_json, "messages.metadata")
    return {**found, "parts": [_json(part, "messages.parts") for part in message.parts_json]}


def _limits(limits: ToolLimits) -> pb.ToolRestrictions:
    allowed, disallowed = limits.allowed_tools, limits.disallowed_tools
    message = pb.ToolRestrictions(
        allowed_tools=None if allowed is None else pb.Names(names=allowed),
        disallowed_tools=None if disallowed is None else pb.Names(names=disallowed),
    )
    if limits.read_only_mode is not None:
        message.read_only_mode = limits.read_only_mode
    return message


def _read_limits(message: pb.ToolRestrictions) -> dict[str, Any]:
    found = _present(message, "allowed_tools", "disallowed_tools", "read_only_mode")
    return {name: list(value.names) if isinstance(value, pb.Names) else value for name, value in found.items()}


def _usage(usage: UsageInfo | None) -> pb.Usage | None:
    return None if usage is None else pb.Usage(**{name: getattr(usage, name) for name in UsageInfo.model_fields})


def _read_usage(message: Any) -> UsageInfo | None:
    if not message.HasField("usage"):
        return None
    return UsageInfo(**{name: getattr(message.usage, name) for name in UsageInfo.model_fields})


def _fault(error: FaultRecord | None) -> pb.Fault | None:
    return None if error is None else pb.Fault(**_without_none(error.model_dump()))


def _read_fault(message: Any) -> FaultRecord | None:
    if not message.HasField("error"):
        return None
    error = message.error
    known = _present(error, "cause", "status_code", "retry_after", "request_id")
    return FaultRecord(code=error.code, message=error.message, type=error.type, **known)


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _chunk(chunk: Chunk) -> pb.Chunk:
    if not chunk.is_final:
        return pb.Chunk(index=chunk.index, delta=chunk.delta, event_json=chunk.event)
    return pb.Chunk(
        index=chunk.index,
        delta=chunk.delta,
        is_final=True,
        event_json=chunk.event,
        generation_id=chunk.generation_id,
        chat_id=chunk.chat_id,
        finish_reason=chunk.finish_reason,
        usage=_usage(chunk.usage),
        error=_fault(chunk.error),
    )


def _read_chunk(message: pb.Chunk) -> Chunk:
    event = message.event_json if message.HasField("event_json") else None
    if not message.is_final:
        return Chunk(message.index, message.delta, event=event)
    return Chunk(
        index=message.index,
        delta=message.delta,
        is_final=True,
        event=event,
        usage=_read_usage(message),
        error=_read_fault(message),
        **_present(message, "generation_id", "chat_id", "finish_reason"),
    )
