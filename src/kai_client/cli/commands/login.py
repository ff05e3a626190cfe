"""`kai login` and `kai logout`."""

import asyncio
import json
from dataclasses import dataclass

import click

from kai_client.cli.exit_codes import ExitCode, Failure
from kai_client.cli.settings import VARIABLES, Settings, Source
from kai_client.cli.setup.profiles import FIRST_PROFILE, Config, Profile, checked_name
from kai_client.cli.setup.secret_prompt import ask_line, ask_token
from kai_client.cli.setup.stack_names import STACK_HELP, STACKS
from kai_client.cli.setup.stacks import stack_name, stack_url
from kai_client.cli.setup.token_check import asking_storage, token_facts, token_problem, token_warnings
from kai_client.cli.setup.token_store import FILE, forget_token, keep_token, token_path
from kai_client.transport import Timeouts
from kai_client.transport.tokens import TokenInfo, storage_api, verify_token
from kai_client.transport.urls import is_safe_for_token

__all__ = ["login", "logout"]

_SECONDS = 30.0

_LOGIN = f"""Keep a token for later commands.

Asks for the token without showing it, asks the Storage API whose it is, and keeps it in the system's keyring, or where
there is none in a file that only you can read. The stack goes into the profile. The first profile is the default; others
are used with `kai --profile NAME` or KAI_PROFILE. Kai needs a master token: Project settings, API tokens.

\b
kai login --url eu
kai login --profile prod --url connection.eu-central-1.keboola.com
op read op://work/keboola/token | kai login --url us --token-stdin
kai login --list
kai login --use prod

\b
Stacks:
{STACK_HELP}
"""


@dataclass(frozen=True)
class _Wanted:
    """A profile in the making."""

    profile: Profile
    verify: bool
    token_stdin: bool


@click.command(help=_LOGIN, short_help="Keep a token for later commands.")
@click.option("--profile", "name", help="Name of the profile. Default: the default profile's, at first `default`.")
@click.option("--url", help="The stack: a name, a host or a URL.")
@click.option("--token-stdin", is_flag=True, help="Read the token from stdin.")
@click.option("--service", help="Service id, where it is not the stack's own.")
@click.option("--workspace-id", help="SQL workspace for Kai's tools.")
@click.option("--verify/--no-verify", default=True, help="Whether to ask the Storage API whose token it is.")
@click.option("--list", "listed", is_flag=True, help="List the profiles instead.")
@click.option("--json-output", is_flag=True, help="With --list: one JSON object.")
@click.option("--use", metavar="NAME", help="Make a profile the default instead.")
@click.pass_obj
def login(
    settings: Settings,
    name: str | None,
    url: str | None,
    service: str | None,
    workspace_id: str | None,
    use: str | None,
    *,
    token_stdin: bool,
    verify: bool,
    listed: bool,
    json_output: bool,
) -> None:
    """See `_LOGIN`."""
    if listed:
        _print_profiles(Config.load(), json_output=json_output)
    elif use is not None:
        _use(use)
    else:
        wanted = _wanted(settings, name, url, service=service, workspace_id=workspace_id)
        _log_in(settings, _Wanted(wanted, verify=verify, token_stdin=token_stdin))


@click.command()
@click.option("--profile", "name", help="The profile to forget. Default: the default profile.")
@click.option("--all", "everything", is_flag=True, help="Forget all profiles.")
@click.pass_obj
def logout(settings: Settings, name: str | None, *, everything: bool) -> None:
    """Forget a token.

    The profile goes with it. The token itself stays valid: delete it in the project to end that.

    \b
    kai logout
    kai logout --profile prod
    """  # noqa: D301 - the control character is click's mark for lines that stay as they are
    if everything and name is not None:
        raise click.UsageError("Choose one of --profile and --all", click.get_current_context())
    config = Config.load()
    if everything:
        profiles = list(config.profiles.values())
    else:
        profile = config.get(name or settings.profile)
        if profile is None:
            raise Failure("Nobody is logged in here: `kai login --list` shows the profiles", ExitCode.USAGE)
        profiles = [profile]
    for profile in profiles:
        forget_token(profile.name, profile.token_in)
        Config.forget(profile.name)
        click.echo(f"Forgot profile {profile.name!r}.", err=True)
    if not profiles:
        click.echo("There was nothing to forget.", err=True)


