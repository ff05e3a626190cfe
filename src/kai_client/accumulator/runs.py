"""Runs of text deltas, which are most of a stream: taken together they cost a tenth of what each costs alone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from kai_client.events import SSEEvent, TextDeltaEvent

__all__ = ["Run", "runs"]


@dataclass(slots=True)
class Run:
    """What one text part is given, by deltas that say nothing else."""

    part_id: str
    pieces: list[str] = field(default_factory=list[str])


def runs(events: Iterable[Run | SSEEvent]) -> Iterator[Run | SSEEvent]:
    """The runs of plain text deltas among `events`, and the other events, and the runs, as they are."""
    run: Run | None = None
    for event in events:
        if type(event) is not TextDeltaEvent or event.provider_metadata is not None:
            if run is not None:
                yield run
                run = None
            yield event
        elif run is not None and run.part_id == event.id:
            run.pieces.append(event.text)
        else:
            if run is not None:
                yield run
            run = Run(event.id, [event.text])
    if run is not None:
        yield run
