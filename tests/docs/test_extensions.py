"""What the site makes of docstrings and pages."""

from pathlib import Path

import pytest
from for_models import summary
from markdown_docstrings import converted
from page_blocks import DOCS, site_pages


@pytest.mark.parametrize(
    ("markdown", "restructured"),
    [
        ("`run` decides", "``run`` decides"),
        ("several `call`s", "several ``call``\\ s"),
        ("`a\nb` over a line's end", "``a\nb`` over a line's end"),
        ("``code`` stays", "``code`` stays"),
        ("codes `discovery:*`, and 2 * 3 | 4", "codes ``discovery:*``, and 2 \\* 3 \\| 4"),
        ("a trailing_ word", "a trailing\\_ word"),
        ("as it says (protocol 2.4, 2.5)", "as it says (:doc:`protocol 2.4 </protocol>`, 2.5)"),
        ("See docs/nats.md.", "See :doc:`/nats`."),
        (
            "So:\n\n    with x:\n\n        y()\n\nDone",
            "So:\n\n.. code-block:: python\n\n    with x:\n\n        y()\n\nDone",
        ),
        ("Tree\n\n    A\n    +-- B", "Tree\n\n.. code-block:: text\n\n    A\n    +-- B"),
        ("- a point\n    that goes on", "- a point\n    that goes on"),
    ],
)
def test_a_markdown_docstring_is_shown_as_it_reads(markdown: str, restructured: str) -> None:
    """Literals, code, links, and nothing that only the other markup would see in it."""
    assert "\n".join(converted(markdown.split("\n"))) == restructured


@pytest.mark.parametrize("page", site_pages(), ids=lambda page: page.relative_to(DOCS).as_posix())
def test_every_page_begins_with_what_it_is_about(page: Path) -> None:
    """`llms.txt` has a title and a sentence of each."""
    title, said = summary(page.read_text(encoding="utf-8"))
    assert title
    assert len(said) > len("For scripts.")


def test_a_page_without_a_sentence_is_refused() -> None:
    """It fails the build, instead of having a heading for a sentence."""
    with pytest.raises(ValueError, match="'A' begins with a sentence"):
        summary("# A\n\n## B\n\nText.\n")
    with pytest.raises(ValueError, match="title"):
        summary("Text.\n")


def test_a_short_sentence_takes_the_next_one_along() -> None:
    """Links are their words, and directives are left out."""
    page = "# The `x`\n\n```{toctree}\na\n```\n\nFor [scripts](a.md). Version 1. More.\n\nText.\n"
    assert summary(page) == ("The x", "For scripts. Version 1.")
