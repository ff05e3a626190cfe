"""The input: found, read, and checked as a whole before anything is sent."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import IO, Final

import click

from kai_client.cli.answer.output import Output
from kai_client.cli.exit_codes import ExitCode, Failure

from .options import STDIO, Options
from .prompts import Columns, Prompt, Reading, read_prompts
from .rows import Format, csv_rows, json_rows
from .template import Template

__all__ = ["prompts_of"]

_PROBLEMS_TOLD: Final = 20
_FORMATS: Final[dict[str, Format]] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv"}
_READERS: Final = {"jsonl": json_rows, "csv": csv_rows}


def prompts_of(options: Options, secret: str | None) -> Sequence[Prompt]:
    """The prompts. Raises `Failure` or `UsageError`; each line that is to blame is on stderr then."""
    kind = options.format or ("jsonl" if options.file == STDIO else _FORMATS.get(options.file.suffix.lower()))
    if kind is None:
        raise click.UsageError(f"Is {options.file} JSON lines or CSV? Say --format jsonl or --format csv")
    reading = _read(options, kind)
    name = "stdin" if options.file == STDIO else str(options.file)
    output = Output(secret)
    for problem in reading.problems[:_PROBLEMS_TOLD]:
        output.note(f"{name}, line {problem.line}: {problem.text}", fg="yellow")
    if problems := len(reading.problems):
        what = "a problem" if problems == 1 else f"{problems} problems"
        more = f" (the first {_PROBLEMS_TOLD} are above)" if problems > _PROBLEMS_TOLD else ""
        raise Failure(f"{name} has {what}{more}: nothing was sent", ExitCode.USAGE)
    if not reading.prompts:
        raise Failure(f"{name} has no prompts", ExitCode.USAGE)
    return reading.prompts


def _template(text: str | None) -> Template | None:
    try:
        return None if text is None else Template(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--template'") from error


def _read(options: Options, kind: Format) -> Reading:
    columns = Columns(options.prompt_column, options.id_column, _template(options.template))
    stdin: IO[str] | None = sys.stdin
    if options.file == STDIO and stdin is None:
        raise click.UsageError("There are no prompts: stdin is closed")
    try:
        with ExitStack() as files:
            lines = sys.stdin.buffer if options.file == STDIO else files.enter_context(options.file.open("rb"))
            return read_prompts(_READERS[kind](lines), columns)
    except OSError as error:
        raise click.UsageError(f"Cannot read {options.file}: {error.strerror}") from error
