"""On which network stacks a test runs: what touches the network on both, the rest once.

A folder's `conftest.py` imports the fixtures, and calls `on_each_stack` in its `pytest_generate_tests`.
"""

import sys
from typing import Final

import pytest

__all__ = ["STACKS", "Stack", "on_each_stack", "on_its_stack", "stack"]

Stack = str | None
"""The name of a stack; None for what does not care."""

STACKS: Final = ("asyncio", "httpx")


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Stack:
    """The stack of this test. What a session has only once, because it is dear, it has once for each."""
    name: Stack = getattr(request, "param", None)
    return name


@pytest.fixture(autouse=True)
def on_its_stack(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every client of a test that says nothing else uses its stack."""
    if stack is not None:
        monkeypatch.setenv("KAI_TRANSPORT", stack)


def on_each_stack(metafunc: pytest.Metafunc, *, but: frozenset[str] = frozenset()) -> None:
    """Run the tests of a module on both stacks, with mocks of the network on one; those of the modules in `but` run once."""
    name: str = metafunc.function.__module__
    if name in but:
        return
    stacks = STACKS[:1] if hasattr(sys.modules[name], "respx") else STACKS
    metafunc.parametrize("stack", stacks, indirect=True, scope="session")
