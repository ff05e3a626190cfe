"""What type checkers see of a toolbox: mypy and pyright read this file, both strict."""

from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, assert_type

from pydantic import JsonValue
from toolbox_calls import tool_call

from kai_client.approvals import Denial, LocalResult, Policy, Ruling, ToolCall
from kai_client.toolbox import Toolbox, ToolContext, ToolSchema


class Warehouse:
    """Some state."""


@asynccontextmanager
async def lifespan() -> AsyncGenerator[Warehouse]:
    """Start-up and shut-down."""
    yield Warehouse()


tools = Toolbox(lifespan=lifespan)
stateless = Toolbox()


@tools.tool
async def count(region: str, context: ToolContext[Warehouse]) -> int:
    assert_type(context.state, Warehouse)
    assert_type(context.call, ToolCall[Any] | None)
    return len(region)


@tools.tool(name="plus", description="Sum.")
def add(a: int, b: int = 1) -> int:
    return a + b


@tools.approve("run_job")
async def run_job(component_id: str, call: ToolCall[int]) -> bool | Denial:
    assert_type(call.input, int)
    return component_id == "ex-db"


@tools.approve("create_config")
def create_config(config_id: int) -> Ruling:
    return config_id < 5


def wrong(value: int) -> str:
    """No ruling."""
    return f"{value}"


async def test_types_are_what_they_were() -> None:
    """Decorated functions keep their types, a toolbox knows its state, and a wrong policy is an error."""
    counting: Callable[[str, ToolContext[Warehouse]], Coroutine[Any, Any, int]] = count
    assert_type(add(1), int)
    assert_type(add(1, b=2), int)
    assert_type(await counting("eu", ToolContext(state=Warehouse(), tool_name="count")), int)
    assert_type(await run_job("ex-db", tool_call("run_job", {})), bool | Denial)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    assert_type(create_config(1), Ruling)
    assert_type(tools, Toolbox[Warehouse])
    assert_type(stateless, Toolbox[None])
    async with tools as entered:
        assert_type(entered, Toolbox[Warehouse])
        assert_type(await entered.execute("count", {"region": "eu"}, params=None), JsonValue)
        assert_type(await entered.answer(tool_call("plus", {"a": 1})), LocalResult)
        assert_type(entered.policy_for("run_job"), Policy | None)
        assert_type(entered.schemas(), list[ToolSchema])
    tools.approve("other")(wrong)  # type: ignore[type-var] # pyright: ignore[reportArgumentType]
