"""Who answers a prompt: anybody who can be an `Answerer`, here the client."""

import asyncio
from collections.abc import Collection
from typing import Any, Final, Protocol

from kai_client import Denial, KaiClient, KaiError, RetryPolicy, ToolCall
from kai_client.cli.outcomes import has_run
from kai_client.events import UsageInfo
from kai_client.stream import ChatStream

from .prompts import Prompt
from .records import Reply

__all__ = ["Answerer", "ClientAnswerer", "InFlight", "Unanswered"]

_NOBODY: Final = Denial(reason="Nobody can be asked here.")


class Unanswered(Exception):  # noqa: N818 - what came of an attempt, not an error of the program
    """An attempt that brought no answer, because of `error`.

    `begun`: the backend had taken the message, so that sending it again is a second message. `acted`: a tool was allowed to
    run, so that asking again may do the same thing twice.
    """

    def __init__(self, error: KaiError, *, begun: bool, acted: bool = False) -> None:
        super().__init__(str(error))
        self.error = error
        self.begun = begun
        self.acted = acted


class Answerer(Protocol):
    """Answers prompts, several at a time, and tries each once."""

    async def answer(self, prompt: Prompt, chat_id: str) -> Reply:
        """The whole answer to `prompt` in this chat. Raises `Unanswered`."""
        ...


class InFlight:
    """An `Answerer` that knows which tasks are waiting for another one."""

    def __init__(self, answerer: Answerer) -> None:
        self._answerer = answerer
        self.tasks: set[asyncio.Task[Any] | None] = set()

    async def answer(self, prompt: Prompt, chat_id: str) -> Reply:
        """See `Answerer`."""
        task = asyncio.current_task()
        self.tasks.add(task)
        try:
            return await self._answerer.answer(prompt, chat_id)
        finally:
            self.tasks.discard(task)


class ClientAnswerer:
    """Asks Kai, and waits up to `timeout` seconds for a whole answer.

    Tools that want to be allowed are denied, except those named in `approve`; None allows all of them.
    """

    def __init__(self, client: KaiClient, approve: Collection[str] | None, timeout: float | None = None) -> None:
        # How long to wait for whom is decided for all prompts together, not by each request for itself.
        self._client = client.with_options(retry=RetryPolicy(attempts=1))
        self._approve = approve
        self._timeout = timeout

    async def answer(self, prompt: Prompt, chat_id: str) -> Reply:
        """See `Answerer`."""
        decisions = _Decisions(self._approve)
        begun = False
        try:
            stream = self._client.run(
                chat_id, prompt.text, approve=decisions.decide, branch_id=prompt.branch_id, total=self._timeout
            )
            async with stream:
                begun = True
                await stream.get_final_text()
        except KaiError as error:
            raise Unanswered(error, begun=begun, acted=decisions.approved) from error
        return _reply(stream, decisions)


class _Decisions:
    """The policy of one answer, and what it said."""

    def __init__(self, approve: Collection[str] | None) -> None:
        self._approve = approve
        self.approved = False
        self.denied: set[str] = set()

    def decide(self, call: ToolCall[Any], /) -> bool | Denial:
        if self._approve is None or call.tool_name in self._approve:
            self.approved = True
            return True
        self.denied.add(call.tool_call_id)
        return _NOBODY


def _reply(stream: ChatStream, decisions: _Decisions) -> Reply:
    calls, usage = stream.tool_calls, stream.usage
    counts = {name: getattr(usage, name) for name in UsageInfo.model_fields}
    return Reply(
        text=stream.text,
        finish_reason=stream.finish_reason,
        usage=counts if any(counts.values()) else None,
        tool_calls=[(call.tool_name or "", call.state) for call in calls.values()],
        denied=any(not has_run(calls.get(call_id)) for call_id in decisions.denied),
    )
