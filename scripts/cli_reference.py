"""Writes docs/cli.md, the reference of the command line, from what `kai COMMAND --help` prints.

Run: uv run python scripts/cli_reference.py           write it
     uv run python scripts/cli_reference.py --check   fail if it is not what would be written
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from kai_client.cli.app import main

PAGE = Path(__file__).parents[1] / "docs" / "cli.md"
WIDTH = 100
HEAD = """# The command line

Made from the commands' own `--help` by scripts/cli_reference.py. What is printed where, the formats of `-o` and the exit statuses
are in [cli-output.md](cli-output.md).
"""


def sections() -> Iterator[tuple[str, str]]:
    """The title and the help of `kai` and of every command below it."""
    yield from helps(main, click.Context(main, info_name="kai", max_content_width=WIDTH, terminal_width=WIDTH))


def helps(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    """The help of a command, and of the commands below it."""
    yield context.command_path, command.get_help(context)
    names = command.list_commands(context) if isinstance(command, click.Group) else []
    for name in names:
        below = command.get_command(context, name) if isinstance(command, click.Group) else None
        if below is None:
            raise LookupError(name)
        yield from helps(below, click.Context(below, context, name))


def page() -> str:
    """The whole page."""
    blocks = [f"## {title}\n\n```text\n{text}\n```\n" for title, text in sections()]
    return "\n".join([HEAD, *blocks])


if __name__ == "__main__":
    if "--check" not in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != page():
        sys.exit(f"{PAGE.name} is not what the commands say: run scripts/cli_reference.py")
