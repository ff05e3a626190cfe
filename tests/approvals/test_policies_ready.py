"""The ready-made policies, and what makes policies of policies."""

import asyncio
import contextlib
import inspect
import io
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kai_client import (
    Approval,
    Denial,
    Policy,
    ToolCall,
    UIMessage,
    all_of,
    any_of,
    approve_all,
    approve_only,
    ask,
    by_id,
    deny_all,
    first_of,
    with_timeout,
)

YES, NO = Approval(), Denial()
ONE, OTHER = Approval(updated_input={"n": 1}), Approval(updated_input={"n": 2})
BECAUSE = Denial(reason="because")
RULINGS: list[Any] = [True, False, None, YES, NO, ONE, OTHER, BECAUSE, Approval(answers={"a": 1})]
NO_RULINGS: list[Any] = ["true", 1, 0, [], "", object()]


def call(name: str = "w", call_id: str = "c1", approval_id: str | None = "a1") -> ToolCall:
    """A call that waits."""
    message = UIMessage.from_dict({"id": "m", "role": "assistant", "parts": []})
    return ToolCall(
        chat_id="chat", tool_call_id=call_id, tool_name=name, input={"n": 0}, message=message, approval_id=approval_id
    )


async def ruled(policy: Policy, one: ToolCall | None = None) -> Any:
    """What a policy says."""
    ruling = policy(one or call())
    return await ruling if inspect.isawaitable(ruling) else ruling


def saying(ruling: Any, asked: list[Any] | None = None, *, is_async: bool = False) -> Policy:
    """A policy that says this, and notes that it was asked."""

    def policy(_: object) -> Any:
        if asked is not None:
            asked.append(ruling)
        if isinstance(ruling, Exception):
            raise ruling
        return ruling

    async def later(one: object) -> Any:
        await asyncio.sleep(0)
        return policy(one)

    return later if is_async else policy


def meant(ruling: Any) -> Any:
    """The decision that a ruling is."""
    return {True: YES, False: NO}[ruling] if isinstance(ruling, bool) else ruling


async def test_approve_all_and_deny_all() -> None:
    """One approves, the other denies with a reason that the model can understand."""
    assert await ruled(approve_all) == YES
    denial = await ruled(deny_all)
    assert isinstance(denial, Denial)
    assert denial.reason


ONLY: list[tuple[str, bool]] = [
    ("w", True),
    ("w-2", True),
    ("W", False),
    ("w ", False),
    (" w", False),
    ("ww", False),
    ("", False),
    ("w\u200b", False),
    ("mcp__w", False),
]


@pytest.mark.parametrize(("name", "approved"), ONLY)
async def test_approve_only_compares_whole_names(name: str, approved: bool) -> None:
    """A name that only looks like one of the list is not one of it."""
    policy = approve_only("w", "w-2")
    assert isinstance(await ruled(policy, call(name)), Approval) is approved
    assert await ruled(approve_only("w", "w-2", otherwise=saying(None, is_async=True)), call(name)) == (
        YES if approved else None
    )


@given(st.text(max_size=5), st.lists(st.text(min_size=1, max_size=5), max_size=4))
def test_approve_only_approves_no_other_name(name: str, names: list[str]) -> None:
    """Whatever the names are, only exactly these are approved."""
    ruling = asyncio.run(ruled(approve_only(*names), call(name)))
    assert isinstance(ruling, Approval) is (name in names)


@pytest.mark.parametrize("names", [("",), (1,), (None,), (["w"],), ("w", "")])
def test_names_of_tools_are_strings(names: Any) -> None:
    """What cannot be a name is refused at once: a list in the place of its items would approve nothing."""
    with pytest.raises(TypeError):
        approve_only(*names)


BY_ID: list[tuple[dict[str, Any], str | None, Any]] = [
    ({"c1": True}, "a1", YES),
    ({"a1": True}, "a1", YES),
    ({"c1": False}, "a1", NO),
    ({"a1": BECAUSE}, "a1", BECAUSE),
    ({"c1": False, "a1": True}, "a1", NO),
    ({"c1": True, "a1": False}, "a1", YES),
    ({"c1": None, "a1": True}, "a1", YES),
    ({"c1": None}, "a1", None),
    ({}, "a1", None),
    ({"c2": True, "a2": True}, "a1", None),
    ({"c1": ONE}, None, ONE),
    ({"a1": True}, None, None),
    ({"": True, "None": True}, None, None),
]


