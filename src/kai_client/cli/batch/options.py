"""The command line of `kai batch`, as values."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .records import Status
from .rows import Format

__all__ = ["STDIO", "Options"]

STDIO: Final = Path("-")
"""stdin as the input, stdout as the output."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The command line."""

    file: Path
    output: Path | None
    format: Format | None
    prompt_column: str | None
    id_column: str | None
    template: str | None
    ordered: bool | None
    restart: bool
    retry_failed: bool
    retry_denied: bool
    concurrency: int
    attempts: int
    timeout: float | None
    max_wait: float
    fail_fast: bool
    max_failures: int | None
    auto_approve: bool
    approve: tuple[str, ...]
    nats: str | None
    nats_jobs: str
    nats_answers: str
    quiet: bool

    @property
    def target(self) -> Path:
        """Where the answers go; `-` is stdout."""
        if self.output is not None:
            return self.output
        return STDIO if self.file == STDIO else self.file.with_name(f"{self.file.name}.answers.jsonl")

    @property
    def anew(self) -> bool:
        """Whether nothing is gone on with: then an answer that somebody still keeps is no answer, either."""
        return self.restart or self.target == STDIO or not self.target.exists()

    @property
    def retry(self) -> set[Status]:
        """What an earlier run did, and this one is to do again."""
        chosen: dict[Status, bool] = {"failed": self.retry_failed, "denied": self.retry_denied}
        return {status for status, again in chosen.items() if again}
