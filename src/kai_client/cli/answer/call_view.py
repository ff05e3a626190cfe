"""A tool call as somebody who decides about it has to see it: whole, readable, and with nothing hidden in it."""

import json
from typing import Any, Final

import click

from kai_client import ToolCall
from kai_client._text import visible
from kai_client._wire import is_object
from kai_client.cli.screen import console
from kai_client.cli.terminal import one_line
from kai_client.types import JsonObject

__all__ = ["show_call"]

_SQL_KEYS: Final = ("sql", "query", "statement", "sql_query", "query_text")
_SQL_WORDS: Final = ("select", "with", "insert", "update", "delete", "create", "alter", "drop", "merge", "truncate")


def show_call(call: ToolCall[Any], secret: str | None) -> None:
    """Print the call to stderr: its name, its arguments as JSON, and texts of several lines or in SQL by themselves."""
    name = one_line(call.tool_name or "a tool without a name", secret)
    reason = f" ({one_line(call.request_reason, secret)})" if call.request_reason else ""
    click.secho(f"Kai wants to run {name}{reason}", err=True, bold=True)
    for label, text, language in _arguments(call.input):
        if label:
            click.echo(f"{visible(label)}:", err=True)
        _print_code(text.replace(secret, "***") if secret else text, language)


def _arguments(arguments: Any) -> list[tuple[str, str, str]]:
    """Label, text and language of each block; all of them together are all of the input."""
    if arguments is None:
        return []
    if not is_object(arguments):
        return [("", _json(arguments), "json")]
    texts = {key: value for key, value in arguments.items() if isinstance(value, str) and _stands_alone(key, value)}
    rest: JsonObject = {key: value for key, value in arguments.items() if key not in texts}
    blocks = [("", _json(rest), "json")] if rest or not texts else []
    return [*blocks, *((key, text, "sql" if _is_sql(key, text) else "text") for key, text in texts.items())]


def _stands_alone(key: str, value: str) -> bool:
    return "\n" in value or _is_sql(key, value)


def _is_sql(key: str, value: str) -> bool:
    begins = value.lstrip(" (\n").split(maxsplit=1)[:1]
    return key.lower() in _SQL_KEYS and bool(begins) and begins[0].lower() in _SQL_WORDS


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


def _print_code(text: str, language: str) -> None:
    from rich.syntax import Syntax  # noqa: PLC0415 - slow to import, and few answers ask

    shown = "\n".join(map(visible, text.split("\n")))
    console(stderr=True).print(
        Syntax(shown, language, theme="ansi_dark", background_color="default", word_wrap=True, padding=(0, 2))
    )
