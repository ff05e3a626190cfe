"""Both network stacks for every test here, certificates, and the sweep that makes leaks visible."""

import gc
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
import trustme
from network_stacks import on_each_stack, on_its_stack, stack

__all__ = ["on_its_stack", "stack"]

OFFLINE = frozenset({"test_choice", "test_chunked_bodies"})
"""What chooses its stack itself."""

sys.path.insert(0, str(Path(__file__).parent))


ASYNC_ONLY: dict[str, str] = {
    "test_choice": "there is only one blocking transport",
    "test_both_stacks_send_the_same": "compares the two stacks",
    "test_flow": "a thread that does not read receives nothing",
    "test_chunked_bodies": "is about the asyncio stack's own reading",
    "test_cancelling": "tasks are cancelled in each round of their loop, threads are not",
    "test_a_call_that_is_cancelled_while_it_waits_for_a_connection": "a thread is not cancelled",
    "test_a_call_that_is_cancelled_while_it_connects": "a thread is not cancelled",
    "test_an_address_needs_no_look_up": "a thread asks the system itself",
    "test_wakeups": "is about the asyncio stack's own wake-ups",
}
"""What does not run on the blocking client, and why."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """All other tests of this folder run on both network stacks, and on the blocking client."""
    on_each_stack(metafunc, but=OFFLINE, async_only=ASYNC_ONLY)


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxies but those of a test."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Who signs the certificates of the tests' servers."""
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clients of a test trust that authority, as `SSL_CERT_FILE` says."""
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(file)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))


@pytest.fixture(autouse=True)
def no_leaks() -> Generator[None]:
    """What a test dropped without closing it warns here at the latest, and warnings are errors."""
    yield
    gc.collect()
