"""The notebook does what it says: every cell of it is executed, as `jupyter execute` does, and prints what is promised."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).parents[2] / "examples" / "notebook.ipynb"

PRINTED = {
    "running_server(": [],
    "KaiClient.from_env()": ["Nice to meet you, Ada!"],
    "What is my name?": ["Your name is Ada."],
    "stream.updates()": ["`get_tables` output-available\n\nYou have 5 tables:", "`in.c-crm.customers` | 12"],
    "def table(": ["89 rows in 5 tables", "| in.c-crm.customers | 12 | 5 |"],
    "def only_sandboxes(": [
        "Kai wants to run create_bucket with {'name': 'sandbox'}",
        "I created the bucket `in.c-sandbox`.",
        "['output-available']",
        "Kai wants to run create_bucket with {'name': 'production'}",
        "You said: This notebook only creates buckets for the sandbox.",
        "['output-denied']",
    ],
    "asyncio.gather(": ["| How many customers are there? | The answer is **12**. |"],
    "get_all_history()": ["7 chats\n", "| Create a bucket called sandbox |"],
    "KaiNotFoundError": ["not_found:chat 404\nbroken off after 'I found"],
    "BlockingKai.from_env()": ["You have 5 tables:", "(stop, "],
    "client.close()": [],
}
"""What each cell prints or draws, by something that only this cell contains."""


def source(cell: dict[str, Any]) -> str:
    """The code of a cell."""
    return "".join(cell["source"])


def code_cells(notebook: Path) -> list[dict[str, Any]]:
    """All of them, in order."""
    cells: list[dict[str, Any]] = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def shown(cell: dict[str, Any]) -> str:
    """Everything that a cell printed or drew."""
    texts: list[str] = []
    for output in cell["outputs"]:
        text = output.get("text") or output.get("data", {}).get("text/markdown", [])
        texts += [text] if isinstance(text, str) else text
    return "".join(texts)


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The cells after `jupyter execute`, with no Kai in the environment, and with all warnings shown."""
    folder = tmp_path_factory.mktemp("notebook")
    shutil.copy(NOTEBOOK, folder)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("STORAGE_API", "KAI_"))}
    env = kept | {"PYTHONWARNINGS": "default", "IPYTHONDIR": str(folder), "JUPYTER_CONFIG_DIR": str(folder)}
    command = [sys.executable, "-m", "jupyter", "execute", NOTEBOOK.name, "--output=executed", "--timeout=60"]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    return code_cells(folder / "executed.ipynb")


def test_every_cell_prints_what_it_promises(executed: list[dict[str, Any]]) -> None:
    """Each cell of code runs, in order, and shows what is in the table."""
    signs = [[sign for sign in PRINTED if sign in source(cell)] for cell in executed]
    assert signs == [[sign] for sign in PRINTED], "say in PRINTED what each cell prints"
    for cell, promised in zip(executed, PRINTED.values(), strict=True):
        assert [text for text in promised if text not in shown(cell)] == [], shown(cell)
    assert executed[0]["outputs"] == executed[-1]["outputs"] == []


def test_no_cell_warns(executed: list[dict[str, Any]]) -> None:
    """Nothing is written to stderr, where warnings go, an unclosed resource among them."""
    said = [output for cell in executed for output in cell["outputs"] if output.get("name") == "stderr"]
    assert said == []


def test_it_is_checked_in_without_outputs() -> None:
    """No output and no count of executions is in the file, so that a change of it is a change of what it says."""
    assert [cell for cell in code_cells(NOTEBOOK) if cell["outputs"] or cell["execution_count"] is not None] == []
