"""The subjects of a station, which is where nodes take jobs from or leave answers at.

    kai.jobs               a job, whatever its id is
    kai.jobs.job.<id>      the job of this id: the broker keeps no second one beside it
    kai.jobs.error         the jobs that the node which writes here could not do

An answer is left at `<output>.job.<id>`: it is a job of the node that has this station as its input. A node does not take
what is on `.error`.
"""

import re
from dataclasses import dataclass
from typing import Final

__all__ = ["Station"]

_WORDS: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


@dataclass(frozen=True, slots=True)
class Station:
    """The subjects under one name. Raises `ValueError` for a name with wildcards, spaces or empty words."""

    name: str

    def __post_init__(self) -> None:
        if not _WORDS.fullmatch(self.name):
            raise ValueError("a subject is words of letters, digits, _ and -, joined by dots")

    def job(self, job_id: str) -> str:
        """Where the one message of this id is."""
        return f"{self.name}.job.{job_id}"

    @property
    def error(self) -> str:
        """Where the records of failures are."""
        return f"{self.name}.error"

    @property
    def inputs(self) -> list[str]:
        """What a node takes from here."""
        return [self.name, f"{self.name}.job.>"]

    @property
    def everything(self) -> list[str]:
        """What the stream of this station holds."""
        return [self.name, f"{self.name}.>"]

    @property
    def token(self) -> str:
        """The name, as streams and consumers may have it."""
        return self.name.replace(".", "_")
