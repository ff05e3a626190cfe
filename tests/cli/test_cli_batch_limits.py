"""`kai batch` and a service that says "later", on a clock of its own where there is something to wait for."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from batch_files import answers, answers_in, sent, write_prompts
from cli_runs import Kai
from hypothesis import given
from hypothesis import strategies as st

from kai_client import KaiConnectionError, KaiError, KaiRateLimitError, KaiServerError, KaiTimeoutError
from kai_client.cli.batch.answering import InFlight, Unanswered
from kai_client.cli.batch.attempts import Attempts
from kai_client.cli.batch.gate import Gate, QuotaReached
from kai_client.cli.batch.order import AsTheyCome, InInputOrder
from kai_client.cli.batch.progress import Silence
from kai_client.cli.batch.prompts import Prompt
from kai_client.cli.batch.records import Reply
from kai_client.cli.batch.runner import Ending, Runner
from kai_client.cli.batch.tally import Tally
from kai_client.server import Question, fail, say
from kai_client.testing import KaiServer


class Clock:
    """Time that passes when everybody waits: it jumps to when the first of them wants to be woken."""

    def __init__(self) -> None:
        self.now = 100.0
        self._wakes: list[float] = []

    def __call__(self) -> float:
        """What it shows."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let so much time pass."""
        until = self.now + seconds
        self._wakes.append(until)
        try:
            first = False
            while not first:
                for _ in range(20):  # whoever has something to do does it first
                    await asyncio.sleep(0)
                first = until == min(self._wakes)
            self.now = max(self.now, until)
        finally:
            self._wakes.remove(until)


class Service:
    """Answers what `behave` does not refuse, and keeps when each prompt came, in which chat."""

    def __init__(self, clock: Clock, behave: Callable[[int, str], KaiError | None]) -> None:
        self._clock = clock
        self._behave = behave
        self.calls: list[tuple[str, float, str]] = []
        self.now = self.most = 0
        self.takes_all = False
        """Whether it has taken the message before whatever goes wrong."""

    async def answer(self, prompt: Prompt, chat_id: str) -> Reply:
        """See `Answerer`."""
        self.calls.append((prompt.text, self._clock.now, chat_id))
        self.now += 1
        self.most = max(self.most, self.now)
        error = self._behave(len(self.calls) - 1, prompt.text)
        await asyncio.sleep(0)
        self.now -= 1
        if error is not None:
            begun = error.status_code is None and error.code != "connection:failed"
            raise Unanswered(error, begun=begun or self.takes_all)
        return Reply(text=f"Echo {prompt.text}")


class Batch:
    """A run of the parts that do the work, at a `Service`."""

    def __init__(
        self, behave: Callable[[int, str], KaiError | None], *, attempts: int = 3, concurrency: int = 1
    ) -> None:
        self.clock = Clock()
        self.service = Service(self.clock, behave)
        self.pauses: list[float] = []
        self.lines: list[dict[str, Any]] = []
        self.gate = Gate(max_wait=900, most=attempts, told=self.pauses.append, clock=self.clock, sleep=self.clock.sleep)
        self._in_flight = InFlight(self.service)
        self._attempts = Attempts(self._in_flight, self.gate, most=attempts)
        self._concurrency = concurrency

    async def run(
        self, *texts: str, ordered: bool = False, chats: int = 0, max_failures: int | None = None
    ) -> Ending | None:
        """Answer these; with `chats`, in so many chats by turns."""
        prompts = [
            Prompt(id=str(n), index=n, line=n + 1, text=text, chat_id=f"c{n % chats}" if chats else None)
            for n, text in enumerate(texts)
        ]
        order = InInputOrder(self._write, self._concurrency) if ordered else AsTheyCome(self._write)
        tally = Tally(len(prompts))
        runner = Runner(
            self._attempts,
            self._in_flight,
            order,
            Silence(),
            tally,
            concurrency=self._concurrency,
            max_failures=max_failures,
        )
        return await runner.run(prompts)

    def _write(self, line: str) -> None:
        self.lines.append(json.loads(line))


def refusal(retry_after: float | None = None) -> KaiError:
    """429."""
    return KaiRateLimitError("Slow down.", "rate_limit:chat", status_code=429, retry_after=retry_after)


