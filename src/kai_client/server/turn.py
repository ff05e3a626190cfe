"""A turn of a script: what the assistant does about one message, taken one step at a time."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from kai_client.models import Message
from kai_client.types import Json, JsonObject

from .script import Call, Item, Say

if TYPE_CHECKING:
    from .sample.project import SampleProject

__all__ = ["Question", "ToolResult", "Turn", "TurnSpec", "scripted_calls"]


@dataclass(frozen=True, slots=True)
class Question:
    """What a turn answers."""

    text: str
    chat_id: str
    history: Sequence[Message]
    """The chat before this message, oldest first."""
    project: "SampleProject"
    """The user's own sample project."""
    options: JsonObject = field(default_factory=dict[str, Json])
    """The keywords of `send_message` that were given: `branch_id`, `hidden`, `request_path` ..."""
    files: Sequence[JsonObject] = ()
    """The file parts of the message."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What came of a call; a generator turn receives it from its `yield`."""

    tool: str
    input: Json
    output: Json = None
    error: str | None = None
    denied: bool = False
    reason: str | None = None

    @property
    def ok(self) -> bool:
        """The tool ran and did not fail."""
        return self.error is None and not self.denied


_Step: TypeAlias = Item | str | Sequence[Item | str]
_Results: TypeAlias = ToolResult | list[ToolResult] | None
_Script: TypeAlias = Generator[_Step, Any, None]
"""What is sent in depends on what was yielded: a `ToolResult`, a list of them, or None. No type says that."""

TurnSpec: TypeAlias = _Step | Callable[[Question], "_Step | _Script"]
"""A turn: a text, an item, a list of them, or a function of the question that returns one of those or is a generator.

A generator that yields a call receives its `ToolResult`; one that yields a list of calls, the list of their results.
"""


class Turn:
    """A turn being played: `next` hands out what to do, and takes what came of the calls handed out before."""

    def __init__(self, spec: TurnSpec, question: Question) -> None:
        steps = spec(question) if callable(spec) else spec
        self.is_list: bool = not isinstance(steps, Generator)
        """Whether it was written down beforehand, so that it cannot react to what comes of its calls."""
        self._script = steps if isinstance(steps, Generator) else _script_of(steps)
        self._alone = False

    def next(self, results: list[ToolResult] | None) -> list[Item] | None:
        """The next items, calls that belong to one step together; None when the turn is over."""
        sent: _Results = results[0] if results and self._alone else results
        try:
            step = self._script.send(sent)
        except StopIteration:
            return None
        self._alone = isinstance(step, Call)
        return _items(step)

    def close(self) -> None:
        """The turn ends here, whatever it still wanted to do."""
        self._script.close()


def _items(step: _Step) -> list[Item]:
    steps = [step] if isinstance(step, str) or not isinstance(step, Sequence) else step
    items = [Say(item) if isinstance(item, str) else item for item in steps]
    if wrong := [item for item in cast("list[object]", items) if not isinstance(item, Item)]:
        raise TypeError(
            f"A turn is texts, items such as say(...), or a function, not {wrong[0]!r}. Chunks go into raw(...)."
        )
    return items


def _script_of(step: _Step) -> _Script:
    """A list as a generator: neighbouring calls belong to one step."""
    calls: list[Item | str] = []
    for item in _items(step):
        if isinstance(item, Call):
            calls.append(item)
            continue
        if calls:
            yield calls
            calls = []
        yield item
    if calls:
        yield calls


def scripted_calls(spec: TurnSpec) -> Iterator[Call]:
    """The calls that can be seen in a turn without playing it: those of lists, not of functions."""
    if callable(spec):
        return iter(())
    return (item for item in cast("Iterable[Item]", _items(spec)) if isinstance(item, Call))
