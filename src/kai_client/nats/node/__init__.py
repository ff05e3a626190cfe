"""Workers: a handler that takes jobs from a broker, asks Kai, and hands its answers on; crash-safe, on many machines.

    async def handler(ctx: JobContext, job: Job) -> Answer:
        chat_id, text = await ctx.kai.chat(job.text)
        return job.answer(text, chat_id=chat_id)

    asyncio.run(kai_node(handler).run())

FastStream runs it, JetStream keeps the jobs. Rooms: `settings` is the environment, `subjects` and `messages` are what travels
where; `app` starts and stops, `worker` does one job, `verdict` says what a failure leads to, `jetstream` is what is asked of
the broker; `desk` is the other side, which hands jobs in. Needs the extra `nats`.
"""

from .app import kai_node
from .asking import ask_kai
from .context import JobContext
from .desk import JobDesk
from .messages import Answer, Job, JobFault, ToolUse
from .settings import NodeSettings
from .worker import Handler

__all__ = [
    "Answer",
    "Handler",
    "Job",
    "JobContext",
    "JobDesk",
    "JobFault",
    "NodeSettings",
    "ToolUse",
    "ask_kai",
    "kai_node",
]
