"""The group `kai`: the global options, the list of commands, and the exit status of whatever happens."""

import io
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import click

from kai_client._version import __version__

from .lazy import LazyCommand, LazyGroup
from .settings import ENV_FILE, VARIABLES, Settings, Source, env_file_values
from .setup.stack_names import STACKS

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

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


_COLOR: Final = {"auto": None, "always": True, "never": False}


class _Kai(LazyGroup):
    """The group, with what belongs around every command: the exit status, and what a shell may complete."""

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """See click, whose own way imports every command to ask for its help."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - for completion only

        commands = [item for section in _COMMANDS.values() for item in section.items()]
        named = [CompletionItem(name, help=each.help) for name, each in commands if name.startswith(incomplete)]
        return named + click.Command.shell_complete(self, ctx, incomplete)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """See click. While a shell completes, words that make no sense yet are no mistake."""
        if ctx.resilient_parsing:
            return click.Group.resolve_command(self, ctx, args)
        return super().resolve_command(ctx, args)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """See click, which would end with 1 where nobody reads the group's own help to its end."""
        try:
            return super().make_context(info_name, args, parent, **extra)
        except BrokenPipeError as error:
            raise click.exceptions.Exit(_report(error, Settings())) from error

    def main(self, *args: Any, **extra: Any) -> Any:
        """See click. Its own help and version are written before there is a command."""
        try:
            return super().main(*args, **extra)
        except OSError as error:  # such as a disk that is full
            status = _report(error, Settings())
            _forget_stdout()
            sys.exit(status)

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
            ctx.exit(_report(error, ctx.obj if isinstance(ctx.obj, Settings) else Settings()))
        return result


def _report(error: BaseException, settings: Settings) -> int:
    """Say on stderr what happened; returns the exit status."""
    from .failures import exit_code, explain, failure_chain  # noqa: PLC0415 - imports pydantic, and few commands fail

    with suppress(BrokenPipeError):  # stderr may be gone, too
        if settings.debug:
            click.echo(failure_chain(error, settings.known_secret), err=True, nl=False)
        if line := explain(error, settings.known_secret):
            click.secho(f"Error: {line}", err=True, fg="red")
    if isinstance(error, BrokenPipeError):
        _forget_stdout()
    return exit_code(error)


def _forget_stdout() -> None:
    """Nobody reads on; what is still buffered must not fail when Python flushes it at its end."""
    with suppress(OSError, ValueError):  # stdout may be no file of the system
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _read_env_file(ctx: click.Context, param: click.Parameter, value: Path | None) -> Path | None:
    """The file is where click looks after the command line and the environment; by default that of the current folder."""
    del param
    path = value or Path(ENV_FILE)
    if not ctx.resilient_parsing and (value is not None or path.is_file()):
        ctx.default_map = env_file_values(path)
    return value


def _color(choice: str) -> bool | None:
    """Whether to colour; None: where there is a terminal. The option goes before NO_COLOR, that before FORCE_COLOR."""
    if choice == "auto" and os.environ.get("NO_COLOR"):
        return False
    if choice == "auto" and os.environ.get("FORCE_COLOR", "0") not in {"", "0"}:
        return True
    return _COLOR[choice]


def _source(ctx: click.Context, option: str, *, env_file: bool) -> Source:
    found = ctx.get_parameter_source(option)
    if found == click.core.ParameterSource.DEFAULT_MAP:
        return Source.ENV_FILE if env_file else Source.FOLDER
    return Source.ENVIRONMENT if found == click.core.ParameterSource.ENVIRONMENT else Source.COMMAND_LINE


_SECONDS: Final = click.FloatRange(min=0, min_open=True)


@click.group(
    cls=_Kai,
    lazy_commands=_COMMANDS,
    default_command="chat",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--profile", envvar="KAI_PROFILE", show_envvar=True, help="Use what `kai login` kept under this name.")
@click.option("--token", envvar=VARIABLES["token"], show_envvar=True, help="Storage API token.")
@click.option(
    "--url",
    envvar=VARIABLES["url"],
    show_envvar=True,
    help=f"Your stack: its Storage API URL, or one of {', '.join(STACKS)} (see `kai login --help`).",
)
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
@click.option(
    "--env-file",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="KAI_ENV_FILE",
    show_envvar=True,
    is_eager=True,
    callback=_read_env_file,
    help=f"Read these five variables from a file. Default: {ENV_FILE} in this folder.",
)
@click.option("--local", is_flag=True, help="Use a local server with a sample project; needs no token.")
@click.option(
    "--db", type=click.Path(dir_okay=False, path_type=Path), help="With --local: the file that keeps its chats."
)
@click.option("--timeout", type=_SECONDS, metavar="SECONDS", help="Give up after so long without a sign of life.")
@click.option("--max-time", type=_SECONDS, metavar="SECONDS", help="Give up after so long, whatever has arrived.")
@click.option("--attempts", type=click.IntRange(min=1), metavar="N", help="How often what is safe to repeat is tried.")
@click.option(
    "--color",
    type=click.Choice(list(_COLOR)),
    default="auto",
    help="Colours: on a terminal (auto, the default), always, never. NO_COLOR and FORCE_COLOR are obeyed.",
)
@click.option("--debug", is_flag=True, help="When something fails, show where and why.")
@click.version_option(__version__, prog_name="kai")
@click.pass_context
def main(ctx: click.Context, /, env_file: Path | None, color: str, **options: Any) -> None:
    """Talk to Kai, the Keboola AI assistant.

    The answer goes to stdout, everything else to stderr. The command line goes before the environment, that before a file
    of variables, and that before the profile.

    \b
    Try it:    kai --local "Which tables do I have?"
    Set up:    kai login --url eu
    Then:      kai "Which tables do I have?"
               kai --profile other history

    \b
    Exit status: 0 done, 1 failure, 2 usage, 3 authentication, 4 approval needed or denied,
    5 network or broken stream, 6 rate limit, 130 interrupted, 141 broken pipe.
    """  # noqa: D301 - the control character is click's mark for lines that stay as they are
    if options["db"] is not None and not options["local"]:
        raise click.UsageError("--db is for --local: it names the file of the local server", ctx)
    ctx.color = _color(color)
    sources = {
        name: _source(ctx, name, env_file=env_file is not None) for name in VARIABLES if options[name] is not None
    }
    ctx.obj = Settings(**options, sources=sources)
