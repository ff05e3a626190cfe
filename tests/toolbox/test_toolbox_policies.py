"""A policy is asked about valid arguments only, and nothing is guessed on the way to it."""

import inspect
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from toolbox_calls import tool_call

from kai_client import KaiConfigError
from kai_client.approvals import Approval, Denial, Ruling, ToolCall
from kai_client.toolbox import Toolbox, ToolContext


class Mode(StrEnum):
    FULL = "full"


class Config(BaseModel):
    component: str = Field(alias="componentId")
    rows: int = 0


tools = Toolbox()


@tools.approve("run_job")
async def run_job(component_id: str, config_id: int, call: ToolCall) -> bool | Denial:
    return (
        config_id < 100
        if component_id == "ex-db"
        else Denial(reason=f"{call.tool_name}: not {call.input['component_id']}")
    )


@tools.approve("create_config", "update_config")
def write_config(config: Config) -> Ruling:
    return Approval(updated_input={"componentId": config.component, "rows": config.rows})


@tools.approve("drop")
def drop(sure: bool) -> bool:
    return sure


@tools.approve("typed")
def typed(day: date, id: UUID, mode: Mode, share: float) -> bool:
    return (type(day), type(id), type(mode), type(share)) == (date, UUID, Mode, float)


@tools.approve("whole")
def whole(call: ToolCall[Config]) -> bool:
    return call.input.component == "ex-db"


@tools.approve("anything")
def anything(call: ToolCall[Any]) -> Denial:
    return Denial(reason=f"{call.input}")


async def ruled(name: str, input: Any) -> object:
    """What the policy says about one call."""
    policy = tools.policy_for(name)
    assert policy is not None
    ruling = policy(tool_call(name, input))
    return await ruling if inspect.isawaitable(ruling) else ruling


RULED: list[tuple[str, Any, object]] = [
    ("run_job", {"component_id": "ex-db", "config_id": 5}, True),
    ("run_job", {"component_id": "ex-db", "config_id": 500}, False),
    ("run_job", {"component_id": "wr-db", "config_id": 5, "other": 1}, Denial(reason="run_job: not wr-db")),
    ("create_config", {"componentId": "ex-db", "rows": 2}, Approval(updated_input={"componentId": "ex-db", "rows": 2})),
    ("update_config", {"componentId": "x", "more": 1}, Approval(updated_input={"componentId": "x", "rows": 0})),
    ("drop", {"sure": True, "of": "course"}, True),
    ("typed", {"day": "2026-01-02", "id": "12345678-1234-5678-1234-567812345678", "mode": "full", "share": 1}, True),
    ("whole", {"componentId": "ex-db"}, True),
    ("anything", {"a": 1}, Denial(reason="{'a': 1}")),
]

DENIED: list[tuple[str, Any, str]] = [
    ("run_job", {}, "component_id: Field required; config_id: Field required"),
    ("run_job", {"component_id": "ex-db", "config_id": "5"}, "config_id: Input should be a valid integer"),
    ("run_job", {"component_id": "ex-db", "config_id": True}, "config_id: Input should be a valid integer"),
    ("create_config", {"component": "ex-db"}, "componentId: Field required"),
    ("create_config", {"componentId": 5}, "componentId: Input should be a valid string"),
    ("drop", {"sure": "false"}, "sure: Input should be a valid boolean"),
    ("drop", {"sure": "true"}, "sure: Input should be a valid boolean"),
    ("drop", {"sure": 1}, "sure: Input should be a valid boolean"),
    ("drop", {"sure": None}, "sure: Input should be a valid boolean"),
    ("whole", {"componentId": None}, "componentId: Input should be a valid string"),
    ("anything", [], "Input should be an object"),
    ("anything", "text", "Input should be an object"),
    ("drop", [True], "Input should be an object"),
]


@pytest.mark.parametrize(("name", "input", "ruling"), RULED)
async def test_the_function_rules_on_typed_arguments(name: str, input: Any, ruling: object) -> None:
    """Its own result comes back as it is; keys that it does not name are ignored."""
    assert await ruled(name, input) == ruling


@pytest.mark.parametrize(("name", "input", "reason"), DENIED)
async def test_invalid_arguments_are_denied_with_the_reason(name: str, input: Any, reason: str) -> None:
    """The function is not asked, and the model is told what to correct."""
    assert await ruled(name, input) == Denial(reason=f"The arguments are not valid: {reason}")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.just("true"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.just("sure") | st.text(max_size=9), inner, max_size=3)
    ),
)


@given(JSON)
async def test_only_true_approves(value: Any) -> None:
    """Of everything that a model can write for a bool, `true` is True, `false` is False, and the rest is denied."""
    ruling = await ruled("drop", {"sure": value})
    assert ruling is value if isinstance(value, bool) else isinstance(ruling, Denial)


async def test_a_policy_may_look_at_the_state() -> None:
    """A ToolContext holds the state and the call; without a start the policy raises instead of deciding."""

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[set[str]]:
        yield {"ex-db"}

    own = Toolbox(lifespan=lifespan)

    @own.approve("run_job")
    def known(component_id: str, context: ToolContext[set[str]]) -> bool:
        assert context.call is not None
        return component_id in context.state and context.tool_name == context.call.tool_name

    policy, call = own.policy_for("run_job"), tool_call("run_job", {"component_id": "ex-db"})
    assert policy is not None
    with pytest.raises(KaiConfigError, match="not started"):
        policy(call)
    async with own:
        assert policy(call) is True


async def test_what_the_function_raises_is_raised() -> None:
    """A policy that breaks has not decided."""
    own = Toolbox()

    @own.approve("run_job")
    def breaks() -> bool:
        raise LookupError("lost")

    policy = own.policy_for("run_job")
    assert policy is not None
    with pytest.raises(LookupError):
        policy(tool_call("run_job"))


def test_tools_without_a_policy_have_none() -> None:
    """None leaves the decision to somebody else; a tool of the toolbox is no policy."""
    own = Toolbox()
    own.tool(drop, name="local")
    assert (own.policy_for("local"), own.policy_for("run_job"), own.runs("local"), own.runs("run_job")) == (
        None,
        None,
        True,
        False,
    )
