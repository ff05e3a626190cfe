"""Scripts in the style of the published documentation, run unchanged against a mocked backend."""

# mypy narrows `match event.type` and `isinstance`, but not `event.type == ...`: the union holds open types, as the published.
# mypy: disable-error-code="union-attr"

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

import httpx
import pytest
import respx
from mocked import ANSWER, DONE, KAI, STORAGE, STREAM, TOKEN, chat_answers, mocked_stack, posted, sse

from kai_client import (
    ErrorEvent,
    FinishEvent,
    KaiAuthenticationError,
    KaiBadRequestError,
    KaiClient,
    KaiConnectionError,
    KaiError,
    KaiForbiddenError,
    KaiNotFoundError,
    KaiRateLimitError,
    KaiStreamError,
    KaiTimeoutError,
    SSEEvent,
    SSEStreamParser,
    StepStartEvent,
    TextEvent,
    ToolCallEvent,
    ToolOutputErrorEvent,
    UnknownEvent,
    UsageEvent,
    VoteType,
    parse_sse_event,
    parse_sse_stream,
)


@pytest.fixture
def kai() -> Iterator[respx.MockRouter]:
    """A mocked stack."""
    with mocked_stack() as router:
        yield router


async def test_quick_start(kai: respx.MockRouter) -> None:
    """`client = await KaiClient.from_storage_api(...)`, a loop over `event.type`, `await client.close()`."""
    chat_answers(kai, ANSWER)
    shown: list[str] = []
    client = await KaiClient.from_storage_api(storage_api_token=TOKEN, storage_api_url=STORAGE)
    try:
        chat_id = client.new_chat_id()
        async for event in client.send_message(chat_id, "Hi"):
            if event.type == "text":
                shown.append(event.text)
            elif event.type == "tool-call":
                shown.append(f"<{event.tool_call_id} {event.state} {event.tool_name}>")
            elif event.type == "tool-output-error":
                shown.append(f"<{event.tool_call_id} {event.error_text}>")
            elif event.type == "data-usage":
                shown.append(f"<{event.usage.total_tokens}>")
            elif event.type == "finish":
                shown.append(f"<{event.finish_reason}>")
    finally:
        await client.close()
    assert shown == [
        "Hello",
        " world",
        "<c1 started create_bucket>",
        "<c1 input-available create_bucket>",
        "<c1 output-available None>",
        "<c2 boom>",
        "<7>",
        "<stop>",
    ]
    with pytest.raises(KaiError):
        await client.ping()


async def test_isinstance(kai: respx.MockRouter) -> None:
    """`isinstance` tells the documented events apart, and `match` on `event.type` does."""
    chat_answers(kai, ANSWER, ANSWER)
    found: dict[str, list[SSEEvent]] = {}
    kinds = (TextEvent, StepStartEvent, ToolCallEvent, ToolOutputErrorEvent, UsageEvent, FinishEvent, ErrorEvent)
    async with KaiClient(TOKEN, STORAGE, KAI) as client:
        async for event in client.send_message("c", "Hi"):
            for kind in kinds:
                if isinstance(event, kind):
                    found.setdefault(kind.__name__, []).append(event)
        texts: list[str] = []
        async for event in client.send_message("c", "Hi"):
            match event.type:
                case "text":
                    texts.append(event.text)
                case "finish":
                    break
                case _:
                    pass
    assert {name: len(events) for name, events in found.items()} == {
        "StepStartEvent": 1,
        "TextEvent": 2,
        "ToolCallEvent": 3,
        "ToolOutputErrorEvent": 1,
        "UsageEvent": 1,
        "FinishEvent": 1,
    }
    assert "".join(texts) == "Hello world"


