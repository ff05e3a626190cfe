"""A group that imports a command when it runs, and none to list them."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import click

__all__ = ["LazyCommand", "LazyGroup"]

_ALIKE: Final = 0.8
"""How alike a word must be to the name of a command to be taken for a slip of the finger."""


@dataclass(frozen=True)
class LazyCommand:
    """Where a command is (`module:attribute`), and its line in the list of commands."""

    target: str
    help: str


class LazyGroup(click.Group):
    """A group of `LazyCommand`s, listed in sections and in the order given.

    With a `default_command`, words that name no command are its arguments: `kai "How many rows?"`.
    """

    def __init__(
        self,
        *args: Any,
        lazy_commands: Mapping[str, Mapping[str, LazyCommand]],
        default_command: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.sections = lazy_commands
        self.default_command = default_command
        self._lazy = {name: command for section in lazy_commands.values() for name, command in section.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names."""
        return [*self._lazy, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None for a name that nobody knows."""
        found = self._lazy.get(cmd_name)
        if found is None:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = found.target.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """See click. Raises `UsageError` for a word that looks like the name of a command."""
        word = args[0]
        if self.default_command is None or word.startswith("-") or word in self.list_commands(ctx):
            return super().resolve_command(ctx, args)
        if alike := difflib.get_close_matches(word, self.list_commands(ctx), n=1, cutoff=_ALIKE):
            ask = f"{ctx.command_path} {self.default_command} -m {word}"
            raise click.UsageError(f"No such command {word!r}. Did you mean {alike[0]!r}? To ask that: {ask}", ctx)
        return self.default_command, self.get_command(ctx, self.default_command), args

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """The list in `--help`, without importing what it lists."""
        width = max(map(len, self._lazy))
        for title, commands in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), command.help) for name, command in commands.items()])
