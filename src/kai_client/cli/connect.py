"""From the options to a client: the local server, a given address, or discovery."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

from kai_client import KaiClient, KaiConfigError, RetryPolicy, Timeouts
from kai_client.transport.urls import header_value

from .exit_codes import ExitCode, Failure
from .local_server import local_server
from .settings import Settings
from .setup.access import Access

__all__ = ["client_for", "credentials_of", "open_access", "open_client", "run_with_client"]

_IDLE: Final = 300.0
_STREAM_IDLE: Final = 600.0
"""What `KaiClient` waits by itself."""
_SHORT: Final = 30.0


def run_with_client(settings: Settings, work: Callable[[KaiClient], Awaitable[None]]) -> None:
    """Do `work` with the client that the options describe, and close what was opened for it."""

    async def session() -> None:
        async with open_client(settings) as client:
            await work(client)

    if not settings.local:
        settings.access  # noqa: B018 - a keyring may ask for its password: not inside the event loop
    asyncio.run(session())


@asynccontextmanager
async def open_client(settings: Settings) -> AsyncGenerator[KaiClient]:
    """The client. Raises `Failure` for options that are missing, `KaiError` for what the Storage API says."""
    async with open_access(settings) as access, client_for(access, **_patience(settings)) as client:
        yield client


def _patience(settings: Settings) -> dict[str, Any]:
    """The options of `KaiClient` that say how long to wait, and how often to try."""
    options: dict[str, Any] = {}
    if settings.timeout is not None or settings.max_time is not None:
        for name, idle in (("timeout", _IDLE), ("stream_timeout", _STREAM_IDLE)):
            seconds = settings.timeout or idle
            short = min(seconds, _SHORT)
            grace = min(seconds, Timeouts.grace)
            options[name] = Timeouts(connect=short, pool=short, idle=seconds, total=settings.max_time, grace=grace)
    if settings.attempts is not None:
        options["retry"] = RetryPolicy(attempts=settings.attempts)
    return options


@asynccontextmanager
async def open_access(settings: Settings) -> AsyncGenerator[Access]:
    """Where to go, and as whom: the options and the profile say it, or it is a local server for as long as this is open."""
    if not settings.local:
        yield settings.access
        return
    token = "local" if settings.db else _local_token()  # chats are kept by token: a file's are to be found again
    async with _local_server(settings) as here:
        yield Access(token=token, url=here, service=settings.service, workspace_id=settings.workspace_id)


def client_for(access: Access, **options: Any) -> AbstractAsyncContextManager[KaiClient]:
    """The client that `access` describes, with these options of `KaiClient`. Raises `Failure`."""
    token, url = credentials_of(access)
    options["workspace_id"] = access.workspace_id
    if access.base_url is None:
        return KaiClient.from_storage_api(token, url, service=access.service, **options)
    return KaiClient(token, url, access.base_url, backend=access.service, **options)


def credentials_of(access: Access) -> tuple[str, str]:
    """The token and the Storage API's URL. Raises `Failure` where one of them is missing, or is none."""
    if not access.token:
        where = f"Profile {access.profile!r} has no token any more" if access.profile else "No Storage API token"
        raise Failure(
            f"{where}: log in with `kai login`, or set STORAGE_API_TOKEN, or try --local", ExitCode.AUTHENTICATION
        )
    try:
        token = header_value(access.token, "The Storage API token")
    except KaiConfigError as error:
        raise Failure(f"{error.message}: copy it again", ExitCode.AUTHENTICATION) from error
    if not access.url:
        raise Failure("No Storage API URL: log in with `kai login`, or pass --url, or try --local", ExitCode.USAGE)
    return token, access.url


def _local_token() -> str:
    """The local server takes any token; the user's own has no business there."""
    return f"local-{secrets.token_hex(16)}"


@asynccontextmanager
async def _local_server(settings: Settings) -> AsyncGenerator[str]:
    app = local_server(settings.db, debug=settings.debug)
    from kai_client.server import serve  # noqa: PLC0415 - an extra, and slow to import

    async with serve(app) as base_url:
        yield base_url
