"""Annotations that are text, as `from __future__ import annotations` makes them, are resolved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import pytest
from pydantic import BaseModel, Field
from toolbox_calls import tool_call

from kai_client.approvals import Denial, ToolCall
from kai_client.toolbox import Toolbox, ToolContext


class Query(BaseModel):
    region: str


async def test_classes_of_the_module_are_found() -> None:
    """Models, contexts, calls and metadata work as they do without the import."""
    tools = Toolbox()

    @tools.tool
    async def regions(
        query: Query, more: Annotated[int, Field(description="How many more.")], context: ToolContext[None]
    ) -> list[Query]:
        return [query] * more

    @tools.approve("run_job")
    def run_job(job_id: int, call: ToolCall[Query]) -> bool | Denial:
        return call.input.region == "eu"

    assert await tools.execute("regions", {"query": {"region": "eu"}, "more": 2}) == [{"region": "eu"}] * 2
    assert tools.schemas()[0].input_schema["properties"]["more"]["description"] == "How many more."  # type: ignore[index,call-overload]
    policy = tools.policy_for("run_job")
    assert policy is not None
    assert policy(tool_call("run_job", {"job_id": 1, "region": "eu"})) is True


async def test_classes_of_a_function_are_found_where_the_decorator_stands() -> None:
    """A class that was defined beside the tool, inside a function, is resolved."""
    tools = Toolbox()

    class Local(BaseModel):
        number: int

    @tools.tool
    def double(local: Local) -> Local:
        return Local(number=local.number * 2)

    assert await tools.execute("double", {"number": 2}) == {"number": 4}


def test_what_cannot_be_found_is_a_type_error() -> None:
    """A class that is not in sight of the decorator is named."""

    def make() -> Callable[..., int]:
        class Hidden(BaseModel):
            number: int

        def double(hidden: Hidden) -> int:
            return hidden.number * 2

        return double

    with pytest.raises(TypeError, match=r"double\(\): an annotation cannot be resolved: name 'Hidden' is not defined"):
        Toolbox().tool(make())
