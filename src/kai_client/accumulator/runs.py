"""Runs of deltas, which are most of a stream: taken together they cost a tenth of what each costs alone."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Run"]


@dataclass(slots=True)
class Run:
    """What one part is given by so many deltas: a text, reasoning, or the input of a tool call by its id."""

    kind: Literal["text", "reasoning", "tool-input"]
    id: str
    text: str
    """All of it, as the deltas say it one after the other."""
    deltas: int
