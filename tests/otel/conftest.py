"""On which network stacks the tests of this folder run, and what they emit to."""

from collections.abc import Generator

import pytest
from emitted import Emitted
from leaks import no_leaks
from network_stacks import on_each_stack, on_its_stack, stack

from kai_client import otel

__all__ = ["no_leaks", "on_its_stack", "stack"]

ONCE = frozenset(
    {"test_otel_content", "test_otel_endings", "test_otel_faults", "test_otel_off", "test_otel_page", "test_otel_nats"}
)
"""What is decided where no stack is seen."""

ASYNC_ONLY: dict[str, str] = {
    "test_otel_content": "the same observer is told",
    "test_otel_endings": "the same room tells",
    "test_otel_faults": "the same observer is told",
    "test_otel_nats": "there is no blocking client",
    "test_otel_off": "has processes of its own",
    "test_otel_page": "has processes of its own",
    "test_otel_context": "has its own tests of the blocking client",
}
"""What does not run on the blocking client, and why."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """All other tests of this folder run on both network stacks."""
    on_each_stack(metafunc, but=ONCE, async_only=ASYNC_ONLY)


@pytest.fixture
def emitted() -> Generator[Emitted]:
    """Telemetry, turned on for this test."""
    found = Emitted()
    otel.instrument(**found.providers, capture_content=False)
    yield found
    otel.uninstrument()
    found.tracer_provider.shutdown()
    found.meter_provider.shutdown()
