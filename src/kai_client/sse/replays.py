"""The deltas of a stream, many at once: for what they amount to, not for the events; of bytes that are new, or once more.

Most of an answer are deltas that differ in nothing but their text. Of these only the texts are read, which takes a third of the
time of the events.
"""

import re
from collections.abc import Iterator
from typing import Final, Literal, cast

from pydantic_core import from_json

from kai_client.accumulator import Run
from kai_client.events import SSEEvent

from .decoder import EventDecoder
from .plain import START

__all__ = ["in_runs", "replay"]

_PIECE: Final = 32 * 1024
_END: Final = b"\n\n"
_STOP: Final = b'"}\n\n'
_ID: Final = rb'"([^"\\\x00-\x1f]*)"'
_TEXT: Final = rb'[^"\\\n]*+(?:\\(?:[^u\n]|u[\da-fA-F]{4})[^"\\\n]*+)*+"\}\n\n'
_RUNS: Final = re.compile(
    rb'data: (\{"type": ?"'
    rb'(?:(text|reasoning)-delta", ?"id": ?'
    + _ID
    + rb', ?"delta"|(tool-input)-delta", ?"toolCallId": ?'
    + _ID
    + rb', ?"inputTextDelta")'
    rb': ?")' + _TEXT + rb"(?:data: \1" + _TEXT + rb")*+"
)
"""Frames of one part that stand together, each as the first."""


def in_runs(decoder: EventDecoder, data: bytes) -> Iterator[Run | SSEEvent]:
    """What `decoder.feed(data)` yields, but for plain deltas: those of one part that stand together are one run."""
    start = 0
    for found in _RUNS.finditer(data):
        before = found.start()
        if before and data[before - 2 : before] != _END:
            continue  # no frame begins here
        yield from _fed(decoder, data, start, before)
        run = _run(found) if decoder.steady else None
        if decoder.failure is not None:
            return
        if run is not None and decoder.has_read(run.deltas, found.end() - before):
            yield run
        else:
            yield from _fed(decoder, data, before, found.end())
        start = found.end()
    yield from _fed(decoder, data, start, len(data))


def replay(data: bytes, whole: int) -> Iterator[Run | SSEEvent]:
    """The events of `data`, which were decoded before; no run reaches behind `whole`."""
    decoder = EventDecoder()
    yield from in_runs(decoder, data[:whole])
    yield from _fed(decoder, data, whole, len(data))
    yield from decoder.close()


def _fed(decoder: EventDecoder, data: bytes, start: int, end: int) -> Iterator[SSEEvent]:
    for each in range(start, end, _PIECE):
        if decoder.failure is not None:
            return
        yield from decoder.feed(data[each : min(each + _PIECE, end)])


def _run(found: re.Match[bytes]) -> Run | None:
    frames, first = found[0], found[1]
    texts = frames[len(START) + len(first) : -len(_STOP)].split(_STOP + START + first)
    try:
        if not frames.isascii():  # two halves of a character in two of the texts are no character
            frames.decode()
        text: str = from_json(b'"%b"' % b"".join(texts))
    except ValueError:  # no JSON after all
        return None
    kind = cast("Literal['text', 'reasoning', 'tool-input']", (found[2] or found[4]).decode())
    return Run(kind, (found[3] if found[2] else found[5]).decode(), text, len(texts))
