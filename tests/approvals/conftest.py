"""On which network stacks the tests of this folder run, and the sweep that makes leaks visible."""

import pytest
from leaks import no_leaks
from network_stacks import on_each_stack, on_its_stack, stack

__all__ = ["no_leaks", "on_its_stack", "stack"]

ONCE = frozenset(
    {
        "test_decisions",
        "test_policies_ready",
        "test_policies_terminal",
        "test_run_bar",
        "test_run_oldest",
        "test_run_once",
        "test_run_pending",
        "test_run_rulings",
        "test_run_stored",
    }
)
"""What needs no network, and what is decided where no stack is seen: who is asked, what is said, and what may not be said twice.

Once is enough of these; the rest is what a stack could spoil: a run that is closed, cancelled, cut, late or failing, and the
second connection beside an open stream. `test_run_sequence` has every kind of run among them.
"""


ASYNC_ONLY: dict[str, str] = {
    "test_decisions": "has no client",
    "test_policies_ready": "has no client",
    "test_policies_terminal": "has no client",
    "test_a_cancellation_of_the_policys_own_is_an_error": "tasks are cancelled, threads are not",
}
"""What does not run on the blocking client, and why."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """All other tests of this folder run on both network stacks."""
    on_each_stack(metafunc, but=ONCE, async_only=ASYNC_ONLY)
