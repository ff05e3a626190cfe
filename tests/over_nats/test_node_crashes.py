"""Worker nodes: what is left when workers and the broker die."""

import asyncio
import signal
from collections import Counter
from pathlib import Path

from nats_broker import Broker
from node_runs import desk_at, programs, until

from kai_client.nats.node import Job


def begun(folder: Path, worker: int) -> list[str]:
    """What a worker's diary says."""
    path = folder / str(worker)
    return path.read_text().splitlines() if path.exists() else []


async def test_a_crash_loses_nothing_and_doubles_nothing(broker: Broker, tmp_path: Path) -> None:
    """500 jobs, four workers, one killed at work, the broker killed and started again: one answer for each job."""
    jobs = [Job(id=f"j{number}", text=str(number)) for number in range(500)]
    async with (
        desk_at(broker) as desk,
        programs(broker, 4, tmp_path, STUCK="0", KAI_NODE_ACK_WAIT="2", KAI_NODE_CONCURRENCY="2") as workers,
    ):
        await until(lambda: all((tmp_path / str(worker)).exists() for worker in range(4)))
        handing_in = asyncio.create_task(desk.hand_in(*jobs))
        await until(lambda: begun(tmp_path, 0))
        workers[0].send_signal(signal.SIGKILL)
        await workers[0].wait()
        await until(lambda: sum(len(begun(tmp_path, worker)) for worker in range(4)) > 200)
        await broker.restart(kill=True)
        await handing_in
        await desk.until_count(500)
        await desk.until_count(0, "kai_jobs")
        answers = await desk.answers()
    assert Counter(answer.id for answer in answers) == Counter(job.id for job in jobs)
    assert {answer.id: answer.text for answer in answers} == {job.id: f"Echo {job.text}" for job in jobs}


async def test_sigterm_finishes_what_runs(broker: Broker, tmp_path: Path) -> None:
    """A worker that is told to stop finishes its job, has it confirmed, begins no other, runs its hooks and ends with 0."""
    async with desk_at(broker) as desk, programs(broker, 1, tmp_path, SECONDS="1") as (worker,):
        await until((tmp_path / "0").exists)
        await desk.hand_in(Job(id="one", text="1"), Job(id="two", text="2"))
        await until(lambda: begun(tmp_path, 0))
        worker.terminate()
        _, errors = await worker.communicate()
        answers = await desk.answers()
        left = await desk.count("kai_jobs")
    assert (worker.returncode, begun(tmp_path, 0)) == (0, ["began one", "ended one", "over"]), errors.decode()
    assert ([answer.id for answer in answers], left) == (["one"], 1)


async def test_sigterm_while_the_broker_is_away(broker: Broker, tmp_path: Path) -> None:
    """A worker can be stopped when its broker is gone, too."""
    async with programs(broker, 1, tmp_path) as (worker,):
        await until((tmp_path / "0").exists)
        broker.stop(kill=True)
        worker.terminate()
        _, errors = await worker.communicate()
    assert (worker.returncode, begun(tmp_path, 0)) == (0, ["over"]), errors.decode()
    assert b"Traceback" not in errors
