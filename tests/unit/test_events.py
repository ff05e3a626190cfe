"""Chunks to events: one table of every chunk type, read in full, at its least, and with every field spoiled."""

from typing import Any

import pytest
from chunks import FITS, JSON_VALUES, MISFITS, ROWS, SAMPLES, VALUES, Chunk, Row
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from kai_client import events
from kai_client.exceptions import KaiStreamError
from kai_client.sse import parse_sse_event

IDS = [f"{row.chunk}/{len(row.fields)}" for row in ROWS]
ROW_STRATEGY = st.sampled_from(ROWS)
every_row = pytest.mark.parametrize("row", ROWS, ids=IDS)


def plain(value: Any) -> Any:
    """The value of an attribute as JSON: usage is the one field that is a model of its own."""
    return value.model_dump(by_alias=True, exclude_unset=True) if isinstance(value, events.UsageInfo) else value


def fitting(row: Row) -> st.SearchStrategy[Chunk]:
    """Chunks of the row's type with any choice of its optional fields and any fitting values."""
    optional: dict[str, st.SearchStrategy[Any]] = {name: VALUES[row.fields[name]] for name in [*row.spares, *row.takes]}
    needed = {name: VALUES[kind] for name, kind in row.needs.items()}
    return st.fixed_dictionaries({"type": st.just(row.chunk), **needed}, optional=optional)


@every_row
def test_class_and_type(row: Row) -> None:
    """Each chunk type has its own class and the documented `type` string."""
    event = parse_sse_event(row.full)
    assert type(event) is row.event
    assert event.type == row.documented


@every_row
def test_fields(row: Row) -> None:
    """Every field of a chunk is a typed attribute of its event."""
    event = parse_sse_event(row.full)
    for name, kind in row.fields.items():
        assert row.attribute(name) in type(event).model_fields
        assert plain(getattr(event, row.attribute(name))) == SAMPLES[kind], name


@every_row
def test_least(row: Row) -> None:
    """A chunk with nothing but what it needs is read, and its other fields are None or their default."""
    event = parse_sse_event(row.least)
    assert type(event) is row.event
    for name in row.takes:
        unsaid = "stop" if row.event is events.FinishEvent and name == "finishReason" else None
        assert getattr(event, row.attribute(name)) == unsaid, name


@every_row
def test_frozen(row: Row) -> None:
    """Events are frozen, in their own fields, in new ones and in unknown ones."""
    event = parse_sse_event({**row.full, "surprise": 1})
    for name in ("type", "surprise", "novelty", *map(row.attribute, row.fields)):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(event, name, "x")


@every_row
def test_unknown_fields(row: Row) -> None:
    """Unknown fields of a known chunk are kept, as attributes and in the chunk."""
    chunk = {**row.full, "surprise": {"deep": [1]}, "type_": None}
    event = parse_sse_event(chunk)
    assert getattr(event, "surprise") == {"deep": [1]}  # noqa: B009 - a type checker knows that it is no field
    assert event.to_chunk() == chunk


@every_row
def test_round_trip(row: Row) -> None:
    """`to_chunk` gives the chunk back, key for key, whether it has all its fields or the least."""
    assert parse_sse_event(row.full).to_chunk() == row.full
    assert parse_sse_event(row.least).to_chunk() == {**row.least, **row.fills}


@settings(deadline=None)
@given(ROW_STRATEGY.flatmap(lambda row: st.tuples(st.just(row), fitting(row))))
def test_round_trip_of_any(case: tuple[Row, Chunk]) -> None:
    """`to_chunk` gives any valid chunk back, whichever optional fields it has, and the event survives the round trip."""
    row, chunk = case
    assume(chunk.get("errorText") != "")  # an error without a text is an unknown error
    event = parse_sse_event(chunk)
    assert type(event) is row.event
    assert event.to_chunk() == {**row.fills, **chunk}
    assert parse_sse_event(event.to_chunk()) == event


SPOILED = [
    pytest.param(row, name, value, id=f"{row.chunk}.{name}={value!r}")
    for row in ROWS
    for name, kind in row.fields.items()
    for value in MISFITS[kind]
]


