"""`kai tools`."""

import asyncio

import click

from kai_client import KaiClient, KaiError
from kai_client.approvals.catalogue import is_absent
from kai_client.cli.connect import run_with_client
from kai_client.cli.drawing import print_json, print_rows
from kai_client.cli.offered import if_offered
from kai_client.cli.settings import Settings
from kai_client.models import ToolInfo

__all__ = ["tools"]


@click.command()
@click.option("--search", metavar="TEXT", help="Only those with this in their name or description.")
@click.option("--json-output", is_flag=True, help="The tools as the API has them, with your permission for each.")
@click.pass_obj
def tools(settings: Settings, *, search: str | None, json_output: bool) -> None:
    """List Kai's tools, and which of them ask first.

    A tool that only reads runs at once, any other asks, unless your own permission (`kai settings set --tool`) says
    otherwise. A table on a terminal; elsewhere one line per tool: name, whether it asks, permission and description,
    separated by tabs.

    \b
    kai tools --search bucket
    kai tools | awk -F'\\t' '$2 == "asks" {print $1}'
    """  # noqa: D301 - the control character is click's mark for lines that stay as they are

    async def show(client: KaiClient) -> None:
        with if_offered(client, "a list of its tools"):
            listed, permissions = await asyncio.gather(client.get_tools(), _permissions(client))
        found = [tool for tool in listed.tools if _matches(tool, search)]
        if json_output:
            print_json({"tools": [_as_json(tool, permissions) for tool in found]}, settings.secret)
        elif found:
            rows = [
                (tool.name, _asks(tool, permissions), permissions.get(tool.name, "default"), tool.description)
                for tool in found
            ]
            print_rows(
                ("Tool", "Asks", "Permission", "Description"), rows, settings.secret, fold=("Tool", "Description")
            )
        else:
            click.echo("There is no such tool." if search else "This backend has no tools.", err=True)

    run_with_client(settings, show)


async def _permissions(client: KaiClient) -> dict[str, str]:
    """The user's own, by tool; none from a backend that keeps none."""
    try:
        return (await client.get_user_settings()).tool_permissions or {}
    except KaiError as error:
        if not is_absent(error):
            raise
        return {}


def _matches(tool: ToolInfo, search: str | None) -> bool:
    return search is None or search.casefold() in f"{tool.name}\n{tool.description}".casefold()


def _asks(tool: ToolInfo, permissions: dict[str, str]) -> str:
    """What happens when Kai wants to run it."""
    words = {"always_allow": "runs", "always_ask": "asks", "blocked": "blocked"}
    return words.get(permissions.get(tool.name, ""), "runs" if tool.read_only else "asks")


def _as_json(tool: ToolInfo, permissions: dict[str, str]) -> dict[str, object]:
    wire: dict[str, object] = tool.model_dump(by_alias=True)
    return {**wire, "permission": permissions.get(tool.name), "asks": _asks(tool, permissions) == "asks"}