async def test_a_pause_is_one_for_all() -> None:
    """After a 429 with Retry-After nobody sends anything before that time, and then everything is answered."""
    batch = Batch(lambda call, _: refusal(30) if call == 5 else None, concurrency=3)
    assert await batch.run(*map(str, range(20))) is None
    times = [time for _, time, _ in batch.service.calls]
    before = sum(time == 100 for time in times)
    assert before <= 5 + 3
    assert min(time for time in times if time != 100) >= 130
    assert batch.pauses == [30]
    assert sorted(record["id"] for record in batch.lines) == sorted(map(str, range(20)))
    assert sum(record["attempts"] for record in batch.lines) == 21


async def test_a_refused_prompt_keeps_its_chat() -> None:
    """What was refused was not processed: the same message goes to the same chat."""
    batch = Batch(lambda call, _: refusal(1) if call < 2 else None)
    await batch.run("a")
    assert len({chat for _, _, chat in batch.service.calls}) == 1
    assert batch.lines[0]["attempts"] == 3


async def test_without_a_retry_after_the_pause_grows() -> None:
    """10, 20, 40 seconds, beginning again once a prompt was answered; at most a minute."""
    batch = Batch(lambda call, _: refusal() if call not in {3, 6} else None, attempts=99)
    await batch.run("a", "b")
    assert batch.pauses == [10, 20, 40, 10, 20]
    batch = Batch(lambda call, _: refusal() if call < 6 else None, attempts=99)
    await batch.run("a")
    assert batch.pauses == [10, 20, 40, 60, 60, 60]
    assert [time for _, time, _ in batch.service.calls] == [100, 110, 130, 170, 230, 290, 350]


async def test_prompts_that_are_refused_together_are_one_refusal() -> None:
    """Ten prompts that meet the same limit make one pause, of the longest time that was named."""
    batch = Batch(lambda call, _: refusal() if call < 10 else None, concurrency=10)
    assert await batch.run(*map(str, range(10))) is None
    assert batch.pauses == [10]
    batch = Batch(lambda call, _: refusal([7, 9, 8, 9][call]) if call < 4 else None, concurrency=4)
    assert await batch.run(*map(str, range(10))) is None
    assert batch.pauses == [7, 9]
    assert min(time for _, time, _ in batch.service.calls[4:]) == 109


async def test_a_late_refusal_makes_a_pause_no_longer() -> None:
    """A prompt that was sent before the pause, and is refused in the middle of it, without a time, changes nothing."""
    clock, pauses = Clock(), list[float]()
    gate = Gate(max_wait=900, told=pauses.append, clock=clock, sleep=clock.sleep)
    with gate.sending() as first, gate.sending() as second:
        gate.refused(first, None)
        clock.now += 3
        gate.refused(second, None)
    await gate.wait()
    assert (pauses, clock.now) == ([10], 110)


async def test_a_pause_that_is_too_long_is_the_end() -> None:
    """A Retry-After beyond --max-wait ends the run: no prompt is to blame, and what runs is finished."""
    batch = Batch(lambda _, text: refusal(901) if text == "2" else None, concurrency=2)
    ending = await batch.run(*map(str, range(9)))
    assert ending is not None
    assert isinstance(ending.because, QuotaReached)
    assert ending.because.wait == 901
    assert [record["id"] for record in batch.lines] in (["0", "1"], ["0", "1", "3"])
    assert len(batch.service.calls) <= 4


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_a_limit_that_lets_nobody_through_is_the_end(concurrency: int) -> None:
    """Refused so many times in a row, all pauses obeyed, and nobody answered meanwhile: the service takes no prompts."""
    batch = Batch(lambda _, __: refusal(5), attempts=2, concurrency=concurrency)
    ending = await batch.run(*"abcdef")
    assert ending is not None
    assert isinstance(ending.because, QuotaReached)
    assert batch.lines == []
    assert [time for _, time, _ in batch.service.calls] == [100] * concurrency + [105] * concurrency


