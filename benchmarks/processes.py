"""The wall time of whole interpreters, one after the other in turn."""

import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from .measuring import in_turn

__all__ = ["medians"]


def _seconds(arguments: Sequence[str]) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def medians(commands: Mapping[str, Sequence[str]], rounds: int) -> dict[str, float]:
    """Median seconds of each command, which is arguments for the interpreter. A first round fills the caches and is dropped."""
    taken = in_turn(commands, rounds, lambda name, _: _seconds(commands[name]))
    return {name: statistics.median(taken[name]) for name in commands}
