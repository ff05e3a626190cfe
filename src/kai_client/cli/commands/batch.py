"""`kai batch`."""

from pathlib import Path
from typing import Any, Final

import click

from kai_client.cli.batch.job import Job
from kai_client.cli.batch.options import Options
from kai_client.cli.batch.source import prompts_of
from kai_client.cli.settings import Settings

__all__ = ["batch"]

_PATH: Final = click.Path(dir_okay=False, allow_dash=True, path_type=Path)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("-o", "--output", type=_PATH, help="Where the answers go; - is stdout.  [default: FILE.answers.jsonl]")
@click.option(
    "--format",
    type=click.Choice(["jsonl", "csv"]),
    help="What FILE is, where its name does not say.  [default for stdin: jsonl]",
)
@click.option("--prompt-column", metavar="NAME", help="The column of the prompt.  [default: prompt, text or message]")
@click.option("--id-column", metavar="NAME", help="The column of the id.  [default: id]")
@click.option("--template", metavar="TEXT", help='Send this, e.g. "Summarise: {prompt}"; {NAME} is any column.')
@click.option("--ordered/--as-completed", default=None, help="Order of the answers.  [default: ordered on stdout]")
@click.option("--restart", is_flag=True, help="Empty the output and begin anew.")
@click.option("--retry-failed/--no-retry-failed", default=True, help="Ask again what failed before.  [default: yes]")
@click.option("--retry-denied", is_flag=True, help="Ask again what lacked a tool before; see --approve.")
@click.option("-c", "--concurrency", type=click.IntRange(1, 500), default=4, show_default=True, help="At a time.")
@click.option("--attempts", type=click.IntRange(min=1), default=3, show_default=True, help="How often to try.")
@click.option(
    "--timeout", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="The longest that an answer may take."
)
@click.option(
    "--max-wait",
    type=click.FloatRange(min=0),
    default=900,
    show_default="15 minutes",
    metavar="SECONDS",
    help="The longest pause that the service may ask for; beyond it the run ends.",
)
@click.option("--fail-fast", is_flag=True, help="Begin nothing more after the first failure.")
@click.option("--max-failures", type=click.IntRange(min=1), metavar="N", help="Begin nothing more after N failures.")
@click.option("--auto-approve", is_flag=True, help="Let Kai run every tool without asking.")
@click.option("--approve", multiple=True, metavar="TOOL", help="Let Kai run this tool; may be repeated.")
@click.option("--nats", metavar="URL", help="Have the workers behind this NATS broker answer; see docs/workers.md.")
@click.option("--nats-jobs", default="kai.jobs", show_default=True, metavar="SUBJECT", help="Their input.")
@click.option("--nats-answers", default="kai.answers", show_default=True, metavar="SUBJECT", help="Their output.")
@click.option("-q", "--quiet", is_flag=True, help="Errors only.")
@click.pass_obj
def batch(settings: Settings, /, **options: Any) -> None:
    """Answer a file of prompts.

    FILE (- for stdin) is JSON lines, each an object with a "prompt" and perhaps an "id", "chat_id", "branch_id" and
    "metadata", or just a string; or CSV with such a header. Prompts of one chat_id are sent one after the other. Each
    answer is a line of JSON. The same command again goes on where the last one ended: it asks what is new, what failed,
    and nothing twice. Tools that want to be allowed are denied, unless you allow them here.

    \b
    kai batch prompts.jsonl
    kai batch customers.csv --template "Summarise the notes of {name}: {notes}"
    kai batch prompts.jsonl -o answers.jsonl --concurrency 20 --approve query_data
    grep -v draft prompts.jsonl | kai batch - | jq -r .answer
    kai batch prompts.jsonl --nats nats://broker:4222 --concurrency 100

    \b
    Exit status: 0 all answered, 1 some failed, 3 authentication, 4 some lack a tool that was denied,
    5 all failures were of the network, 6 the quota is used up, 130 interrupted.
    """  # noqa: D301 - the control character is click's mark for lines that stay as they are
    chosen = Options(**options)
    if chosen.nats is not None and (chosen.auto_approve or chosen.approve):
        raise click.UsageError("With --nats the workers decide about tools: leave out --approve and --auto-approve")
    Job(chosen, settings, prompts_of(chosen, settings.secret)).run()
