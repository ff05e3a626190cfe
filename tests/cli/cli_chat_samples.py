"""Stored chats for the tests of the commands that show chats."""

from typing import Any

CHAT_ID = "8d1f2a3b-0000-4000-8000-000000000001"
ANSWER_ID = "5c3e2f04-0000-4000-8000-000000000002"

HOSTILE = (
    "\x1b[2Jwiped \x1b]0;title\x07 \x9b31mred \u202ereversed\u202c \u2066isolated\u2069 \r over \x07bell"
    " </details></pre></code><script>alert(1)</script><img src=x onerror=alert(1)> ``` &#x202e;entity [red]markup[/red]"
)
"""What no output may obey."""


def text(words: str) -> dict[str, Any]:
    """A part: text."""
    return {"type": "text", "text": words}


def tool(name: str, state: str, **fields: Any) -> dict[str, Any]:
    """A part: a tool call."""
    return {"type": f"tool-{name}", "toolCallId": f"call-{name}-{state}", "state": state, **fields}


def message(role: str, *parts: dict[str, Any], number: int = 1, **fields: Any) -> dict[str, Any]:
    """A stored message, as many minutes after noon as its number."""
    message_id = f"5c3e2f04-0000-4000-8000-{number:012}"
    return {
        "id": message_id,
        "role": role,
        "parts": list(parts),
        "createdAt": f"2026-03-04T12:{number:02}:00Z",
        **fields,
    }


def chat(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A stored chat."""
    return {
        "id": CHAT_ID,
        "title": "Orders per country",
        "createdAt": "2026-03-04T12:00:00Z",
        "updatedAt": "2026-03-04T12:30:00Z",
        "visibility": "private",
        **fields,
        "messages": list(messages),
    }


EVERYTHING = chat(
    message("user", text("How many orders\nper *country*?"), {"type": "file", "url": "data:,x", "mediaType": "text/csv", "filename": "orders.csv"}),
    message(
        "assistant",
        {"type": "step-start"},
        {"type": "reasoning", "text": "I should **count** them.\nThen sort.", "state": "done"},
        tool("query_data", "output-available", input={"sql": "SELECT country, count(*) FROM orders GROUP BY 1 ORDER BY 2 DESC LIMIT 10 -- and more"}, output={"rows": [["CZ", 15]]}),
        tool("run_job", "output-error", input={"id": 7}, errorText="The job\nfailed."),
        {"type": "dynamic-tool", "toolName": "get_time", "toolCallId": "c3", "state": "output-available", "input": {}, "output": "```\nnoon\n```"},
        text("There are **15**:\n\n| country | orders |\n| --- | ---: |\n| CZ | 15 |\n\n```sql\nSELECT 1\n```\n\nSee [the docs](https://help.keboola.com/)."),
        {"type": "source-url", "sourceId": "s1", "url": "https://help.keboola.com/kai/", "title": "About Kai"},
        {"type": "source-url", "sourceId": "s2", "url": "https://help.keboola.com/kai/", "title": "About Kai again"},
        {"type": "source-document", "sourceId": "s3", "mediaType": "application/pdf", "title": "Manual"},
        number=2,
    ),
    message("user", text("Drop it"), number=3, metadata={"hidden": True}),
    message(
        "assistant",
        tool("drop_table", "output-denied", input={"table": "orders"}, approval={"id": "a1", "approved": False, "reason": "too dangerous"}),
        tool("truncate", "output-available", output={"_declined": True}),
        {"type": "steering-message", "id": "x", "parts": [text("No, archive it")]},
        tool("archive", "approval-requested", input={"table": "orders"}, approval={"id": "a2"}),
        tool("copy", "approval-responded", input={}, approval={"id": "a3", "approved": True}),
        tool("future", "output-teleported", input={}),
        {"type": "data-chat-title", "data": "Orders"},
        {"type": "never-heard-of", "x": 1},
        {"type": "file", "url": "https://files.example.com/a/chart.png", "mediaType": "image/png"},
        number=4,
    ),
)  # fmt: skip
"""A chat with a part of every kind."""

HOSTILE_CHAT = chat(
    message("user", text(HOSTILE)),
    message(
        HOSTILE,
        text(HOSTILE),
        {"type": "dynamic-tool", "toolName": HOSTILE, "toolCallId": "c", "state": "output-error", "input": {HOSTILE: HOSTILE}, "errorText": HOSTILE},
        number=2,
    ),
    message(
        "assistant",
        {"type": "reasoning", "text": HOSTILE},
        text(HOSTILE),
        text("[a](javascript:alert(1)) <https://a.example/%E2%80%AE> ![i](https://a.example/i.png)\n\n````\nnever closed"),
        tool("q", "output-available", input=HOSTILE, output={"a": [HOSTILE]}),
        tool("d", "output-denied", approval={"id": "a", "approved": False, "reason": HOSTILE}),
        {"type": "source-url", "sourceId": "1", "url": "javascript:alert(1)//" + HOSTILE, "title": HOSTILE},
        {"type": "source-url", "sourceId": "2", "url": 'https://a.example/"onclick="x>) ' + HOSTILE, "title": HOSTILE},
        {"type": "source-document", "sourceId": HOSTILE, "mediaType": HOSTILE, "title": HOSTILE},
        {"type": "file", "url": "https://a.example/" + HOSTILE, "mediaType": HOSTILE, "filename": HOSTILE},
        {"type": "steering-message", "id": "x", "parts": [text(HOSTILE)]},
        number=3,
    ),
    title=HOSTILE,
    visibility=HOSTILE,
)  # fmt: skip
"""A chat in which every text is `HOSTILE`."""
