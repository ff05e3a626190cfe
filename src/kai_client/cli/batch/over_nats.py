"""Answers from workers behind a NATS broker: only who answers is another; order, resume, results and endings stay."""

import hashlib
import json
import uuid
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import click

from kai_client.cli.exit_codes import Failure
from kai_client.exceptions import KaiAuthenticationError, KaiError, KaiForbiddenError

from .answering import Answerer, Unanswered
from .options import STDIO, Options
from .prompts import Prompt
from .records import Reply

if TYPE_CHECKING:
    from pydantic import JsonValue

    from kai_client.nats.node import Answer, JobDesk

__all__ = ["workers_answerer"]

_DENIED: Final = "output-denied"


@asynccontextmanager
async def workers_answerer(
    url: str, options: Options, again: Collection[str], *, anew: bool, told: Callable[[str], None]
) -> AsyncGenerator[Answerer]:
    """Who asks the workers, while this is open. Prompts of the ids in `again`, or all if it is `anew`, are asked afresh.

    Raises `Failure` where the extra is missing, `KaiConnectionError` where the broker is.
    """
    try:
        from kai_client.nats.node import JobDesk  # noqa: PLC0415 - an extra, and slow to import
    except ModuleNotFoundError as error:
        raise Failure('--nats needs FastStream, an extra: pip install "kai-client[cli,nats]"') from error
    batch = _batch(options)
    try:
        async with JobDesk.open(url, input=options.nats_jobs, output=options.nats_answers, batch=batch) as desk:
            if not await desk.is_served():
                told(f"No worker waits for jobs on {options.nats_jobs} yet: the answers come when there is one")
            yield _WorkersAnswerer(desk, batch, again, anew=anew, seconds=options.timeout)
    except ValueError as error:
        if isinstance(error, KaiError):
            raise
        raise click.UsageError(f"--nats-jobs and --nats-answers: {error}") from error


def _batch(options: Options) -> str:
    """The same for the same output file: so a run that goes on finds the answers to what the last one had asked."""
    where = uuid.uuid4().hex if options.target == STDIO else str(options.target.resolve())
    return f"batch-{_short(where)}"


class _WorkersAnswerer:
    """Hands prompts in as jobs. How often a job is tried is the workers' business, so every failure is final."""

    def __init__(
        self, desk: "JobDesk", batch: str, again: Collection[str], *, anew: bool, seconds: float | None
    ) -> None:
        self._desk = desk
        self._batch = batch
        self._again = again
        self._anew = anew
        self._seconds = seconds

    async def answer(self, prompt: Prompt, chat_id: str) -> Reply:
        """See `Answerer`; a chat that is not the prompt's own is the worker's to begin."""
        from kai_client.nats.node import Job  # noqa: PLC0415 - see above

        del chat_id
        params: dict[str, JsonValue] = {} if prompt.branch_id is None else {"branch_id": prompt.branch_id}
        name = _short(json.dumps([prompt.id, prompt.hash]))
        job = Job(id=f"{self._batch}.{name}", text=prompt.text, chat_id=prompt.chat_id, params=params)
        anew = self._anew or prompt.id in self._again
        try:
            return _reply(await self._desk.do(job, anew=anew, seconds=self._seconds))
        except (KaiAuthenticationError, KaiForbiddenError) as error:
            # Not ours to put right: the token is the worker's, and another one may have a good one.
            told = KaiError(error.message, error.code, status_code=error.status_code)
            raise Unanswered(told, begun=True, acted=True) from error
        except KaiError as error:
            raise Unanswered(error, begun=True, acted=True) from error


def _reply(answer: "Answer") -> Reply:
    calls = [(call.name, call.state) for call in answer.tool_calls]
    return Reply(
        text=answer.text,
        finish_reason=answer.finish_reason,
        usage=answer.usage,
        tool_calls=calls,
        denied=any(state == _DENIED for _, state in calls),
        chat_id=answer.chat_id,
    )


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]