async def test_request_body(kai: respx.MockRouter) -> None:
    """The keywords of `send_message` travel as documented, and the headers with them."""
    route = chat_answers(kai, DONE, DONE)
    async with KaiClient(storage_api_token=TOKEN, storage_api_url=STORAGE, base_url=KAI, timeout=60.0) as client:
        plain = [event async for event in client.send_message("chat-1", "Hi")]
        body = posted(route)
        assert set(body) == {"id", "message", "selectedChatModel", "selectedVisibilityType"}
        assert (body["id"], body["selectedChatModel"], body["selectedVisibilityType"]) == (
            "chat-1",
            "chat-model",
            "private",
        )
        assert body["message"]["parts"] == [{"type": "text", "text": "Hi"}]
        assert set(body["message"]) == {"id", "role", "parts"}
        full = client.send_message("c", "Hi", visibility="public", branch_id=7, hidden=True, request_path="/x")
        assert [event async for event in full] == plain
    body, headers = posted(route), route.calls.last.request.headers
    assert (body["selectedVisibilityType"], body["branchId"]) == ("public", 7)
    assert body["message"]["metadata"] == {"hidden": True, "requestContext": {"path": "/x"}}
    assert (headers["x-storageapi-token"], headers["x-storageapi-url"]) == (TOKEN, STORAGE)


async def test_one_shot(kai: respx.MockRouter) -> None:
    """`chat_id, text = await client.chat(...)`, and the chat goes on under the same id."""
    route = chat_answers(kai, ANSWER, DONE)
    async with KaiClient(TOKEN, STORAGE, KAI) as client:
        chat_id, answer = await client.chat("Hi")
        assert (answer, posted(route)["id"]) == ("Hello world", chat_id)
        assert await client.chat("And?", chat_id=chat_id, visibility="private", branch_id=1) == (chat_id, "Done")


async def test_parser(kai: respx.MockRouter) -> None:
    """A parser over an `httpx` response, with and without the events."""
    chat_answers(kai, ANSWER, ANSWER, ANSWER)
    parser, types = SSEStreamParser(), list[str]()
    async with httpx.AsyncClient() as http:
        async with http.stream("POST", f"{KAI}/api/chat") as response:
            async for event in parser.consume_stream(response):
                types.append(event.type)
        assert (parser.text, parser.finished, parser.finish_reason) == ("Hello world", True, "stop")
        assert (parser.prompt_tokens, parser.completion_tokens, parser.total_tokens) == (3, 4, 7)
        assert parser.tool_calls["c1"].output == {"id": "in.c-x"}
        parser.reset()
        assert (parser.text, parser.finished, parser.tool_calls) == ("", False, {})
        async with http.stream("POST", f"{KAI}/api/chat") as response:
            async for _ in parser.consume_stream(response, yield_events=False):
                pytest.fail("nothing was to be yielded")
        assert parser.text == "Hello world"
        async with http.stream("POST", f"{KAI}/api/chat") as response:
            assert [event.type async for event in parse_sse_stream(response)] == types


async def test_resume(kai: respx.MockRouter) -> None:
    """`resume_stream` yields what is still being written, and nothing on a 204."""
    answers = [httpx.Response(200, content=DONE, headers=STREAM), httpx.Response(204)]
    kai.get(f"{KAI}/api/chat/c/stream").mock(side_effect=answers)
    async with KaiClient(TOKEN, STORAGE, KAI) as client:
        assert [event.type async for event in client.resume_stream("c")] == ["tool-call", "text", "finish"]
        assert [event async for event in client.resume_stream("c")] == []