@pytest.mark.parametrize(("decisions", "approval_id", "expected"), BY_ID)
async def test_by_id_decides_about_known_calls_only(
    decisions: dict[str, Any], approval_id: str | None, expected: Any
) -> None:
    """By call id or by approval id; every other call stays pending."""
    assert await ruled(by_id(decisions), call(approval_id=approval_id)) == expected


@pytest.mark.parametrize("ruling", NO_RULINGS, ids=repr)
def test_by_id_refuses_what_is_no_ruling_at_once(ruling: Any) -> None:
    """A decision that came out of a form as a text is found before anything runs."""
    with pytest.raises(TypeError):
        by_id({"c1": True, "c2": ruling})


async def test_by_id_takes_what_was_decided_then() -> None:
    """Changing the mapping afterwards changes no decision."""
    decisions: dict[str, Any] = {"c1": False}
    policy = by_id(decisions)
    decisions["c1"] = True
    assert await ruled(policy) == NO


def first(rulings: list[Any]) -> tuple[Any, int]:
    """The truth table of `first_of`: what is said, and how many were asked."""
    for number, ruling in enumerate(rulings):
        if ruling is not None:
            return meant(ruling), number + 1
    return None, len(rulings)


def every(rulings: list[Any]) -> tuple[Any, int]:
    """That of `all_of`: only the first may change the arguments, so a later one says as much or nothing of them."""
    said = [meant(ruling) for ruling in rulings]
    for number, ruling in enumerate(said):
        if not isinstance(ruling, Approval):
            return ruling, number + 1
        if ruling not in (YES, said[0]):
            return Denial(reason="Two approvals of this call differ."), number + 1
    return said[0], len(said)


def some(rulings: list[Any]) -> tuple[Any, int]:
    """That of `any_of`."""
    decisions = [meant(ruling) for ruling in rulings]
    for number, decision in enumerate(decisions):
        if isinstance(decision, Approval):
            return decision, number + 1
    return (None if None in decisions else decisions[-1]), len(rulings)


TABLES: list[tuple[Callable[..., Policy], Callable[[list[Any]], tuple[Any, int]], int]] = [
    (first_of, first, 0),
    (all_of, every, 1),
    (any_of, some, 1),
]


@pytest.mark.parametrize(("combine", "table", "least"), TABLES)
@given(data=st.data())
def test_policies_of_policies(
    combine: Callable[..., Policy], table: Callable[[list[Any]], tuple[Any, int]], least: int, data: st.DataObject
) -> None:
    """What several policies say together is what the table says, and no policy is asked whose word cannot matter."""
    rulings = data.draw(st.lists(st.sampled_from(RULINGS), min_size=least, max_size=4))
    is_async = data.draw(st.booleans())
    asked: list[Any] = []
    policy = combine(*(saying(ruling, asked, is_async=is_async) for ruling in rulings))
    expected, count = table(rulings)
    assert asyncio.run(ruled(policy)) == expected
    assert asked == rulings[:count]


async def test_all_of_asks_about_the_changed_arguments() -> None:
    """The policies after the first see what will run, and decide about that: an old input is no cover for a new one."""
    seen: list[Any] = []

    def changes(one: ToolCall) -> Approval:
        seen.append(one.input)
        return Approval(updated_input={**one.input, "bucket": "prod"})

    def guards(one: ToolCall) -> bool:
        seen.append(one.input)
        return bool(one.input.get("bucket") != "prod")

    assert await ruled(all_of(changes, guards)) == NO
    assert seen == [{"n": 0}, {"n": 0, "bucket": "prod"}]
    assert await ruled(all_of(guards, changes)) == Denial(reason="Two approvals of this call differ.")
    assert await ruled(all_of(changes, saying(True))) == Approval(updated_input={"n": 0, "bucket": "prod"})