def _wanted(
    settings: Settings, name: str | None, url: str | None, *, service: str | None, workspace_id: str | None
) -> Profile:
    """The profile without its token: what is not said stays as it was. Raises `Failure`."""
    config = Config.load()
    name = checked_name(name or settings.profile or config.default or FIRST_PROFILE)
    before = config.profiles.get(name)
    trusted = settings.sources.get("url") != Source.FOLDER  # a folder does not say where a token is sent that one types
    url = url or (settings.url if trusted else None) or (before.url if before else None)
    url = stack_url(url or ask_line(f"Stack for --url ({', '.join(STACKS)} or a URL)", "us"))
    if not is_safe_for_token(url):
        raise Failure(f"The token would travel unencrypted to {url}: use https", ExitCode.USAGE)
    if before is None or before.url != url:
        before = Profile(name=name, url=url)
    return Profile(
        name=name,
        url=url,
        service=service or settings.service or before.service,
        workspace_id=workspace_id or settings.workspace_id or before.workspace_id,
    )


def _log_in(settings: Settings, wanted: _Wanted) -> None:
    profile = wanted.profile
    if settings.sources.get("token") == Source.COMMAND_LINE:
        raise Failure(
            "Others can see a token on the command line: leave out --token, or use --token-stdin", ExitCode.USAGE
        )
    token = ask_token(from_stdin=wanted.token_stdin).strip()
    if problem := token_problem(token):
        raise Failure(f"That is no token for Kai: {problem}", ExitCode.AUTHENTICATION)
    if wanted.verify:
        info = asyncio.run(_verify(token, profile.url))
        click.echo(token_facts(info).replace(token, "***"), err=True)
        for warning in token_warnings(info):
            click.secho(warning, err=True, fg="yellow")
    where, why = keep_token(profile.name, token)
    kept = Profile(
        name=profile.name, url=profile.url, service=profile.service, workspace_id=profile.workspace_id, token_in=where
    )
    Config.keep(kept)
    if where == FILE:
        click.echo(f"The token is in {token_path(kept.name)}, readable by you alone: {why}.", err=True)
    use = "kai ..." if Config.load().default == kept.name else f"kai --profile {kept.name} ..."
    click.echo(f"Logged in to {stack_name(kept.url)} as profile {kept.name!r}: {use}", err=True)
    for option in sorted(settings.sources.keys() & {"token", "url"}):
        if settings.sources[option] != Source.COMMAND_LINE:
            click.secho(
                f"{VARIABLES[option]} is set, in {settings.sources[option]}, and goes before the profile.",
                err=True,
                fg="yellow",
            )


async def _verify(token: str, url: str) -> TokenInfo:
    async with storage_api(token, url, timeouts=Timeouts().at_most(_SECONDS)) as storage:
        with asking_storage(url):
            return await verify_token(storage)


def _use(name: str) -> None:
    if Config.load().get(name) is not None:
        Config.use(name)
        click.echo(f"The default profile is {name!r}.", err=True)


def _print_profiles(config: Config, *, json_output: bool) -> None:
    """A line each, tabs between: `*` for the default, name, stack, service, where the token is."""
    profiles = config.profiles.values()
    if json_output:
        click.echo(
            json.dumps({"default": config.default, "profiles": [{"name": p.name, **p.table()} for p in profiles]})
        )
        return
    for profile in profiles:
        mark = "*" if profile.name == config.default else " "
        where = str(token_path(profile.name)) if profile.token_in == FILE else profile.token_in or "no token"
        click.echo("\t".join((mark, profile.name, stack_name(profile.url), profile.service or "-", where)))
    if not profiles:
        click.echo("No profiles yet: kai login", err=True)
