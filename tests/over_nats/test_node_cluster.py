"""Worker nodes at a cluster of three brokers, one of which dies."""

import asyncio
import re
import sys
from collections import Counter
from pathlib import Path

from node_cluster import running_cluster
from node_runs import desk_at, echo, running

from kai_client.nats.node import Answer, Job, JobContext, NodeSettings

PAGE = Path(__file__).parents[2] / "docs" / "scaling.md"


async def test_a_cluster_outlives_one_of_its_brokers() -> None:
    """With the streams of docs/scaling.md: the leader of both is killed at work, and each job has one answer."""
    found = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    jobs = [Job(id=f"j{number}", text=str(number)) for number in range(60)]

    async def handler(ctx: JobContext, job: Job) -> Answer:
        await asyncio.sleep(0.02)
        return await echo(ctx, job)

    async with running_cluster() as cluster:
        making = await asyncio.create_subprocess_exec(
            sys.executable, "-W", "error", "-c", found[1], env={"NATS_URL": cluster.url}
        )
        assert await making.wait() == 0
        settings = NodeSettings(
            servers=cluster.url, input="kai.jobs", output="kai.answers", ack_wait=5, retry_delay=0.1, concurrency=2
        )
        async with desk_at(cluster) as desk, running(handler, settings), running(handler, settings):
            handing_in = asyncio.create_task(desk.hand_in(*jobs))
            await desk.until_at_least(15, "answers")
            cluster.kill(await desk.leader("answers"))
            await handing_in
            await desk.until_count(60, "answers")
            await desk.until_count(0, "jobs")
            bodies = [body for _, body in await desk.messages("answers")]
    assert Counter(Answer.model_validate_json(body).id for body in bodies) == Counter(job.id for job in jobs)
