"""What a tool gives: JSON that fits its annotation, or one ToolError."""

import asyncio
import contextvars
import math
import pickle
import threading
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from kai_client import KaiError
from kai_client.toolbox import Toolbox, ToolError


class Colour(StrEnum):
    RED = "red"


class Report(BaseModel):
    total: int = Field(alias="totalRows")
    day: date | None = None


class Special(Report):
    secret: str = "s"


@dataclass
class Point:
    x: int


class Row(TypedDict):
    id: int


def broken_report() -> Report:
    """A report whose total is no number."""
    report = Report(totalRows=1)
    setattr(report, "total", "many")  # noqa: B010 - to the type checkers an error, too
    return report


def circular() -> list[Any]:
    """A list that contains itself."""
    items: list[Any] = []
    items.append(items)
    return items


def returning(value: Any, annotation: Any) -> Toolbox[None]:
    """A toolbox whose tool `it` returns this value and promises that type."""

    def it() -> Any:
        return value

    it.__annotations__["return"] = annotation
    tools = Toolbox()
    tools.tool(it)
    return tools


@pytest.mark.parametrize(
    ("value", "annotation", "output"),
    [
        (Report(totalRows=3, day=date(2026, 1, 2)), Report, {"totalRows": 3, "day": "2026-01-02"}),
        (Special(totalRows=3), Report, {"totalRows": 3, "day": None}),
        ({"totalRows": 3}, Report, {"totalRows": 3, "day": None}),
        ([Report(totalRows=3)], Any, [{"totalRows": 3, "day": None}]),
        ((1, "a"), tuple[int, str], [1, "a"]),
        (Point(1), Point, {"x": 1}),
        ({"id": 1}, Row, {"id": 1}),
        ({1: {Colour.RED}}, dict[int, set[Colour]], {"1": ["red"]}),
        (datetime(2026, 1, 2, tzinfo=UTC), datetime, "2026-01-02T00:00:00Z"),
        (Decimal("1.10"), Decimal, "1.10"),
        (b"abc", bytes, "abc"),
        (None, None, None),
        ("čau 🎉", str, "čau 🎉"),
    ],
    ids=str,
)
async def test_results_become_json(value: Any, annotation: Any, output: Any) -> None:
    """Pydantic's JSON form, by alias, of what the annotation says and no more."""
    assert await returning(value, annotation).execute("it", {}) == output


@pytest.mark.parametrize(
    ("value", "annotation", "text"),
    [
        ("many", int, "Input should be a valid integer, unable to parse string as an integer"),
        (None, Report, "Input should be a valid dictionary or instance of Report"),
        ({"totalRows": "x" * 999}, Report, "totalRows: Input should be a valid integer, unable to parse string as an integer"),
    ],
    ids=lambda value: repr(value)[:30],
)  # fmt: skip
async def test_a_broken_promise_is_never_sent(value: Any, annotation: Any, text: str) -> None:
    """A value that does not fit its annotation is an error of the tool that says how."""
    with pytest.raises(ToolError) as caught:
        await returning(value, annotation).execute("it", {})
    assert caught.value.code == "tool:invalid_output"
    assert caught.value.message == f"The tool did not return what it promises: {text}"
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        (math.nan, float),
        ([math.inf], list[float]),
        ("the secret \ud83d", str),
        ({"secret": math.nan}, Any),
        (object(), Any),
        ({"secret": object()}, Any),
        (b"secret \xff", bytes),
        (circular(), Any),
        (broken_report(), Report),
    ],
    ids=lambda value: repr(value)[:30],
)
async def test_what_is_no_json_is_never_sent(value: Any, annotation: Any) -> None:
    """NaN, half an emoji, bytes, what contains itself or cannot be written: an error that tells nothing of the value."""
    with pytest.raises(ToolError) as caught:
        await returning(value, annotation).execute("it", {})
    assert caught.value.code == "tool:invalid_output"
    assert caught.value.message == "The tool did not return what it promises: it is not JSON"
    assert caught.value.__cause__ is not None


def failing(error: BaseException) -> Toolbox[None]:
    """A toolbox whose tools raise this: in the event loop, in a thread, and in what a thread returned."""
    tools = Toolbox()

    @tools.tool
    async def in_loop() -> None:
        raise error

    @tools.tool
    def in_thread() -> None:
        raise error

    @tools.tool(name="returned")
    def returned_awaitable() -> Any:
        return in_loop()

    return tools


@pytest.mark.parametrize("name", ["in_loop", "in_thread", "returned"])
@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (ToolError("No such customer."), "tool:failed", "No such customer."),
        (ToolError("Come back later.", "shop:closed"), "shop:closed", "Come back later."),
        (KeyError("eu"), "tool:failed", "KeyError: 'eu'"),
        (ValueError(), "tool:failed", "ValueError"),
        (KaiError("Lost.", "stream:broken"), "tool:failed", "KaiError: [stream:broken] Lost."),
        (RuntimeError("x" * 9999), "tool:failed", f"RuntimeError: {'x' * 483}..."),
    ],
    ids=lambda value: str(value)[:20],
)
async def test_a_failure_is_a_tool_error(name: str, error: Exception, code: str, text: str) -> None:
    """A ToolError comes out as it is; anything else as its type and text, at most 500 characters, chained."""
    with pytest.raises(ToolError) as caught:
        await failing(error).execute(name, {})
    assert (caught.value.code, caught.value.message) == (code, text)
    assert caught.value is error or caught.value.__cause__ is error


async def test_a_stop_iteration_in_a_thread_is_a_failure() -> None:
    """The one exception that a future cannot carry does not hang the call."""
    with pytest.raises(ToolError, match="StopIteration"):
        await failing(StopIteration()).execute("in_thread", {})


async def test_cancelling_a_call_cancels_the_tool() -> None:
    """A cancellation passes through, into the tool and out of the call."""
    tools, started, cancelled = Toolbox(), asyncio.Event(), asyncio.Event()

    @tools.tool
    async def wait() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    running = asyncio.create_task(tools.execute("wait", {}))
    await started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert cancelled.is_set()


async def test_sync_tools_run_in_threads() -> None:
    """A sync tool does not block the loop, two of them run side by side, and context variables reach them."""
    tools, together = Toolbox(), threading.Barrier(2, timeout=20)
    user = contextvars.ContextVar("user", default="nobody")

    @tools.tool
    def meet() -> str:
        together.wait()
        assert threading.current_thread() is not threading.main_thread()
        return user.get()

    user.set("ada")
    results = await asyncio.gather(tools.execute("meet", {}), tools.execute("meet", {}))
    assert list(results) == ["ada", "ada"]


async def test_an_unknown_tool_is_the_callers_mistake() -> None:
    """A KaiError that is no ToolError lists the tools that there are."""
    with pytest.raises(KaiError, match=r"\[tool:unknown\] There is no tool 'nope' here; there are: it") as caught:
        await returning(1, int).execute("nope", {})
    assert not isinstance(caught.value, ToolError)
    with pytest.raises(KaiError, match="there are: none"):
        await Toolbox().execute("nope", {})


def test_a_tool_error_survives_pickling() -> None:
    """Text and code are there after a trip to another process."""
    error = pickle.loads(pickle.dumps(ToolError("No.", "shop:closed")))
    assert (type(error), error.message, error.code, str(error)) == (
        ToolError,
        "No.",
        "shop:closed",
        "[shop:closed] No.",
    )
