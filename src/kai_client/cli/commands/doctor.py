"""`kai doctor`."""

import asyncio
from contextlib import AsyncExitStack

import click

from kai_client.cli.connect import open_access
from kai_client.cli.settings import Settings
from kai_client.cli.setup import checks_here
from kai_client.cli.setup.access import Access
from kai_client.cli.setup.checklist import Checklist, Said
from kai_client.cli.setup.checks_there import check_kai, check_storage, check_stream

__all__ = ["doctor"]


@click.command()
@click.option("--stream", is_flag=True, help="Ask Kai one question to see how its answer arrives; costs one message.")
@click.option("--json-output", is_flag=True, help="One JSON object with all checks.")
@click.pass_obj
def doctor(settings: Settings, *, stream: bool, json_output: bool) -> None:
    """Check everything between here and Kai.

    From the installation over token, proxy and certificates to Kai itself: each line is ok, warning, failed or skipped, with
    what to do. The exit status is that of the first check that failed: 2 setup, 3 token, 5 network, 1 anything else; 0
    where there are warnings only. Nothing is changed, and without --stream no message is used.

    \b
    kai doctor
    kai doctor --stream
    kai --profile prod doctor --json-output
    """  # noqa: D301 - the control character is click's mark for lines that stay as they are
    checks = Checklist(None, json_output=json_output)
    asyncio.run(_examine(settings, checks, stream=stream))
    checks.end()


async def _examine(settings: Settings, checks: Checklist, *, stream: bool) -> None:
    access = Access()

    async def config() -> Said:
        nonlocal access
        access = await stack.enter_async_context(open_access(settings))
        checks.secret = (access.token or "").strip() or None
        return checks_here.profile_of(access)

    await checks.check("python", checks_here.check_python)
    await checks.check("extras", checks_here.check_extras)
    async with AsyncExitStack() as stack:
        await checks.check("config", config)
        await checks.check("stack", lambda: checks_here.check_stack(access), needs=("config",))
        await checks.check("token-shape", lambda: checks_here.check_token_shape(access), needs=("config",))
        await checks.check("proxy", lambda: checks_here.check_proxy(access))
        await checks.check("tls", checks_here.check_tls_files)
        await check_storage(checks, access)
        direct = access.base_url is not None
        client = await check_kai(
            checks, access, stack, needs=("stack", "token-shape", *(() if direct else ("storage",)))
        )
        if stream:
            await check_stream(checks, client)
        else:
            checks.skip(
                "stream", "whether answers arrive in pieces or buffered: --stream asks Kai, and costs one message"
            )
