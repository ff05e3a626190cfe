"""What an observer is told of a stream: each of its responses, and the run that they are part of."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from time import perf_counter
from types import TracebackType
from typing import Protocol

from kai_client.events import ToolCallEvent, UsageInfo
from kai_client.message import UIMessage
from kai_client.telemetry import SILENT, AnswerEnded, ChatBegan, Ended, Observation, RunBegan, begin
from kai_client.transport import StreamRequest

from .folding import Folding
from .verdict import failure_of

__all__ = ["Response", "Telling"]


class Response(Protocol):
    """What is asked of a `Leg`."""

    @property
    def began(self) -> UIMessage | None:
        """The message as it was before."""
        ...

    @property
    def is_whole(self) -> bool:
        """Whether the answer was declared over."""
        ...

    @property
    def events(self) -> int:
        """How many were handed out."""
        ...

    @property
    def request_id(self) -> str | None:
        """Under which the service knows it."""
        ...


class Telling:
    """Tells of one stream. Where nobody is told it does nothing, and looks at nothing.

    `awaits_first` says that the first event of a response has not been seen yet: `arrived` wants to know of the next piece.
    """

    def __init__(self, url: str, chat_id: str, folding: Folding, *, is_run: bool) -> None:
        self.awaits_first: bool = False
        self._url = url
        self._chat_id = chat_id
        self._folding = folding
        self._run_to_begin = RunBegan(chat_id=chat_id, url=url) if is_run else None
        self._run: Observation = SILENT
        self._chat: Observation = SILENT
        self._asked_at = 0.0
        self._first_event: float | None = None
        self._used = UsageInfo()
        """The tokens of the responses before."""
        self._calls: dict[str, ToolCallEvent] = {}
        """The tool calls that were told of, as they were."""

    def running(self, meanwhile: Response | None = None) -> AbstractContextManager[None]:
        """This side is at work in the block: it prepares, decides, runs tools. For the first time a run begins so.

        What fails here has not failed there: a response that waits `meanwhile` was only left.
        """
        if self._run_to_begin is not None:
            self._run, self._run_to_begin = begin(self._run_to_begin), None
        return _Block(self._run.active(), lambda error: self._left(meanwhile, error))

    def _left(self, response: Response | None, error: BaseException) -> None:
        if isinstance(error, Exception):
            self.response_ended(response)

    @contextmanager
    def asking(self, request: StreamRequest) -> Generator[None]:
        """A request is sent in the block; with its response it is a chat."""
        self._begin(request)
        with self._chat.active():
            yield

    @contextmanager
    def recovering(self, request: StreamRequest) -> Generator[None]:
        """The rest of a response that broke is looked for in the block."""
        if self._chat is SILENT:  # it was over when it broke: this is another try
            self._begin(request)
            self.awaits_first = False
        with self._chat.active():
            yield

    def _begin(self, request: StreamRequest) -> None:
        with self._run.active():
            self._chat = begin(ChatBegan(chat_id=self._chat_id, url=self._url, body=request.json))
        self.awaits_first = self._chat is not SILENT
        self._first_event = None
        self._asked_at = perf_counter()

    def arrived(self, events: int) -> None:
        """A piece is there, after so many events: the first event is in this one or in a later one."""
        if events:
            self.awaits_first = False
        else:
            self._first_event = perf_counter() - self._asked_at

    def response_ended(self, response: Response | None, error: BaseException | None = None) -> None:
        """The response is over, or was left; telling it again is fine."""
        chat, self._chat = self._chat, SILENT
        self.awaits_first = False
        if chat is not SILENT:
            chat.end(self._ending(response, error, with_text=chat.wants_text))

    def ended(self, response: Response | None, error: BaseException | None = None) -> None:
        """All of it is over, or was left; telling it again is fine."""
        self.response_ended(response, error)
        run, self._run = self._run, SILENT
        if run is not SILENT:
            self._used, self._calls, self._first_event = UsageInfo(), {}, None
            run.end(self._ending(response, error, with_text=run.wants_text))

    def to_its_end(self, response: Callable[[], Response | None]) -> AbstractContextManager[None]:
        """What is raised in the block is the end of all of it."""
        return _Block(nullcontext(), lambda error: self.ended(response(), error))

    def _ending(self, response: Response | None, error: BaseException | None, *, with_text: bool) -> Ended:
        try:
            return self._answer(response, error, with_text=with_text)
        except Exception:  # noqa: BLE001 - another thread may be in the middle of reading it: then this is all there is
            return Ended(error=error)

    def _answer(self, response: Response | None, error: BaseException | None, *, with_text: bool) -> Ended:
        if response is None:
            return Ended(error=error)
        answer = self._folding.answer if with_text else self._folding.glance()
        used, before = answer.usage, self._used
        calls = answer.tool_calls
        new = [call for name, call in calls.items() if call != self._calls.get(name)]
        self._used, self._calls = used, calls
        return AnswerEnded(
            error=error or failure_of(answer),
            is_whole=error is None and response.is_whole,
            message=answer.message,
            began=response.began,
            usage=_difference(used, before),
            finish_reason=answer.finish.finish_reason if answer.finish is not None else None,
            first_event=self._first_event if response.events else None,
            request_id=response.request_id,
            tool_calls=new,
        )


class _Block:
    """A block whose failure is told. No generator: that would set the traceback of an exception that a user has frozen."""

    def __init__(self, active: AbstractContextManager[None], failed: Callable[[BaseException], None]) -> None:
        self._active = active
        self._failed = failed

    def __enter__(self) -> None:
        self._active.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._active.__exit__(None, None, None)
        if error is not None:
            self._failed(error)


def _difference(now: UsageInfo, before: UsageInfo) -> UsageInfo:
    """The tokens since; where a message started anew, all of them."""
    counts = {name: getattr(now, name) - getattr(before, name) for name in UsageInfo.model_fields}
    return now if min(counts.values()) < 0 else UsageInfo(**counts)
