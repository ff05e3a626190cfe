"""A toolbox as `LocalTools`: it answers a chat's calls, and whatever goes wrong with a tool is an answer."""

from typing import Any

import pytest
from pydantic import BaseModel
from toolbox_calls import tool_call

from kai_client import KaiError
from kai_client.approvals import LocalResult, LocalTools
from kai_client.toolbox import Toolbox, ToolContext


class Query(BaseModel):
    region: str


class Filters(BaseModel):
    params: list[int]


class Params(BaseModel):
    limit: int = 10


tools = Toolbox()


@tools.tool
async def search(query: Query, params: Params, context: ToolContext[None]) -> list[Any]:
    assert context.call is not None
    return [query.region, params.limit, context.call.tool_call_id]


@tools.tool
def own_key(filters: Filters, params: Params) -> list[int]:
    return [*filters.params, params.limit]


@tools.tool
def add(a: int, b: int = 1) -> int:
    return a // b


ANSWERED: list[tuple[str, Any, LocalResult]] = [
    ("search", {"region": "eu"}, LocalResult(output=["eu", 10, "t1"])),
    ("search", {"region": "eu", "params": {"limit": 3}}, LocalResult(output=["eu", 3, "t1"])),
    ("search", {"region": "eu", "params": None}, LocalResult(output=["eu", 10, "t1"])),
    ("search", {"region": "eu", "params": 5}, LocalResult(error="The arguments are not valid: params: Input should be an object")),
    ("search", {"params": {"limit": "x"}}, LocalResult(error="The arguments are not valid: region: Field required; params.limit: Input should be a valid integer, unable to parse string as an integer")),
    ("own_key", {"params": [1, 2]}, LocalResult(output=[1, 2, 10])),
    ("add", {"a": 1, "params": {}}, LocalResult(error="The arguments are not valid: params: Extra inputs are not permitted")),
    ("add", {"a": 1, "b": 0}, LocalResult(error="ZeroDivisionError: integer division or modulo by zero")),
    ("add", [1], LocalResult(error="The arguments are not valid: Input should be an object")),
    ("add", "1", LocalResult(error="The arguments are not valid: Input should be an object")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "input", "result"), ANSWERED)
async def test_calls_are_answered(name: str, input: Any, result: LocalResult) -> None:
    """An output, or the text of what is wrong; `params` beside the input are the parameters, where the tool has any."""
    assert await tools.answer(tool_call(name, input)) == result


async def test_a_call_of_no_tool_raises() -> None:
    """Asking the wrong toolbox is a mistake of the program, not an answer for the model."""
    with pytest.raises(KaiError, match="There is no tool 'run_job' here; there are: search, own_key, add"):
        await tools.answer(tool_call("run_job"))


def test_a_toolbox_is_local_tools() -> None:
    """Structurally, to the program and to the type checkers."""
    local: LocalTools = tools
    assert isinstance(local, LocalTools)
    assert [local.runs(name) for name in ("add", "run_job")] == [True, False]
