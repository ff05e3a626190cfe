"""`kai export`: documents that read well, and that nothing in a chat can take over."""

import base64
import hashlib
import json
import re
import stat
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from cli_canned import Canned, assert_golden
from cli_chat_samples import CHAT_ID, EVERYTHING, HOSTILE_CHAT, chat, message, text, tool
from cli_runs import Kai
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from kai_client.cli.chats.export_html import chat_html
from kai_client.cli.chats.export_markdown import contained, fenced
from kai_client.models import ChatDetail

pytestmark = pytest.mark.usefixtures("utc")

GITHUB = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
"""Passes raw HTML on, as GitHub does."""

HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
TABLE = {"table", "thead", "tbody", "tr", "th", "td"}
INLINE = {"code", "span", "a", "em", "strong", "s", "br", "time"}
BLOCKS = {"p", "div", "details", "summary", "pre", "ul", "ol", "li", "blockquote", "hr"}
PAGE = {"html", "head", "meta", "title", "style", "body", "header", "main", "section"}
TAGS = HEADINGS | TABLE | INLINE | BLOCKS | PAGE
ATTRIBUTES = {
    "lang",
    "charset",
    "http-equiv",
    "content",
    "name",
    "class",
    "dir",
    "datetime",
    "href",
    "rel",
    "start",
    "title",
}

MARKS = [
    "`",
    "``",
    "```",
    "````\n",
    "~~~",
    "\n",
    "\n\n",
    "> ",
    "- ",
    "1. ",
    "    ",
    "\t",
    "# ",
    "|",
    "-|-",
    "\\",
    "*",
    "_",
]
HTML = [
    "<b>",
    "</details>",
    "<!--",
    "-->",
    "<script>",
    "<?x",
    "<![CDATA[",
    "]]>",
    "<a href='x'",
    ">",
    "<div\n",
    "<x@y.z>",
]
LINKS = ["[a](javascript:b)", "[a]: http://b 'c'", "[a]", "![i](http://a/b.png)", "<http://a>"]
WORDS = ["&lt;script&gt;", "&#x202e;", "\u202e", "\x1b[2J", "word", " ", '"']
PIECES = st.sampled_from(MARKS + HTML + LINKS + WORDS)
MARKDOWN = st.lists(PIECES, max_size=25).map("".join)


@pytest.fixture
def backend(backend: Canned) -> Canned:
    """A backend with a chat that has everything."""
    backend.has_chat(EVERYTHING)
    return backend


@pytest.mark.parametrize("kind", ["md", "html"])
def test_a_document(kai: Kai, backend: Canned, kind: str) -> None:
    """Markdown and HTML have everything that was said and done, in order."""
    run = backend.kai(kai)("export", CHAT_ID, "-o", kind, "--reasoning")
    assert (run.code, run.err) == (0, "")
    assert_golden(f"chat_export.{kind}", run.out)


@pytest.mark.parametrize("kind", ["md", "html"])
def test_what_is_left_out(kai: Kai, backend: Canned, kind: str) -> None:
    """Reasoning comes with --reasoning only, tool calls go with --no-tools."""
    usual = backend.kai(kai)("export", CHAT_ID, "-o", kind).out
    bare = backend.kai(kai)("export", CHAT_ID, "-o", kind, "--no-tools").out
    assert "I should" not in usual
    assert "query_data" in usual
    assert "query_data" not in bare
    assert "There are" in bare


def test_json_is_the_chat(kai: Kai, backend: Canned) -> None:
    """JSON is the stored chat key for key, whatever the other options say."""
    run = backend.kai(kai)("export", CHAT_ID, "-o", "json", "--no-tools")
    assert run.out.isascii()
    assert json.loads(run.out) == EVERYTHING
    assert ChatDetail.model_validate_json(run.out) == ChatDetail.model_validate(EVERYTHING)


