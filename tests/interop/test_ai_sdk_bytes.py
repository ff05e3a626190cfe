"""The bytes that the AI SDK sends, read by the decoder and by the parser, however they are cut."""

from collections.abc import Iterable

import pytest
from ai_sdk import MAJORS, SCENARIOS, Exchanges, Expected
from answers import JsonObject, message_of, plain_http, row_of
from sdk_differences import as_version_7

from kai_client import KaiClient, SSEStreamParser
from kai_client.sse import EventDecoder

pytestmark = pytest.mark.parametrize("major", MAJORS)

each_scenario = pytest.mark.parametrize("scenario", SCENARIOS)


ONE_OF_A_KIND = tuple(scenario for scenario in SCENARIOS if scenario not in {"steps", "two-approvals", "client-tool"})
"""Without the long ones that hold nothing new."""


def decoded(pieces: Iterable[bytes]) -> tuple[list[JsonObject], bool]:
    """The chunks in the pieces, and whether they say that the answer is over."""
    decoder = EventDecoder()
    events = [event for piece in pieces for event in decoder.feed(piece)]
    events.extend(decoder.close())
    return [event.to_chunk() for event in events], decoder.terminal


async def test_one_of_a_kind(major: str, exchanges: Exchanges) -> None:
    """The scenarios that are cut hold every chunk type, with every set of fields, that all scenarios hold."""

    async def shapes(scenarios: Iterable[str]) -> set[tuple[object, ...]]:
        chunks = [chunk for scenario in scenarios for chunk in (await exchanges.of(major, scenario)).sdk.chunks]
        return {(chunk["type"], *sorted(chunk)) for chunk in chunks}

    assert await shapes(ONE_OF_A_KIND) == await shapes(SCENARIOS)


@each_scenario
async def test_byte_by_byte(major: str, scenario: str, exchanges: Exchanges) -> None:
    """Single bytes, so a cut at every byte at once, give the SDK's chunks and its end."""
    exchange = await exchanges.of(major, scenario)
    pieces = (bytes([byte]) for byte in exchange.data)
    assert decoded(pieces) == (exchange.sdk.chunks, True)


@pytest.mark.parametrize("scenario", ONE_OF_A_KIND)
async def test_cut_at_each_byte(major: str, scenario: str, exchanges: Exchanges) -> None:
    """Two pieces, cut at any byte, give the SDK's chunks."""
    exchange = await exchanges.of(major, scenario)
    whole = decoded([exchange.data])
    assert whole == (exchange.sdk.chunks, True)
    wrong = [at for at in range(len(exchange.data)) if decoded([exchange.data[:at], exchange.data[at:]]) != whole]
    assert wrong == []


@pytest.mark.parametrize("scenario", ONE_OF_A_KIND)
async def test_truncated_at_each_byte(major: str, scenario: str, exchanges: Exchanges) -> None:
    """A stream that breaks off at any byte gives the first of the SDK's chunks, each of them whole, and never raises."""
    exchange = await exchanges.of(major, scenario)
    for end in range(len(exchange.data)):
        chunks, _ = decoded([exchange.data[:end]])
        assert chunks == exchange.sdk.chunks[: len(chunks)]


@each_scenario
async def test_consume_stream(major: str, scenario: str, ai_sdk_url: str) -> None:
    """`SSEStreamParser.consume_stream` makes of an `httpx` response what the SDK says about the same stream."""
    base_url, chat_id = f"{ai_sdk_url}/{major}/{scenario}", KaiClient.new_chat_id()
    message = {"id": KaiClient.new_message_id(), "role": "user", "parts": [{"type": "text", "text": "Hello"}]}
    parser = SSEStreamParser()
    async with plain_http() as http:
        async with http.stream("POST", f"{base_url}/api/chat", json={"id": chat_id, "message": message}) as response:
            chunks = [event.to_chunk() async for event in parser.consume_stream(response)]
        said = Expected.model_validate_json((await http.get(f"{base_url}/expected/{chat_id}")).content)
    said = as_version_7(major, scenario, said)
    assert chunks == said.chunks
    assert parser.text == said.text
    assert [row_of(call) for call in parser.tool_calls.values()] == said.tool_calls
    assert [error.message for error in parser.errors] == said.errors
    assert (parser.aborted, parser.finished) == (said.aborted, not said.aborted)
    assert parser.finish_reason == said.finish_reason
    assert message_of(parser) == said.message


@each_scenario
async def test_collections(major: str, scenario: str, exchanges: Exchanges) -> None:
    """Reasoning, sources, files and data of the parser are the SDK's parts of those kinds."""
    exchange = await exchanges.of(major, scenario)
    parser = SSEStreamParser()
    for event in exchange.ours.events:
        parser.process_event(event)
    parts = exchange.sdk.parts
    kinds = {kind: [part for part in parts if str(part["type"]).startswith(kind)] for kind in ("source-", "file")}
    assert parser.reasoning == "".join(str(part["text"]) for part in parts if part["type"] == "reasoning")
    assert [source.to_chunk() for source in parser.sources] == kinds["source-"]
    assert [file.to_chunk() for file in parser.files] == kinds["file"]
    data = [part for part in parts if str(part["type"]).startswith("data-") and part["type"] != "data-usage"]
    assert [part.to_chunk() for part in parser.data] == data