async def test_a_service_that_takes_fewer_at_a_time_fails_nobody() -> None:
    """More workers than the service takes: who is refused waits, far more often than --attempts, and is answered."""
    clock, out = Clock(), 0
    gate = Gate(max_wait=900, most=3, clock=clock, sleep=clock.sleep)

    class TwoAtATime:
        async def answer(self, prompt: Prompt, chat_id: str) -> Reply:
            nonlocal out
            if out == 2:
                raise Unanswered(refusal(1), begun=False)
            out += 1
            await clock.sleep(30)
            out -= 1
            return Reply(text=f"{prompt.text} {chat_id}")

    lines: list[str] = []
    answerer = InFlight(TwoAtATime())
    attempts = Attempts(answerer, gate, most=3)
    prompts = [Prompt(id=str(n), index=n, line=n, text=str(n)) for n in range(20)]
    runner = Runner(attempts, answerer, AsTheyCome(lines.append), Silence(), Tally(20), concurrency=6)
    assert await runner.run(prompts) is None
    records = [json.loads(line) for line in lines]
    assert [record["status"] for record in records] == ["ok"] * 20
    assert max(record["attempts"] for record in records) > 3


@pytest.mark.parametrize(
    ("error", "chats"),
    [
        (KaiConnectionError("No.", "connection:failed"), 1),
        (KaiConnectionError("No.", "connection:lost"), 3),
        (KaiTimeoutError("No.", "timeout:idle"), 3),
        (KaiServerError("No.", "internal:chat", status_code=500), 3),
    ],
)
async def test_trouble_is_tried_again(error: KaiError, chats: int) -> None:
    """Up to so many times, after a pause, and in a new chat each time where the message may have been processed."""
    batch = Batch(lambda _, __: error, attempts=3)
    assert await batch.run("a") is None
    times = [time for _, time, _ in batch.service.calls]
    assert len(times) == 3
    assert times[0] < times[1] < times[2]
    assert len({chat for _, _, chat in batch.service.calls}) == chats
    assert (batch.lines[0]["attempts"], batch.lines[0]["error"]["retryable"]) == (3, True)


@pytest.mark.parametrize("error", [KaiConnectionError("No.", "connection:failed"), refusal(1)])
async def test_trouble_in_the_middle_of_an_answer_is_no_refusal(error: KaiError) -> None:
    """What would be harmless before the message was taken leads to a new chat after it, and in a given chat to a failure."""
    batch = Batch(lambda call, _: error if call == 0 else None)
    batch.service.takes_all = True
    assert await batch.run("a") is None
    assert len({chat for _, _, chat in batch.service.calls}) == 2
    batch = Batch(lambda call, _: error if call == 0 else None)
    batch.service.takes_all = True
    assert await batch.run("a", chats=1) is None
    assert (len(batch.service.calls), batch.lines[0]["status"]) == (1, "failed")


async def test_a_service_that_is_away_for_a_moment_is_waited_for() -> None:
    """503 with a Retry-After is a pause for all, too, and the same chat is tried again."""
    away = KaiServerError("No.", "offline:chat", status_code=503, retry_after=7)
    batch = Batch(lambda call, _: away if call == 0 else None)
    assert await batch.run("a", "b") is None
    assert [time for _, time, _ in batch.service.calls] == [100, 107, 107]
    assert batch.service.calls[0][2] == batch.service.calls[1][2]


async def test_other_errors_are_not_tried_again() -> None:
    """What would be the same again is asked once."""
    batch = Batch(lambda _, __: KaiError("No.", "its:own"))
    await batch.run("a")
    assert (len(batch.service.calls), batch.lines[0]["error"]["retryable"]) == (1, False)


@given(
    st.lists(st.sampled_from([0, 0, 1, 2]), max_size=60),
    st.integers(1, 9),
    st.integers(0, 4),
    st.booleans(),
)
def test_every_prompt_is_done_once(behaviour: list[int], concurrency: int, chats: int, ordered: bool) -> None:
    """However refusals and failures fall, for any concurrency and chats: one record each, in order where that is asked."""
    errors = {1: refusal(1), 2: KaiError("No.", "bad_request:chat", status_code=400)}
    batch = Batch(lambda call, _: errors.get(behaviour[call % len(behaviour)]), attempts=1000, concurrency=concurrency)
    texts = [str(n) for n in range(len(behaviour))]
    if set(behaviour) == {1}:
        return  # a service that refuses everything is another test's
    assert asyncio.run(batch.run(*texts, ordered=ordered, chats=chats)) is None
    ids = [record["id"] for record in batch.lines]
    assert (ids if ordered else sorted(ids, key=int)) == texts
    assert batch.service.most <= concurrency
    if chats:
        seen = [[int(text) for text, _, at in batch.service.calls if at == f"c{n}"] for n in range(chats)]
        assert all(numbers == sorted(numbers) for numbers in seen)


