"""Which parts of a growing message are still being written, and under which ids. Pure."""

from collections.abc import Callable

from kai_client.events import (
    ReasoningDeltaEvent,
    ReasoningEndEvent,
    ReasoningEvent,
    ReasoningStartEvent,
    ResetStepEvent,
    SSEEvent,
    StartEvent,
    StepStartEvent,
    TextEndEvent,
    TextEvent,
    TextStartEvent,
)

__all__ = ["OpenParts"]

_Key = tuple[str, str | None]


class OpenParts:
    """Stored messages do not say under which id a text was written: whoever goes on with it has to know."""

    def __init__(self) -> None:
        self._open: dict[_Key, int] = {}

    def note(self, event: SSEEvent, parts: Callable[[], int]) -> None:
        """An event was folded in; `parts` says how many parts the message has now."""
        match event:
            case TextStartEvent() | ReasoningStartEvent():
                self._open[_kind(event), event.id] = parts() - 1
            case TextEndEvent() | ReasoningEndEvent():
                self._open.pop((_kind(event), event.id), None)
            case TextEvent() | ReasoningDeltaEvent() | ReasoningEvent():
                part_id = None if isinstance(event, ReasoningEvent) else getattr(event, "id", None)
                self._written((_kind(event), part_id), parts)
                if part_id is None and getattr(event, "state", None) == "done":
                    self._open.pop(("text", None), None)
            case StepStartEvent():
                self._open.pop(("text", None), None)
                self._open.pop(("reasoning", None), None)
            case StartEvent() | ResetStepEvent():
                left = parts()
                self._open = {key: index for key, index in self._open.items() if index < left}
            case _:
                pass

    def _written(self, key: _Key, parts: Callable[[], int]) -> None:
        """A delta without a start begins a part (the accumulator is as liberal)."""
        if key not in self._open:
            self._open[key] = parts() - 1

    def ids(self) -> dict[int, str | None]:
        """The id of each open part by its place in the message; None for the legacy chunks, which have none."""
        return {index: part_id for (_, part_id), index in self._open.items()}


def _kind(event: SSEEvent) -> str:
    return "text" if isinstance(event, TextStartEvent | TextEndEvent | TextEvent) else "reasoning"
