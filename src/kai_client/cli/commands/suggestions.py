"""`kai suggestions`."""

import click

from kai_client import KaiClient
from kai_client._wire import decode_json
from kai_client.cli.connect import run_with_client
from kai_client.cli.drawing import drawing, draws, harmless, print_json
from kai_client.cli.given_text import given_text
from kai_client.cli.offered import if_offered
from kai_client.cli.settings import Settings
from kai_client.cli.terminal import one_line
from kai_client.models import Suggestion
from kai_client.types import JsonObject

__all__ = ["suggestions"]


def _data(ctx: click.Context, param: click.Parameter, value: str | None) -> JsonObject:
    """A JSON object; `{}` where none is given."""
    if value is None:
        return {}
    try:
        data = decode_json(given_text(value))
    except ValueError as error:
        raise click.BadParameter(f"not JSON: {error}", ctx, param) from error
    if not isinstance(data, dict):
        raise click.BadParameter("a JSON object is needed", ctx, param)
    return data


@click.command()
@click.argument("context", type=click.Choice(["dashboard", "job-detail", "configuration-detail"]))
@click.option("--data", callback=_data, metavar="JSON|@FILE|-", help="What is on that page, as a JSON object.")
@click.option("--json-output", is_flag=True, help="The suggestions as the API has them.")
@click.pass_obj
def suggestions(settings: Settings, context: str, data: JsonObject, *, json_output: bool) -> None:
    """Ask what to ask.

    The context is the page that you are on. Elsewhere than on a terminal it is one line per suggestion: label and prompt,
    separated by a tab.

    \b
    kai suggestions dashboard
    kai suggestions job-detail --data '{"jobId": "1234"}'
    kai suggestions configuration-detail --data @configuration.json | cut -f2
    """  # noqa: D301 - the control character is click's mark for lines that stay as they are

    async def show(client: KaiClient) -> None:
        with if_offered(client, "suggestions"):
            answer = await client.get_suggestions(context, data)
        if json_output:
            print_json(answer, settings.secret)
        elif not answer.suggestions:
            click.echo("There are no suggestions.", err=True)
        elif draws():
            _draw(answer.suggestions)
        else:
            for each in answer.suggestions:
                click.echo(f"{one_line(each.label)}\t{one_line(each.prompt)}")

    run_with_client(settings, show)


def _draw(found: list[Suggestion]) -> None:
    from rich.padding import Padding  # noqa: PLC0415 - only where there is something to draw
    from rich.text import Text  # noqa: PLC0415

    with drawing() as on:
        for number, each in enumerate(found, 1):
            on.print(Text(f"{number}. {one_line(each.label)}", style="bold"))
            on.print(Padding(Text(harmless(each.prompt)), (0, 0, 0, 3)))
