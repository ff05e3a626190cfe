"""The two encodings of the messages say the same, field by field."""

import contextlib
import dataclasses
from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kai_client.events import UsageInfo
from kai_client.exceptions import KaiBadRequestError, KaiError
from kai_client.nats.codecs import Codec
from kai_client.nats.faults import FaultRecord
from kai_client.nats.json_codec import JsonCodec, json_bytes
from kai_client.nats.messages import (
    Chunk,
    InferMessage,
    InferReply,
    InferRequest,
    Meta,
    OperationReply,
    OperationRequest,
    Parameters,
    ToolLimits,
)
from kai_client.nats.protobuf_codec import ProtobufCodec

CODECS: list[Codec] = [JsonCodec(), ProtobufCodec()]
MessageT = TypeVar("MessageT")

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = st.none() | texts
flags = st.none() | st.booleans()
counts = st.integers(0, 2**62)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(texts, values, max_size=3)
metas = st.builds(
    Meta,
    request_id=st.none() | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=200),
    trace_id=names,
    idempotency_key=names,
    labels=st.dictionaries(texts, texts, max_size=3),
    user=names,
    mode=st.sampled_from([None, "agent", "assistant"]),
)
roles = st.sampled_from(["user", "assistant"])
metadata = st.none() | objects
messages = st.builds(InferMessage, role=roles, id=names, content=texts, metadata=metadata) | st.builds(
    InferMessage, role=roles, id=names, parts=st.lists(objects, min_size=1, max_size=3), metadata=metadata
)
lists = st.none() | st.lists(texts, max_size=3)
limits = st.builds(ToolLimits, allowed_tools=lists, disallowed_tools=lists, read_only_mode=flags)
parameters = st.builds(
    Parameters,
    visibility=st.sampled_from([None, "private", "public"]),
    branch_id=st.none() | st.integers(-(2**63), 2**63 - 1),
    hidden=flags,
    request_path=names,
    tool_restrictions=st.none() | limits,
)
windows = st.none() | st.integers(1, 2**32 - 1)
rest = {
    "meta": metas,
    "chat_id": names,
    "model": names,
    "parameters": parameters,
    "stream": st.booleans(),
    "window": windows,
}
requests = st.builds(InferRequest, prompt=texts, **rest) | st.builds(
    InferRequest, messages=st.lists(messages, min_size=1, max_size=1), **rest
)
operations = st.builds(OperationRequest, meta=metas, arguments=objects, window=windows)
usages = st.builds(UsageInfo, **dict.fromkeys(UsageInfo.model_fields, counts))
faults = st.builds(
    FaultRecord,
    code=texts,
    message=texts,
    type=texts,
    cause=names,
    status_code=st.none() | st.integers(100, 599),
    retry_after=st.none() | st.floats(0, 1e6),
    request_id=names,
)
ends = {
    "generation_id": names,
    "chat_id": names,
    "finish_reason": names,
    "usage": st.none() | usages,
    "error": st.none() | faults,
}
replies = st.builds(InferReply, request_id=texts, output=texts, **ends)
results = st.builds(OperationReply, result=values) | st.builds(OperationReply, error=faults)
plain = st.builds(Chunk, index=counts, delta=texts, event=objects.map(json_bytes))
finals = st.builds(Chunk, index=counts, is_final=st.just(value=True), **ends)
chunks = st.lists(plain | finals, max_size=4)

Encoding = tuple[Callable[[MessageT], bytes], Callable[[bytes], MessageT]]


def agree(message: MessageT, *encodings: Encoding[MessageT]) -> None:
    """Every encoding gives the message back as it was."""
    for write, read in encodings:
        assert read(write(message)) == message


@settings(deadline=None)
@given(requests)
def test_requests(request: InferRequest) -> None:
    """A request is the same in both encodings, and what was not given stays not given"""
    agree(request, *((codec.write_infer, codec.read_infer) for codec in CODECS))


@settings(deadline=None)
@given(operations)
def test_operations(request: OperationRequest) -> None:
    """The call of an operation is the same in both encodings"""
    agree(request, *((codec.write_operation, codec.read_operation) for codec in CODECS))


@settings(deadline=None)
@given(replies)
def test_replies(reply: InferReply) -> None:
    """A reply is the same in both encodings"""
    agree(reply, *((codec.write_reply, codec.read_reply) for codec in CODECS))


@settings(deadline=None)
@given(results)
def test_results(reply: OperationReply) -> None:
    """The result of an operation, or its error, is the same in both encodings"""
    agree(reply, *((codec.write_result, codec.read_result) for codec in CODECS))


@settings(deadline=None)
@given(chunks)
def test_chunks(sent: list[Chunk]) -> None:
    """The chunks of a stream are the same in both encodings, the events in them to the byte"""
    agree(sent, *((codec.write_chunks, codec.read_chunks) for codec in CODECS))


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.content_type)
@settings(deadline=None)
@given(data=st.binary(max_size=60))
def test_any_bytes(codec: Codec, data: bytes) -> None:
    """Whatever bytes arrive, reading them gives a message or a `KaiError`"""
    readers = (codec.read_infer, codec.read_operation, codec.read_reply, codec.read_result, codec.read_chunks)
    for read in readers:
        with contextlib.suppress(KaiError):
            assert read(data) is not None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"promt": "Hi"}', "promt"),
        (b'{"prompt": "Hi", "stream": "yes"}', "stream"),
        (b'{"prompt": "Hi", "parameters": {"temperature": 1}}', "parameters.temperature"),
        (b'{"prompt": "Hi", "messages": [{"role": "user", "content": "Ho"}]}', "either prompt or messages"),
        (b'{"messages": [{"role": "system", "content": "Ho"}]}', "messages.0.role"),
        (b'{"messages": [{"role": "user", "text": "Ho"}]}', "messages.0.text"),
        (b'{"prompt": "Hi", "meta": {"label": {}}}', "meta.label"),
        (b"{}", "either prompt or messages"),
    ],
)
def test_a_wrong_field_is_named(body: bytes, field: str) -> None:
    """A request with a field that is misspelt, unknown or of another type is refused by its name, its value left out"""
    with pytest.raises(KaiBadRequestError, match=r"bad_request:infer") as caught:
        JsonCodec().read_infer(body)
    assert field in str(caught.value.cause)
    assert "Hi" not in str(caught.value)


def test_every_field_is_compared() -> None:
    """The strategies above fill every field that there is: a new one has to be added there, too"""
    assert {each.name for each in dataclasses.fields(Chunk)} == {"index", "delta", "is_final", "event", *ends}
    assert set(InferRequest.model_fields) == {"prompt", "messages", *rest}
    assert set(InferReply.model_fields) == {"request_id", "output", *ends}
