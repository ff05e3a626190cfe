"""The pages about the project: drawn, compared, and pointing at what is there."""

import itertools
import re
from pathlib import Path

import pytest
from draw_architecture import DRAWING, drawing, same
from layered_layout import laid_out
from packaging.version import Version
from public_api import HEAD
from release_ready import release_faults
from room_graph import drawn, foundation, rooms

ROOT = Path(__file__).parents[2]


def test_every_promise_of_the_security_page_has_its_test() -> None:
    """What SECURITY.md names is a test that exists, and every row of its table names one."""
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith(("| Promise", "| ---"))]
    assert rows
    assert [row for row in rows if "::test_" not in row] == []
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", text)
    missing = [
        f"{path}::{name}" for path, name in named if f"def {name}(" not in (ROOT / path).read_text(encoding="utf-8")
    ]
    assert missing == []


def test_the_picture_has_every_room() -> None:
    """Each room is a box or in the foundation, and the arrows that are left out follow from those that are drawn."""
    found = rooms()
    picture = drawing(found)
    assert [name for name in found if f">{name}</text>" not in picture] == []
    assert {"types", "_wire"} <= set(foundation(found))
    reduced = drawn(found)

    def reached(name: str) -> set[str]:
        return set(reduced[name]) | {deeper for target in reduced[name] for deeper in reached(target)}

    assert [name for name in found if not found[name].imports <= reached(name)] == []


def test_a_picture_that_is_not_true_any_more() -> None:
    """An import or a sentence that differs is noticed; a size only when it is off by more than a fifth."""
    picture = DRAWING.read_text(encoding="utf-8")
    assert same(picture, picture)
    assert not same(picture, picture.replace(">sse<", ">sso<"))
    assert same("3 modules, 1000 lines", "3 modules, 1100 lines")
    assert not same("3 modules, 1000 lines", "3 modules, 1300 lines")


@pytest.mark.parametrize("turned", [False, True])
def test_a_layout(*, turned: bool) -> None:
    """Arrows go down a layer at a time, boxes of a layer do not touch, and what can be drawn without a crossing is."""
    graph = {"a": ["b", "c"], "b": ["d"], "c": ["e"], "d": [], "e": [], "f": ["a", "e"]}
    graph = dict(reversed(graph.items())) if turned else graph
    layout = laid_out(graph, box=100, point=10, gap=20)
    row = {node: index for index, layer in enumerate(layout.layers) for node in layer}
    assert all(row[lower] == row[upper] + 1 for arrow in layout.arrows for upper, lower in itertools.pairwise(arrow))
    for layer in layout.layers:
        for left, right in itertools.pairwise(layer):
            wide = sum(10 if node.passing else 100 for node in (left, right)) / 2 + 20
            assert layout.x[right] - layout.x[left] >= wide - 0.001
    steps = [pair for arrow in layout.arrows for pair in itertools.pairwise(arrow)]
    same_row = [(a, b) for a, b in itertools.combinations(steps, 2) if row[a[0]] == row[b[0]]]
    assert not [1 for (a, b), (c, d) in same_row if (layout.x[a] - layout.x[c]) * (layout.x[b] - layout.x[d]) < 0]


@pytest.mark.parametrize(
    ("tag", "version", "changelog", "page", "count"),
    [
        ("v1.2.0", "1.2.0", "## [1.2.0] - 2026-01-31\n", "now", 0),
        ("v1.2.1", "1.2.0", "## [1.2.0] - 2026-01-31\n", "now", 1),
        ("v1.2.0.dev0", "1.2.0.dev0", "## [1.2.0.dev0] - 2026-01-31\n", "now", 1),
        ("v1.2.0", "1.2.0", "## [Unreleased]\n", "now", 1),
        ("v1.2.0", "1.2.0", "## [1.2.0] - 2026-01-31\n", "before", 1),
    ],
)
def test_what_a_release_needs(tag: str, version: str, changelog: str, page: str, count: int) -> None:
    """The tag is the version, which is a final one or a candidate; changelog and interface are written down."""
    text = HEAD.format(version=version) + page
    assert len(list(release_faults(tag, Version(version), changelog, text, "now"))) == count
