"""What cannot be a tool or a policy says so when it is decorated, in a text that names the function."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from kai_client.approvals import ToolCall
from kai_client.toolbox import Toolbox, ToolContext


class Opaque:
    """Nothing that JSON could carry."""


class Query(BaseModel):
    region: str


def bare(value) -> int:  # type: ignore[no-untyped-def] # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    return 1


def many(*values: int) -> int:
    return 1


def keywords(**values: int) -> int:
    return 1


def positional(value: int, /) -> int:
    return 1


def opaque(value: Opaque) -> int:
    return 1


def opaque_result() -> Opaque:
    return Opaque()


def callback(value: Callable[[], int]) -> int:
    return 1


def misspelt(value: "Qeury") -> int:  # type: ignore[name-defined]  # pyright: ignore[reportUndefinedVariable, reportUnknownParameterType]  # noqa: F821
    return 1


def two_contexts(first: ToolContext, second: ToolContext) -> int:
    return 1


def hidden_context(context: ToolContext | None = None) -> int:
    return 1


def hidden_call(calls: list[ToolCall]) -> int:
    return 1


def call_in_tool(call: ToolCall) -> int:
    return 1


def generator() -> Iterator[int]:
    yield 1


async def async_generator() -> AsyncIterator[int]:
    yield 1


REFUSED: list[tuple[Any, str]] = [
    (bare, "bare(): value has no annotation"),
    (many, "many(): values takes any number of arguments"),
    (keywords, "keywords(): values takes any argument"),
    (positional, "positional(): value is positional-only"),
    (opaque, "opaque(): Unable to generate pydantic-core schema for"),
    (opaque_result, "opaque_result(): Unable to generate pydantic-core schema for"),
    (misspelt, "misspelt(): an annotation cannot be resolved: name 'Qeury' is not defined"),
    (callback, "callback(): Cannot generate a JsonSchema for"),
    (two_contexts, "two_contexts() has more than one ToolContext: first, second"),
    (hidden_context, "hidden_context(): annotate context as ToolContext and nothing else"),
    (hidden_call, "hidden_call(): annotate calls as ToolCall and nothing else"),
    (call_in_tool, "call_in_tool(): a tool gets its call as `call` of a ToolContext"),
    (generator, "generator() is a generator"),
    (async_generator, "async_generator() is a generator"),
    (lambda: 1, "A tool needs a name"),
    (Query, "Query is not a function"),
    (5, "int is not a function"),
    (min, "min() does not tell its parameters"),
]


@pytest.mark.parametrize(("function", "text"), REFUSED, ids=lambda value: str(value)[:30])
def test_what_json_cannot_call_is_refused_at_once(function: Any, text: str) -> None:
    """A TypeError names the function and what to change, and the toolbox stays as it was."""
    tools = Toolbox()
    with pytest.raises(TypeError) as caught:
        tools.tool(function)
    assert str(caught.value).startswith(text)
    assert tools.schemas() == []


@pytest.mark.parametrize(
    ("function", "text"),
    [row for row in REFUSED if row[0] in (bare, many, positional, opaque, misspelt, two_contexts, hidden_call, Query)],
)
def test_policies_are_checked_as_tools_are(function: Any, text: str) -> None:
    """A policy with the same flaw is refused with the same text."""
    tools = Toolbox()
    with pytest.raises(TypeError) as caught:
        tools.approve("run_job")(function)
    assert str(caught.value).startswith(text)
    assert tools.policy_for("run_job") is None


def test_a_name_is_given_once() -> None:
    """Two tools, two policies, or a tool and a policy of one name are a ValueError that says which is there."""
    tools = Toolbox()

    @tools.tool(name="mine")
    def add(a: int) -> int:
        return a

    @tools.approve("yours", "theirs")
    def allow() -> bool:
        return True

    with pytest.raises(ValueError, match="There is a tool named 'mine' already"):
        tools.tool(add, name="mine")
    with pytest.raises(ValueError, match="There is a policy named 'theirs' already"):
        tools.tool(add, name="theirs")
    with pytest.raises(ValueError, match="There is a tool named 'mine' already"):
        tools.approve("new", "mine")(allow)
    with pytest.raises(ValueError, match="There is a policy named 'yours' already"):
        tools.approve("yours")(allow)
    assert tools.policy_for("new") is None


@pytest.mark.parametrize("names", [(), (5,), (many,)])
def test_a_policy_says_for_which_tools(names: Any) -> None:
    """`@tools.approve` without names is a TypeError that shows how to write it."""
    with pytest.raises(TypeError, match="takes the names of tools"):
        Toolbox().approve(*names)


def test_an_empty_name_is_no_name() -> None:
    """A tool that nobody could name is refused."""
    with pytest.raises(TypeError, match="A tool needs a name"):
        Toolbox().tool(opaque_result, name="")


async def test_decorated_functions_stay_what_they_were() -> None:
    """The decorators return the very function, bare or with arguments."""
    tools = Toolbox()

    def add(a: int, b: int = 1) -> int:
        return a + b

    assert tools.tool(add) is add
    assert tools.tool(name="again")(add) is add
    assert tools.approve("other")(lambda: True)() is True
    assert add(1) == 2