@pytest.mark.parametrize("combine", [first_of, all_of, any_of])
@pytest.mark.parametrize("ruling", NO_RULINGS, ids=repr)
async def test_what_is_no_ruling_is_none_in_company(combine: Any, ruling: Any) -> None:
    """A truthy word among policies approves nothing: it is a mistake, and said to be one."""
    with pytest.raises(TypeError):
        await ruled(combine(saying(ruling), approve_all))
    with pytest.raises(TypeError):
        await ruled(approve_only("x", otherwise=saying(ruling)))


@pytest.mark.parametrize("combine", [first_of, all_of, any_of])
async def test_what_a_policy_raises_ends_its_company(combine: Any) -> None:
    """No later policy makes a yes of a failure."""
    error, asked = RuntimeError("no"), list[Any]()
    with pytest.raises(RuntimeError) as caught:
        await ruled(combine(saying(error), saying(True, asked)))
    assert (caught.value, asked) == (error, [])


@pytest.mark.parametrize("combine", [all_of, any_of])
def test_no_policy_is_no_policy(combine: Any) -> None:
    """Nothing said by nobody is neither a yes nor a no: it is refused."""
    with pytest.raises(ValueError, match="At least one"):
        combine()


async def never(_: object) -> bool:
    """A human who went home."""
    await asyncio.Event().wait()
    return True


LATE: list[tuple[dict[str, Any], Any]] = [
    ({}, Denial(reason="Nobody decided within 0.01 s.")),
    ({"otherwise": False}, Denial(reason="Nobody decided within 0.01 s.")),
    ({"otherwise": BECAUSE}, BECAUSE),
    ({"otherwise": None}, None),
    ({"otherwise": True}, YES),
]


@pytest.mark.parametrize(("options", "expected"), LATE)
async def test_with_timeout_denies_what_nobody_decided(options: dict[str, Any], expected: Any) -> None:
    """Late is no, unless another ruling was given for it."""
    assert await ruled(with_timeout(never, 0.01, **options)) == expected


def holds_the_loop(_: object) -> bool:
    """A sync policy that takes its time."""
    time.sleep(0.05)
    return True


async def holds_the_loop_too(_: object) -> bool:
    """An async one that never lets go."""
    time.sleep(0.05)  # noqa: ASYNC251 - that is what is tested
    return True


async def hears_nothing(_: object) -> bool:
    """Takes its cancellation for nothing."""
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.Event().wait()
    return True


@pytest.mark.parametrize("policy", [holds_the_loop, holds_the_loop_too, hears_nothing])
async def test_with_timeout_takes_no_late_yes(policy: Policy) -> None:
    """A yes that comes after its time is late, however it came: nobody waits for it any more."""
    assert await ruled(with_timeout(policy, 0.01)) == Denial(reason="Nobody decided within 0.01 s.")
    assert await ruled(with_timeout(policy, 0.01, otherwise=None)) is None


@pytest.mark.parametrize("ruling", RULINGS, ids=repr)
async def test_with_timeout_takes_what_comes_in_time(ruling: Any) -> None:
    """What the policy says in time counts."""
    assert await ruled(with_timeout(saying(ruling, is_async=True), 100)) == meant(ruling)


@pytest.mark.parametrize("error", [TimeoutError("own"), ValueError("own")], ids=repr)
async def test_with_timeout_lets_failures_through(error: Exception) -> None:
    """A timeout of the policy's own is no decision of nobody's."""
    with pytest.raises(type(error)) as caught:
        await ruled(with_timeout(saying(error, is_async=True), 100, otherwise=True))
    assert caught.value is error


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), True])
def test_with_timeout_needs_a_time(seconds: Any) -> None:
    """No time, or none that can be measured, is refused at once."""
    with pytest.raises(ValueError, match="seconds"):
        with_timeout(never, seconds)


@pytest.mark.parametrize("otherwise", NO_RULINGS, ids=repr)
def test_with_timeout_refuses_what_is_no_ruling(otherwise: Any) -> None:
    """The late ruling is checked before anybody waits for it."""
    with pytest.raises(TypeError):
        with_timeout(never, 1, otherwise=otherwise)


async def test_ask_without_a_terminal_denies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody sits, nobody agrees: in a service, a pipe or a notebook."""
    for stdin in (io.StringIO("y\n"), None):
        monkeypatch.setattr(sys, "stdin", stdin)
        decision = await ruled(ask)
        assert isinstance(decision, Denial)
        assert decision.reason
