"""Draws docs/architecture.svg, and writes the table of docs/architecture.md, from the code's own imports.

Run: uv run --group dev python scripts/draw_architecture.py           write them
     uv run --group dev python scripts/draw_architecture.py --check   fail if they are not what would be written

Sizes are rounded, and the check lets them be a fifth off, so that not every change has to draw again; imports and sentences are exact.
"""

import html
import itertools
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping
from typing import Final

from layered_layout import Layout, Node, laid_out
from room_graph import ROOT, Room, drawn, foundation, rooms

DRAWING: Final = ROOT / "docs" / "architecture.svg"
PAGE: Final = ROOT / "docs" / "architecture.md"
BEGIN: Final = "<!-- rooms: made by scripts/draw_architecture.py -->"
END: Final = "<!-- rooms end -->"

WIDTH: Final = 324.0
HEIGHT: Final = 88.0
POINT: Final = 10.0
GAP: Final = 34.0
ROW: Final = 136.0
"""From the top of a row to the top of the next one."""
MARGIN: Final = 30.0
TOP: Final = 76.0
SIZE: Final = re.compile(r"(\d+) modules?, (\d+) lines")
SLACK: Final = 0.2

HEAD: Final = """<defs><marker id="head" viewBox="0 0 10 10" refX="2" refY="5" markerWidth="7" markerHeight="7" orient="auto">
<path class="head" d="M0,1 L9,5 L0,9 z"/></marker></defs>"""

STYLE: Final = """
    svg { color-scheme: light dark; --paper: #ffffff; --ink: #1f2328; --soft: #59636e; --line: #8c959f;
      --box: #f6f8fa; --pure: #e6f4ea; --pure-line: #2da44e; --extra: #efe9fb; --extra-line: #8250df; }
    @media (prefers-color-scheme: dark) {
      svg { --paper: #0d1117; --ink: #f0f6fc; --soft: #9ca6b1; --line: #6e7781;
        --box: #1a2029; --pure: #12271a; --pure-line: #3fb950; --extra: #211a33; --extra-line: #a371f7; } }
    text { font-family: ui-sans-serif, system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; font-size: 12px; fill: var(--soft); }
    .name { font: 600 15px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: var(--ink); }
    .size { font-size: 11px; }
    rect { fill: var(--box); stroke: var(--line); stroke-width: 1.2; }
    .paper { fill: var(--paper); stroke: none; }
    .pure { fill: var(--pure); stroke: var(--pure-line); }
    .extra { fill: var(--extra); stroke: var(--extra-line); }
    .arrow { fill: none; stroke: var(--line); stroke-width: 1.5; }
    .head { fill: var(--line); }
"""


def size(room: Room) -> str:
    """How big a room is, to two digits."""
    digits = len(str(room.lines)) - 2
    return f"{room.modules} module{'s' * (room.modules != 1)}, {round(room.lines, -digits)} lines"


def kind(room: Room) -> str:
    """What the colour of a room says."""
    return "pure" if room.pure else "extra" if room.extra else "plain"


def box(room: Room, x: float, y: float) -> Iterator[str]:
    """A room: its name, its size and its sentence."""
    sentence = textwrap.wrap(room.sentence.replace("`", ""), 44, max_lines=3, placeholder=" …")
    yield f'<g><rect class="{kind(room)}" x="{x:.0f}" y="{y:.0f}" width="{WIDTH:.0f}" height="{HEIGHT:.0f}" rx="8"/>'
    yield f'<text class="name" x="{x + 12:.0f}" y="{y + 24:.0f}">{room.name}</text>'
    yield f'<text class="size" x="{x + WIDTH - 12:.0f}" y="{y + 24:.0f}" text-anchor="end">{size(room)}</text>'
    for index, line in enumerate(sentence):
        yield f'<text x="{x + 12:.0f}" y="{y + 44 + 16 * index:.0f}">{html.escape(line)}</text>'
    yield "</g>"


def ports(layout: Layout, *, below: bool) -> dict[tuple[Node, Node], float]:
    """Where the arrows leave a box (or, `below`, where they enter it): side by side, in the order in which they come."""
    found: dict[tuple[Node, Node], float] = {}
    pairs = [pair for arrow in layout.arrows for pair in itertools.pairwise(arrow)]
    for node, x in layout.x.items():
        others = sorted(
            (b if a == node else a for a, b in pairs if node == (b if below else a)), key=lambda other: layout.x[other]
        )
        step = min(44.0, (WIDTH - 60) / max(len(others), 1)) if not node.passing else 0.0
        for index, other in enumerate(others):
            place = x + step * (index - (len(others) - 1) / 2)
            found[(other, node) if below else (node, other)] = place
    return found


def arrow_paths(layout: Layout) -> Iterator[str]:
    """The arrows: down from box to box, straight where they pass a layer."""
    leaves, enters = ports(layout, below=False), ports(layout, below=True)
    row = {node: index for index, nodes in enumerate(layout.layers) for node in nodes}
    for arrow in layout.arrows:
        path = ""
        for upper, lower in itertools.pairwise(arrow):
            start, end = leaves[upper, lower], enters[upper, lower]
            y1 = TOP + ROW * row[upper] + HEIGHT
            y2 = TOP + ROW * row[lower] - (0 if lower.passing else 9)
            path += f"M{start:.0f},{y1:.0f}" if not path else f"V{y1:.0f}"
            bend = (y2 - y1) * 0.6
            path += f"C{start:.0f},{y1 + bend:.0f} {end:.0f},{y2 - bend:.0f} {end:.0f},{y2:.0f}"
        yield f'<path class="arrow" d="{path}" marker-end="url(#head)"/>'


