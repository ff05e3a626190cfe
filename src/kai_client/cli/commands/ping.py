"""`kai ping`."""

import time

import click

from kai_client import KaiClient
from kai_client.cli.connect import run_with_client
from kai_client.cli.settings import Settings

__all__ = ["ping"]


@click.command()
@click.pass_obj
def ping(settings: Settings) -> None:
    """Ask the backend for its clock: is it there?"""
    run_with_client(settings, _ping)


async def _ping(client: KaiClient) -> None:
    began = time.perf_counter()
    answer = await client.ping()
    seconds = time.perf_counter() - began
    click.echo(answer.timestamp.isoformat())
    click.echo(f"{client.base_url} answered in {seconds * 1000:.0f} ms", err=True)
