"""`kai usage`, `kai tools`, `kai settings` and `kai suggestions`."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_canned import Canned
from cli_chat_samples import HOSTILE
from cli_runs import TOKEN, Kai

from kai_client.testing import KaiServer

pytestmark = pytest.mark.usefixtures("utc")

COMMANDS = (
    ("usage",),
    ("tools",),
    ("settings",),
    ("settings", "get"),
    ("settings", "set", "--clear-instructions"),
    ("suggestions", "dashboard"),
)


def on_screen(kai: Kai, *args: str, columns: int = 80) -> str:
    """What the command leaves on a terminal; it must succeed, and write nothing wider than the terminal."""
    if sys.platform == "win32":
        pytest.skip("needs pseudo-terminals")
    from pseudo_terminal import PseudoTerminal  # noqa: PLC0415 - not on Windows

    env = {**kai.environment, "TZ": "UTC"}
    with PseudoTerminal(kai.command(*args), folder=kai.folder, env=env, columns=columns) as terminal:
        assert terminal.wait() == 0
        written = re.sub(r"\x1b\[[0-9;]*m", "", terminal.raw)
        assert not re.search("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", written)
        assert max(map(len, written.splitlines())) <= columns
        return terminal.text


@pytest.mark.parametrize("command", COMMANDS)
def test_what_a_backend_does_not_offer(kai: Kai, backend: Canned, command: tuple[str, ...]) -> None:
    """A route that is not there: 1, and one line that says so."""
    run = backend.kai(kai, "--service", "kai-assistant")(*command)
    assert (run.code, run.out) == (1, "")
    assert re.fullmatch(r"Error: This backend \(kai-assistant\) does not offer [a-z ]+\n", run.err)


@pytest.mark.kai_server(tokens=["another"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_wrong_token(kai_at_server: Kai, kai_server: KaiServer, command: tuple[str, ...]) -> None:
    """Any other failure is what it is: 3."""
    run = kai_at_server.having("--base-url", kai_server.url)(*command)
    assert (run.code, run.out) == (3, "")
    assert run.err.startswith("Error: [unauthorized:")


def test_usage(kai: Kai, backend: Canned) -> None:
    """What is used, of what, and until when; as JSON what the API says."""
    quota = {"messagesUsed": 140, "messagesLimit": 150, "resetDate": "2026-12-01T00:00:00Z"}
    backend.answers["GET /api/usage"] = (200, quota)
    run = backend.kai(kai)("usage")
    assert (run.code, run.out, run.err) == (0, "140 of 150 messages used, resets 2026-12-01 00:00\n", "")
    assert json.loads(backend.kai(kai)("usage", "--json-output").out) == quota


@pytest.mark.parametrize(
    ("used", "limit", "bar"),
    [(0, 150, "░" * 30 + " 0%"), (75, 150, "█" * 15 + "░" * 15 + " 50%"), (200, 150, "█" * 30 + " 100%"), (0, 0, "█" * 30 + " 100%")],
)  # fmt: skip
def test_the_bar(kai: Kai, backend: Canned, used: int, limit: int, bar: str) -> None:
    """On a terminal there is a bar, which is full when nothing is left."""
    quota = {"messagesUsed": used, "messagesLimit": limit, "resetDate": "2026-12-01T00:00:00Z"}
    backend.answers["GET /api/usage"] = (200, quota)
    screen = on_screen(backend.kai(kai), "usage")
    assert screen == f"{bar}\n{used} of {limit} messages used, resets 2026-12-01 00:00\n"


def test_tools_and_whether_they_ask(kai_at_server: Kai) -> None:
    """What only reads runs, anything else asks, unless the user's permission says otherwise."""
    kai_at_server("settings", "set", "--tool", "query_data=always_ask", "--tool", "create_bucket=always_allow")
    kai_at_server("settings", "set", "--tool", "get_tables=blocked")
    run = kai_at_server("tools")
    assert (run.code, run.err) == (0, "")
    assert run.out.splitlines() == [
        "get_project_info\truns\tdefault\tWhat this project is.",
        "get_buckets\truns\tdefault\tList the buckets.",
        "get_tables\tblocked\tblocked\tList the tables with their columns.",
        "query_data\tasks\talways_ask\tRun a SELECT on the tables.",
        "create_bucket\truns\talways_allow\tCreate a bucket.",
    ]


def test_tools_that_match(kai_at_server: Kai) -> None:
    """--search looks into names and descriptions; --json-output says of each whether it asks."""
    run = kai_at_server("tools", "--search", "BUCKET", "--json-output")
    assert json.loads(run.out)["tools"] == [
        {
            "name": "get_buckets",
            "description": "List the buckets.",
            "readOnly": True,
            "permission": None,
            "asks": False,
        },
        {
            "name": "create_bucket",
            "description": "Create a bucket.",
            "readOnly": False,
            "permission": None,
            "asks": True,
        },
    ]
    run = kai_at_server("tools", "--search", "teleport")
    assert (run.code, run.out, run.err) == (0, "", "There is no such tool.\n")


