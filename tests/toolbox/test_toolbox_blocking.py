"""The other tests of this folder about `kai_client.sync.Toolbox`: their words are translated as those of the rooms are."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from sync_words import translated

ASYNC_ONLY: dict[str, str] = {
    "test_toolbox_types": "is read by type checkers",
    "test_one_block_at_a_time": "starts from two tasks",
    "test_cancelling_a_call_cancels_the_tool": "tasks are cancelled, threads are not",
    "test_sync_tools_run_in_threads": "they run in the thread that calls them",
}
"""What does not run on the blocking toolbox, and why."""


def _blocking(file: Path) -> ModuleType:
    """The module as it would be about the blocking toolbox."""
    text = file.read_text(encoding="utf-8").replace(
        "from kai_client.toolbox import", "from kai_client.sync.toolbox import"
    )
    module = ModuleType(f"blocking_{file.stem}")
    sys.modules[module.__name__] = module  # pydantic looks for the names of annotations there
    exec(compile(translated(text), str(file), "exec"), vars(module))
    return module


def _tests() -> Iterator[tuple[str, Callable[..., Any]]]:
    for file in sorted(Path(__file__).parent.glob("test_*.py")):
        if file != Path(__file__) and file.stem not in ASYNC_ONLY:
            for name, found in vars(_blocking(file)).items():
                if name.startswith("test_") and name not in ASYNC_ONLY:
                    yield f"{name}_{file.stem.removeprefix('test_toolbox_')}", found


globals().update(_tests())