def band(found: Mapping[str, Room], names: list[str], width: float, y: float) -> Iterator[str]:
    """The foundation: one box that all others stand on."""
    yield f'<rect x="{MARGIN:.0f}" y="{y:.0f}" width="{width - 2 * MARGIN:.0f}" height="{HEIGHT:.0f}" rx="8"/>'
    step = (width - 2 * MARGIN) / len(names)
    for index, name in enumerate(names):
        x = MARGIN + step * index + 12
        yield f'<text class="name" x="{x:.0f}" y="{y + 24:.0f}">{name}</text>'
        lines = textwrap.wrap(
            found[name].sentence.replace("`", ""), int((step - 18) / 7), max_lines=3, placeholder=" …"
        )
        yield from (
            f'<text x="{x:.0f}" y="{y + 44 + 16 * row:.0f}">{html.escape(line)}</text>'
            for row, line in enumerate(lines)
        )


def drawing(found: Mapping[str, Room]) -> str:
    """The whole picture."""
    ground = foundation(found)
    graph = {name: targets - set(ground) for name, targets in drawn(found).items() if name not in ground}
    layout = laid_out(graph, WIDTH, POINT, GAP)
    left = min(x - (0 if node.passing else WIDTH / 2) for node, x in layout.x.items())
    layout.x.update({node: x - left + MARGIN for node, x in layout.x.items()})
    width = max(x + (0 if node.passing else WIDTH / 2) for node, x in layout.x.items()) + MARGIN
    bottom = TOP + ROW * len(layout.layers)
    height = bottom + HEIGHT + MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-labelledby="title">',
        '<title id="title">The rooms of kai_client; every arrow is an import, and all of them point down</title>',
        f"<style>{STYLE}</style>",
        HEAD,
        f'<rect class="paper" width="{width:.0f}" height="{height:.0f}" rx="12"/>',
        *legend(),
        *arrow_paths(layout),
    ]
    for index, layer in enumerate(layout.layers):
        for node in layer:
            if not node.passing:
                lines += box(found[node.name], layout.x[node] - WIDTH / 2, TOP + ROW * index)
    lines += band(found, ground, width, bottom)
    return "\n".join([*lines, "</svg>"]) + "\n"


def legend() -> Iterator[str]:
    """What the colours and the arrows say."""
    x = MARGIN
    for look, text, wide in (
        ("pure", "pure: no event loop, no clock", 240),
        ("extra", "needs an extra", 140),
        ("plain", "the rest", 100),
    ):
        yield f'<rect class="{look}" x="{x:.0f}" y="24" width="16" height="16" rx="4"/>'
        yield f'<text x="{x + 24:.0f}" y="37">{text}</text>'
        x += wide
    yield f'<text x="{x:.0f}" y="37">An arrow is an import. What another arrow leads to anyway has none of its own;</text>'
    yield f'<text x="{x:.0f}" y="53">every room may use those at the foot.</text>'


def depth(found: Mapping[str, Room], name: str) -> int:
    """How long the longest way down from a room is."""
    return max((depth(found, target) + 1 for target in found[name].imports), default=0)


def table(found: Mapping[str, Room]) -> str:
    """The rooms as a table, from the top of the picture to its foot."""
    names = sorted(found, key=lambda name: (-depth(found, name), name))
    rows = ["| Room | What it is | Size | Imports |", "| --- | --- | --- | --- |"]
    for name in names:
        room = found[name]
        rows.append(f"| `{name}` | {room.sentence} | {size(room)} | {', '.join(sorted(room.imports)) or '-'} |")
    return "\n".join(rows)


def page(found: Mapping[str, Room], text: str) -> str:
    """The page with the table as it is now."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{table(found)}\n\n{END}{rest.partition(END)[2]}"


def same(written: str, made: str) -> bool:
    """Whether two texts are the same but for sizes that are nearly so."""
    if SIZE.sub("", written) != SIZE.sub("", made):
        return False
    sizes = zip(SIZE.findall(written), SIZE.findall(made), strict=True)
    return all(
        abs(int(old) - int(new)) <= max(SLACK * int(new), 1) for pair in sizes for old, new in zip(*pair, strict=True)
    )


def main() -> int:
    """Write, or check; the exit status says whether what is written is true."""
    found = rooms()
    text = PAGE.read_text(encoding="utf-8")
    made = {DRAWING: drawing(found), PAGE: page(found, text)}
    if "--check" not in sys.argv:
        for path, new in made.items():
            path.write_text(new, encoding="utf-8")
        return 0
    stale = [
        path.name for path, new in made.items() if not path.exists() or not same(path.read_text(encoding="utf-8"), new)
    ]
    print(*(f"{name} is not what the code says: run scripts/draw_architecture.py" for name in stale), sep="\n", end="")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
