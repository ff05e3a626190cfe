"""What a client does, told to whoever wants to know: the hook that `kai_client.otel` implements.

It is told when work begins and how it ended, never of single events, so that a stream costs the same whether somebody is
told or not. Nobody is, until `observe`. What an observer raises is logged, and goes no further: no answer is lost to it.

Works nest: what begins while another is `active` is part of it. Only the client's own waits are active, never the code of a
user that has got an event and not yet asked for the next.
"""

import logging
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Final, Protocol, Self, TypeAlias

from .events import ToolCallEvent, UsageInfo
from .message import UIMessage
from .types import Json

__all__ = [
    "SILENT",
    "AnswerEnded",
    "ChatBegan",
    "DecisionBegan",
    "DecisionEnded",
    "Ended",
    "Note",
    "Observation",
    "Observer",
    "Recovery",
    "RequestBegan",
    "Retry",
    "RunBegan",
    "ToolBegan",
    "ToolEnded",
    "Work",
    "begin",
    "continuing",
    "headers",
    "note",
    "observe",
    "observed",
]

_LOG: Final = logging.getLogger("kai_client.telemetry")


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatBegan:
    """A request is sent that is answered by a stream. `body` is its JSON, None for a resumed stream; `url` names the peer."""

    chat_id: str
    url: str
    body: Json


@dataclass(frozen=True, kw_only=True, slots=True)
class RunBegan:
    """A run: any number of chats, decisions and tools for one answer."""

    chat_id: str
    url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestBegan:
    """Any other call of the API, with all its attempts."""

    method: str
    path: str
    url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionBegan:
    """A policy, or a human behind it, is asked about a tool call."""

    chat_id: str
    tool_name: str
    call_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolBegan:
    """A tool of this side runs. `call_id` is None where it was not called by a chat."""

    name: str
    call_id: str | None
    input: object


Work: TypeAlias = ChatBegan | RunBegan | RequestBegan | DecisionBegan | ToolBegan


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """Work is over. `error` is what it raised, or what an answer says of itself; it and all the rest may hold content."""

    error: BaseException | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerEnded(Ended):
    """A chat or a run is over, after what its reader got of it.

    `is_whole` says whether the answer was declared over, `first_event` after how many seconds its first event was there.
    `tool_calls` are those that are new or went on. `message` is the answer so far, without
    text where none is wanted; `began` as it was before.
    """

    is_whole: bool
    message: UIMessage
    began: UIMessage | None = None
    usage: UsageInfo = field(default_factory=UsageInfo)
    finish_reason: str | None = None
    first_event: float | None = None
    request_id: str | None = None
    tool_calls: Sequence[ToolCallEvent] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolEnded(Ended):
    """A tool has returned."""

    output: Json = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionEnded(Ended):
    """A policy has answered: `approved`, `denied` or `pending`."""

    decision: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """An attempt has failed; there will be another in `wait` seconds."""

    attempt: int
    error: Exception
    wait: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Recovery:
    """A stream broke, and the rest was looked for."""

    found: bool


Note: TypeAlias = Retry | Recovery


class Observation(Protocol):
    """Work that goes on."""

    @property
    def wants_text(self) -> bool:
        """Whether the `message` of its ending is to have its text. Who read a stream event by event has made none of it."""
        ...

    def active(self) -> AbstractContextManager[None]:
        """What begins in the block, in the same task or thread, is part of this."""
        ...

    def end(self, ending: Ended) -> None:
        """It is over; called once, except for work that was dropped without a word."""
        ...


class Observer(Protocol):
    """Who is told. It is called in the task or thread that does the work, which waits for it: it must be quick."""

    def begin(self, work: Work) -> Observation:
        """Work begins."""
        ...

    def note(self, what: Note) -> None:
        """Something happened to the work that is active."""
        ...

    def headers(self) -> Mapping[str, str]:
        """What a request that is sent now is to carry, so that the other side knows which work it is part of."""
        ...

    def continuing(self, headers: Mapping[str, str]) -> AbstractContextManager[None]:
        """What begins in the block is part of the work of whoever has sent these."""
        ...


class _Silent:
    """Of this nobody is told."""

    wants_text: bool = False

    def active(self) -> AbstractContextManager[None]:
        return _NOTHING

    def end(self, ending: Ended) -> None:
        """Nobody is told."""


_NOTHING: Final = nullcontext()
_NO_HEADERS: Final[Mapping[str, str]] = {}
SILENT: Final[Observation] = _Silent()

_observer: Observer | None = None


def observe(observer: Observer | None) -> None:
    """Tell `observer` of all that begins in this process from now on, instead of who was told before; None: nobody."""
    global _observer  # noqa: PLW0603 - one for the process, as logging is
    _observer = observer


def begin(work: Work) -> Observation:
    """Work begins; `SILENT` where nobody is told."""
    if _observer is not None:
        with _guarded():
            return _Guarded(_observer.begin(work))
    return SILENT


def note(what: Note) -> None:
    """Something happened to the work that is active."""
    if _observer is not None:
        with _guarded():
            _observer.note(what)


def headers() -> Mapping[str, str]:
    """What a request that is sent now carries beside its own."""
    if _observer is not None:
        with _guarded():
            return _observer.headers()
    return _NO_HEADERS


def continuing(received: Mapping[str, str]) -> AbstractContextManager[None]:
    """A request that came with these headers is answered in the block."""
    observer = _observer
    return _NOTHING if observer is None else _Entered(lambda: observer.continuing(received))


class observed:  # noqa: N801 - as `contextlib.suppress`
    """`with observed(work) as seen:` is the work in the block; `seen.ending` may say more of how it ended."""

    def __init__(self, work: Work) -> None:
        self.ending: Ended = Ended()
        self._observation = begin(work)
        self._active = self._observation.active()

    def __enter__(self) -> Self:
        self._active.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._active.__exit__(None, None, None)
        self._observation.end(self.ending if error is None else replace(self.ending, error=error))


class _Guarded:
    """An observation whose failures stay its own."""

    def __init__(self, observation: Observation) -> None:
        self._observation = observation

    @property
    def wants_text(self) -> bool:
        with _guarded():
            return self._observation.wants_text
        return False

    def active(self) -> AbstractContextManager[None]:
        return _Entered(self._observation.active)

    def end(self, ending: Ended) -> None:
        with _guarded():
            self._observation.end(ending)


class _Entered:
    """A block of an observer's, whose failures stay its own; it does not see those of the block."""

    def __init__(self, make: Callable[[], AbstractContextManager[None]]) -> None:
        self._make = make
        self._manager: AbstractContextManager[None] | None = None

    def __enter__(self) -> None:
        with _guarded():
            manager = self._make()
            manager.__enter__()
            self._manager = manager

    def __exit__(self, *error: object) -> None:
        if self._manager is not None:
            with _guarded():
                self._manager.__exit__(None, None, None)


@contextmanager
def _guarded() -> Generator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, the answer matters more
        # Without its words, which may quote what was said.
        _LOG.warning("Telemetry failed: %s", type(error).__name__)
