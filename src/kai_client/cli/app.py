"""The group `kai`: the global options, the list of commands, and the exit status of whatever happens."""

import io
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, cast

import click

from kai_client._version import __version__

from .lazy import LazyCommand, LazyGroup
from .settings import VARIABLES, Settings, env_file_values

__all__ = ["main"]

_IN: Final = "kai_client.cli.commands"
_COMMANDS: Final = {
    "Talk": {
        "chat": LazyCommand(f"{_IN}.chat:chat", "Talk to Kai; `kai TEXT` is short for it."),
        "batch": LazyCommand(f"{_IN}.batch:batch", "Answer a file of prompts."),
    },
    "Chats": {
        "history": LazyCommand(f"{_IN}.history:history", "List your chats, newest first."),
        "get-chat": LazyCommand(f"{_IN}.get_chat:get_chat", "Show a chat as it was."),
        "export": LazyCommand(f"{_IN}.export:export", "Write a chat as Markdown, JSON or HTML."),
        "delete-chat": LazyCommand(f"{_IN}.delete_chat:delete_chat", "Delete a chat."),
        "vote": LazyCommand(f"{_IN}.vote:vote", "Vote on an answer."),
        "get-votes": LazyCommand(f"{_IN}.vote:get_votes", "List the votes of a chat."),
    },
    "Project": {
        "usage": LazyCommand(f"{_IN}.usage:usage", "Show how much of the message quota is used."),
        "tools": LazyCommand(f"{_IN}.tools:tools", "List Kai's tools, and which of them ask first."),
        "settings": LazyCommand(f"{_IN}.settings:settings", "Show or change your settings and the project's."),
        "suggestions": LazyCommand(f"{_IN}.suggestions:suggestions", "Ask what to ask."),
    },
    "Setup": {
        "login": LazyCommand(f"{_IN}.login:login", "Keep a token for later commands."),
        "logout": LazyCommand(f"{_IN}.login:logout", "Forget a token."),
        "doctor": LazyCommand(f"{_IN}.doctor:doctor", "Check everything between here and Kai."),
        "verify": LazyCommand(f"{_IN}.verify:verify", "Check token, discovery, ping, info and usage."),
        "ping": LazyCommand(f"{_IN}.ping:ping", "Ask the backend for its clock: is it there?"),
        "info": LazyCommand(f"{_IN}.info:info", "Show what the backend is and runs."),
        "serve": LazyCommand(f"{_IN}.serve:serve", "Run the local server."),
        "completion": LazyCommand(f"{_IN}.completion:completion", "Print what makes your shell complete `kai`."),
    },
}


class _Kai(LazyGroup):
    """The group, with what belongs around every command: `.env.local` before, the exit status after."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """See click. `.env.local` is where click looks after the command line and the environment."""
        try:
            extra.setdefault("default_map", env_file_values(Path()))
        except click.UsageError as error:
            error.ctx = click.Context(self, info_name=info_name)
            raise
        return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """See click. Every way to fail ends in `ctx.exit`, except those that click explains by itself."""
        stdout: object = sys.stdout  # None where it was closed
        if isinstance(stdout, io.TextIOWrapper):
            cast("io.TextIOWrapper", stdout).reconfigure(errors="replace")  # what a terminal lacks is no reason to stop
        try:
            result = super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit):
            raise
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - this is where they end
            ctx.exit(_report(error, Settings(**ctx.params)))
        return result


def _report(error: BaseException, settings: Settings) -> int:
    """Say on stderr what happened; returns the exit status."""
    from .failures import exit_code, explain, failure_chain  # noqa: PLC0415 - imports pydantic, and few commands fail

    with suppress(BrokenPipeError):  # stderr may be gone, too
        if settings.debug:
            click.echo(failure_chain(error, settings.secret), err=True, nl=False)
        if line := explain(error, settings.secret):
            click.secho(f"Error: {line}", err=True, fg="red")
    if isinstance(error, BrokenPipeError):
        _forget_stdout()
    return exit_code(error)


def _forget_stdout() -> None:
    """Nobody reads on; what is still buffered must not fail when Python flushes it at its end."""
    with suppress(OSError, ValueError):  # stdout may be no file of the system
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(
    cls=_Kai,
    lazy_commands=_COMMANDS,
    default_command="chat",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--token", envvar=VARIABLES["token"], show_envvar=True, help="Storage API token.")
@click.option("--url", envvar=VARIABLES["url"], show_envvar=True, help="Storage API URL of your stack.")
@click.option(
    "--base-url", envvar=VARIABLES["base_url"], show_envvar=True, help="Kai's own URL; skips asking the Storage API."
)
@click.option(
    "--service",
    envvar=VARIABLES["service"],
    show_envvar=True,
    help="Service id: kai-agent, kai-assistant or another. Default: the one that the stack has.",
)
@click.option(
    "--workspace-id", envvar=VARIABLES["workspace_id"], show_envvar=True, help="SQL workspace for Kai's tools."
)
@click.option("--local", is_flag=True, help="Use a local server with a sample project; needs no token.")
@click.option(
    "--db", type=click.Path(dir_okay=False, path_type=Path), help="With --local: the file that keeps its chats."
)
@click.option("--debug", is_flag=True, help="When something fails, show where and why.")
@click.version_option(__version__, prog_name="kai")
@click.pass_context
def main(ctx: click.Context, /, **options: Any) -> None:
    """Talk to Kai, the Keboola AI assistant.

    The answer goes to stdout, everything else to stderr. Options may also stand in the environment or in .env.local.

    \b
    Try it:    kai --local chat -m "Which tables do I have?"
    For real:  kai --url https://connection.keboola.com --token ... chat

    \b
    Exit status: 0 done, 1 failure, 2 usage, 3 authentication, 4 approval needed or denied,
    5 network or broken stream, 6 rate limit, 130 interrupted, 141 broken pipe.
    """  # noqa: D301 - the control character is click's mark for lines that stay as they are
    if os.environ.get("NO_COLOR"):
        ctx.color = False
    ctx.obj = Settings(**options)