def test_tools_without_permissions(kai: Kai, backend: Canned) -> None:
    """A backend that has tools but keeps no permissions still lists them."""
    tools = {"tools": [{"name": "t", "description": "", "readOnly": False}]}
    backend.answers["GET /api/settings/tools"] = (200, tools)
    assert backend.kai(kai)("tools").out == "t\tasks\tdefault\t\n"


def test_tools_on_a_screen(kai: Kai, backend: Canned) -> None:
    """Long names and descriptions take several lines, so that whether a tool asks is always there; nothing is obeyed."""
    listed = [
        {"name": "query_data", "description": "Run a SELECT. " * 20 + "The end.", "readOnly": True},
        {"name": HOSTILE, "description": HOSTILE, "readOnly": False},
    ]
    backend.answers["GET /api/settings/tools"] = (200, {"tools": listed})
    screen = on_screen(backend.kai(kai), "tools")
    assert screen.splitlines()[0].split() == ["Tool", "Asks", "Permission", "Description"]
    assert screen.count("SELECT") == 20
    narrow = on_screen(backend.kai(kai), "tools", columns=40)
    for words in ("Asks", "Permission", "runs", "asks", "default"):
        assert words in narrow


def test_settings_as_they_come(kai_at_server: Kai) -> None:
    """Nothing is set; `get` is what the command does by itself."""
    run = kai_at_server("settings")
    assert (run.code, run.err) == (0, "")
    assert run.out == (
        "Project:\n  no instructions\nYou:\n  no instructions\nTools:\n  as they come: what only reads runs, anything else asks\n"
    )
    assert kai_at_server("settings", "get").out == run.out


def test_settings_change(kai_at_server: Kai) -> None:
    """What is named changes and is printed, the rest stays."""
    run = kai_at_server("settings", "set", "--instructions", "In Czech.\nShort.", "--tool", "query_data=always_ask")
    assert (run.code, run.err) == (0, "")
    assert run.out == "your instructions: 16 characters\nquery_data: default -> always_ask\n"
    run = kai_at_server("settings", "set", "--project-instructions", "Be kind.", "--tool", "get_tables=blocked")
    assert run.out == "project instructions: 8 characters\nget_tables: default -> blocked\n"
    assert kai_at_server("settings").out == (
        "Project:\n  Be kind.\nYou:\n  In Czech.\n  Short.\nTools:\n  get_tables: blocked\n  query_data: always_ask\n"
    )


def test_settings_are_cleared(kai_at_server: Kai) -> None:
    """--clear-... and --reset-tools take away what was set; permissions given beside a reset are kept."""
    kai_at_server(
        "settings", "set", "--instructions", "A", "--project-instructions", "B", "--tool", "get_tables=blocked"
    )
    clear = ("--clear-instructions", "--clear-project-instructions", "--reset-tools", "--tool", "query_data=always_ask")
    assert kai_at_server("settings", "set", *clear).out.splitlines() == [
        "project instructions: cleared",
        "your instructions: cleared",
        "get_tables: blocked -> default",
        "query_data: default -> always_ask",
    ]
    run = kai_at_server("settings", "set", *clear)
    assert (run.code, run.out, run.err) == (0, "", "nothing has changed\n")


