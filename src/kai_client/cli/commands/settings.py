"""`kai settings`: what Kai is told about you and the project, and which tools may do what."""

from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import click

from kai_client import KaiClient, KaiError
from kai_client.approvals.catalogue import is_absent
from kai_client.cli.answer.output import Output
from kai_client.cli.connect import run_with_client
from kai_client.cli.drawing import harmless, print_json
from kai_client.cli.given_text import given_text
from kai_client.cli.offered import if_offered
from kai_client.cli.settings import Settings
from kai_client.cli.terminal import one_line
from kai_client.models import AgentSettings, UserAgentSettings

__all__ = ["settings"]

_PERMISSIONS: Final = ("always_allow", "always_ask", "blocked")


@click.group(invoke_without_command=True)
@click.option("--json-output", is_flag=True, help="Both as the API has them.")
@click.pass_context
def settings(ctx: click.Context, *, json_output: bool) -> None:
    """Show or change your settings and the project's.

    Without a command they are shown.

    \b
    kai settings
    kai settings set --instructions "Answer in Czech." --tool run_job=always_ask
    """  # noqa: D301 - the control character is click's mark for lines that stay as they are
    if ctx.invoked_subcommand is None:
        _get(ctx.find_object(Settings) or Settings(), json_output=json_output)
    elif json_output:
        raise click.UsageError(f"Put --json-output behind {ctx.invoked_subcommand}", ctx)


@settings.command("get")
@click.option("--json-output", is_flag=True, help="Both as the API has them.")
@click.pass_obj
def get(options: Settings, *, json_output: bool) -> None:
    """Show your settings and the project's."""
    _get(options, json_output=json_output)


def _get(options: Settings, *, json_output: bool) -> None:
    async def show(client: KaiClient) -> None:
        now = await _Both.read(client)
        if json_output:
            print_json({"project": now.project, "user": now.user}, options.secret)
            return
        for title, found in (("Project", now.project), ("You", now.user)):
            click.echo(f"{title}:")
            for line in harmless(found.custom_instructions or "no instructions", options.secret).split("\n"):
                click.echo(f"  {line}".rstrip())
        click.echo("Tools:")
        permissions = now.user.tool_permissions or {}
        for name, permission in sorted(permissions.items()):
            click.echo(f"  {one_line(name, options.secret)}: {one_line(permission, options.secret)}")
        if not permissions:
            click.echo("  as they come: what only reads runs, anything else asks")

    run_with_client(options, show)