@pytest.mark.parametrize(("row", "name", "value"), SPOILED)
def test_spoiled_field(row: Row, name: str, value: Any) -> None:
    """A value of a wrong type counts as absent where the chunk can do without it, and is a `KaiStreamError` where not."""
    chunk = {**row.full, name: value}
    if name in row.needs:
        with pytest.raises(KaiStreamError, match=row.chunk):
            parse_sse_event(chunk)
        return
    absent = {key: value for key, value in chunk.items() if key != name}
    event, expected = parse_sse_event(chunk), parse_sse_event(absent)
    assert type(event) is row.event
    assert getattr(event, row.attribute(name)) == getattr(expected, row.attribute(name))


@pytest.mark.parametrize(
    ("row", "name"),
    [pytest.param(row, name, id=f"{row.chunk}.{name}") for row in ROWS for name in row.needs],
)
def test_missing_field(row: Row, name: str) -> None:
    """A chunk without what makes it one is a `KaiStreamError` that names the chunk, and not its values."""
    chunk = {**row.full, "secret": "kbc-secret"}
    del chunk[name]
    with pytest.raises(KaiStreamError) as caught:
        parse_sse_event(chunk)
    assert row.chunk in str(caught.value)
    assert caught.value.code == "stream:malformed"
    assert "kbc-secret" not in str(caught.value)


@settings(deadline=None)
@given(ROW_STRATEGY, st.data())
def test_any_json_in_any_field(row: Row, data: st.DataObject) -> None:
    """Whatever JSON stands in whichever fields, a known chunk is its event or a `KaiStreamError`, never another error."""
    values = st.fixed_dictionaries({}, optional=dict.fromkeys(row.fields, JSON_VALUES))
    chunk = {**row.full, **data.draw(values)}
    try:
        event = parse_sse_event(chunk)
    except KaiStreamError:
        assert any(not isinstance(chunk[name], FITS[kind]) for name, kind in row.needs.items())
    else:
        assert type(event) is row.event
        event.to_chunk()


@settings(deadline=None)
@given(st.dictionaries(st.text(), JSON_VALUES), JSON_VALUES)
def test_any_object(chunk: Chunk, kind: Any) -> None:
    """Any JSON object is an event; of a type that nobody knows it is an `UnknownEvent` with the raw chunk."""
    chunk = {**chunk, "type": kind}
    event = parse_sse_event(chunk)
    assume(not isinstance(event, events.DataEvent))
    assert isinstance(event, events.UnknownEvent)
    assert event.data == chunk
    assert event.to_chunk() == chunk
    assert event.type == (kind if isinstance(kind, str) else "unknown")


@pytest.mark.parametrize("value", [None, 1, 1.5, True, "text", "", [], [{"type": "finish"}]])
def test_no_object(value: Any) -> None:
    """What is no JSON object is a `KaiStreamError`."""
    with pytest.raises(KaiStreamError, match="JSON object"):
        parse_sse_event(value)


UNKNOWN: list[Chunk] = [
    {"type": "tool-something-new", "toolCallId": "c1"},
    {"type": "step_start"},
    {"type": "Text", "text": "x"},
    {"type": "", "a": 1},
    {"type": "data", "data": 1},
    {"type": "ping"},
]


@pytest.mark.parametrize("chunk", UNKNOWN, ids=lambda chunk: chunk["type"] or "empty")
def test_unknown_type(chunk: Chunk) -> None:
    """A chunk of an unknown type passes through as data."""
    event = parse_sse_event(chunk)
    assert type(event) is events.UnknownEvent
    assert (event.type, event.data, event.to_chunk()) == (chunk["type"], chunk, chunk)


def test_without_type() -> None:
    """An object without a type is an unknown event whose data is the object."""
    event = parse_sse_event({"a": 1})
    assert isinstance(event, events.UnknownEvent)
    assert (event.type, event.data) == ("unknown", {"a": 1})


@pytest.mark.parametrize(
    "row", [row for row in ROWS if issubclass(row.event, events.ChunkEvent)], ids=lambda row: row.chunk
)
def test_data_of_new_events(row: Row) -> None:
    """Events that 0.12 delivered as `UnknownEvent` still have the raw chunk as `data`."""
    event = parse_sse_event(row.full)
    assert isinstance(event, events.ChunkEvent)
    assert event.data == row.full


def test_every_class_is_in_the_table() -> None:
    """The table has a row for every event class that the package exports."""
    exported = {getattr(events, name) for name in events.__all__ if name.endswith("Event")}
    abstract = {events.BaseSSEEvent, events.ChunkEvent, events.SSEEvent, events.UnknownEvent}
    assert exported - abstract == {row.event for row in ROWS}
