"""Every scenario of the Node server, by both majors: what we make of a stream is what the AI SDK says about it."""

from collections.abc import Awaitable, Callable

import pytest
from ai_sdk import MAJORS, SCENARIOS, Exchanges, SDKChat, chat_with
from answers import wire
from sdk_differences import as_version_7

from kai_client import KaiError, KaiStreamError, UsageInfo

pytestmark = pytest.mark.parametrize("major", MAJORS)

each_scenario = pytest.mark.parametrize("scenario", SCENARIOS)
BROKEN = {"error-midstream": "stream:error", "abort": "stream:aborted"}
WHOLE = tuple(scenario for scenario in SCENARIOS if scenario not in BROKEN)


Reader = Callable[[SDKChat], Awaitable[object]]


async def _text_stream(chat: SDKChat) -> object:
    return [piece async for piece in chat.client.send_message(chat.id, "Hello").text_stream]


READERS: dict[str, Reader] = {
    "chat": lambda chat: chat.client.chat("Hello", chat_id=chat.id),
    "get_final_text": lambda chat: chat.client.send_message(chat.id, "Hello").get_final_text(),
    "get_final_message": lambda chat: chat.client.send_message(chat.id, "Hello").get_final_message(),
    "text_stream": _text_stream,
}


@each_scenario
async def test_events_are_the_chunks(major: str, scenario: str, exchanges: Exchanges) -> None:
    """Each event turns back into the chunk that was sent, key for key, and none is missing."""
    exchange = await exchanges.of(major, scenario)
    assert exchange.ours.chunks == exchange.sdk.chunks
    assert wire(*exchange.ours.chunks) == wire(*exchange.sdk.chunks)


@each_scenario
async def test_no_chunk_is_unknown(major: str, scenario: str, exchanges: Exchanges) -> None:
    """Whatever the SDK sends has an event class of its own."""
    exchange = await exchanges.of(major, scenario)
    assert [event.type for event in exchange.ours.events if type(event).__name__ == "UnknownEvent"] == []


@each_scenario
async def test_text(major: str, scenario: str, exchanges: Exchanges) -> None:
    """The text is that of the SDK's text parts, whether the answer is whole or not."""
    exchange = await exchanges.of(major, scenario)
    assert exchange.ours.text == exchange.sdk.text


@each_scenario
async def test_tool_calls(major: str, scenario: str, exchanges: Exchanges) -> None:
    """Each call has the id, name, state, input, output and error text that the SDK gives it, in the same order."""
    exchange = await exchanges.of(major, scenario)
    assert exchange.ours.tool_calls == as_version_7(major, scenario, exchange.sdk).tool_calls


@each_scenario
async def test_usage(major: str, scenario: str, exchanges: Exchanges) -> None:
    """The token counts are those of the last `data-usage`, also after `finish`; without one they are 0."""
    exchange = await exchanges.of(major, scenario)
    assert exchange.ours.usage == (exchange.sdk.usage or UsageInfo().model_dump(by_alias=True))


@each_scenario
async def test_finish_reason(major: str, scenario: str, exchanges: Exchanges) -> None:
    """The finish reason is what the SDK's server was told when the stream ended."""
    exchange = await exchanges.of(major, scenario)
    assert exchange.ours.finish_reason == exchange.sdk.finish_reason


@each_scenario
async def test_message(major: str, scenario: str, exchanges: Exchanges) -> None:
    """The message has the SDK's id, metadata and parts, key for key; older majors as `sdk_differences` lists."""
    exchange = await exchanges.of(major, scenario)
    theirs = as_version_7(major, scenario, exchange.sdk).message
    assert exchange.ours.message == theirs
    assert wire(exchange.ours.message) == wire(theirs)


@each_scenario
async def test_stored_message(major: str, scenario: str, ai_sdk_url: str) -> None:
    """The messages that `get_chat` returns are the SDK's stored ones, of which ours lacks nothing."""
    async with chat_with(ai_sdk_url, major, scenario) as chat:
        await chat.say("Hello, chat")
        stored = (await chat.client.get_chat(chat.id)).messages
        theirs = (await chat.expected()).message
    assert [message.role for message in stored] == ["user", "assistant"]
    assert stored[0].text == "Hello, chat"
    assert (stored[1].id, stored[1].to_dict()["parts"]) == (theirs["id"], theirs["parts"])
    assert stored[1].metadata == theirs.get("metadata")


@pytest.mark.parametrize("scenario", WHOLE)
async def test_chat_returns_the_whole_text(major: str, scenario: str, ai_sdk_url: str) -> None:
    """`chat()` returns the chat's id and the SDK's text of an answer that is whole."""
    async with chat_with(ai_sdk_url, major, scenario) as chat:
        assert await chat.client.chat("Hello", chat_id=chat.id) == (chat.id, (await chat.expected()).text)


@pytest.mark.parametrize(("scenario", "code"), BROKEN.items())
@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
async def test_half_an_answer_raises(major: str, scenario: str, code: str, read: Reader, ai_sdk_url: str) -> None:
    """An error chunk and an abort raise `KaiStreamError` that carries the text so far and the SDK's own error text."""
    async with chat_with(ai_sdk_url, major, scenario) as chat:
        with pytest.raises(KaiStreamError) as raised:
            await read(chat)
        expected = await chat.expected()
    assert raised.value.code == code
    assert raised.value.partial_text == expected.text != ""
    assert raised.value.message == (expected.errors or ["The answer was aborted"])[0]
    assert raised.value.partial_message is not None
    assert raised.value.partial_message.to_dict()["parts"] == expected.parts


async def test_second_message_of_a_chat(major: str, ai_sdk_url: str) -> None:
    """A chat goes on under its id: the server sees both messages, and the second answer is a message of its own."""
    async with chat_with(ai_sdk_url, major, "steps") as chat:
        first = await chat.say("One")
        second = await chat.say("Two")
        expected = await chat.expected()
        stored = (await chat.client.get_chat(chat.id)).messages
    assert [message.role for message in stored] == ["user", "assistant", "user", "assistant"]
    assert [call["toolCallId"] for call in first.tool_calls] == ["call-1-1", "call-1-2"]
    assert [call["toolCallId"] for call in second.tool_calls] == ["call-2-1", "call-2-2"]
    assert second.message == expected.message
    assert first.message["id"] != second.message["id"]


@pytest.mark.parametrize(
    ("path", "code"),
    [("no-such-scenario", "not_found:api"), ("text", "not_found:chat")],
    ids=["no such route", "no such chat"],
)
async def test_refusal(major: str, path: str, code: str, ai_sdk_url: str) -> None:
    """What the Node server refuses raises with the code it gave, before anything is streamed."""
    async with chat_with(ai_sdk_url, major, path) as chat:
        with pytest.raises(KaiError) as raised:
            await chat.client.get_chat(chat.id)
    assert (raised.value.code, raised.value.status_code) == (code, 404)