class _Page(HTMLParser):
    """What a browser would find."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.links: list[str] = []
        self.metas: dict[str, str] = {}
        self.style = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Only known elements, none of which loads or runs anything."""
        found = {name: value or "" for name, value in attrs}
        assert tag in TAGS
        assert set(found) <= ATTRIBUTES
        if "href" in found:
            assert tag == "a"
            self.links.append(found["href"])
        if tag == "meta":
            self.metas[found.get("http-equiv") or found.get("name") or "charset"] = found.get("content", "")
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Elements without an end, as the parser of Markdown writes them."""
        assert tag in {"hr", "br"}
        assert attrs == []

    def handle_endtag(self, tag: str) -> None:
        """Each element ends where it should."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Text."""
        if self.open[-1:] == ["style"]:
            self.style += data


def test_the_page_asks_nobody(kai: Kai, backend: Canned) -> None:
    """One file without scripts, images or styles from elsewhere, under a policy that allows nothing but its own style."""
    page = _Page(backend.kai(kai)("export", CHAT_ID, "-o", "html").out)
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert page.metas["Content-Security-Policy"] == policy
    assert page.metas["referrer"] == "no-referrer"
    assert not re.search(r"url\(|@import", page.style)
    assert "prefers-color-scheme" in page.style or "color-scheme: light dark" in page.style


def test_a_hostile_chat_as_a_page(kai: Kai, backend: Canned) -> None:
    """Whatever part of a chat has HTML, scripts or reordering characters in it: it is text, and no link runs anything."""
    backend.has_chat(HOSTILE_CHAT)
    run = backend.kai(kai)("export", CHAT_ID, "-o", "html", "--reasoning")
    page = _Page(run.out)
    assert run.out.count("alert(1)") > 10
    assert page.links
    assert all(link.startswith("https://a.example/") for link in page.links)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", run.out)


@given(MARKDOWN)
def test_no_answer_becomes_html_of_its_own(answer: str) -> None:
    """Whatever Markdown the answer is, the page has only our own elements, and links only where they may lead."""
    chat_with_it = ChatDetail.model_validate(chat(message("assistant", text(answer), text("after"))))
    page = _Page(chat_html(chat_with_it, reasoning=True, tools=True, secret=None))
    assert all(re.match("(https?|mailto):", link) for link in page.links)


def test_a_hostile_chat_as_markdown(kai: Kai, backend: Canned) -> None:
    """Raw HTML in a chat is shown, not obeyed: the only tags are those around tools and reasoning."""
    backend.has_chat(HOSTILE_CHAT)
    run = backend.kai(kai)("export", CHAT_ID, "--reasoning")
    tokens = GITHUB.parse(run.out)
    assert {token.content.split(">")[0] for token in tokens if token.type == "html_block"} == {"<details", "</details"}
    assert not [child for token in tokens for child in token.children or () if child.type == "html_inline"]
    page = GITHUB.render(run.out)
    assert page.count("<details>") == page.count("</details>") == 4
    assert 'href="javascript' not in page
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", run.out)


@given(MARKDOWN)
def test_an_answer_ends_where_it_ends(answer: str) -> None:
    """Contained Markdown has no HTML, and what follows it is a paragraph of its own."""
    tokens = GITHUB.parse(f"{contained(answer)}\n\nWhat follows.\n")
    assert not [token for token in tokens if token.type == "html_block"]
    assert not [child for token in tokens for child in token.children or () if child.type == "html_inline"]
    assert [(token.level, token.content) for token in tokens[-3:]] == [(0, ""), (1, "What follows."), (0, "")]


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ("`<b>` and <b>", "`<b>` and \\<b>"),
        ("```html\n<b>\n```", "```html\n<b>\n```"),
        ("<https://a.example> 1 < 2", "<https://a.example> 1 < 2"),
        ("~~~~\nopen", "~~~~\nopen\n~~~~"),
    ],
)
def test_markdown_stays_what_it_is(answer: str, kept: str) -> None:
    """Code, links and comparisons are left alone; tags are escaped and a code block is closed."""
    assert contained(answer) == kept


@given(st.lists(st.sampled_from(["`", "```", "~~~", "\n", " ", "x", "<b>", "    "]), max_size=30).map("".join))
def test_nothing_breaks_out_of_a_fence(content: str) -> None:
    """A fenced block is one code block whose text is the content."""
    (token,) = GITHUB.parse(fenced(content, "json"))
    assert (token.type, token.info, token.content) == ("fence", "json", f"{content}\n" if content else "\n")


