"""Writes docs/events.md, the table of events, from the event classes themselves: their docstrings say when, their fields what.

Run: uv run python scripts/event_reference.py           write it
     uv run python scripts/event_reference.py --check   fail if it is not what would be written
"""

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Final

from kai_client.events import EVENT_CLASSES, BaseSSEEvent, DataEvent, content, lifecycle, text, tools

PAGE: Final = Path(__file__).parents[1] / "docs" / "events.md"
GROUPS: Final = {
    "Text and reasoning": text,
    "Tool calls": tools,
    "Sources, files, data": content,
    "The frame, and how an answer ends": lifecycle,
}
HEAD: Final = """# Events

Made from the event classes by scripts/event_reference.py: what a stream yields, when, and with which fields.

An event is a frozen pydantic model of one chunk. `event.type` is its name for `match`; where the chunk on the wire has
another, it is in the third column. `isinstance` narrows as well. Fields have Python's names (`tool_call_id` for `toolCallId`), unknown
ones are kept as attributes, `event.to_chunk()` is the chunk as it travelled. Fields with a `?` may be None or left out.

<!-- inside: client -->
```python
async for event in client.send_message(chat_id, "How many customers are there?"):
    match event:
        case ToolInputAvailableEvent():
            print(event.tool_name, event.input)
        case TextEvent():
            print(event.text, end="")
        case FinishEvent():
            print(event.finish_reason)
        case _:
            pass  # new types of events may come at any time
```

```text
query_data {'sql_query': 'SELECT count(*) AS customers FROM customers'}
The answer is **12**.stop
```

An answer is declared over by `finish`, `abort` or `error`. `data-usage` and others may follow `finish`. A stream that ends without any of
them raises, see [errors](errors.md).
"""


def rows(module: ModuleType) -> Iterator[str]:
    """The rows of the table for the events of one module, in its own order."""
    for each in vars(module).values():
        if inspect.isclass(each) and issubclass(each, BaseSSEEvent) and each.__module__ == module.__name__:
            if each.__name__.startswith("_"):
                continue
            yield f"| {name_of(each)} | `{each.__name__}` | {chunks_of(each)} | {when(each)} | {fields_of(each)} |"


def name_of(event: type[BaseSSEEvent]) -> str:
    """`event.type`."""
    name: object = event.model_fields["type"].default
    if isinstance(name, str):
        return f"`{name}`"
    return "`data-...`" if event is DataEvent else "any other"


def chunks_of(event: type[BaseSSEEvent]) -> str:
    """The chunk types that it is made of, where they are not its name."""
    found = [f"`{chunk}`" for chunk, made in EVENT_CLASSES.items() if made is event]
    return ", ".join(found) if found != [name_of(event)] else ""


def when(event: type[BaseSSEEvent]) -> str:
    """The first paragraph of its docstring, without the chunk's name in front of it."""
    said = " ".join((inspect.getdoc(event) or "").partition("\n\n")[0].split())
    said = re.sub(r"^`[^`]+`(?: \(legacy `[^`]+`\))?(?:: |, )", "", said)
    return said[0].upper() + said[1:]


def fields_of(event: type[BaseSSEEvent]) -> str:
    """Its fields, the optional ones with a question mark."""
    fields = [(name, field) for name, field in event.model_fields.items() if name != "type"]
    return ", ".join(f"`{name}`{'' if field.is_required() else '?'}" for name, field in fields)


def page() -> str:
    """The whole page."""
    head = "| `event.type` | Class | Chunk | When | Fields |\n| --- | --- | --- | --- | --- |\n"
    tables = [f"## {title}\n\n{head}" + "\n".join(rows(module)) + "\n" for title, module in GROUPS.items()]
    return "\n".join([HEAD, *tables])


if __name__ == "__main__":
    if "--check" not in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != page():
        sys.exit(f"{PAGE.name} is not what the event classes say: run scripts/event_reference.py")
