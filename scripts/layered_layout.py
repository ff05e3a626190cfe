"""Places for the boxes of a graph without circles: in layers, every arrow downwards, with few crossings.

The steps are Sugiyama's: layers by the longest way down, invisible points where an arrow passes a layer, an order for each layer
that crosses as few arrows as can be found, and then places that make the arrows straight. Everything is decided, nothing random.
"""

import itertools
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

TRIES: Final = 40
ROUNDS: Final = 60
_PERMUTED: Final = 6
"""Layers up to this size are ordered in the best of all ways."""


@dataclass(frozen=True)
class Node:
    """A box, or the point where the arrow from one box to another passes a layer."""

    name: str
    passing: str = ""


@dataclass(frozen=True)
class Layout:
    """The layers from the top, where each node is, and the nodes that each arrow passes, its ends included."""

    layers: list[list[Node]]
    x: dict[Node, float]
    arrows: list[list[Node]]


def laid_out(graph: Mapping[str, Iterable[str]], box: float, point: float, gap: float) -> Layout:
    """A layout for boxes and points of these widths, `gap` apart; x is a node's middle."""
    edges = {name: sorted(targets) for name, targets in sorted(graph.items())}
    height = _heights(edges)
    top = max(height.values())
    layers: list[list[Node]] = [[] for _ in range(top + 1)]
    for name in edges:
        layers[top - height[name]].append(Node(name))
    arrows: list[list[Node]] = []
    for name, targets in edges.items():
        for target in targets:
            passed = [Node(f"{name}@{level}", target) for level in range(top - height[name] + 1, top - height[target])]
            for level, node in enumerate(passed, top - height[name] + 1):
                layers[level].append(node)
            arrows.append([Node(name), *passed, Node(target)])
    neighbours: dict[Node, list[Node]] = {node: [] for layer in layers for node in layer}
    for arrow in arrows:
        for upper, lower in itertools.pairwise(arrow):
            neighbours[upper].append(lower)
            neighbours[lower].append(upper)
    ordered = _ordered(layers, neighbours)
    return Layout(ordered, _placed(ordered, neighbours, box, point, gap), arrows)


def _heights(edges: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """How long the longest way down from each name is."""
    heights: dict[str, int] = {}

    def height(name: str) -> int:
        if name not in heights:
            heights[name] = max((height(target) + 1 for target in edges[name]), default=0)
        return heights[name]

    for name in edges:
        height(name)
    return heights


def _ordered(layers: Sequence[Sequence[Node]], neighbours: Mapping[Node, Sequence[Node]]) -> list[list[Node]]:
    """The order of every layer: of many beginnings the one with the fewest crossings in the end."""
    best: tuple[int, int, list[list[Node]]] | None = None
    for number in range(TRIES):
        shuffled = [random.Random(number).sample(layer, len(layer)) for layer in layers]  # noqa: S311 - the same every time
        improved = _improved(shuffled, neighbours)
        score = (_crossings(improved, neighbours), _slant(improved, neighbours), improved)
        if best is None or score[:2] < best[:2]:
            best = score
    return best[2] if best is not None else []


def _improved(layers: list[list[Node]], neighbours: Mapping[Node, Sequence[Node]]) -> list[list[Node]]:
    """Order one layer after the other: by the one above, by the one below, and then by both until nothing gets better."""
    last = len(layers) - 1
    for index in range(1, last + 1):
        _reorder(layers, range(index - 1, index + 1), index, neighbours)
    for index in reversed(range(last)):
        _reorder(layers, range(index, index + 2), index, neighbours)
    while True:
        before = (_crossings(layers, neighbours), _slant(layers, neighbours))
        for index in (*range(last + 1), *reversed(range(last + 1))):
            _reorder(layers, range(max(index - 1, 0), min(index + 2, last + 1)), index, neighbours)
        if (_crossings(layers, neighbours), _slant(layers, neighbours)) >= before:
            return layers


def _reorder(layers: list[list[Node]], seen: range, index: int, neighbours: Mapping[Node, Sequence[Node]]) -> None:
    """Give one layer the order that is best for the layers `seen`, itself among them."""
    layer = layers[index]

    def cost(way: Sequence[Node]) -> tuple[int, int]:
        tried = [way if other == index else layers[other] for other in seen]
        return _crossings(tried, neighbours), _slant(tried, neighbours)

    ways = map(list, itertools.permutations(layer)) if len(layer) <= _PERMUTED else iter(_swaps(layer))
    layers[index] = min(ways, key=cost)


def _swaps(layer: Sequence[Node]) -> list[list[Node]]:
    """The order as it is, and those with two nodes exchanged."""
    ways = [list(layer)]
    for first, second in itertools.combinations(range(len(layer)), 2):
        way = list(layer)
        way[first], way[second] = way[second], way[first]
        ways.append(way)
    return ways


def _crossings(layers: Sequence[Sequence[Node]], neighbours: Mapping[Node, Sequence[Node]]) -> int:
    """How many pairs of arrows cross."""
    total = 0
    for upper, lower in itertools.pairwise(layers):
        below = {node: index for index, node in enumerate(lower)}
        ends = [(index, below[end]) for index, node in enumerate(upper) for end in neighbours[node] if end in below]
        total += sum((a - c) * (b - d) < 0 for (a, b), (c, d) in itertools.combinations(ends, 2))
    return total


def _slant(layers: Sequence[Sequence[Node]], neighbours: Mapping[Node, Sequence[Node]]) -> int:
    """How far the arrows go sideways, counted in places from the middle."""
    total = 0
    for upper, lower in itertools.pairwise(layers):
        below = {node: 2 * index - len(lower) for index, node in enumerate(lower)}
        total += sum(
            abs(2 * index - len(upper) - below[end])
            for index, node in enumerate(upper)
            for end in neighbours[node]
            if end in below
        )
    return total


def _placed(
    layers: Sequence[Sequence[Node]], neighbours: Mapping[Node, Sequence[Node]], box: float, point: float, gap: float
) -> dict[Node, float]:
    """Where each node is: near the middle of its neighbours, in the order of its layer, nothing upon something."""
    x = {node: float(index) for layer in layers for index, node in enumerate(layer)}
    for _ in range(ROUNDS):
        for layer in layers:
            wanted = [
                sum(x[other] for other in neighbours[node]) / len(neighbours[node]) if neighbours[node] else x[node]
                for node in layer
            ]
            widths = [point if node.passing else box for node in layer]
            x.update(zip(layer, _spread(wanted, widths, gap), strict=True))
    return x


def _spread(wanted: Sequence[float], widths: Sequence[float], gap: float) -> list[float]:
    """The places nearest to those wanted with everything `gap` apart: pooled until no two collide."""
    steps = [0.0, *((a + b) / 2 + gap for a, b in itertools.pairwise(widths))]
    offsets = list(itertools.accumulate(steps))
    pools: list[list[float]] = []
    for place, offset in zip(wanted, offsets, strict=True):
        pools.append([place - offset])
        while len(pools) > 1 and _mean(pools[-2]) > _mean(pools[-1]):
            last = pools.pop()
            pools[-1] += last
    settled = [_mean(pool) for pool in pools for _ in pool]
    return [place + offset for place, offset in zip(settled, offsets, strict=True)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
