"""A room whose extra is not installed says so; `scripts/distributions.py` looks at environments where that is so."""

import subprocess
import sys

import pytest

ROOMS = [
    ("import kai_client.otel", "opentelemetry", "kai_client.otel", "otel"),
    ("import kai_client.nats", "faststream", "kai_client.nats", "nats"),
    ("from kai_client.nats.node import JobDesk", "faststream", "kai_client.nats", "nats"),
    ("from kai_client.nats import NatsKai", "google.protobuf", "kai_client.nats", "nats"),
    ("from kai_client.server import kai_app", "fastapi", "kai_client.server", "server"),
    ("from kai_client.server import serve", "uvicorn", "kai_client.server", "server"),
    ("from kai_client.testing import running_server as r; r().__enter__()", "fastapi", "kai_client.server", "server"),
]


@pytest.mark.parametrize(
    ("code", "missing", "room", "extra"), ROOMS, ids=[f"{room[0]}, no {room[1]}" for room in ROOMS]
)
def test_a_missing_extra_is_one_sentence(code: str, missing: str, room: str, extra: str) -> None:
    """It is a `ModuleNotFoundError` of the library's name, and its text says what to install."""
    program = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        f"try:\n    {code}\n"
        "except ModuleNotFoundError as error: print(error.name, error, sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    name, text = done.stdout.splitlines()
    assert name.startswith(missing)
    assert text.startswith(f'{room} is an extra: pip install "kai-client[{extra}]" (')


def test_what_needs_no_extra_is_there_without() -> None:
    """The local server's scripts and backends can be had without FastAPI, and a fault of ours is not called an extra."""
    program = (
        "import sys; sys.modules['fastapi'] = sys.modules['uvicorn'] = None\n"
        "from kai_client.server import ScriptedKai, say; print(ScriptedKai.__name__)\n"
        "from kai_client._extras import needs_extra\n"
        "try:\n"
        "    with needs_extra('x', 'kai_client.room'):\n"
        "        import kai_client.not_there\n"
        "except ModuleNotFoundError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["ScriptedKai", "No module named 'kai_client.not_there'"]
