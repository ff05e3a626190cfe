"""`kai usage`."""

from typing import Final

import click

from kai_client import KaiClient
from kai_client.cli.connect import run_with_client
from kai_client.cli.drawing import drawing, draws, minute, print_json
from kai_client.cli.offered import if_offered
from kai_client.cli.settings import Settings
from kai_client.models import UsageResponse

__all__ = ["usage"]

_WIDTH: Final = 30
_SCARCE: Final = 0.9
"""From here on the bar is red."""


@click.command()
@click.option("--json-output", is_flag=True, help="The quota as the API has it.")
@click.pass_obj
def usage(settings: Settings, *, json_output: bool) -> None:
    """Show how much of the message quota is used.

    \b
    kai usage
    kai usage --json-output | jq '.messagesLimit - .messagesUsed'
    """  # noqa: D301 - the control character is click's mark for lines that stay as they are

    async def show(client: KaiClient) -> None:
        with if_offered(client, "the quota"):
            quota = await client.get_usage()
        if json_output:
            print_json(quota, settings.secret)
            return
        if draws():
            _draw_bar(quota)
        click.echo(f"{quota.messages_used} of {quota.messages_limit} messages used, resets {minute(quota.reset_date)}")

    run_with_client(settings, show)


def _draw_bar(quota: UsageResponse) -> None:
    from rich.text import Text  # noqa: PLC0415 - only where there is a bar to draw

    used = max(0, quota.messages_used)
    share = min(1.0, used / quota.messages_limit) if quota.messages_limit > 0 else 1.0
    full = round(share * _WIDTH)
    bar = Text("█" * full, style="red" if share >= _SCARCE else "green")
    with drawing() as on:
        on.print(bar.append("░" * (_WIDTH - full), style="dim").append(f" {share:.0%}", style="default"), no_wrap=True)
