"""Without the extra, or without being asked, there is no OpenTelemetry; and the names are those of the conventions."""

import importlib
import subprocess
import sys

from kai_client.otel import names
from kai_client.testing.local import KaiServer

CHAT = """
import asyncio, sys
from kai_client import KaiClient
async def main(url):
    async with KaiClient("some-token", url, url) as kai:
        print(await kai.chat("Hi") != None, [name for name in sys.modules if name.startswith("opentelemetry")])
asyncio.run(main(sys.argv[1]))
"""

BLOCKED = """
import sys
sys.modules["opentelemetry"] = None
try:
    import kai_client.otel
except ModuleNotFoundError as error:
    print(error)
"""

SEMCONV = "opentelemetry.semconv"


def output_of(code: str, *arguments: str) -> str:
    """What a fresh process prints."""
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_chat_imports_no_opentelemetry(kai_server: KaiServer) -> None:
    """Who has not turned it on does not load it, even where it is installed."""
    assert output_of(CHAT, kai_server.url) == "True []"


def test_without_the_extra_the_error_names_it() -> None:
    """What to install is in the message."""
    assert output_of(BLOCKED).startswith('kai_client.otel is an extra: pip install "kai-client[otel]" (')


def test_every_name_is_that_of_the_conventions_or_our_own() -> None:
    """What is called `gen_ai`, `server`, `error`, `http`, `url` or `messaging` is known to the installed conventions."""
    known: set[object] = set()
    for room in ("error", "server", "http", "url"):
        known |= set(_strings(f"{SEMCONV}.attributes.{room}_attributes"))
    for room in ("gen_ai", "url", "messaging"):
        known |= set(_strings(f"{SEMCONV}._incubating.attributes.{room}_attributes"))
    known |= set(_strings(f"{SEMCONV}._incubating.metrics.gen_ai_metrics"))
    ours = [value for name, value in vars(names).items() if name.isupper() and "." in value]
    foreign = [name for name in ours if not name.startswith("kai.")]
    assert len(foreign) > 25
    assert [name for name in foreign if name not in known] == []


def _strings(module: str) -> list[str]:
    return [value for value in vars(importlib.import_module(module)).values() if isinstance(value, str)]
