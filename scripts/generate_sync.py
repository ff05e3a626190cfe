"""Writes kai_client.sync, the blocking client, from the async rooms.

Run: uv run --group dev python scripts/generate_sync.py           write it
     uv run --group dev python scripts/generate_sync.py --check   fail if it is not what would be written

A room that awaits nothing is shared. A module that does has a twin here, made of it word by word; the few that are asyncio's
own matter (`BY_HAND`) have one that was written, with the same interface. What is written here is checked in.
"""

import ast
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PACKAGE: Final = Path(__file__).parents[1] / "src" / "kai_client"
HEAD: Final = "# Made of kai_client/{source} by scripts/generate_sync.py: change that, and run this.\n"

TWINS: Final = {
    "approvals": ["__init__", "beside", "catalogue", "local", "policies", "ports", "run", "step"],
    "client": ["__init__", "base", "chats", "project", "runs", "superseded"],
    "recovery": ["__init__", "rest"],
    "sse": ["__init__", "parser"],
    "stream": ["__init__", "carrying", "chat_stream", "continuation", "leg"],
    "toolbox": ["__init__", "function", "lifetime", "policy", "toolbox"],
    "transport": ["__init__", "body", "carrier", "discovery", "error_answers", "http", "retrying", "stream_body"],
    "": ["history"],
}
BY_HAND: Final = {
    "approvals": ["judge", "limited", "policy", "terminal"],
    "stream": ["watch"],
    "toolbox": ["calling"],
    "transport": ["connections", "stacks"],
}
UNDER_IT: Final = {
    "__init__.py",
    "blocking_client.py",
    "chunked_body.py",
    "giving_back.py",
    "network.py",
    "waits.py",
}
"""What has no async counterpart of its own name."""
LEFT_OUT: Final = {
    "client/__init__.py": ["aclose", "_itself"],
}
"""Functions that only an async client needs: `aclose` is `close` here."""

WORDS: Final = {
    "AbstractAsyncContextManager": "AbstractContextManager",
    "AsyncByteStream": "SyncByteStream",
    "AsyncClient": "Client",
    "AsyncExitStack": "ExitStack",
    "AsyncGenerator": "Generator",
    "AsyncIterator": "Iterator",
    "AsyncRetrying": "Retrying",
    "StopAsyncIteration": "StopIteration",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "aclose": "close",
    "aclosing": "closing",
    "aiter": "iter",
    "aiter_bytes": "iter_bytes",
    "aiter_raw": "iter_raw",
    "anext": "next",
    "asyncio": "waits",
    "asynccontextmanager": "contextmanager",
    "enter_async_context": "enter_context",
    "push_async_callback": "callback",
}
ENDED: Final = """        except waits.BusyError:
            raise
        except BaseException as error:
"""
BEGUN_AND_ENDED: Final = """        self._watch.begin()
        try:
            try:
                data = await quick()
            except Exception as error:  # noqa: BLE001 - what it means is found out there
                leg.ended_with(error)
                data = None
            finally:
                self._watch.end()
"""
"""Between two of these steps Ctrl-C may come: there is one step for all of them."""
PHRASES: Final = {
    # Code: what is not a matter of single words.
    "import asyncio\n": "from kai_client.sync import waits\n",
    "from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager\n": (
        "from contextlib import AbstractContextManager, contextmanager\n"
        "from kai_client.sync.giving_back import ExitStack\n"
    ),
    "from contextlib import AsyncExitStack, suppress\n": (
        "from contextlib import suppress\nfrom kai_client.sync.giving_back import ExitStack\n"
    ),
    # Whatever is no `Exception` ends a thread's work in the middle, as a cancellation does that of a task.
    "        except (asyncio.CancelledError, KaiClosedError) as error:\n": ENDED,
    "        except (asyncio.CancelledError, Exception) as error:\n": ENDED,
    BEGUN_AND_ENDED: "        try:\n            data = self._watch.piece(quick, leg.ended_with)\n",
    "from kai_client.client.connect import PendingClient\n": "",
    "PendingClient[Self]": "Self",
    "PendingClient(client._itself())": "client",
    "Ruling | Awaitable[Ruling]": "Ruling",
    '"timeout": timeouts.for_httpx()': '"timeout": waits.shortened(timeouts).for_httpx()',
    # Prose: what is true of threads, and not of tasks.
    "reading it was cancelled": "reading it was interrupted",
    "An `async with` closes": "A `with` closes",
    "another task": "another thread",
    "A task that": "A thread that",
    "one client serves one event loop": "many threads may use one client at the same time",
    "closed by the event loop": "closed with its response",
    "an async iterator": "an iterator",
    "an async context manager": "a context manager",
    "`await` it or enter it with `async with`. ": "",
    "; `await` it or enter it with `async with`.": ".",
    "; only a cancellation passes through": "; the end of the program passes through",
    'client without one: "asyncio", or "httpx" for httpx as it comes; `KAI_TRANSPORT` names another default.': (
        'client without one: there is only "httpx", on blocking sockets.'
    ),
    "its end, `break`, an exception or cancellation": "its end, `break` or an exception",
    "A sync function runs\n        in a thread, and goes on there if its call is cancelled.": (
        "It runs\n        in the thread that calls it, and is no coroutine function."
    ),
    "A sync function runs in the event loop.": "It is no coroutine function.",
}
TIMED: Final = re.compile(
    r"async with asyncio\.timeout\((?P<seconds>.*)\):\n +(?P<target>return |\w+ = |)await (?P<call>\w+\(.*\))\n"
)
"""A call that is bounded. For the same reason it is the argument of a function, and not in a block."""
AWAITED: Final = re.compile(r"\b(?:Awaitable|Coroutine)\[")
KEYWORDS: Final = re.compile(r"\b(?:async|await) (?=\S)")
PENDING: Final = re.compile(r"PendingClient\((.*)\)$", re.MULTILINE)
NAMES: Final = re.compile(r"\b(?:" + "|".join(WORDS) + r")\b")
RULES: Final = re.compile(r"  # noqa: ASYNC\d+[^\n]*")
LEFT_OVER: Final = re.compile(r"\b(?:async|await|asyncio|Async\w+|Awaitable|event loop)\b")


