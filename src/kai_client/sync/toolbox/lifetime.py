# Made of kai_client/toolbox/lifetime.py by scripts/generate_sync.py: change that, and run this.
"""Start-up and shut-down of a toolbox, and the state in between."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from enum import Enum, auto
from types import TracebackType
from typing import Any, Generic, TypeAlias

from kai_client.exceptions import KaiClosedError, KaiConfigError
from kai_client.toolbox.context import StateT

__all__ = ["Lifespan", "Lifetime"]

Lifespan: TypeAlias = Callable[[], AbstractContextManager[StateT]]
"""Makes a context manager that starts things up, yields the state, and shuts things down."""


class _Phase(Enum):
    NEW = auto()
    STARTING = auto()
    OPEN = auto()
    CLOSED = auto()


class Lifetime(Generic[StateT]):
    """Enters a lifespan once at a time, and lends its state to every call."""

    def __init__(self, lifespan: Lifespan[StateT] | None) -> None:
        self._lifespan = lifespan
        self._phase = _Phase.NEW
        self._entered: AbstractContextManager[Any] | None = None
        self._state: Any = None

    @property
    def state(self) -> StateT:
        """What the lifespan yielded. Raises `KaiConfigError` before the start and `KaiClosedError` after the end."""
        if self._phase is _Phase.CLOSED:
            raise KaiClosedError("The toolbox was shut down", "tool:closed")
        if self._lifespan is not None and self._phase is not _Phase.OPEN:
            raise KaiConfigError("The toolbox is not started: use it inside `with tools:`", "tool:not_started")
        state: StateT = self._state
        return state

    def start(self) -> None:
        """Enter the lifespan. What it raises comes out as it is, and the toolbox can be started again.

        Raises `TypeError` where the lifespan makes no context manager.
        """
        if self._phase in (_Phase.STARTING, _Phase.OPEN):
            raise KaiConfigError("The toolbox is started already: one `with` at a time", "tool:started")
        before, self._phase = self._phase, _Phase.STARTING
        try:
            self._entered = self._made()
            self._state = self._entered.__enter__()
        except BaseException:
            self._phase = before
            raise
        self._phase = _Phase.OPEN

    def _made(self) -> AbstractContextManager[Any]:
        made = self._lifespan() if self._lifespan else _nothing()
        if not isinstance(made, AbstractContextManager):  # pyright: ignore[reportUnnecessaryIsInstance] - the other kind is a word away
            raise TypeError(f"lifespan must return a context manager, not a {type(made).__name__}")
        return made

    def stop(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave the lifespan, which is told of the error but cannot hide it."""
        entered, self._entered, self._state, self._phase = self._entered, None, None, _Phase.CLOSED
        if entered is not None:
            entered.__exit__(kind, error, traceback)


@contextmanager
def _nothing() -> Generator[None]:
    yield None
