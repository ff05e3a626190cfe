"""What the reference pages say is what the code says: names, errors, retries, timeouts, the wire's sections."""

import ast
import importlib
import inspect
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from page_blocks import DOCS, ROOT

import kai_client
from kai_client import KaiClient, KaiError, RetryPolicy, Timeouts, ToolError, exceptions
from kai_client.cli.setup.stack_names import STACKS

SOURCE = ROOT / "src" / "kai_client"
MODULES = (
    "kai_client",
    "kai_client.sync",
    "kai_client.server",
    "kai_client.testing",
    "kai_client.nats",
    "kai_client.nats.node",
    "kai_client.client",
    "kai_client.exceptions",
    "kai_client.models",
    "kai_client.stream",
    "kai_client.toolbox",
    "kai_client.types",
)
"""What users import from. Of the other rooms the names that are for users are in `kai_client` itself."""

INTERNAL = {"kai_client.stream": {"Continuation", "Opening"}}
"""What a room shares with its neighbours alone."""

CODE = r"[a-z_]+:[a-z_]+"


def page(name: str) -> str:
    """The Markdown of a page."""
    return (DOCS / name).read_text(encoding="utf-8")


def table(text: str, first: str) -> list[list[str]]:
    """The cells of the table whose head begins with this."""
    lines = text[text.index(f"| {first} |") :].partition("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines[2:]]


def explained() -> dict[str, list[object]]:
    """The objects that the reference explains, by the module that it tells to import them from."""
    found: dict[str, list[object]] = defaultdict(list)
    for each in (DOCS / "api").glob("*.md"):
        module = ""
        for kind, name in re.findall(r"^\.\. (\w+):: (\S+)$", each.read_text(encoding="utf-8"), re.MULTILINE):
            if kind == "currentmodule":
                module = name
            else:
                found[module].append(getattr(importlib.import_module(module), name))
    return found


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_in_the_reference(module: str) -> None:
    """Under this module, or as the same object under another."""
    everything = [each for objects in explained().values() for each in objects]
    names = set(importlib.import_module(module).__all__) - INTERNAL.get(module, set()) - {"__version__"}
    missing = [
        name for name in names if not any(getattr(importlib.import_module(module), name) is each for each in everything)
    ]
    assert missing == []
    assert names


def test_nothing_is_in_the_reference_twice() -> None:
    """Under one module each name is explained once."""
    for module, objects in explained().items():
        names = [id(each) for each in objects]
        assert len(names) == len(set(names)), module


def raised() -> Iterator[tuple[str, str | None]]:
    """Every code in the rooms of the client, with the class that it is given to where that is said in the same call."""
    for path in SOURCE.rglob("*.py"):
        if path.relative_to(SOURCE).parts[0] in {"sync", "cli", "server", "nats"}:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(CODE, node.value):
                yield node.value, None
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("Error"):
                for each in [*node.args, *[keyword.value for keyword in node.keywords]]:
                    if isinstance(each, ast.Constant) and re.fullmatch(rf"{CODE}|closed", str(each.value)):
                        yield str(each.value), node.func.id


def test_every_code_is_on_the_page_with_its_class() -> None:
    """The table of docs/errors.md has each code of the client and no other, with the class that the code raises."""
    told = {
        code: re.findall(r"`(\w+)`", row[1])
        for row in table(page("errors.md"), "Code | Class")
        for code in re.findall(r"`([^`]+)`", row[0])
    }
    found: dict[str, set[str]] = defaultdict(set)
    for code, kind in raised():
        found[code] |= {kind} if kind is not None else set()
    assert set(told) == set(found) - set(exceptions.ERROR_CODE_MAP)
    wrong = {code: (told[code], kinds) for code, kinds in found.items() if kinds and kinds - set(told.get(code, kinds))}
    assert wrong == {}


def test_the_tree_on_the_page_is_the_tree() -> None:
    """Every exception once, with what else it is."""
    drawn = re.findall(r"^[├└]── (\w+)(?: +also a (\w+))?$", page("errors.md"), re.MULTILINE)
    public = [getattr(kai_client, name) for name in kai_client.__all__]
    kinds = [each for each in public if inspect.isclass(each) and issubclass(each, KaiError) and each is not KaiError]
    assert dict(drawn) == {
        kind.__name__: next((base.__name__ for base in kind.__bases__ if base is not KaiError), "") for kind in kinds
    }
    assert all(kind.__bases__[0] is KaiError for kind in kinds)
    assert ToolError in kinds


def test_the_codes_of_the_backend_lead_to_the_classes_of_the_page() -> None:
    """The word before the colon, and the status without a code."""
    rows = table(page("errors.md"), "Class | Code")
    assert len(rows) > 5
    for kind, codes, status, *_ in rows:
        for code in re.findall(r"`(\w+):\*`", codes):
            assert exceptions.error_class(f"{code}:anything").__name__ == kind.strip("`")
        number = {"5xx": 502, "any other": 418}.get(status) or int(status)
        assert exceptions.error_class(None, number).__name__ == kind.strip("`")


def situations(cell: str) -> Iterator[KaiError]:
    """What the first cell of the table of retries means."""
    wait = re.search(r"Retry-After: (\d+)", cell)
    for status in re.findall(r"\b\d{3}\b", cell.partition("with")[0]):
        yield KaiError("x", f"http:{status}", status_code=int(status), retry_after=float(wait[1]) if wait else None)
    for code in re.findall(rf"`({CODE})`", cell):
        yield KaiError("x", code)


def test_what_is_tried_again_is_what_the_page_says() -> None:
    """Each row of the table, for each method, asked of the default policy."""
    rows = table(page("retries-and-timeouts.md"), "The attempt ended with")
    verdicts = {"again": True, "no": False}
    for cell, safe, post in rows:
        errors = list(situations(cell))
        assert errors, cell
        for error in errors:
            for method, said in [("GET", safe), ("PATCH", safe), ("DELETE", safe), ("POST", post)]:
                assert RetryPolicy().allows(method, error) is verdicts[said], (cell, method)


def test_the_clocks_have_the_defaults_of_the_page() -> None:
    """The table and the drawing."""
    defaults = {row[1].strip("`"): row[2] for row in table(page("retries-and-timeouts.md"), "Clock")}
    timeouts = Timeouts.of(inspect.signature(KaiClient).parameters["timeout"].default, "timeout")
    streams = Timeouts.of(inspect.signature(KaiClient).parameters["stream_timeout"].default, "timeout")
    assert defaults == {
        "pool": f"{timeouts.pool:g} s",
        "connect": f"{timeouts.connect:g} s",
        "idle": f"{timeouts.idle:g} s, in streams {streams.idle:g} s",
        "total": "none",
        "grace": f"{timeouts.grace:g} s",
    }
    assert (timeouts.total, streams.total) == (None, None)
    drawn = page("clocks.svg")
    for said in (
        f"{streams.idle:g} s ({timeouts.idle:g})",
        f"{timeouts.grace:g} s after",
        f"{timeouts.connect:g} s for",
    ):
        assert said in drawn


def test_every_section_that_the_code_refers_to_is_on_the_page() -> None:
    """Each "protocol 2.4" in a docstring is a section of docs/protocol.md."""
    sections = set(re.findall(r"^##+ (\d(?:\.\d)?) ", page("protocol.md"), re.MULTILINE))
    referred: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        for found in re.findall(r"protocol,? (?:section )?((?:\d(?:\.\d+)?(?:, | and )?)+)", path.read_text()):
            referred |= set(re.findall(r"\d(?:\.\d+)?", found))
    assert referred - sections == set()
    assert len(referred) > 20


def test_the_stacks_are_those_of_the_command() -> None:
    """The names that `kai --url` takes, with their addresses."""
    rows = table(page("protocol.md"), "Name for `kai --url`")
    assert {name.strip("`"): url.strip("`") for name, url in rows} == dict(STACKS)


def test_every_superseded_method_is_in_the_migration_page() -> None:
    """What warns when it is called, and nothing else."""
    told = set(re.findall(r"`(\w+)`", " ".join(row[0] for row in table(page("migration.md"), "Method"))))
    warn = {name for name, member in inspect.getmembers(KaiClient) if hasattr(member, "__deprecated__")}
    assert told == warn


def test_the_pages_that_scripts_make_are_checked_by_the_ci() -> None:
    """Whatever says that a script made it is held against that script before a change lands."""
    checks = Path(ROOT / ".ci" / "run").read_text(encoding="utf-8")
    scripts = {name for each in DOCS.glob("*.md") for name in re.findall(r"by (scripts/\w+\.py)", each.read_text())}
    made = {name for name in scripts if "--check" in (ROOT / name).read_text(encoding="utf-8")}
    assert made == scripts
    assert [name for name in scripts if f"{name} --check" not in checks] == []
    assert len(scripts) > 1
