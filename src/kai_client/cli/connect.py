"""From the options to a client: the local server, a given address, or discovery."""

import asyncio
import logging
import secrets
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from kai_client import KaiClient, KaiConfigError
from kai_client.transport.urls import header_value

from .exit_codes import ExitCode, Failure
from .settings import Settings

__all__ = ["open_client", "run_with_client"]

_PACE: Final = 0.02
"""Seconds between the chunks of the local server: slow enough to see that it streams."""


def run_with_client(settings: Settings, work: Callable[[KaiClient], Awaitable[None]]) -> None:
    """Do `work` with the client that the options describe, and close what was opened for it."""

    async def session() -> None:
        async with open_client(settings) as client:
            await work(client)

    asyncio.run(session())


@asynccontextmanager
async def open_client(settings: Settings) -> AsyncGenerator[KaiClient]:
    """The client. Raises `Failure` for options that are missing, `KaiError` for what the Storage API says."""
    if settings.local:
        token = "local" if settings.db else _local_token()  # chats are kept by token: a file's are to be found again
        async with _local_server(settings) as here, _discovered(token, here, settings) as client:
            yield client
        return
    token = _token(settings)
    if not (url := settings.url):
        raise Failure("No Storage API URL: pass --url or set STORAGE_API_URL, or try --local", ExitCode.USAGE)
    if settings.base_url is None:
        async with _discovered(token, url, settings) as client:
            yield client
        return
    given = KaiClient(token, url, settings.base_url, workspace_id=settings.workspace_id, backend=settings.service)
    async with given as client:
        yield client


def _discovered(token: str, url: str, settings: Settings) -> AbstractAsyncContextManager[KaiClient]:
    return KaiClient.from_storage_api(token, url, service=settings.service, workspace_id=settings.workspace_id)


def _token(settings: Settings) -> str:
    if not settings.token:
        raise Failure(
            "No Storage API token: pass --token or set STORAGE_API_TOKEN, or try --local", ExitCode.AUTHENTICATION
        )
    try:
        return header_value(settings.token, "The Storage API token")
    except KaiConfigError as error:
        raise Failure(f"{error.message}: copy it again", ExitCode.AUTHENTICATION) from error


def _local_token() -> str:
    """The local server takes any token; the user's own has no business there."""
    return f"local-{secrets.token_hex(16)}"


@asynccontextmanager
async def _local_server(settings: Settings) -> AsyncGenerator[str]:
    try:
        from kai_client.server import ScriptedKai, kai_app, serve  # noqa: PLC0415 - an extra, and slow to import
    except ModuleNotFoundError as error:
        raise Failure('--local needs the local server, an extra: pip install "kai-client[all]"') from error
    if not settings.debug:
        # Faults of the server's own reach the client as answers; without a handler logging would print them, too.
        logging.getLogger("uvicorn").addHandler(logging.NullHandler())
    try:
        kai = ScriptedKai(pace=_PACE, db=settings.db or ":memory:")
    except sqlite3.Error as error:
        raise Failure(f"Cannot keep chats in {settings.db}: {error}", ExitCode.USAGE) from error
    async with serve(kai_app(kai)) as base_url:
        yield base_url