async def test_history(kai: respx.MockRouter) -> None:
    """One page, all pages, one chat, and its deletion."""
    pages = {None: (["a", "b"], True), "b": (["c"], False)}

    def history(request: httpx.Request) -> httpx.Response:
        if "ending_before" in request.url.params:
            return httpx.Response(200, json={"chats": [], "hasMore": False})
        chats, more = pages[request.url.params.get("starting_after")]
        return httpx.Response(200, json={"chats": [{"id": chat, "title": chat} for chat in chats], "hasMore": more})

    kai.get(f"{KAI}/api/history").mock(side_effect=history)
    detail: dict[str, Any] = {"id": "a", "title": "T", "createdAt": "2025-01-01T00:00:00.000Z", "messages": []}
    kai.get(f"{KAI}/api/chat/a").respond(json=detail)
    deleted = kai.delete(f"{KAI}/api/chat").respond(json={})
    async with KaiClient(TOKEN, STORAGE, KAI) as client:
        page = await client.get_history(limit=2)
        assert ([chat.id for chat in page.chats], page.has_more) == (["a", "b"], True)
        assert [chat.id for chat in (await client.get_history(10, starting_after="b")).chats] == ["c"]
        titles = [chat.title async for chat in client.get_all_history(batch_size=2)]
        assert titles == ["a", "b", "c"]
        chat = await client.get_chat("a")
        assert (chat.title, chat.messages) == ("T", [])
        await client.delete_chat("a")
    assert deleted.calls.last.request.url.params["id"] == "a"


async def test_votes(kai: respx.MockRouter) -> None:
    """Votes are cast whether the backend answers in plain text or in JSON, and are listed in either shape."""
    stored = {"id": "v1", "chatId": "c", "messageId": "m", "type": "down"}
    answers = [httpx.Response(200, text="Message voted")] * 2 + [httpx.Response(200, json=stored)]
    route = kai.patch(f"{KAI}/api/vote").mock(side_effect=answers)
    kai.get(f"{KAI}/api/vote").respond(json=[stored, {"chatId": "c", "messageId": "m2", "isUpvoted": True}])
    async with KaiClient(TOKEN, STORAGE, KAI) as client:
        vote = await client.upvote("c", "m")
        assert (vote.chat_id, vote.message_id, vote.type) == ("c", "m", VoteType.UP)
        assert posted(route) == {"chatId": "c", "messageId": "m", "type": "up"}
        assert (await client.vote("c", "m", VoteType.DOWN)).type == "down"
        assert (await client.downvote(chat_id="c", message_id="m")).id == "v1"
        assert [vote.type for vote in await client.get_votes("c")] == ["down", "up"]
        with pytest.raises(ValueError, match="sideways"):
            await client.vote("c", "m", "sideways")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (httpx.Response(401, json={"code": "unauthorized:chat", "message": "m"}), KaiAuthenticationError),
        (httpx.Response(403, json={"code": "forbidden:chat", "message": "m"}), KaiForbiddenError),
        (httpx.Response(404, json={"code": "not_found:chat", "message": "m"}), KaiNotFoundError),
        (httpx.Response(429, json={"code": "rate_limit:chat", "message": "m"}), KaiRateLimitError),
        (httpx.Response(400, json={"code": "bad_request:api", "message": "m"}), KaiBadRequestError),
        (httpx.ConnectError("refused"), KaiConnectionError),
        (httpx.ReadTimeout("slow"), KaiTimeoutError),
        (httpx.Response(200, content=b"data: {oops}\n\n", headers=STREAM), KaiStreamError),
    ],
    ids=["401", "403", "404", "429", "400", "connect", "timeout", "stream"],
)
async def test_errors(kai: respx.MockRouter, answer: Any, expected: type[KaiError]) -> None:
    """Errors are caught by their class, or by `KaiError`, around the loop."""
    kai.post(f"{KAI}/api/chat").mock(side_effect=itertools.repeat(answer))
    client = KaiClient(TOKEN, STORAGE, KAI)
    caught: KaiError | None = None
    try:
        async for _ in client.send_message("c", "Hi"):
            pass
    except KaiError as error:
        caught = error
    finally:
        await client.close()
    assert caught is not None
    assert type(caught) is expected
    assert caught.message


