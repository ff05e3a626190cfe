"""The handler that most nodes need: ask Kai what the job says."""

import uuid
from collections.abc import Mapping

from kai_client import KaiClient
from kai_client.accumulator import Accumulator
from kai_client.backend import ChatBackend
from kai_client.events import ToolCallEvent, UsageInfo
from kai_client.exceptions import KaiBadRequestError, KaiStreamError

from .context import JobContext
from .messages import Answer, Job, ToolUse

__all__ = ["ask_kai"]


async def ask_kai(ctx: JobContext[ChatBackend], job: Job) -> Answer:
    """Ask `job.text` in its chat, or in a new one; `params` may have a `branch_id`. Tools that want to be allowed are denied.

    Raises `KaiError`, also for an answer that is not whole.
    """
    chat_id = job.chat_id or str(uuid.uuid4())
    branch_id = job.params.get("branch_id")
    if branch_id is not None and (not isinstance(branch_id, int) or isinstance(branch_id, bool)):
        raise KaiBadRequestError("params.branch_id is no whole number", "bad_request:job")
    if isinstance(ctx.kai, KaiClient):
        async with ctx.kai.run(chat_id, job.text, branch_id=branch_id) as stream:
            await stream.get_final_text()
        return _answer(job, chat_id, stream.text, stream.finish_reason, stream.usage, stream.tool_calls)
    told = await _told(ctx.kai, chat_id, job.text, branch_id)
    reason = told.finish.finish_reason if told.finish is not None else None
    return _answer(job, chat_id, told.text, reason, told.usage, told.tool_calls)


async def _told(kai: ChatBackend, chat_id: str, text: str, branch_id: int | None) -> Accumulator:
    """What any other backend says; it decides by itself about tools."""
    told = Accumulator()
    async for event in kai.send_message(chat_id, text, branch_id=branch_id):
        told.apply(event)
    if told.errors:
        raise KaiStreamError(told.errors[-1].message or "The answer failed", "stream:error")
    if told.finish is None:
        raise KaiStreamError("The answer is not whole", "stream:incomplete")
    return told


def _answer(
    job: Job,
    chat_id: str,
    text: str,
    finish_reason: str | None,
    usage: UsageInfo,
    calls: Mapping[str, ToolCallEvent],
) -> Answer:
    counts = {name: getattr(usage, name) for name in UsageInfo.model_fields}
    return job.answer(
        text,
        chat_id=chat_id,
        finish_reason=finish_reason,
        usage=counts if any(counts.values()) else None,
        tool_calls=[ToolUse(name=call.tool_name or "", state=call.state) for call in calls.values()],
    )
