"""Whether an answer arrives in pieces or is held back on the way."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from .checklist import Said

__all__ = ["judge_arrivals"]

_TOGETHER: Final = 0.002
"""Seconds: what is this close came in one piece of the network's."""
_FEW: Final = 5
_BLOCK: Final = 6
"""Chunks that come together: a model may say a few at once, a buffer fills with more."""


def judge_arrivals(began: float, moments: Sequence[float]) -> Said:
    """A finding, from when the question was sent and when each chunk of the answer arrived, in seconds."""
    if len(moments) < _FEW:
        return Said(f"only {len(moments)} chunks: too few to tell", "try again")
    pieces = 1 + sum(later - earlier > _TOGETHER for earlier, later in pairwise(moments))
    first, spread = moments[0] - began, moments[-1] - moments[0]
    shown = f"{len(moments)} chunks in {_count(pieces)} over {spread:.2f} s, the first after {first:.2f} s"
    if pieces == 1:
        return Said(
            f"BUFFERED: {shown}",
            "something on the way (a proxy, a gateway, an antivirus) holds answers back until they are whole: have it pass "
            "text/event-stream unbuffered and uncompressed (nginx: proxy_buffering off)",
        )
    if len(moments) > pieces * _BLOCK:
        return Said(f"in blocks: {shown}", "something on the way collects chunks before it passes them on")
    return Said(f"in pieces: {shown}")


def _count(pieces: int) -> str:
    return "one piece" if pieces == 1 else f"{pieces} pieces"
