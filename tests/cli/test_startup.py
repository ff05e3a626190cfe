"""`kai --help` is quick because it imports next to nothing."""

import json
import os
from pathlib import Path

import click
import pytest
from cli_runs import Kai

from kai_client.cli import main
from kai_client.cli.lazy import LazyGroup

assert isinstance(main, LazyGroup)
COMMANDS = sorted(name for section in main.sections.values() for name in section)
HEAVY = (
    *("httpx", "pydantic", "rich", "dotenv", "fastapi", "uvicorn", "asyncio"),
    *("keyring", "platformdirs", "prompt_toolkit", "tomlkit", "tomllib", "kai_client.server", "kai_client.cli."),
)
LIGHT = (
    "kai_client.cli.app",
    "kai_client.cli.lazy",
    "kai_client.cli.settings",
    "kai_client.cli.setup",
    "kai_client.cli.setup.stack_names",
)


def test_help_imports_no_command(kai: Kai) -> None:
    """The help costs click and four small modules: no HTTP, no models, no loop."""
    code = (
        "import sys, json\n"
        "from kai_client.cli import main\n"
        "try: main(['--help'])\n"
        "finally: print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    run = kai.python("-c", code)
    imported: list[str] = json.loads(run.err)
    assert run.out.startswith("Usage: ")
    assert [name for name in imported if name.startswith(HEAVY) and name not in LIGHT] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_is_true(name: str) -> None:
    """The line in `kai --help` is the first of the command's own help."""
    assert isinstance(main, LazyGroup)
    context = click.Context(main)
    command = main.get_command(context, name)
    assert command is not None
    assert command.get_short_help_str(limit=100) == next(
        commands[name].help for commands in main.sections.values() if name in commands
    )
    assert command.name == name


@pytest.mark.parametrize("args", [(), *((name,) for name in COMMANDS)])
def test_every_help_works(kai: Kai, args: tuple[str, ...]) -> None:
    """--help needs no token, and fits into a terminal."""
    run = kai.process(*args, "--help")
    assert (run.code, run.err) == (0, "")
    assert max(map(len, run.out.splitlines())) <= 100


def test_help_reads_no_profile(kai: Kai) -> None:
    """Neither a broken configuration nor an unknown profile keeps anybody from reading the help."""
    (kai.folder / "kai-config").mkdir()
    (kai.folder / "kai-config" / "config.toml").write_text("no toml")
    for name in ((), ("chat",), ("login",)):
        assert kai("--profile", "nobody", *name, "--help").code == 0
    assert kai("--profile", "nobody", "ping").code == 2


@pytest.mark.parametrize("args", [("--help",), ("--version",), ("chat", "--help")], ids=" ".join)
def test_a_reader_that_leaves(kai: Kai, args: tuple[str, ...]) -> None:
    """Help into a broken pipe is what every other output is: 141, and not a word about it."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as nowhere:
        process = kai.start(*args, stdout=nowhere)
    _, err = process.communicate()
    assert (process.returncode, err) == (141, b"")


def test_a_full_disk_is_one_line(kai: Kai) -> None:
    """Help that cannot be written ends in one line, too."""
    with Path("/dev/full").open("wb") as full:
        process = kai.start("--help", stdout=full)
        _, err = process.communicate()
    assert process.returncode == 1
    assert err.decode().startswith("Error: ")
    assert err.count(b"\n") == 1
