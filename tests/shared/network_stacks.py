"""On which network stacks a test runs: what touches the network on both, the rest once; and which run on the blocking client, too.

A folder's `conftest.py` imports the fixtures, and calls `on_each_stack` in its `pytest_generate_tests`.
"""

import sys
from collections.abc import Mapping
from typing import Final

import pytest
from blocking_kai import in_test_modules

__all__ = ["BLOCKING", "STACKS", "Stack", "on_each_stack", "on_its_stack", "stack"]

Stack = str | None
"""The name of a stack; None for what does not care."""

STACKS: Final = ("asyncio", "httpx")
BLOCKING: Final = "sync"
"""No stack, but `kai_client.sync`, with httpx's own."""


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Stack:
    """The stack of this test. What a session has only once, because it is dear, it has once for each."""
    name: Stack = getattr(request, "param", None)
    return name


@pytest.fixture(autouse=True)
def on_its_stack(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every client of a test that says nothing else uses its stack."""
    if stack == BLOCKING:
        in_test_modules(monkeypatch)
    elif stack is not None:
        monkeypatch.setenv("KAI_TRANSPORT", stack)


def on_each_stack(
    metafunc: pytest.Metafunc,
    *,
    but: frozenset[str] = frozenset(),
    async_only: Mapping[str, str] | None = None,
    blocking_only: frozenset[str] = frozenset(),
) -> None:
    """Run the tests of a module on both stacks, with mocks of the network on one; those of the modules in `but` run once.

    With `async_only`, async tests run on the blocking client, too: all but those modules and tests, each with its reason;
    those in `blocking_only` run on nothing else.
    """
    name: str = metafunc.function.__module__
    stacks: list[Stack] = [None]
    if name not in but:
        stacks = [*(STACKS[:1] if hasattr(sys.modules[name], "respx") else STACKS)]
    if async_only is not None and not {name, metafunc.function.__name__} & async_only.keys():
        stacks = [BLOCKING] if metafunc.function.__name__ in blocking_only else [*stacks, BLOCKING]
    if stacks != [None]:
        ids = [each or "async" for each in stacks]
        metafunc.parametrize("stack", stacks, ids=ids, indirect=True, scope="session")
