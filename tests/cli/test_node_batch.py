"""`kai batch --nats`: the same command, answered by workers."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from batch_files import answers, answers_in, write_prompts
from cli_runs import Kai
from nats_broker import Broker

PROGRAM = Path(__file__).with_name("node_worker_program.py")


class Workers:
    """A broker, and worker processes at it."""

    def __init__(self, broker: Broker, folder: Path) -> None:
        self.broker = broker
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """One more, with two jobs at a time, ready to work."""
        diary = self._folder / str(len(self._processes))
        env = {"NATS_URL": self.broker.url, "KAI_NODE_INPUT": "kai.jobs", "KAI_NODE_OUTPUT": "kai.answers"}
        env |= {"KAI_NODE_CONCURRENCY": "2", "DIARY": str(diary), "KAI_NODE_RETRY_DELAY": "0.1"}
        command = [sys.executable, "-W", "error", str(PROGRAM)]
        self._processes.append(subprocess.Popen(command, env={**os.environ, **env}))
        wait_for(diary)

    @property
    def asked(self) -> list[str]:
        """The texts of all jobs, each time that one was begun."""
        return [line for diary in self._folder.iterdir() for line in diary.read_text().splitlines()]

    def stop(self) -> None:
        """End them all."""
        for process in self._processes:
            process.kill()
            process.wait()


def wait_for(path: Path, lines: int = 0) -> None:
    """Wait until a file is there, with so many lines."""
    deadline = time.monotonic() + 30
    while not path.exists() or path.read_bytes().count(b"\n") < lines:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def own_broker() -> Generator[Broker]:
    """A broker for the module."""
    with TemporaryDirectory() as folder:
        running = Broker(Path(folder))
        asyncio.run(running.start())
        yield running
        running.stop(kill=True)


@pytest.fixture(scope="module")
def workers(own_broker: Broker) -> Generator[Workers]:
    """Two workers for the module."""
    with TemporaryDirectory() as folder:
        found = Workers(own_broker, Path(folder))
        try:
            found.start()
            found.start()
            yield found
        finally:
            found.stop()


def test_answers_come_in_the_order_of_the_prompts(kai: Kai, workers: Workers, tmp_path: Path) -> None:
    """On stdout the answers are in order, whichever worker was quicker; without any credentials of Kai's."""
    path = write_prompts(tmp_path / "p.jsonl", "wait 0.4", *(f"p{number}" for number in range(30)))
    run = kai("batch", str(path), "-o", "-", "--nats", workers.broker.url, "-c", "8")
    assert (run.code, run.err.splitlines()[-1][:12]) == (0, "31 prompts: ")
    texts = ["wait 0.4", *(f"p{number}" for number in range(30))]
    assert [record["answer"] for record in answers(run.out)] == [f"Echo {text}" for text in texts]


def test_a_record(kai: Kai, workers: Workers, tmp_path: Path) -> None:
    """A record is what it is without a broker; the chat is the one that the worker began."""
    path = write_prompts(tmp_path / "p.jsonl", {"prompt": "Hi", "id": "t", "metadata": {"a": 1}})
    run = kai("batch", str(path), "--nats", workers.broker.url)
    (record,) = answers((tmp_path / "p.jsonl.answers.jsonl").read_text())
    assert (run.code, record["status"], record["id"], record["metadata"]) == (0, "ok", "t", {"a": 1})
    assert (record["chat_id"], record["finish_reason"]) == ("8d1f0000-0000-4000-8000-00000000abcd", "stop")
    assert (record["usage"]["total_tokens"], record["attempts"], record["tool_calls"]) == (3, 1, [])


def test_failures_and_denials(kai: Kai, workers: Workers, tmp_path: Path) -> None:
    """What a worker reports as failed is a failed record, with the error's own code; the exit status is 1."""
    path = write_prompts(tmp_path / "p.jsonl", "bad", "denied", "good")
    run = kai("batch", str(path), "-o", "-", "--nats", workers.broker.url)
    bad, denied, good = answers(run.out)
    assert (run.code, run.err.splitlines()[-1]) == (1, "Error: 1 of 3 prompts failed")
    assert bad["error"] == {"code": "bad_request:api", "message": "No such thing", "retryable": False}
    assert (denied["status"], denied["tool_calls"]) == ("denied", [{"name": "drop_table", "state": "output-denied"}])
    assert good["status"] == "ok"


def test_who_may_allow_a_tool(kai: Kai, workers: Workers, tmp_path: Path) -> None:
    """Where a tool was denied the advice is about the workers, and --retry-denied asks once more."""
    path = write_prompts(tmp_path / "p.jsonl", "denied it")
    run = kai("batch", str(path), "--nats", workers.broker.url)
    assert (run.code, run.err.splitlines()[-1]) == (
        4,
        "Error: In 1 of 1 answers a tool was denied: let the workers allow it and --retry-denied",
    )
    assert kai("batch", str(path), "--nats", workers.broker.url, "--retry-denied").code == 4
    assert workers.asked.count("denied it") == 2


