"""The built-in assistant: keyword rules, honest about it, over the sample project. Its tools really run."""

import re
from collections.abc import Callable, Generator, Iterator
from typing import Final, TypeAlias, cast

from kai_client.server.script import Item, Say, title, usage
from kai_client.server.turn import Question, ToolResult
from kai_client.types import Json, JsonObject

from . import memory, tools
from .queries import counting_query, sql_in

__all__ = ["answer"]

_Turn: TypeAlias = Generator[Item, ToolResult, str]
"""Yields tool calls, receives their results, returns what to say."""

_Rule: TypeAlias = Callable[[Question], _Turn | str]

_HELP: Final = """\
I am the local stand-in for Kai: no language model, only a few rules, but real tools on a small sample project. I can

- list **tables** and **buckets** ("Which tables do I have?"),
- count and query ("How many orders per country?", or any `SELECT`),
- tell about this **project**,
- **create a bucket** called what you like, once you approve it,
- remember what you said in this chat ("My name is Ada." - "What is my name?").
"""


def answer(question: Question) -> Generator[Item, ToolResult, None]:
    """The turn of the built-in assistant: tools first, then what came of it in words, a title and the usage."""
    spoken = _rule_for(question)(question)
    text = spoken if isinstance(spoken, str) else (yield from spoken)
    yield Say(text)
    if not question.history:
        yield title(_title(question.text))
    yield usage(_tokens(question.text), _tokens(text))


def _rule_for(question: Question) -> _Rule:
    if sql_in(question.text) is not None:
        return _query
    for pattern, rule in _RULES:
        if re.search(pattern, question.text, re.IGNORECASE):
            return rule
    return _query if counting_query(question.text) is not None else _help


def _help(question: Question) -> str:
    greeting = re.match(r"\s*(hi|hello|hey|ahoj|good (morning|evening))\b", question.text, re.IGNORECASE)
    return f"{'Hello! ' if greeting else ''}{_HELP}"


def _tables(question: Question) -> _Turn:
    result = yield tools.get_tables(question.project)
    found = _objects(result.output, "tables")
    rows: list[list[Json]] = [[f"`{table['id']}`", table["rowsCount"], _listed(table["columns"])] for table in found]
    return (
        f"You have {len(found)} tables:\n\n{_table(['table', 'rows', 'columns'], rows)}"
        if result.ok
        else _sorry(result)
    )


def _buckets(question: Question) -> _Turn:
    result = yield tools.get_buckets(question.project)
    found = _objects(result.output, "buckets")
    lines = [f"- `{bucket['id']}` with {bucket['tables']} tables" for bucket in found]
    return f"You have {len(found)} buckets:\n\n" + "\n".join(lines) + "\n" if result.ok else _sorry(result)


def _project(question: Question) -> _Turn:
    result = yield tools.get_project_info(question.project)
    if not result.ok:
        return _sorry(result)
    info = cast("JsonObject", result.output)
    return (
        f"This is the project **{info['project_name']}** ({info['project_id']}): {info['buckets']} buckets,"
        f" {info['tables']} tables, queries in {info['sql_dialect']}."
    )


def _query(question: Question) -> _Turn:
    sql = sql_in(question.text) or counting_query(question.text) or ""
    result = yield tools.query_data(question.project, sql)
    if not result.ok:
        return f"{_sorry(result)}\n\nThe query was:\n\n```sql\n{sql}\n```\n"
    found = cast("JsonObject", result.output)
    columns, rows = cast("list[Json]", found["columns"]), cast("list[list[Json]]", found["rows"])
    if len(rows) == 1 and len(rows[0]) == 1:
        return f"The answer is **{rows[0][0]}**."
    more = " (the first ones of more)" if found["truncated"] else ""
    return f"I found {len(rows)} rows{more}:\n\n{_table(columns, rows)}"


def _create_bucket(question: Question) -> _Turn:
    name = _bucket_name(question.text)
    if name is None:
        return 'What shall the bucket be called? Say for example "Create a bucket called results".'
    result = yield tools.create_bucket(question.project, name)
    if result.denied:
        reason = f" You said: {result.reason}" if result.reason else ""
        return f"All right, I did not create the bucket `{name}`.{reason}"
    return f"I created the bucket `{cast('JsonObject', result.output)['id']}`." if result.ok else _sorry(result)


def _bucket_name(text: str) -> str | None:
    found = re.search(r"(?:called|named|name)\s+[`\"']?(?:in\.c-)?([\w-]+)", text, re.IGNORECASE)
    found = found or re.search(r"bucket\s+[`\"']?(?:in\.c-)?([\w-]+)", text, re.IGNORECASE)
    return found[1] if found else None


def _remember(question: Question) -> str:
    return f"Nice to meet you, {memory.name_in(question.text) or 'whoever you are'}!"


def _recall(question: Question) -> str:
    name = memory.name_told(question.history)
    return f"Your name is {name}." if name else "You have not told me your name in this chat."


def _count(question: Question) -> str:
    sent = memory.messages_before(question.history)
    return f"Before this one you sent {sent} {'message' if sent == 1 else 'messages'} in this chat."


_RULES: Final[tuple[tuple[str, _Rule], ...]] = (
    (r"\b(create|make|add|new)\b.*\bbucket\b", _create_bucket),
    (r"what('s| is) my name|who am i|remember my name", _recall),
    (r"\bmy name is\b|\bi am called\b", _remember),
    (r"how many (messages|questions)|messages (before|so far)", _count),
    (r"\bbuckets\b", _buckets),
    (r"\b(tables|tabulky)\b", _tables),
    (r"\bproject\b", _project),
)


def _sorry(result: ToolResult) -> str:
    return f"That did not work: {result.error or result.reason or 'it was refused'}."


def _objects(output: Json, key: str) -> list[JsonObject]:
    return cast("list[JsonObject]", output.get(key, [])) if isinstance(output, dict) else []


def _listed(values: Json) -> str:
    return ", ".join(str(value) for value in values) if isinstance(values, list) else str(values)


def _table(columns: list[Json] | list[str], rows: list[list[Json]]) -> str:
    """A Markdown table."""
    return "".join(_lines(columns, rows))


def _lines(columns: list[Json] | list[str], rows: list[list[Json]]) -> Iterator[str]:
    yield f"| {' | '.join(map(str, columns))} |\n"
    yield f"|{' --- |' * len(columns)}\n"
    for row in rows:
        yield f"| {' | '.join('' if value is None else str(value).replace('|', chr(92) + '|') for value in row)} |\n"


def _title(text: str) -> str:
    words = text.split()
    return " ".join(words[:8]) + (" ..." if len(words) > 8 else "")  # noqa: PLR2004


def _tokens(text: str) -> int:
    """A rough count: about four characters make a token."""
    return max(1, len(text) // 4)
