"""What the pages show is what happens: their blocks run against the local server, and their links lead somewhere."""

import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack
from itertools import takewhile
from pathlib import Path

import pytest
from click.testing import CliRunner
from nats_broker import running_broker
from page_blocks import DOCS, ROOT, Block, blocks, clean_environment, prints, program, run, site_pages

from kai_client.cli.app import main
from kai_client.testing import KaiServer, running_server

README = ROOT / "README.md"

MOST_NOT_RUN = 0.15
"""The share of blocks that may say why they cannot run."""

PYTHON = [block for page in site_pages() for block in blocks(page)]
SHELL = [
    block for page in site_pages() for block in blocks(page, "console") if re.search(r"^kai ", block.code, re.MULTILINE)
]


def to_run(found: list[Block]) -> list[Block]:
    """Those that no mark excepts."""
    return [block for block in found if block.marked("not run") is None and block.marked("run by") is None]


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, KaiServer]]:
    """A local server of each kind, with the built-in assistant, for all blocks: each begins chats of its own."""
    with ExitStack() as stack:
        yield {
            "kai-agent": stack.enter_context(running_server(mode="agent", sample=True)),
            "kai-assistant": stack.enter_context(running_server(mode="assistant", sample=True)),
        }


def environment(servers: dict[str, KaiServer], block: Block) -> dict[str, str]:
    """What the pages tell to export."""
    service = block.marked("service") or "kai-agent"
    token = f"token-of-{block}"  # so that it has a project of its own
    return clean_environment(STORAGE_API_TOKEN=token, STORAGE_API_URL=servers[service].url, KAI_SERVICE=service)


@pytest.mark.parametrize("block", to_run(PYTHON), ids=str)
async def test_every_python_block_runs(block: Block, servers: dict[str, KaiServer], tmp_path: Path) -> None:
    """Alone, in a fresh process with only the environment set, it prints what the page shows; warnings are errors."""
    for each in blocks(DOCS / block.page):
        if name := each.marked("file"):
            (tmp_path / name).write_text(each.code, encoding="utf-8")
    path = tmp_path / "test_block.py"
    path.write_text(program(block), encoding="utf-8")
    command: tuple[str | Path, ...] = ("-W", "error", path)
    if block.marked("test") is not None:
        command = ("-m", "pytest", "-q", "--asyncio-mode=auto", "-p", "no:cacheprovider", "--rootdir", tmp_path, path)
    env = environment(servers, block)
    async with AsyncExitStack() as stack:
        if "NATS_URL" in block.code:
            env["NATS_URL"] = (await stack.enter_async_context(running_broker())).url
        code, output = await run(sys.executable, *command, env=env, cwd=tmp_path)
    assert code == 0, output
    assert "Exception ignored" not in output, output  # such as a warning in a finalizer
    assert prints(output, block), output


@pytest.mark.parametrize("block", to_run(SHELL), ids=str)
async def test_every_block_of_commands_runs(block: Block, servers: dict[str, KaiServer], tmp_path: Path) -> None:
    """As a script that ends at the first command that fails, in an empty folder and with an empty home."""
    env = environment(servers, block) | {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / ".config")}
    code, output = await run("bash", "-euo", "pipefail", "-c", block.code, env=env, cwd=tmp_path)
    assert code == 0, output
    assert prints(output, block), output


def commands(block: Block) -> Iterator[list[str]]:
    """The arguments of each `kai` in a block."""
    for line in block.code.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
        lexer.whitespace_split = True
        words = list(lexer)
        for place, word in enumerate(words):
            if word == "kai":
                yield list(takewhile(lambda each: not set(each) <= set("|&;<>"), words[place + 1 :]))


def test_every_command_that_is_shown_exists() -> None:
    """Also where it cannot run: the command line knows each command with each of its options."""
    shown = [block for page in (README, *site_pages()) for block in blocks(page, "console")]
    lines = [line for block in shown for line in commands(block)]
    for line in lines:
        done = CliRunner().invoke(main, [*line, "--help"], env={"HOME": "/nowhere"})
        assert done.exit_code == 0, (line, done.output)
    assert len(lines) > len(shown)


def test_few_blocks_are_not_run() -> None:
    """A block that cannot run says why; a test that runs one names its page."""
    excepted = [block for block in PYTHON + SHELL if block.marked("not run") is not None]
    assert [str(block) for block in excepted if not block.marked("not run")] == []
    assert len(excepted) <= MOST_NOT_RUN * len(PYTHON + SHELL)
    for block in PYTHON + SHELL:
        runner = block.marked("run by")
        assert runner is None or block.page in (ROOT / runner).read_text(encoding="utf-8"), f"{block}: {runner}"


@pytest.mark.parametrize("page", site_pages(), ids=lambda page: page.relative_to(DOCS).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    """Relative links name files and headings that are there."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    wrong: list[str] = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        file, _, heading = link.partition("#")
        if "://" in link:
            continue
        there = page.parent / file if file else page
        if not there.exists() or (heading and heading not in anchors(there)):
            wrong.append(link)
    assert wrong == []


def anchors(page: Path) -> set[str]:
    """The names that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
