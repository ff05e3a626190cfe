"""What a type checker knows of the public interface: read by mypy and pyright, both strict, and never run.

What must be an error carries a `type: ignore`, and both checkers are told to complain about one that nothing needs.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import aclosing
from typing import Any, assert_type

from pydantic import JsonValue

import kai_client as kai
from kai_client.events import SSEEvent


def use(*_: object) -> None:
    """Something to do with a value."""


def match_on_type(event: SSEEvent) -> None:
    """`match event.type` leaves the documented class, beside the events whose type is any text (hence the Any)."""
    match event.type:
        case "text":
            assert_type(event.text, str | Any)
            use(event.tool_call_id)  # type: ignore[union-attr]
        case "tool-call":
            assert_type(event.tool_call_id, str | Any)
            assert_type(event.tool_name, str | None | Any)
            assert_type(event.state, str | Any)
            use(event.delta)  # type: ignore[union-attr]
        case "tool-approval-request":
            assert_type(event.approval_id, str | Any)
        case "tool-output-error":
            assert_type(event.error_text, str | Any)
        case "data-usage":
            assert_type(event.usage, kai.UsageInfo | Any)
        case "finish":
            assert_type(event.finish_reason, str | Any)
            use(event.text)  # type: ignore[union-attr]
        case "error":
            assert_type(event.message, str | Any)
            assert_type(event.code, str | None | Any)
        case "reasoning-delta":
            assert_type(event.delta, str | Any)
        case _:
            use(event.type)


def narrow_by_class(event: SSEEvent) -> None:
    """`isinstance` leaves one class, all of it and nothing else."""
    if isinstance(event, kai.TextEvent):
        assert_type(event.text, str)
        use(event.delta)  # type: ignore[attr-defined]
    elif isinstance(event, kai.ToolCallEvent):
        assert_type(event.state, str)
        assert_type(event.input, JsonValue)
        assert_type(event.approval, kai.ToolApproval | None)
    elif isinstance(event, kai.UsageEvent):
        assert_type(event.usage.total_tokens, int)
    elif isinstance(event, kai.FinishEvent):
        assert_type(event.usage, kai.UsageInfo | None)
    elif isinstance(event, kai.UnknownEvent):
        assert_type(event.data, dict[str, JsonValue])


def match_on_class(event: SSEEvent) -> None:
    """Class patterns bind typed attributes."""
    match event:
        case kai.TextEvent(text=text):
            assert_type(text, str)
        case kai.ToolApprovalRequestEvent(approval_id=approval, tool_call_id=call):
            assert_type((approval, call), tuple[str, str])
        case kai.ErrorEvent(message=message, code=code):
            assert_type(message, str)
            assert_type(code, str | None)
        case _:
            use(event)


def events_are_frozen(event: kai.TextEvent, usage: kai.UsageEvent) -> None:
    """To a type checker, too, an event cannot be changed."""
    event.text = "x"  # type: ignore[misc]
    usage.usage = kai.UsageInfo()  # type: ignore[misc]


async def streams(client: kai.KaiClient, parser: kai.SSEStreamParser) -> None:
    """A stream is an async iterator of `SSEEvent` and an async context manager of itself."""
    stream = client.send_message("c", "Hi", visibility="public", branch_id=1, model=kai.ChatModel.REASONING)
    assert_type(stream, kai.ChatStream)
    iterator: AsyncIterator[SSEEvent] = stream
    async for event in iterator:
        assert_type(event, SSEEvent)
    async with (
        client.resume_stream("c") as resumed,
        aclosing(client.run("c", "Hi", approve=kai.approve_all)) as approved,
    ):
        assert_type(resumed, kai.ChatStream)
        assert_type(approved, kai.ChatStream)
        async for text in resumed.text_stream:
            assert_type(text, str)
        assert_type(await resumed.get_final_text(), str)
        assert_type(await resumed.get_final_message(), kai.UIMessage)
    assert_type(parser.tool_calls, dict[str, kai.ToolCallEvent])
    client.send_message(1, "Hi")  # type: ignore[arg-type]
    client.send_message("c", "Hi", "public")  # type: ignore[call-arg]
    client.send_message("c", "Hi", nonsense=1)  # type: ignore[call-arg]


async def clients() -> None:
    """`from_storage_api` is a coroutine of a client and an async context manager of one."""
    pending: Coroutine[Any, Any, kai.KaiClient] = kai.KaiClient.from_storage_api("token", "url")
    assert_type(await pending, kai.KaiClient)
    async with kai.KaiClient.from_storage_api("token", "url") as found, kai.KaiClient("token", "url") as made:
        assert_type(found, kai.KaiClient)
        assert_type(made, kai.KaiClient)
        backend: kai.ChatBackend = found
        use(backend)
        assert_type(await found.chat("Hi"), tuple[str, str])
        assert_type(found.get_all_history(), AsyncGenerator[kai.Chat])
        assert_type(await found.get_votes("c"), list[kai.Vote])
        assert_type((await found.get_chat("c")).messages, list[kai.Message])
        assert_type((await found.submit_approval("c", "t", approved=True)).approved, bool)
        await found.submit_approval("c", "t", approved="yes")  # type: ignore[arg-type]
        await found.update_settings(custom_instructions=None)
        await found.update_settings(custom_instructions=5)  # type: ignore[arg-type]


class Subclass(kai.KaiClient):
    """A client of one's own."""


async def subclasses() -> None:
    """A subclass finds itself."""
    assert_type(await Subclass.from_storage_api("token", "url"), Subclass)


def errors(error: kai.KaiError) -> None:
    """What an error tells is typed."""
    assert_type((error.message, error.code), tuple[str, str | None])
    assert_type(error.status_code, int | None)
    assert_type(error.partial_message, kai.UIMessage | None)


async def decides(call: kai.ToolCall) -> kai.Approval | kai.Denial | bool | None:
    """A policy names the call, and may be async."""
    assert_type(call.tool_name, str)
    assert_type(call.message, kai.UIMessage)
    return kai.Approval(updated_input={"a": 1}) if call.read_only else kai.Denial(reason="no")


async def runs(client: kai.KaiClient) -> None:
    """A run is a stream like any other; a policy is a function of a call that returns a ruling."""
    assert_type(client.run("c", "Hi", approve=decides), kai.ChatStream)
    client.run("c", "Hi", approve=lambda call: call.tool_name == "run_job")
    client.run("c", approve=kai.first_of(kai.by_id({"t": True}), kai.with_timeout(kai.ask, 60)), max_steps=3, total=60)
    client.run("c", "Hi", approve=kai.approve_only("a", otherwise=kai.deny_all))
    client.run("c", "Hi", approve=lambda call: "yes")  # type: ignore[arg-type, return-value]
    client.run("c", "Hi", approve=True)  # type: ignore[arg-type]
