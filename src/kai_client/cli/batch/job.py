"""One run of `kai batch`: from the prompts to the last line."""

import asyncio
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

import click

from kai_client import KaiClient
from kai_client.cli.answer.output import Output
from kai_client.cli.connect import run_with_client
from kai_client.cli.exit_codes import ExitCode, Failure
from kai_client.cli.prompt import is_terminal
from kai_client.cli.settings import Settings

from .answering import Answerer, ClientAnswerer, InFlight
from .attempts import Attempts, Locked
from .gate import Gate, QuotaReached
from .options import STDIO, Options
from .order import AsTheyCome, InInputOrder, Order
from .over_nats import workers_answerer
from .plan import plan
from .progress import Progress, duration, progress_for
from .prompts import Prompt
from .results import AnswerFile, Earlier, earlier_answers
from .runner import Ending, Runner
from .tally import Tally

__all__ = ["Job"]


class Job:
    """Finds out what is left of `prompts` when it is made, and does that when it is run."""

    def __init__(self, options: Options, settings: Settings, prompts: Sequence[Prompt]) -> None:
        self._options = options
        self._settings = settings
        self._target = options.target
        self._output = Output(settings.secret)
        self._anew = options.anew
        self._earlier = _earlier(options)
        self._plan = plan(prompts, self._earlier, self._target, retry=options.retry)
        self._tally = Tally(len(prompts))
        self._tally.add_earlier(self._plan.done)
        self._ending: Ending | None = None

    def run(self) -> None:
        """Do what is left, and say how it went. Raises `Failure` or `KaiError` where not all is well."""
        self._say(self._found())
        if not self._plan.todo:
            with self._written():  # what a crash left behind at its end is put in order, even so
                self._say(str(self._tally))
        elif self._options.nats is not None:
            asyncio.run(self._ask_workers(self._options.nats))
        else:
            run_with_client(self._settings, self._ask_kai)
        self._raise_what_is_left()

    async def _ask_kai(self, client: KaiClient) -> None:
        options = self._options
        approve = None if options.auto_approve else options.approve
        await self._answer(ClientAnswerer(client, approve, options.timeout))

    async def _ask_workers(self, url: str) -> None:
        async with workers_answerer(url, self._options, self._plan.again, anew=self._anew, told=self._say) as answerer:
            await self._answer(answerer)

    async def _answer(self, by: Answerer) -> None:
        options, secret, began = self._options, self._settings.secret, time.monotonic()
        on_screen = self._target == STDIO and is_terminal(sys.stdout)
        progress = progress_for(self._tally, quiet=options.quiet, secret=secret, answers_on_screen=on_screen)
        answerer = InFlight(by)
        gate = Gate(max_wait=options.max_wait, most=options.attempts, told=lambda wait: _tell_pause(progress, wait))
        attempts = Attempts(answerer, gate, most=options.attempts, secret=secret)
        try:
            with _terminated_as_interrupted(), progress, self._written() as write:
                runner = Runner(
                    attempts,
                    answerer,
                    self._order(write),
                    progress,
                    self._tally,
                    concurrency=options.concurrency,
                    max_failures=1 if options.fail_fast else options.max_failures,
                )
                self._ending = await runner.run(self._plan.todo)
        finally:
            self._say(f"{self._tally}; {duration(time.monotonic() - began)}")

    @contextmanager
    def _written(self) -> Generator[Callable[[str], None]]:
        if self._target == STDIO:
            yield self._output.data
            return
        secret = self._settings.secret
        with AnswerFile(self._target, self._earlier, self._plan.again) as file:
            yield lambda line: file.write(line.replace(secret, "***") if secret else line)

    def _order(self, write: Callable[[str], None]) -> Order:
        ordered = self._target == STDIO if self._options.ordered is None else self._options.ordered
        return InInputOrder(write, self._options.concurrency) if ordered else AsTheyCome(write)

    def _found(self) -> str:
        """What there was before, nothing if that is nothing."""
        parts = [f"{len(self._plan.done)} of {self._tally.total} done already"] * bool(self._plan.done)
        parts += [f"{len(self._plan.again)} to ask again"] * bool(self._plan.again)
        parts += [f"{self._plan.strangers} of prompts that are no longer in the input"] * bool(self._plan.strangers)
        return f"{self._target}: {', '.join(parts)}" if parts else ""

    def _say(self, line: str) -> None:
        if line and not self._options.quiet:
            self._output.note(line)

    def _raise_what_is_left(self) -> None:
        tally, because = self._tally, self._ending.because if self._ending is not None else None
        again = "" if self._target == STDIO else ": the same command again goes on"
        if isinstance(because, Locked):
            raise because.error
        if isinstance(because, QuotaReached):
            wait = "" if because.wait is None else f" for {duration(because.wait)}"
            raise Failure(f"The service takes no more prompts{wait}{again}", ExitCode.RATE_LIMIT)
        if tally.failed:
            left = f", and {tally.left} were not asked" if tally.left else ""
            raise Failure(f"{tally.failed} of {tally.total} prompts failed{left}{again}", tally.exit_code)
        if tally.denied:
            advice = "allow it with --approve TOOL" if self._options.nats is None else "let the workers allow it"
            advice += "" if self._target == STDIO else " and --retry-denied"
            raise Failure(f"In {tally.denied} of {tally.total} answers a tool was denied: {advice}", tally.exit_code)


def _earlier(options: Options) -> Earlier:
    """What there is to go on with. Raises `UsageError` where the output would be the input."""
    target = options.target
    if target == STDIO or not target.exists():
        return Earlier()
    if options.file != STDIO and target.samefile(options.file):
        raise click.UsageError("The output would overwrite the input: choose another --output")
    return Earlier() if options.restart else earlier_answers(target)


def _tell_pause(progress: Progress, wait: float) -> None:
    progress.note(f"The service asks for a pause: going on in {duration(wait)}")


@contextmanager
def _terminated_as_interrupted() -> Generator[None]:
    """SIGTERM is as Ctrl-C: what is complete is written. Where Ctrl-C is ignored, in the background, SIGTERM is not."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    task, loop, told = asyncio.current_task(), asyncio.get_running_loop(), threading.Event()

    def interrupt(*_: object) -> None:
        told.set()
        if task is not None:
            loop.call_soon_threadsafe(task.cancel)

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    except asyncio.CancelledError:
        if told.is_set():
            raise KeyboardInterrupt from None
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
