"""How far it is: a bar where stderr is a terminal, else a line now and then, or not a word."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Protocol, Self

import click

from kai_client.cli.prompt import is_terminal
from kai_client.cli.screen import console
from kai_client.cli.terminal import one_line

from .records import Record
from .tally import Tally

__all__ = ["Bar", "Lines", "Progress", "Silence", "duration", "progress_for"]

_FAILURES_TOLD: Final = 10
_STEPS: Final = 10
_QUIET_SECONDS: Final = 60.0


class Progress(Protocol):
    """Tells on stderr what is going on, between `with` and its end."""

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave nothing behind that is not over."""
        ...

    def step(self, record: Record, tally: Tally) -> None:
        """One more is done."""
        ...

    def note(self, line: str) -> None:
        """Say something besides."""
        ...


def progress_for(tally: Tally, *, quiet: bool, secret: str | None, answers_on_screen: bool) -> Progress:
    """The one that fits: a bar, too, would get between answers that are on the same screen."""
    if quiet:
        return Silence()
    if is_terminal(sys.stderr) and not answers_on_screen:
        return Bar(tally, secret)
    return Lines(secret)


class Silence:
    """Says nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    def step(self, record: Record, tally: Tally) -> None:
        """See `Progress`."""

    def note(self, line: str) -> None:
        """See `Progress`."""


class _Teller:
    """Notes, and the first of the failures: a file full of them would hide everything else."""

    def __init__(self, secret: str | None) -> None:
        self._secret = secret
        self._told = 0

    def step(self, record: Record, tally: Tally) -> None:
        """See `Progress`."""
        if record.fault is not None and self._told <= _FAILURES_TOLD:
            self._told += 1
            self.note(_failure(record) if self._told <= _FAILURES_TOLD else "More failures are only in the output.")
        self._show(tally)

    def note(self, line: str) -> None:
        """See `Progress`."""
        self._line(one_line(line, self._secret))

    def _show(self, tally: Tally) -> None:
        raise NotImplementedError

    def _line(self, line: str) -> None:
        raise NotImplementedError


class Lines(_Teller):
    """A line for every tenth of the work, and at least one a minute while there is news."""

    def __init__(self, secret: str | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(secret)
        self._clock = clock
        self._began = self._said = clock()
        self._tenth = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    def _show(self, tally: Tally) -> None:
        now, tenth = self._clock(), tally.done * _STEPS // tally.total
        if tenth > self._tenth or now - self._said >= _QUIET_SECONDS:
            self._tenth, self._said = tenth, now
            left = (now - self._began) / tally.now * tally.left
            more = f", about {duration(left)} left" if tally.left else ""
            self._line(f"{tally.done} of {tally.total} done, {tally.failed} failed{more}")

    def _line(self, line: str) -> None:
        click.echo(line, err=True)


class Bar(_Teller):
    """One live line; what else is said stays above it."""

    def __init__(self, tally: Tally, secret: str | None = None) -> None:
        from rich.progress import (  # noqa: PLC0415 - only where there is a bar to draw
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        super().__init__(secret)
        self._progress = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[failed]} failed"),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=console(stderr=True),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._began = time.monotonic()
        self._task = self._progress.add_task(
            "", total=tally.total, completed=tally.done, failed=tally.failed, rate="0.0/s"
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()

    def _show(self, tally: Tally) -> None:
        rate = tally.now / max(time.monotonic() - self._began, 0.001)
        self._progress.update(self._task, completed=tally.done, failed=tally.failed, rate=f"{rate:.1f}/s")

    def _line(self, line: str) -> None:
        self._progress.console.print(line, soft_wrap=True)


def _failure(record: Record) -> str:
    fault = record.fault
    why = "" if fault is None else f"{f'[{fault.code}] ' if fault.code else ''}{fault.message}"
    return f"{record.prompt.id} (line {record.prompt.line}) failed: {why}"


def duration(seconds: float) -> str:
    """So long, as people say it."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
