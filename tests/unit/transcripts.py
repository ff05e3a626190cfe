"""What each recorded stream in `tests/recorded` says: the captures V1 to V14 of protocol 4.6, Kai's own, the legacy ones."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

RECORDED: Final = Path(__file__).parents[1] / "recorded"


class Call(NamedTuple):
    """A tool call as it ends."""

    name: str | None
    state: str
    input: Any = None
    output: Any = None
    error: str | None = None


@dataclass(frozen=True)
class Answer:
    """What a stream amounts to."""

    text: str = ""
    reason: str | None = "stop"
    calls: dict[str, Call] = field(default_factory=dict[str, Call])
    usage: tuple[int, int, int] = (0, 0, 0)
    reasoning: str = ""
    sources: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    data: tuple[tuple[str, Any], ...] = ()
    errors: tuple[str, ...] = ()
    aborted: bool = False
    whole: bool = True
    """Whether the stream declared its end."""


SQL: Final = {"sql": "SELECT 1"}
ROWS: Final = {"rows": [[1]]}
BUCKET: Final = {"name": "in.c-x"}
QUERIED: Final = {"c1": Call("query_data", "output-available", SQL, ROWS)}
BAD_INPUT: Final = {"c1": Call("query_data", "output-error", {"sql": 5}, error="sql: expected a string")}

ANSWERS: Final[dict[str, Answer]] = {
    "v1_text": Answer("Hello, wörld \u2028 😀!"),
    "v1_two_steps": Answer("First. Second.", "length"),
    "v2_server_tool": Answer("One row.", calls=QUERIED),
    "v3_needs_approval": Answer(
        "I will create it.", "tool-calls", {"c1": Call("create_bucket", "approval-requested", BUCKET)}
    ),
    "v4_approved": Answer("Created.", calls={"c1": Call(None, "output-available", None, {"id": "in.c-x"})}),
    "v4_approved_failed": Answer(
        "It exists.", calls={"c1": Call(None, "output-error", None, error="The bucket exists")}
    ),
    "v5_denied": Answer("As you wish.", calls={"c1": Call(None, "output-denied")}),
    "v6_automatic_yes": Answer("Done.", calls=QUERIED),
    "v6_automatic_no": Answer("Refused.", calls={"c1": Call("query_data", "output-denied", SQL)}),
    "v7_tool_throws": Answer(
        "It failed.", calls={"c1": Call("query_data", "output-error", SQL, error="no such table")}
    ),
    "v8_invalid_input_v6": Answer(calls=BAD_INPUT),
    "v8_invalid_input_v7": Answer(calls=BAD_INPUT),
    "v8_unknown_tool": Answer(calls={"c1": Call("nope", "output-error", '{"a"', error="no tool nope")}),
    "v9_preliminary": Answer(calls={"c1": Call("query_data", "output-available", SQL, "90 %")}),
    "v10_dynamic": Answer("Done.", calls=QUERIED),
    "v11_client_tool": Answer("", "tool-calls", {"c1": Call("ask_user", "input-available", ["which", "one"])}),
    "v12_model_error": Answer("Hal", "error", errors=("The model is overloaded",)),
    "v12_writer_error": Answer("", None, errors=("An error occurred.",)),
    "v13_abort": Answer("Half an ans", None, aborted=True),
    "v14_agent_approval": Answer(
        "Created.", calls={"c1": Call("create_bucket", "output-available", BUCKET, {"id": "in.c-x"})}
    ),
    "v14_two_calls": Answer(
        "Two calls.",
        calls={
            "c1": Call("get_tables", "output-available", {}, None),
            "c2": Call("get_buckets", "output-available", {}, ["in.c-x"]),
        },
    ),
    "reasoning_sources_files": Answer(
        "See there.",
        reasoning="Let me think.",
        sources=("https://help.keboola.com", "Manual"),
        files=("data:text/plain;base64,eA==",),
    ),
    "data_and_usage": Answer(
        "Hi",
        usage=(120, 30, 150),
        data=(("data-progress", 2), ("data-note", "n"), ("data-note", "n"), ("data-chat-title", "A title")),
    ),
    "reset_step": Answer("Kept. New."),
    "metadata": Answer("x"),
    "unknown_chunks": Answer("Seen.", data=(("data-new", {"a": 1}),)),
    "legacy_local": Answer(
        "Let me look. Two tables.",
        calls={"c1": Call("get_tables", "output-available", {"bucket": "in.c-x"}, ["t1", "t2"])},
        usage=(10, 4, 14),
    ),
    "legacy_pending": Answer("", "tool_calls", {"c1": Call("create_bucket", "input-available", {"name": "x"})}),
    "legacy_denied": Answer("Fine.", calls={"c1": Call("create_bucket", "output-denied")}),
    "legacy_declined_output": Answer(
        "Fine.",
        "complete",
        {"c1": Call("create_bucket", "output-available", None, {"_declined": True, "message": "declined"})},
    ),
    "legacy_step_usage": Answer("ab", usage=(12, 3, 15)),
    "legacy_error": Answer("Par", None, errors=("Too many messages",)),
    "no_end": Answer("Half", None, whole=False),
}