def test_only_what_is_named_is_sent(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """A change of one setting asks for that change alone."""
    kai_at_server("settings", "set", "--clear-instructions")
    sent = [(request.path, request.body) for request in kai_server.requests if request.method == "PATCH"]
    assert sent == [("/api/settings/user", {"customInstructions": None})]


def test_instructions_from_elsewhere(kai_at_server: Kai, tmp_path: Path) -> None:
    """A file, stdin, or a text that begins with @."""
    (tmp_path / "about.md").write_text("Žluťoučký\n", encoding="utf-8")
    for given, stdin, kept in (
        ("@about.md", "", "Žluťoučký"),
        ("-", "from stdin\n", "from stdin"),
        ("@@kai", "", "@kai"),
    ):
        run = kai_at_server("settings", "set", "--instructions", given, "--json-output", stdin=stdin)
        assert run.out.isascii()
        assert json.loads(run.out)["user"]["customInstructions"] == kept


def test_a_tool_that_nobody_knows(kai_at_server: Kai) -> None:
    """Its permission is stored, and stderr says that there is no such tool."""
    run = kai_at_server("settings", "set", "--tool", "a=b=always_ask")
    assert (run.code, run.out) == (0, "a=b: default -> always_ask\n")
    assert run.err == "There is no tool a=b; `kai tools` lists them.\n"


@pytest.mark.parametrize(
    ("args", "line"),
    [
        ((), "Error: Nothing to change: see --help"),
        (("--tool", "t=perhaps"), "Error: Invalid value for '--tool': 't=perhaps' is not NAME=always_allow|always_ask|blocked"),
        (("--tool", "=blocked"), "Error: Invalid value for '--tool': '=blocked' is not NAME="),
        (("--instructions", "A", "--clear-instructions"), "Error: --instructions and --clear-instructions exclude each other"),
        (("--instructions", "@no"), "Error: Invalid value for '--instructions': cannot read no: No such file or directory"),
        (("--instructions", "@binary"), "Error: Invalid value for '--instructions': it is not UTF-8 text"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_meant(kai: Kai, args: tuple[str, ...], line: str) -> None:
    """Usage: 2, before anybody is asked."""
    (kai.folder / "binary").write_bytes(b"\xff")
    run = kai("settings", "set", *args)
    assert (run.code, run.out) == (2, "")
    assert run.err.splitlines()[-1].startswith(line)


def test_settings_that_the_backend_refuses(kai_at_server: Kai) -> None:
    """400: 1, with the backend's reason."""
    run = kai_at_server("settings", "set", "--instructions", "x" * 4001)
    assert (run.code, run.out) == (1, "")
    assert "at most 4000 characters" in run.err


def test_settings_that_change_in_part(kai_at_server: Kai) -> None:
    """What had changed before the backend refused the rest is said."""
    run = kai_at_server("settings", "set", "--project-instructions", "Be kind.", "--instructions", "x" * 4001)
    assert (run.code, run.out) == (1, "project instructions: 8 characters\n")
    assert run.err.startswith("Error: [bad_request:api]")


def test_hostile_settings(kai: Kai, backend: Canned) -> None:
    """Instructions are the project's, who may be somebody else: none of them is obeyed, and the token is not repeated."""
    stamp = {"createdAt": "2026-03-04T12:00:00Z", "updatedAt": "2026-03-04T12:00:00Z"}
    project = {"projectId": 1, "customInstructions": f"{HOSTILE}\n{TOKEN}", **stamp}
    backend.answers["GET /api/settings"] = (200, project)
    backend.answers["GET /api/settings/user"] = (200, {**project, "userId": 2, "toolPermissions": {HOSTILE: HOSTILE}})
    for args in ((), ("--json-output",)):
        run = backend.kai(kai)("settings", *args)
        assert run.code == 0
        assert "wiped" in run.out
        assert TOKEN not in run.out
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", run.out)


@pytest.mark.parametrize("context", ["dashboard", "job-detail", "configuration-detail"])
def test_suggestions(kai_at_server: Kai, kai_server: KaiServer, context: str) -> None:
    """A line each: label and prompt; what is on the page goes with the question."""
    run = kai_at_server("suggestions", context, "--data", '{"jobId": 7}')
    assert (run.code, run.err) == (0, "")
    assert len(run.out.splitlines()) == 3
    assert all(len(line.split("\t")) == 2 for line in run.out.splitlines())
    assert kai_server.requests[-1].body == {"context": context, "data": {"jobId": 7}}


def test_suggestions_as_json(kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path) -> None:
    """--json-output is what the API says; data may come from a file or stdin, and is empty when none is given."""
    (tmp_path / "data.json").write_text('{"a": 1}')
    for args, stdin, data in (
        ((), "", {}),
        (("--data", "@data.json"), "", {"a": 1}),
        (("--data", "-"), '{"b": 2}', {"b": 2}),
    ):
        answer = json.loads(kai_at_server("suggestions", "dashboard", "--json-output", *args, stdin=stdin).out)
        assert answer["suggestions"][0]["label"] == "What data is there?"
        body: Any = kai_server.requests[-1].body
        assert body["data"] == data


def test_suggestions_on_a_screen(kai: Kai, backend: Canned) -> None:
    """They are numbered, long prompts are folded, and nothing in them is obeyed."""
    suggestion = {
        "id": "1",
        "prompt": "word " * 40,
        "label": "Explain",
        "priority": 1,
        "category": "c",
        "reasoning": "r",
    }
    answer = {
        "suggestions": [suggestion, {**suggestion, "label": HOSTILE, "prompt": HOSTILE}],
        "suggestionSessionId": "s",
    }
    backend.answers["POST /api/suggestions"] = (200, answer)
    screen = on_screen(backend.kai(kai), "suggestions", "dashboard", columns=60)
    assert screen.startswith("1. Explain\n   word word")
    assert screen.count("word ") + screen.count("word\n") == 40
    assert "\n2. wiped" in screen


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (
            ("nowhere",),
            "Error: Invalid value for '{dashboard|job-detail|configuration-detail}': 'nowhere' is not one of",
        ),
        (("dashboard", "--data", "{"), "Error: Invalid value for '--data': not JSON: "),
        (("dashboard", "--data", "[]"), "Error: Invalid value for '--data': a JSON object is needed"),
        (("dashboard", "--data", '{"a": NaN}'), "Error: Invalid value for '--data': not JSON: NaN is not JSON"),
    ],
)
def test_suggestions_that_cannot_be_meant(kai: Kai, args: tuple[str, ...], line: str) -> None:
    """Usage: 2, before anybody is asked."""
    run = kai("suggestions", *args)
    assert (run.code, run.out) == (2, "")
    assert run.err.splitlines()[-1].startswith(line)