def _text(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    del ctx, param
    return None if value is None else given_text(value)


def _by_tool(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """`NAME=PERMISSION`; names may have an = of their own."""
    found: dict[str, str] = {}
    for value in values:
        name, _, permission = value.rpartition("=")
        if not name or permission not in _PERMISSIONS:
            raise click.BadParameter(f"{value!r} is not NAME={'|'.join(_PERMISSIONS)}", ctx, param)
        found[name] = permission
    return found


@settings.command("set")
@click.option("--instructions", callback=_text, metavar="TEXT|@FILE|-", help="What Kai is to know about you.")
@click.option("--clear-instructions", is_flag=True, help="Kai forgets that.")
@click.option("--project-instructions", callback=_text, metavar="TEXT|@FILE|-", help="The same for the whole project.")
@click.option("--clear-project-instructions", is_flag=True, help="Kai forgets that, for everybody.")
@click.option(
    "--tool",
    "tools",
    callback=_by_tool,
    metavar="NAME=PERMISSION",
    multiple=True,
    help="always_allow, always_ask or blocked; may be given several times.",
)
@click.option("--reset-tools", is_flag=True, help="Forget your permissions, then apply --tool.")
@click.option("--json-output", is_flag=True, help="The settings after the change, as the API has them.")
@click.pass_obj
def change(
    options: Settings,
    *,
    instructions: str | None,
    clear_instructions: bool,
    project_instructions: str | None,
    clear_project_instructions: bool,
    tools: dict[str, str],
    reset_tools: bool,
    json_output: bool,
) -> None:
    """Change your settings or the project's.

    What is not named stays. What has changed is printed.

    \b
    kai settings set --instructions @about-me.md
    kai settings set --tool run_job=always_ask --tool delete_bucket=blocked
    kai settings set --reset-tools --clear-instructions
    """  # noqa: D301 - the control character is click's mark for lines that stay as they are
    wanted = _Changes(
        user=_text_change("instructions", instructions, clear=clear_instructions),
        project=_text_change("project-instructions", project_instructions, clear=clear_project_instructions),
        tools=tools,
        reset_tools=reset_tools,
    )
    if not wanted:
        raise click.UsageError("Nothing to change: see --help", click.get_current_context())
    run_with_client(options, partial(_apply, wanted=wanted, output=Output(options.secret), json_output=json_output))


async def _apply(client: KaiClient, *, wanted: "_Changes", output: Output, json_output: bool) -> None:
    """Make the changes, and say what has changed, even if a part of it could not be."""
    before = after = await _Both.read(client)
    await _warn_of_unknown(client, wanted.tools, output)
    try:
        async for now in wanted.made(client, before):
            after = now
    finally:
        changed = list(_differences(before, after))
        for line in [] if json_output else changed:
            click.echo(one_line(line, output.secret))
    if json_output:
        print_json({"project": after.project, "user": after.user}, output.secret)
    elif not changed:
        output.note("nothing has changed")


def _text_change(name: str, given: str | None, *, clear: bool) -> "_Text":
    """Raises `UsageError` for both at once."""
    if given is not None and clear:
        raise click.UsageError(f"--{name} and --clear-{name} exclude each other", click.get_current_context())
    return _Text(given, clear=clear)


@dataclass(frozen=True)
class _Both:
    """The settings of the project and of the user."""

    project: AgentSettings
    user: UserAgentSettings

    @classmethod
    async def read(cls, client: KaiClient) -> "_Both":
        with if_offered(client, "settings"):
            return cls(await client.get_settings(), await client.get_user_settings())


@dataclass(frozen=True)
class _Text:
    """A text that is to be stored, or cleared, or neither."""

    given: str | None = None
    clear: bool = False

    def __bool__(self) -> bool:
        return self.clear or self.given is not None


@dataclass(frozen=True, kw_only=True)
class _Changes:
    """What is to be changed."""

    user: _Text
    project: _Text
    tools: Mapping[str, str] = field(default_factory=dict[str, str])
    reset_tools: bool = False

    def __bool__(self) -> bool:
        return bool(self.user or self.project or self.tools or self.reset_tools)

    async def made(self, client: KaiClient, before: _Both) -> AsyncGenerator[_Both]:
        """Change it, request by request; what is there after each."""
        project, user = before.project, before.user
        if self.project:
            project = await client.update_settings(custom_instructions=self.project.given)
            yield _Both(project, user)
        if self.reset_tools:
            user = await client.update_user_settings(tool_permissions=None)
            yield _Both(project, user)
        if self.tools:
            user = await client.update_user_settings(tool_permissions=dict(self.tools))
            yield _Both(project, user)
        if self.user:
            user = await client.update_user_settings(custom_instructions=self.user.given)
            yield _Both(project, user)


async def _warn_of_unknown(client: KaiClient, tools: Mapping[str, str], output: Output) -> None:
    """A permission for a tool that does not exist is stored all the same: the tool may come."""
    if not tools:
        return
    try:
        known = {tool.name for tool in (await client.get_tools()).tools}
    except KaiError as error:
        if is_absent(error):
            return
        raise
    for name in tools:
        if name not in known:
            output.note(f"There is no tool {name}; `kai tools` lists them.", fg="yellow")


def _differences(before: _Both, after: _Both) -> Iterator[str]:
    """What has changed, a line each."""
    for name, old, new in (
        ("project instructions", before.project.custom_instructions, after.project.custom_instructions),
        ("your instructions", before.user.custom_instructions, after.user.custom_instructions),
    ):
        if old != new:
            yield f"{name}: {f'{len(new)} characters' if new else 'cleared'}"
    old_tools, new_tools = before.user.tool_permissions or {}, after.user.tool_permissions or {}
    for name in sorted({*old_tools, *new_tools}):
        if old_tools.get(name) != new_tools.get(name):
            yield f"{name}: {old_tools.get(name, 'default')} -> {new_tools.get(name, 'default')}"
