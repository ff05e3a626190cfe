"""`MarkdownBlocks`: a text in pieces becomes the same blocks as the text in one, at a cost that grows with its length."""

import itertools
import random
from collections.abc import Iterator, Sequence

import pytest
from answer_samples import SAMPLES
from hypothesis import given
from hypothesis import strategies as st
from markdown_it.token import Token
from rich.console import Console

from kai_client.cli.answer.markdown_blocks import MarkdownBlocks, parser
from kai_client.cli.answer.output import Output
from kai_client.cli.answer.text import DrawnText

LINES = """
a|# h|- x|  - y|1. z|> q|```|```py|~~~|    code|---|===|<div>|[r]: u|**b|  |\tt|*|+ p|a\\|<!-- c|-->|1)|[r]|* * *
""".strip().split("|")
LINES_OF_TABLES = ["", "| a |", "|---|", "| 1 |"]

texts = st.lists(st.sampled_from(LINES + LINES_OF_TABLES), max_size=25).map("\n".join) | st.text(
    st.sampled_from("\n -#`>|*1.ab[]<"), max_size=60
)


def pieces(text: str, cuts: list[int]) -> Iterator[str]:
    """The text, cut at these places."""
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    for begin, end in itertools.pairwise(places):
        yield text[begin:end]


def blocks(parts: Iterator[str] | list[str]) -> list[str]:
    """What comes out."""
    cutter = MarkdownBlocks()
    out = [block for part in parts for block in cutter.feed(part)]
    return [*out, *cutter.flush()]


def tops(text: str) -> list[int]:
    """The lines in which the top-level blocks of the whole text begin."""
    return [token.map[0] for token in parser().parse(text) if token.level == 0 and token.map and token.nesting >= 0]


@given(texts, st.lists(st.integers(0, 1000), max_size=10))
def test_blocks_are_the_text(text: str, cuts: list[int]) -> None:
    """Joined, the blocks are the text, but for white space at its end, however it was cut."""
    assert "".join(blocks(pieces(text, cuts))).rstrip() == text.rstrip()


@given(texts, st.lists(st.integers(0, 1000), max_size=10))
def test_cuts_do_not_matter(text: str, cuts: list[int]) -> None:
    """Any pieces give the blocks of the text in one piece."""
    assert blocks(pieces(text, cuts)) == blocks([text])


@given(texts, st.lists(st.integers(0, 1000), max_size=10))
def test_a_block_is_one_for_the_parser_too(text: str, cuts: list[int]) -> None:
    """A block begins only where a top-level block of the whole text begins: no list, table or code is torn."""
    begins = {0, *tops(text)}
    line = 0
    for block in blocks(pieces(text, cuts)):
        assert line in begins
        line += block.count("\n")


@pytest.mark.parametrize("name", SAMPLES)
def test_the_drawing_does_not_depend_on_the_cuts(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Any pieces are drawn as the text in one."""
    drawings: set[str] = set()
    random_ = random.Random(name)
    for cuts in ([], *([random_.randrange(1000) for _ in range(random_.randrange(60))] for _ in range(20))):
        drawn = DrawnText(Output(), Console(width=80, force_terminal=True, color_system="256"))
        for piece in pieces(SAMPLES[name], cuts):
            drawn.write(piece)
        drawn.end()
        drawings.add(capsys.readouterr().out)
    assert len(drawings) == 1


@pytest.mark.parametrize("unit", ["word and word\n\n", "- item\n", "code\n", "| a | b |\n", "x\n"])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_cost_is_linear(unit: str, size: int) -> None:
    """However long a text or a single block of it is: the parser reads each character a bounded number of times."""
    read: list[int] = []

    def counted(text: str) -> Sequence[Token]:
        read.append(len(text))
        return parser().parse(text)

    text = ("```\n" if unit == "code\n" else "") + unit * (20_000 // len(unit))
    cut = MarkdownBlocks(counted)
    found = [block for at in range(0, len(text), size) for block in cut.feed(text[at : at + size])]
    assert found + cut.flush()
    assert sum(read) <= 15 * len(text)
