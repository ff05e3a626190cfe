"""`kai verify`."""

import asyncio
from contextlib import AsyncExitStack

import click

from kai_client.cli.connect import open_access
from kai_client.cli.settings import Settings
from kai_client.cli.setup.checklist import Checklist
from kai_client.cli.setup.checks_there import check_kai

__all__ = ["verify"]


@click.command()
@click.option("--json-output", is_flag=True, help="One JSON object with all checks.")
@click.pass_obj
def verify(settings: Settings, *, json_output: bool) -> None:
    """Check token, discovery, ping, info and usage.

    A line for each; the exit status is that of the first that failed. `kai doctor` looks at more, and says what to do.
    """

    async def examine() -> Checklist:
        async with AsyncExitStack() as stack:
            access = await stack.enter_async_context(open_access(settings))
            checks = Checklist((access.token or "").strip() or None, json_output=json_output)
            await check_kai(checks, access, stack, needs=())
        return checks

    asyncio.run(examine()).end()
