"""`kai info`."""

from datetime import timedelta

import click

from kai_client import KaiClient
from kai_client.cli.connect import run_with_client
from kai_client.cli.settings import Settings
from kai_client.cli.terminal import one_line

__all__ = ["info"]


@click.command()
@click.pass_obj
def info(settings: Settings) -> None:
    """Show what the backend is and runs."""
    run_with_client(settings, _info)


async def _info(client: KaiClient) -> None:
    answer = await client.info()
    lines = [
        ("App", f"{answer.app_name} {answer.app_version}"),
        ("Server", answer.server_version),
        ("Service", client.backend or "not asked for"),
        ("URL", client.base_url),
        ("Clock", answer.timestamp.isoformat()),
        ("Uptime", str(timedelta(seconds=round(answer.uptime)))),
        *(("MCP", f"{server.name or server.url or '?'}: {server.status}") for server in answer.mcp_connections),
    ]
    for name, value in lines:
        click.echo(f"{name + ':':9}{one_line(value)}")
