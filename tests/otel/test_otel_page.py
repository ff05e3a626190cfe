"""What docs/opentelemetry.md shows and lists is what there is."""

import os
import re
import subprocess
import sys
from pathlib import Path

from kai_client.otel import names
from kai_client.testing.local import KaiServer

PAGE = (Path(__file__).parents[2] / "docs" / "opentelemetry.md").read_text(encoding="utf-8")

PROGRAM = """
import sys
from kai_client.sync import KaiClient
with KaiClient("some-token", sys.argv[1], sys.argv[1]) as client:
    client.chat("Hi")
"""


def run(*command: str, url: str) -> str:
    """What a process prints that finds Kai at `url`."""
    env = {**os.environ, "STORAGE_API_TOKEN": "any-token", "STORAGE_API_URL": url, "KAI_SERVICE": "kai-agent"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_example_runs(kai_server: KaiServer, tmp_path: Path) -> None:
    """As it stands, in a fresh process, with warnings as errors: it prints the span of its chat."""
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "example.py"
    path.write_text(block, encoding="utf-8")
    output = run(sys.executable, "-W", "error", str(path), url=kai_server.url)
    assert '"name": "chat chat-model"' in output
    assert '"gen_ai.usage.output_tokens"' in output


def test_opentelemetry_instrument_needs_no_line_of_code(kai_server: KaiServer) -> None:
    """A program that knows nothing of telemetry emits its spans."""
    command = str(Path(sys.executable).with_name("opentelemetry-instrument"))
    options = ("--traces_exporter", "console", "--metrics_exporter", "none", "--logs_exporter", "none")
    output = run(command, *options, sys.executable, "-c", PROGRAM, kai_server.url, url=kai_server.url)
    assert '"name": "chat chat-model"' in output


def test_every_name_is_on_the_page() -> None:
    """Attributes, events and metrics."""
    emitted = [value for name, value in vars(names).items() if name.isupper() and "." in value]
    assert emitted
    # The page shortens the counts of tokens to what sets them apart.
    missing = [
        name for name in emitted if f"`{name}`" not in PAGE and f"`{name.removeprefix('gen_ai.usage')}`" not in PAGE
    ]
    assert missing == []