async def test_error_event(kai: respx.MockRouter) -> None:
    """An error chunk is an event with a message, in its standard and its legacy shape."""
    chat_answers(
        kai, sse({"type": "error", "errorText": "new"}), sse({"type": "error", "message": "old", "code": "x:y"})
    )
    async with KaiClient(TOKEN, STORAGE, KAI) as client:
        found: list[tuple[str, str | None]] = []
        for _ in range(2):
            async for event in client.send_message("c", "Hi"):
                if event.type == "error":
                    found.append((event.message, event.code))  # noqa: PERF401 - as scripts do it
    assert found == [("new", None), ("old", "x:y")]


async def test_from_storage_api_is_a_coroutine(kai: respx.MockRouter) -> None:
    """Whatever takes a coroutine takes `from_storage_api`: `wait_for`, `create_task`, `gather`."""
    first = await asyncio.wait_for(KaiClient.from_storage_api(TOKEN, STORAGE), timeout=30)
    second = await asyncio.create_task(KaiClient.from_storage_api(TOKEN, STORAGE, 10.0, 20.0))
    third, fourth = await asyncio.gather(
        KaiClient.from_storage_api(TOKEN, STORAGE), KaiClient.from_storage_api(TOKEN, storage_api_url=f"{STORAGE}/")
    )
    for client in (first, second, third, fourth):
        assert isinstance(client, KaiClient)
        assert (await client.ping()).timestamp.year == 2025
        await client.close()


def test_asyncio_run() -> None:
    """`asyncio.run` takes it, too."""
    with respx.mock() as router:
        router.get(url__startswith=STORAGE).respond(json={"services": [{"id": "kai-assistant", "url": KAI}]})
        client = asyncio.run(KaiClient.from_storage_api(TOKEN, STORAGE))
    assert isinstance(client, KaiClient)


async def test_discovery_errors(kai: respx.MockRouter) -> None:
    """Discovery fails with the documented codes."""
    index = kai.get(url__startswith=f"{STORAGE}/v2/storage")
    for answer, code in [
        (httpx.Response(401, json={"error": "Invalid access token"}), "discovery:http_error"),
        (httpx.Response(200, json={"services": []}), "discovery:service_not_found"),
        (httpx.Response(200, json={"services": [{"id": "kai-assistant"}]}), "discovery:no_url"),
    ]:
        index.mock(return_value=answer)
        with pytest.raises(KaiError) as caught:
            await KaiClient.from_storage_api(TOKEN, STORAGE)
        assert caught.value.code == code


async def test_generator_protocol(kai: respx.MockRouter) -> None:
    """A stream is used as an async generator was: `anext`, `aclosing`, `break`, a comprehension."""
    chat_answers(kai, ANSWER, ANSWER, ANSWER)
    async with KaiClient(TOKEN, STORAGE, KAI) as client:
        stream: AsyncIterator[SSEEvent] = client.send_message("c", "Hi")
        first = await anext(stream)
        assert (first.type, isinstance(first, BaseException)) == ("start", False)
        async with aclosing(client.send_message("c", "Hi")) as closing:
            async for event in closing:
                if event.type == "text":
                    break
        types = [event.type async for event in client.send_message("c", "Hi") if not isinstance(event, UnknownEvent)]
        assert types[-1] == "finish"


def test_events_by_hand() -> None:
    """Events are made, parsed, compared and dumped as pydantic models are."""
    assert parse_sse_event({"type": "text", "text": "a"}) == TextEvent(text="a")
    assert parse_sse_event({"type": "finish", "finishReason": "stop"}) == FinishEvent(finish_reason="stop")
    assert FinishEvent(finish_reason="stop").model_dump(by_alias=True)["finishReason"] == "stop"
    by_wire_names: dict[str, Any] = {"toolCallId": "c", "state": "done", "toolName": "q"}
    assert ToolCallEvent(**by_wire_names) == ToolCallEvent(tool_call_id="c", state="done", tool_name="q")
    unknown = parse_sse_event({"type": "new-thing", "a": 1})
    assert isinstance(unknown, UnknownEvent)
    assert (unknown.type, unknown.data) == ("new-thing", {"type": "new-thing", "a": 1})
