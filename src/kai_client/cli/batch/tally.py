"""How many of what, and the exit status that this makes."""

from collections.abc import Iterable
from dataclasses import dataclass

from kai_client.cli.exit_codes import ExitCode
from kai_client.cli.failures import exit_code
from kai_client.exceptions import KaiConnectionError, KaiStreamError, KaiTimeoutError

from .records import Done, Record, Status

__all__ = ["Tally"]


@dataclass(slots=True)
class Tally:
    """Counts what became of `total` prompts. What earlier runs did counts, too: it is in the same file."""

    total: int
    ok: int = 0
    failed: int = 0
    denied: int = 0
    network: int = 0
    """How many of the failed ones failed for want of a network."""
    now: int = 0
    """How many were done by this run."""
    failed_now: int = 0

    @property
    def done(self) -> int:
        """How many are finished, well or not."""
        return self.ok + self.failed + self.denied

    @property
    def left(self) -> int:
        """How many nothing has become of yet."""
        return self.total - self.done

    def add_earlier(self, done: Iterable[Done]) -> None:
        """Count what was there before."""
        for each in done:
            self._count(each.status, each.code)

    def add(self, record: Record) -> None:
        """Count what this run did."""
        self._count(record.status, record.fault.code if record.fault else None)
        self.now += 1
        self.failed_now += record.status == "failed"

    def _count(self, status: Status, code: str | None) -> None:
        match status:
            case "ok":
                self.ok += 1
            case "denied":
                self.denied += 1
            case "failed":
                self.failed += 1
                self.network += _is_network(code or "")

    @property
    def exit_code(self) -> ExitCode:
        """What the counts mean to a script; how a run was stopped is not in them."""
        if self.failed:
            return ExitCode.NETWORK if self.failed == self.network else ExitCode.FAILURE
        return ExitCode.APPROVAL if self.denied else ExitCode.DONE

    def __str__(self) -> str:
        parts = [f"{self.ok} ok", *([f"{self.denied} denied"] * bool(self.denied)), f"{self.failed} failed"]
        left = f", {self.left} not done" if self.left else ""
        return f"{self.total} prompt{'' if self.total == 1 else 's'}: {', '.join(parts)}{left}"


def _is_network(code: str) -> bool:
    """Whether an error with this code would end another command as one of the network."""
    kinds = {"connection": KaiConnectionError, "timeout": KaiTimeoutError, "stream": KaiStreamError}
    kind = kinds.get(code.partition(":")[0])
    return kind is not None and exit_code(kind("", code)) is ExitCode.NETWORK