def modules(table: dict[str, list[str]]) -> Iterator[str]:
    """The paths of a table, below the package."""
    for room, names in table.items():
        for name in names:
            yield f"{room}/{name}.py" if room else f"{name}.py"


def dotted(path: str) -> str:
    """The module's name below the package."""
    return path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")


IN_SYNC: Final = {dotted(path) for table in (TWINS, BY_HAND) for path in modules(table)}


def source(path: str) -> str:
    """An async module as far as it has a twin, with the twin's imports."""
    text = (PACKAGE / path).read_text(encoding="utf-8")
    return with_imports(without(text, LEFT_OUT.get(path, [])), path)


def translated(text: str) -> str:
    """Async Python, its comments and docstrings, in blocking Python."""
    for phrase, other in PHRASES.items():
        text = text.replace(phrase, other)
    text = PENDING.sub(r"\1", text)
    text = TIMED.sub(r"\g<target>waits.within(\g<seconds>, lambda: \g<call>)\n", text)
    text = text.replace("lambda: work())", "work)")
    while found := AWAITED.search(text):
        text = unwrapped(text, found)
    text = RULES.sub("", text)
    return NAMES.sub(lambda name: WORDS[name[0]], KEYWORDS.sub("", text))


def unwrapped(text: str, found: re.Match[str]) -> str:
    """`text` with what stands in the brackets in place of the whole."""
    depth, end = 1, found.end()
    while depth:
        depth += {"[": 1, "]": -1}.get(text[end], 0)
        end += 1
    return text[: found.start()] + text[found.end() : end - 1] + text[end:]


def without(text: str, names: list[str]) -> str:
    """`text` without some functions."""
    lines = text.splitlines(keepends=True)
    found = [
        node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.AsyncFunctionDef) and node.name in names
    ]
    for node in sorted(found, key=lambda node: -node.lineno):
        del lines[node.lineno - 1 : node.end_lineno]
    return "".join(lines)


def with_imports(text: str, path: str) -> str:
    """What is imported comes from the twin where there is one, else from the async package."""
    lines = text.splitlines(keepends=True)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            before = f"from {'.' * node.level}{node.module or ''} import"
            after = f"from {source_of(node, path)} import"
            lines[node.lineno - 1] = lines[node.lineno - 1].replace(before, after, 1)
    return "".join(lines)


def source_of(node: ast.ImportFrom, path: str) -> str:
    """Where the twin of `path` has these names from."""
    module = node.module or ""
    if node.level:
        room = path.split("/")[:-1]
        module = ".".join([*room[: len(room) - node.level + 1], module]).strip(".")
        name = module
    elif module == "kai_client" and dotted(node.names[0].name) in IN_SYNC:
        return "kai_client.sync"
    elif module.startswith("kai_client."):
        name = module.removeprefix("kai_client.")
    else:
        return module
    return f"kai_client.sync.{name}" if name in IN_SYNC else f"kai_client.{name}"


def formatted(sources: dict[str, str]) -> dict[str, str]:
    """Sources by path as ruff leaves them."""
    with tempfile.TemporaryDirectory() as folder:
        for path, text in sources.items():
            file = Path(folder) / "kai_client" / "sync" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        config = ["--config", str(PACKAGE.parents[1] / "pyproject.toml"), "--quiet", "--no-cache", folder]
        ours = 'lint.isort.known-first-party=["kai_client"]'
        rules = "F401,I"
        subprocess.run(["ruff", "check", "--fix-only", "--select", rules, "--config", ours, *config], check=True)
        subprocess.run(["ruff", "format", *config], check=True)
        root = Path(folder) / "kai_client" / "sync"
        return {path: (root / path).read_text(encoding="utf-8") for path in sources}


def problems(sources: dict[str, str], made: dict[str, str]) -> Iterator[str]:
    """What no rule covers, and rules that cover nothing any more."""
    for phrase in PHRASES:
        if not any(phrase in text for text in sources.values()):
            yield f"no module says {phrase!r}"
    for path, text in made.items():
        for found in LEFT_OVER.finditer(text):
            line = text.count("\n", 0, found.start()) + 1
            yield f"sync/{path}:{line}: {found[0]!r} is left over"


def main() -> None:
    """Write the twins, or say which are not what would be written."""
    sources = {path: source(path) for path in modules(TWINS)}
    made = formatted({path: HEAD.format(source=path) + translated(text) for path, text in sources.items()})
    if wrong := [*problems(sources, made)]:
        sys.exit("\n".join(wrong))
    folder = PACKAGE / "sync"
    if "--check" not in sys.argv:
        for path, text in made.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
        return
    there = {path: (folder / path).read_text(encoding="utf-8") for path in made if (folder / path).exists()}
    stale = [path for path, text in made.items() if there.get(path) != text]
    known = {*made, *modules(BY_HAND), *UNDER_IT}
    stray = [str(path.relative_to(folder)) for path in folder.rglob("*.py")]
    if wrong := stale + [path for path in stray if path not in known]:
        sys.exit(f"Not what the async rooms say: {', '.join(wrong)}: run scripts/generate_sync.py")


if __name__ == "__main__":
    main()