def test_a_file(kai: Kai, backend: Canned) -> None:
    """--output writes a file, whose name says which format is meant, and nothing to stdout."""
    for name, begins in (("a.html", "<!doctype html>"), ("a.json", "{"), ("a.md", "# "), ("a.txt", "# ")):
        run = backend.kai(kai)("export", CHAT_ID, "--output", name)
        assert (run.code, run.out, run.err) == (0, "", f"wrote {name}\n")
        assert (kai.folder / name).read_text(encoding="utf-8").startswith(begins)
    assert sorted(path.name for path in kai.folder.iterdir()) == ["a.html", "a.json", "a.md", "a.txt"]


def test_a_file_that_exists(kai: Kai, backend: Canned) -> None:
    """It is not replaced without --force: 2, before the chat is fetched."""
    file = kai.folder / "chat.md"
    file.write_text("mine")
    run = backend.kai(kai)("export", CHAT_ID, "--output", "chat.md")
    assert (run.code, run.err) == (2, "Error: chat.md exists: pass --force to replace it\n")
    assert (file.read_text(), backend.asked) == ("mine", [])
    assert backend.kai(kai)("export", CHAT_ID, "--output", "chat.md", "--force").code == 0
    assert file.read_text().startswith("# ")


@pytest.mark.skipif(sys.platform == "win32", reason="needs links and modes")
def test_a_link_stays_a_link(kai: Kai, backend: Canned) -> None:
    """--force replaces what a link points to; without it even a link to nothing is refused."""
    (kai.folder / "link.md").symlink_to("real.md")
    assert backend.kai(kai)("export", CHAT_ID, "--output", "link.md").code == 2
    assert backend.kai(kai)("export", CHAT_ID, "--output", "link.md", "--force").code == 0
    assert (kai.folder / "link.md").is_symlink()
    assert stat.S_ISREG((kai.folder / "real.md").lstat().st_mode)


@pytest.mark.skipif(sys.platform == "win32", reason="needs devices")
def test_a_device(kai: Kai, backend: Canned) -> None:
    """What is no file is written to, and stays what it is."""
    assert backend.kai(kai)("export", CHAT_ID, "--output", "/dev/null").code == 0
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    with backend.kai(kai).start("export", CHAT_ID, "--output", "/dev/stdout") as process:
        out, _ = process.communicate()
    assert process.returncode == 0
    assert out.startswith(b"# Orders per country\n")


@pytest.mark.parametrize(
    ("name", "code", "line"),
    [
        (".", 2, "Error: . is a folder: name a file"),
        ("no/chat.md", 1, "Error: Cannot write no/chat.md: No such file or directory"),
        ("n" * 300, 1, "Error: Cannot write n"),
    ],
)
def test_a_file_that_cannot_be(kai: Kai, backend: Canned, name: str, code: int, line: str) -> None:
    """One line, and nothing is left behind."""
    run = backend.kai(kai)("export", CHAT_ID, "--output", name)
    assert run.code == code
    assert run.err.startswith(line)
    assert list(kai.folder.iterdir()) == []


def test_a_failure_leaves_the_old_file(kai: Kai, backend: Canned) -> None:
    """With --force too, a chat that cannot be fetched replaces nothing."""
    file = kai.folder / "chat.md"
    file.write_text("mine")
    backend.answers.clear()
    assert backend.kai(kai)("export", CHAT_ID, "--output", "chat.md", "--force").code == 1
    assert file.read_text() == "mine"


def test_half_an_emoji(kai: Kai, backend: Canned) -> None:
    """Text that is no UTF-8, as JavaScript can cut it, is exported with a replacement instead of failing."""
    backend.has_chat(chat(message("assistant", text("\ud83d!"), tool("t", "output-available", output="\ud83d"))))
    for kind in ("md", "html", "json"):
        assert backend.kai(kai)("export", CHAT_ID, "--output", f"a.{kind}").code == 0
        Path(kai.folder / f"a.{kind}").read_text(encoding="utf-8")
