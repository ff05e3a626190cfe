"""The options with what a profile adds: whose token, and to which address it may go."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import click

from kai_client.cli.exit_codes import ExitCode, Failure
from kai_client.cli.settings import ENV_FILE, VARIABLES, Settings, Source
from kai_client.transport.urls import is_loopback

from .profiles import Config, Profile
from .stacks import stack_url
from .token_store import read_token

__all__ = ["Access", "note_env_file", "resolve"]

_TRUSTED: Final = {Source.COMMAND_LINE, Source.ENVIRONMENT, Source.ENV_FILE}
"""Whoever says it here is the user; `.env.local` may have come with a folder."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """Which Kai, and as whom. The token shows up in no `repr`."""

    token: str | None = field(default=None, repr=False)
    url: str | None = None
    base_url: str | None = None
    service: str | None = None
    workspace_id: str | None = None
    profile: str | None = None
    """The profile that some of it is from."""
    sources: Mapping[str, Source] = field(default_factory=dict[str, Source])


def resolve(settings: Settings) -> Access:
    """What was given, and the rest from the profile that is named, or the default one. Raises `Failure`.

    A profile's token goes with the profile's own stack and workspace and with no other: tokens are not valid across stacks,
    and a URL that a folder brings along must not fetch one.
    """
    _check_folder(settings)
    profile = _profile(settings)
    url = stack_url(settings.url) if settings.url else settings.url
    note_env_file(settings)
    sources = {name: source for name, source in settings.sources.items() if getattr(settings, name) is not None}
    values = {name: getattr(settings, name) for name in VARIABLES} | {"url": url}
    if profile is None:
        return Access(**values, sources=sources)
    added: dict[str, str | None] = {"url": profile.url, "service": profile.service}
    if settings.token is None:
        _check_stack(settings, url, profile)
        added["token"] = read_token(profile.name, profile.token_in)
        added["workspace_id"] = profile.workspace_id
    elif settings.profile is not None:
        name = sources.get("token", Source.COMMAND_LINE)
        click.echo(f"The token is from {name}, not that of profile {profile.name!r}.", err=True)
    added = {name: value for name, value in added.items() if values[name] is None and value is not None}
    sources |= dict.fromkeys(added, Source.PROFILE)
    return Access(**(values | added), profile=profile.name, sources=sources)


def _check_folder(settings: Settings) -> None:
    """Raises `Failure` where `.env.local` alone would send a token that is not its own to a place that is not Keboola's."""
    if settings.token is None or settings.sources.get("token", Source.COMMAND_LINE) == Source.FOLDER:
        return  # a profile's token is checked with its stack
    for name in ("url", "base_url"):
        value = getattr(settings, name)
        if value is None or settings.sources.get(name) != Source.FOLDER or _is_known(stack_url(value)):
            continue
        raise Failure(
            f"{ENV_FILE} sets {VARIABLES[name]}, and your token does not go there unasked: "
            f"pass --env-file {ENV_FILE} if you trust it",
            ExitCode.AUTHENTICATION,
        )


def _is_known(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return is_loopback(url) or (url.startswith("https://") and host.endswith((".keboola.com", ".keboola.dev")))


def note_env_file(settings: Settings) -> None:
    """Say what came from `.env.local` without having been asked for."""
    names = [VARIABLES[name] for name in VARIABLES if settings.sources.get(name) == Source.FOLDER]
    if names:
        click.echo(
            f"Using {', '.join(names)} from {ENV_FILE}: say so with --env-file {ENV_FILE} or KAI_ENV_FILE={ENV_FILE}; "
            "reading it unasked will be off by default.",
            err=True,
        )


def _profile(settings: Settings) -> Profile | None:
    """The one that is named; the default one only where it is needed, so that it cannot mix with what is complete."""
    complete = settings.token is not None and settings.url is not None
    if settings.profile is None and complete:
        return None
    return Config.load().get(settings.profile)


def _check_stack(settings: Settings, url: str | None, profile: Profile) -> None:
    """Raises `Failure` where the profile's token would go elsewhere than to the profile's stack."""
    if url is not None and url != profile.url:
        raise Failure(
            f"The token of profile {profile.name!r} is for {profile.url}, not for {url}: pass a token of that stack, "
            "or log in there with another --profile",
            ExitCode.AUTHENTICATION,
        )
    source = settings.sources.get("base_url", Source.COMMAND_LINE)
    if settings.base_url is not None and source not in _TRUSTED:
        raise Failure(
            f"{ENV_FILE} sets KAI_BASE_URL, and the token of profile {profile.name!r} does not go there unasked: "
            f"pass --env-file {ENV_FILE} if you trust it",
            ExitCode.AUTHENTICATION,
        )
