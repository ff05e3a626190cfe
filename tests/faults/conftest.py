"""On which network stacks the tests of this folder run, and the sweep that makes leaks visible."""

import pytest
from leaks import no_leaks
from network_stacks import on_each_stack, on_its_stack, stack

__all__ = ["no_leaks", "on_its_stack", "stack"]

OFFLINE = frozenset(
    {
        "test_random_json",
        "test_recovery",
    }
)
"""What needs no network, or brings its own HTTP client: once is enough."""


ASYNC_ONLY: dict[str, str] = {
    "test_a_fault_has_one_typed_outcome": "too many to run a third time: test_a_class_of_faults_for_threads has them all",
    "test_random_json": "brings an async HTTP client",
    "test_recovery": "brings an async HTTP client",
    "test_a_thousand_cancellations_leave_the_pool_whole": "tasks are cancelled, threads are not",
    "test_another_event_loop_is_a_clear_error": "there is no event loop",
}
"""What does not run on the blocking client, and why."""

BLOCKING_ONLY = frozenset({"test_a_class_of_faults_for_threads"})


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """All other tests of this folder run on both network stacks."""
    on_each_stack(metafunc, but=OFFLINE, async_only=ASYNC_ONLY, blocking_only=BLOCKING_ONLY)
