"""`kai serve`."""

import asyncio
import errno
import signal
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import click

from kai_client.cli.exit_codes import Failure
from kai_client.cli.local_server import local_server
from kai_client.cli.settings import Settings
from kai_client.transport.urls import is_loopback

if TYPE_CHECKING:
    from kai_client.server import KaiApp

__all__ = ["serve"]

_STOPS: Final = (signal.SIGINT, signal.SIGTERM)
_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - what people pass, and how to connect then


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=3000, show_default=True, help="0 takes a free one.")
@click.option(
    "--db", type=click.Path(dir_okay=False, path_type=Path), help="File that keeps the chats. Default: memory."
)
@click.option(
    "--script",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Python file that says what is answered. Default: an assistant with a sample project.",
)
@click.option(
    "--mode",
    type=click.Choice(["agent", "assistant"]),
    default="agent",
    show_default=True,
    help="Whose manners: kai-agent's or kai-assistant's.",
)
@click.option("--pace", type=click.FloatRange(min=0), default=None, help="Seconds between chunks.  [default: 0.02]")
@click.option("--token", "tokens", multiple=True, help="Accept this token only; may be repeated. Default: any token.")
@click.pass_obj
def serve(
    settings: Settings,
    *,
    host: str,
    port: int,
    db: Path | None,
    script: Path | None,
    mode: Literal["agent", "assistant"],
    pace: float | None,
    tokens: tuple[str, ...],
) -> None:
    """Run the local server.

    A Kai without a model, for work on a client or without a network: Storage API discovery and all of Kai's endpoints. It runs
    until Ctrl-C or SIGTERM; the exit status is 0 then, for that is how a server ends. With --port 0 the first line on
    stdout is the port.

    A script is a Python file that defines `script`, a list of turns, or `kai`, a ScriptedKai:

    \b
    from kai_client.server import ask, call, say, when
    script = [
        when("tables", call("get_tables", output=["orders"]), say("One: orders.")),
        [ask("run_job", {"id": 1}, output="ok"), say("It ran.")],
    ]

    \b
    kai serve
    kai serve --port 0 --db chats.sqlite
    kai serve --script demo.py --pace 0.1
    """  # noqa: D301 - the control character is click's mark for lines that stay as they are
    kept = db or settings.db
    app = local_server(kept, script=script, pace=pace, mode=mode, tokens=tokens or None, debug=settings.debug)
    asyncio.run(_serve(app, host, port, any_token=not tokens))


async def _serve(app: "KaiApp", host: str, port: int, *, any_token: bool) -> None:
    """Until a signal comes."""
    from kai_client.server import serve as serving  # noqa: PLC0415 - an extra

    with _stop_signals() as stop:
        try:
            async with serving(app, host, port) as url:
                _announce(url, port, any_token=any_token)
                await stop.wait()
                click.echo("Stopped.", err=True)
        except OSError as error:
            raise Failure(_why_not(error, host, port)) from error


def _announce(url: str, port: int, *, any_token: bool) -> None:
    bound = url.rpartition(":")[2]
    if port == 0:
        click.echo(bound)
    there = url
    for everywhere, here in _EVERYWHERE.items():
        there = there.replace(f"//{everywhere}:", f"//{here}:").replace(f"//[{everywhere}]:", f"//{here}:")
    click.echo(f"Kai is at {url} (Ctrl-C stops it). Talk to it from elsewhere:", err=True)
    token = "any" if any_token else "TOKEN"
    click.echo(f"  kai --url {there} --token {token} chat", err=True)
    click.echo(f"  export STORAGE_API_URL={there} STORAGE_API_TOKEN={token}  # for `KaiClient.from_env()`", err=True)
    if not is_loopback(url) and any_token:
        click.secho("Everybody who reaches this machine can use it: --token says who may.", err=True, fg="yellow")


@contextmanager
def _stop_signals() -> Generator[asyncio.Event]:
    """An event that the first Ctrl-C or SIGTERM sets; after it they do again what they did before, for the impatient."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def note(*_: Any) -> None:
        restore()
        loop.call_soon_threadsafe(stop.set)

    before = {number: signal.signal(number, note) for number in _STOPS}
    try:
        yield stop
    finally:
        restore()


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use: stop what listens there, or take another with --port (0: any free one)"
    if error.errno == errno.EACCES:
        return f"Port {port} needs more rights than you have: take one above 1023"
    return f"Cannot listen on {host}:{port}: {error.strerror or error}"
