"""The public interface: what counts as breaking, and that nothing breaking lands unnamed."""

from pathlib import Path

import pytest
from api_outline import outline
from packaging.version import Version
from public_api import PAGE, compare, extends, faults, read, report, unnamed

HERE = '''"""A package."""

from .room import Chat, limit

__all__ = ["Chat", "limit"]
'''
ROOM = '''"""A room."""

_DEFAULT = 5

class _Base:
    def read(self) -> str: ...
    def _hidden(self) -> None: ...

class Chat(_Base):
    title: str | None = None
    async def ask(self, text: str, *, seconds: float = _DEFAULT) -> str: ...

def limit(count: int) -> int: ...
'''


def written(folder: Path, room: str) -> str:
    """The outline of a package with one room."""
    package = folder / "sample"
    package.mkdir(exist_ok=True)
    (package / "__init__.py").write_text(HERE)
    (package / "room.py").write_text(room)
    return outline(folder, "sample")


def test_an_outline_has_what_people_can_use(tmp_path: Path) -> None:
    """Members of bases without a public name are there, private names are not, and a default is a value."""
    assert written(tmp_path, ROOM) == (
        "== sample\n"
        "class Chat\n"
        "    async def ask(self, text: str, *, seconds: float = 5) -> str\n"
        "    def read(self) -> str\n"
        "    title: str | None = None\n"
        "def limit(count: int) -> int\n"
        "\n"
        "== sample.room\n"
    )


@pytest.mark.parametrize(
    ("old", "new", "breaking"),
    [
        ("text: str", "text: str, now: bool = False", []),
        ("_DEFAULT = 5", "_DEFAULT = 6", ["sample.Chat.ask"]),
        ("text: str", "text: bytes", ["sample.Chat.ask"]),
        ("text: str", "words: str", ["sample.Chat.ask"]),
        ("text: str", "text: str, now: bool", ["sample.Chat.ask"]),
        ("async def ask", "def ask", ["sample.Chat.ask"]),
        ("def read(self)", "def reads(self)", ["sample.Chat.read"]),
        ("title: str | None", "title: str", ["sample.Chat.title"]),
        ("class Chat(_Base)", "class Chat", ["sample.Chat.read"]),
        ("class Chat(_Base)", "class Chat(_Base, Exception)", []),
        ("_hidden", "_gone", []),
    ],
)
def test_what_is_breaking(tmp_path: Path, old: str, new: str, breaking: list[str]) -> None:
    """A call, a field or a base of before that is not there any more is breaking; more of them is not."""
    before = read(written(tmp_path, ROOM))
    after = read(written(tmp_path, ROOM.replace(old, new)))
    assert compare(before, after).breaking == breaking


def test_a_class_goes_as_one(tmp_path: Path) -> None:
    """Who removes a class names the class, not each of its members; and so with one that is new."""
    whole = read(written(tmp_path, ROOM))
    rest = {name: line for name, line in whole.items() if "Chat" not in name}
    assert compare(whole, rest).removed == ["sample.Chat"]
    assert compare(rest, whole).added == ["sample.Chat"]


@pytest.mark.parametrize(
    ("before", "after", "holds"),
    [
        ("def f(a: int, *, b: int = 1)", "def f(a: int, c: int = 2, *, b: int = 1, **d: int)", True),
        ("def f(a: int, b: int = 1)", "def f(a: int, c: int = 2, b: int = 1)", False),
        ("def f(a: int)", "def f(a: int, /)", False),
        ("def f(a: int = 1)", "def f(a: int)", False),
        ("def f(*, a: int)", "def f(a: int)", False),
        ("@classmethod def f(cls)", "@classmethod def f(cls, a: int = 1)", True),
        ("@classmethod def f(cls)", "@staticmethod def f()", False),
        ("@property x: int", "x: int", False),
        ("def f() -> int", "def f() -> str", False),
        ("class A(B)", "class A(C)", False),
        ("class A", "def A()", False),
    ],
)
def test_what_extends(before: str, after: str, *, holds: bool) -> None:
    """A function is extended by optional parameters behind the others, and by nothing else."""
    assert extends(before, after) is holds


def test_a_breaking_change_has_to_be_named() -> None:
    """Only code in the part Unreleased names a change: prose does not, nor do older parts."""
    changelog = "## [Unreleased]\n\nread is gone, `Chat.ask` is shorter.\n\n## [1.0.0]\n\n- `read`\n"
    assert unnamed(["sample.Chat.read", "sample.Chat.ask#2"], changelog) == ["sample.Chat.read"]


@pytest.mark.parametrize(
    ("last", "version", "count"),
    [
        ("1.0.0.dev0", "1.0.0", 0),
        ("1.2.0", "1.3.0.dev0", 1),
        ("1.2.0", "2.0.0.dev0", 0),
        ("0.3.1", "0.3.2", 1),
        ("0.3.1", "0.4.0", 0),
    ],
)
def test_a_breaking_change_needs_a_version(last: str, version: str, count: int) -> None:
    """After a final release it is the next major version that breaks, before 1.0 the next minor one."""
    changes = compare({"p.f": "def f()"}, {})
    assert len(list(faults(changes, "## [Unreleased]\n`f`\n", Version(last), Version(version)))) == count


def test_the_report_says_both_lines() -> None:
    """A change is shown as it was and as it is."""
    changes = compare({"p.f": "def f()"}, {"p.f": "def f(a: int)", "p.g": "def g()"})
    said = "\n".join(report(changes, Version("1.0")))
    assert "1 added, 0 extended, 1 breaking" in said
    assert "  + p.g" in said
    assert "  ! p.f\n      was def f()\n      is  def f(a: int)" in said


def test_the_page_says_what_is_there() -> None:
    """docs/api.txt can be read back: the client, its methods, fields and enums are names in it."""
    names = read(PAGE.read_text(encoding="utf-8"))
    for name in (
        "KaiClient.send_message",
        "Timeouts.idle",
        "VoteType.UP",
        "ChatStream.text_stream",
        "server.kai_app",
        "sync.KaiClient.run",
    ):
        assert f"kai_client.{name}" in names
