"""How things are measured: processor time, rounds in turn, medians and paired ratios."""

import contextlib
import gc
import random
import resource
import socket
import statistics
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

__all__ = ["Cost", "Reads", "counted_reads", "in_turn", "paired_ratio", "percentile", "spent"]

T = TypeVar("T")


@dataclass(frozen=True)
class Cost:
    """Processor seconds, in Python and in the kernel."""

    user: float
    system: float

    @property
    def total(self) -> float:
        """Both."""
        return self.user + self.system

    def __sub__(self, other: "Cost") -> "Cost":
        return Cost(self.user - other.user, self.system - other.system)


def spent() -> Cost:
    """What this process has used up to now, all threads."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return Cost(usage.ru_utime, usage.ru_stime)


def in_turn(names: Iterable[str], rounds: int, measure: Callable[[str, int], T]) -> dict[str, list[T]]:
    """`measure(name, round)` for every name in every round, each round in another order.

    Round 0 fills the caches and is dropped. What one name leaves behind is collected before the next.
    """
    order = list(names)
    taken: dict[str, list[T]] = {name: [] for name in order}
    shuffle = random.Random(3).shuffle  # a reader can have the same order again
    for number in range(rounds + 1):
        shuffle(order)
        for name in order:
            gc.collect()
            figure = measure(name, number)
            if number:
                taken[name].append(figure)
    return taken


def paired_ratio(figures: Sequence[float], others: Sequence[float]) -> float:
    """The median of the ratios round by round: what slows the whole machine down for a while cancels out."""
    return statistics.median(mine / theirs for mine, theirs in zip(figures, others, strict=True))


def percentile(figures: Sequence[float], percent: float) -> float:
    """The smallest figure that `percent` of them do not exceed."""
    ordered = sorted(figures)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


@dataclass
class Reads:
    """How often data was read from sockets."""

    count: int = 0


@contextlib.contextmanager
def counted_reads() -> Generator[Reads]:
    """Counts the reads of every stack on asyncio's own loop, all of which call the socket's methods."""
    reads = Reads()
    methods: Mapping[str, Callable[..., Any]] = {name: getattr(socket.socket, name) for name in ("recv", "recv_into")}

    def counting(method: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any) -> Any:
            reads.count += 1
            return method(*args)

        return counted

    for name, method in methods.items():
        setattr(socket.socket, name, counting(method))
    try:
        yield reads
    finally:
        for name in methods:
            delattr(socket.socket, name)  # the methods are those of the C class below