def test_what_failed_is_asked_again(kai: Kai, workers: Workers, tmp_path: Path) -> None:
    """The same command again asks once more what failed before, and nothing else."""
    path = write_prompts(tmp_path / "p.jsonl", "bad again", "fine again")
    assert kai("batch", str(path), "--nats", workers.broker.url).code == 1
    assert kai("batch", str(path), "--nats", workers.broker.url).code == 1
    assert (workers.asked.count("bad again"), workers.asked.count("fine again")) == (2, 1)


def test_a_run_that_was_killed_goes_on(kai: Kai, workers: Workers, tmp_path: Path) -> None:
    """After kill -9 the same command collects what was answered meanwhile: no worker is asked anything twice."""
    texts = [f"wait 0.0{number + 1}" for number in range(40)]
    path = write_prompts(tmp_path / "p.jsonl", *texts)
    command = ("batch", str(path), "--nats", workers.broker.url, "-c", "10")
    first = kai.start(*command)
    wait_for(tmp_path / "p.jsonl.answers.jsonl", 10)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    run = kai(*command)
    records = answers_in(tmp_path / "p.jsonl.answers.jsonl")
    assert (run.code, sorted(record["answer"] for record in records.values())) == (
        0,
        sorted(f"Echo {text}" for text in texts),
    ), run.err
    assert sorted(text for text in workers.asked if text in texts) == sorted(texts)


def test_a_new_file_is_asked_anew(kai: Kai, workers: Workers, tmp_path: Path) -> None:
    """The broker keeps answers, but --restart, or an output that is gone, means new ones."""
    path = write_prompts(tmp_path / "p.jsonl", "once more")
    command = ("batch", str(path), "--nats", workers.broker.url)
    assert kai(*command).code == 0
    assert kai(*command, "--restart").code == 0
    (tmp_path / "p.jsonl.answers.jsonl").unlink()
    assert kai(*command).code == 0
    assert workers.asked.count("once more") == 3


def test_a_timeout_leaves_the_job_where_it_is(kai: Kai, workers: Workers, tmp_path: Path) -> None:
    """A prompt that takes longer than --timeout has failed, as one of the network."""
    path = write_prompts(tmp_path / "p.jsonl", "wait 2")
    run = kai("batch", str(path), "-o", "-", "--nats", workers.broker.url, "--timeout", "0.3")
    (record,) = answers(run.out)
    assert (run.code, record["error"]["code"]) == (5, "timeout:total")


def test_a_batch_may_be_there_before_the_workers(kai: Kai, tmp_path: Path) -> None:
    """Without a worker the command says so, and waits; the answers come when one is started."""
    with TemporaryDirectory() as folder, TemporaryDirectory() as diaries:
        broker = Broker(Path(folder))
        asyncio.run(broker.start())
        late = Workers(broker, Path(diaries))
        path = write_prompts(tmp_path / "p.jsonl", "early")
        try:
            process = kai.start("batch", str(path), "-o", "-", "--nats", broker.url)
            assert process.stderr is not None
            assert process.stderr.readline().startswith(b"No worker waits for jobs on kai.jobs yet")
            late.start()
            out, err = process.communicate(timeout=30)
        finally:
            late.stop()
            broker.stop(kill=True)
    assert (process.returncode, [record["answer"] for record in answers(out.decode())]) == (0, ["Echo early"]), err


def test_no_broker_is_one_line(kai: Kai, tmp_path: Path) -> None:
    """A broker that is not there is one line, without the password of its URL, and the exit status of the network."""
    path = write_prompts(tmp_path / "p.jsonl", "x")
    run = kai.process("batch", str(path), "-o", "-", "--nats", "nats://me:hunter2@127.0.0.1:1")
    (line,) = run.err.splitlines()
    assert (run.code, run.out) == (5, "")
    assert line.startswith("Error: [connection:failed] Cannot connect to the NATS broker")
    assert "hunter2" not in run.err


def test_the_missing_extra_is_named(kai: Kai, tmp_path: Path) -> None:
    """Without FastStream --nats is one line that says what to install."""
    path = write_prompts(tmp_path / "p.jsonl", "x")
    code = "import sys; sys.modules['faststream'] = None; from kai_client.cli import main; main()"
    run = kai.python("-c", code, "batch", str(path), "--nats", "nats://here")
    assert (run.code, run.err) == (1, 'Error: --nats needs FastStream, an extra: pip install "kai-client[cli,nats]"\n')


@pytest.mark.parametrize(
    ("options", "said"),
    [(["--auto-approve"], "the workers decide"), (["--nats-jobs", "kai.*"], "a subject is words")],
)
def test_options_that_cannot_be_meant(
    kai: Kai, workers: Workers, tmp_path: Path, options: list[str], said: str
) -> None:
    """What the workers decide is not decided here, and a subject is a subject: exit status 2."""
    path = write_prompts(tmp_path / "p.jsonl", "x")
    run = kai("batch", str(path), "-o", "-", "--nats", workers.broker.url, *options)
    assert run.code == 2
    assert said in run.err