async def test_nobody_gets_far_ahead_of_a_slow_prompt() -> None:
    """With --ordered, what is held back for one slow answer is bounded."""
    release = asyncio.Event()
    begun: list[str] = []

    class OneSlow:
        async def answer(self, prompt: Prompt, chat_id: str) -> Reply:
            begun.append(prompt.text)
            await (release.wait() if prompt.text == "0" else asyncio.sleep(0))
            return Reply(text=chat_id)

    lines: list[str] = []
    answerer = InFlight(OneSlow())
    prompts = [Prompt(id=str(n), index=n, line=n, text=str(n)) for n in range(500)]
    order = InInputOrder(lines.append, 2)
    runner = Runner(Attempts(answerer, Gate(max_wait=1), most=1), answerer, order, Silence(), Tally(500), concurrency=2)
    running = asyncio.create_task(runner.run(prompts))
    for _ in range(5000):
        await asyncio.sleep(0)
    assert (len(begun), lines) == (32, [])
    release.set()
    await running
    assert [json.loads(line)["index"] for line in lines] == list(range(500))


async def test_an_interrupt_writes_what_is_complete() -> None:
    """With --ordered, too: the answers that waited for a slower one are written when the run is cancelled."""

    class NeverFirst:
        async def answer(self, prompt: Prompt, chat_id: str) -> Reply:
            if prompt.text == "0":
                await asyncio.Event().wait()
            return Reply(text=chat_id)

    lines: list[str] = []
    answerer = InFlight(NeverFirst())
    prompts = [Prompt(id=str(n), index=n, line=n, text=str(n)) for n in range(5)]
    runner = Runner(
        Attempts(answerer, Gate(max_wait=1), most=1),
        answerer,
        InInputOrder(lines.append, 2),
        Silence(),
        Tally(5),
        concurrency=2,
    )
    running = asyncio.create_task(runner.run(prompts))
    for _ in range(200):
        await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert [json.loads(line)["index"] for line in lines] == [1, 2, 3, 4]


async def test_a_fault_of_the_program_is_not_hidden() -> None:
    """An exception that is no answer ends the run as what it is, after the others were stopped."""

    class Broken:
        def answer(self, prompt: Prompt, chat_id: str) -> Awaitable[Reply]:
            raise ZeroDivisionError(prompt.text, chat_id)

    batch = Batch(lambda _, __: None)
    batch.service.answer = Broken().answer  # type: ignore[method-assign,assignment]
    with pytest.raises(ZeroDivisionError):
        await batch.run("a", "b")


@pytest.mark.kai_server(quota=3)
def test_a_used_up_quota_ends_it(kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path) -> None:
    """6 when the service takes no more for weeks; what is done stays done, and the same command goes on later."""
    path = write_prompts(tmp_path / "p.jsonl", *map(str, range(9)))
    run = kai_at_server("batch", str(path), "-c", "2", "--max-wait", "0")
    assert run.code == 6
    assert run.err.splitlines()[-1].startswith("Error: The service takes no more prompts for ")
    assert len(answers_in(tmp_path / "p.jsonl.answers.jsonl")) == 3
    assert len(sent(kai_server)) <= 5
    kai_server.kai.quota = 100
    assert kai_at_server("batch", str(path)).code == 0
    assert len(answers_in(tmp_path / "p.jsonl.answers.jsonl")) == 9


def test_a_refusal_over_http_is_obeyed(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """A real 429 with a real Retry-After: the prompt is answered in the next attempt, and stderr tells of the pause."""
    refused: list[str] = []

    def turn(question: Question) -> Any:
        if not refused:
            refused.append(question.chat_id)
            return fail(status=429, retry_after=1)
        return say(f"{question.chat_id in refused}")

    kai_server.kai.reply(turn, when="")
    run = kai_at_server("batch", "-", stdin='"Hi"')
    (record,) = answers(run.out)
    assert (run.code, record["attempts"], record["answer"]) == (0, 2, "True")
    assert "The service asks for a pause: going on in 1 s\n" in run.err
