"""Any JSON for any field of any answer: a result or a `KaiError`, never another exception."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from fault_methods import ASKING, CHUNKS, JSON_METHODS, METHODS, ONCE, STREAM_METHODS, Method, Target
from fault_server import TOKEN
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kai_client import KaiClient, KaiError, SSEStreamParser, Timeouts, parse_sse_event
from kai_client._wire import is_array, is_object

PATIENT = Timeouts(idle=20, total=20)
_ODD_TEXT = [
    "",
    "NaN",
    "1e999",
    "9" * 5000,
    "2026-13-45T99:99",
    "\ud83d",
    "\u0000",
    "__proto__",
    TOKEN,
    "text",
    "data-x",
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**63, -(2**64), 10**400, 1e308, -0.0, 5e-324])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(_ODD_TEXT)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6) | SCALARS.map(str), inner, max_size=3)
    ),
    max_leaves=8,
)
FEW = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    inner: list[tuple[Any, Any]] = []
    if is_object(value):
        inner = list(value.items())
    elif is_array(value):
        inner = list(enumerate(value))
    return [path, *(place for key, each in inner for place in _places(each, (*path, key)))]


def _with(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """`value` with `new` in that place."""
    if not path:
        return new
    key, rest = path[0], path[1:]
    if is_object(value):
        return {**value, key: _with(value[key], rest, new)}
    return [*value[:key], _with(value[key], rest, new), *value[key + 1 :]]


async def _answered(method: Method, body: bytes) -> None:
    """The method, with this body for an answer. Without a socket: what is read is the same, and there are many."""

    def answer(request: httpx.Request) -> httpx.Response:
        if method.first is not None and request.method == "GET":
            return httpx.Response(200, content=method.first)
        return httpx.Response(200, content=body, headers={"content-type": method.content_type})

    async with (
        asyncio.timeout(25),
        httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http,
        KaiClient(TOKEN, "https://x.test", "http://kai.test", PATIENT, PATIENT, http_client=http, retry=ONCE) as client,
    ):
        try:
            # `from_storage_api` makes its own client: the others share this one.
            await method.call(Target("http://kai.test", PATIENT, client))
        except KaiError as error:
            str(error)


OVER_HTTP = [method for method in METHODS if not method.name.startswith("from_")]


@pytest.mark.parametrize("kind", [[], {}])
async def test_a_vote_whose_type_is_no_text(kind: Any) -> None:
    """What the random values below find only now and then."""
    method = next(each for each in JSON_METHODS if each.name == "get_votes")
    await _answered(method, json.dumps([{"chatId": "c", "messageId": "m", "type": kind}]).encode())


@pytest.mark.parametrize(
    "method",
    [method for method in OVER_HTTP if method in JSON_METHODS],
    ids=lambda method: method.name,
)
@FEW
@given(data=st.data())
async def test_any_json_for_any_field_of_an_answer(method: Method, data: st.DataObject) -> None:
    """A field of the wrong type is left out or a `KaiError`."""
    good = json.loads(method.body)
    place = data.draw(st.sampled_from(_places(good)))
    await _answered(method, json.dumps(_with(good, place, data.draw(JSON))).encode())


@pytest.mark.parametrize("method", STREAM_METHODS, ids=lambda method: method.name)
@FEW
@given(data=st.data())
async def test_any_json_for_any_field_of_a_stream(method: Method, data: st.DataObject) -> None:
    """A chunk with a field of the wrong type is read as well as it can be, or it is a `KaiError`."""
    place = data.draw(st.sampled_from(_places(CHUNKS)[1:]))
    chunks = _with(CHUNKS, place, data.draw(JSON))
    await _answered(method, "".join(f"data: {json.dumps(each)}\n\n" for each in chunks).encode() + b"data: [DONE]\n\n")


@pytest.mark.parametrize("name", ["approve_tool", "run: goes on"])
@FEW
@given(data=st.data())
async def test_any_json_for_any_field_of_a_chat_that_is_answered(name: str, data: st.DataObject) -> None:
    """The approval flow reads a stored chat and sends a part of it back: whatever is stored, no foreign exception."""
    stored = _with(json.loads(ASKING), data.draw(st.sampled_from(_places(json.loads(ASKING)))), data.draw(JSON))
    method = next(each for each in STREAM_METHODS if each.name == name)
    await _answered(Method(method.name, method.call, "stream", method.body, json.dumps(stored).encode()), method.body)


@FEW
@given(body=JSON)
async def test_any_json_for_the_storage_index(body: Any) -> None:
    """Discovery finds a service or says in a `KaiError` why not."""

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=json.dumps({"services": body}).encode())

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        with pytest.raises(KaiError):
            await KaiClient.from_storage_api(TOKEN, "https://x.test", http_client=http)


_TYPES = sorted(
    {
        *(each["type"] for each in CHUNKS),
        *("text", "reasoning", "reasoning-start", "reasoning-delta", "reasoning-end", "reasoning-file", "source-url"),
        *("source-document", "file", "custom", "steering-message", "reset-step", "message-metadata", "abort", "error"),
        *("tool-call", "tool-input-start", "tool-input-delta", "tool-input-error", "tool-approval-request"),
        *("tool-approval-response", "tool-output-error", "tool-output-denied", "data-usage", "data-x", "step-end"),
    }
)
_FIELDS = sorted(
    {
        *("id", "delta", "text", "state", "toolCallId", "toolName", "input", "output", "errorText", "inputTextDelta"),
        *("approvalId", "approved", "reason", "data", "url", "mediaType", "sourceId", "title", "messageId", "usage"),
        *("messageMetadata", "finishReason", "providerMetadata", "dynamic", "transient", "preliminary", "citations"),
        *("parts", "kind", "approval", "code", "message", "isAutomatic", "toolMetadata", "inputEncoding"),
    }
)
_LIKELY: st.SearchStrategy[Any] = st.sampled_from(["0", "c1"]) | st.booleans()
CHUNK = st.fixed_dictionaries(
    {"type": st.sampled_from(_TYPES)},
    optional=dict.fromkeys(_FIELDS, _LIKELY | JSON),
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
@given(chunks=st.lists(CHUNK, max_size=10))
def test_any_chunks_make_some_message(chunks: list[dict[str, Any]]) -> None:
    """Chunks in any order with any fields: events and a message, or a `KaiError` for a chunk; everything can be read."""
    parser = SSEStreamParser()
    for chunk in chunks:
        try:
            event = parse_sse_event(json.loads(json.dumps(chunk)))
        except KaiError:
            continue
        parser.process_event(event)
        event.to_chunk()
    assert parser.message.to_dict()["role"] == "assistant"
    assert isinstance(parser.text, str)
    assert (parser.tool_calls, parser.sources, parser.files, parser.data, parser.total_tokens) is not None
