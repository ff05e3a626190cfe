"""Files as rows: a line number and named values each, or what is wrong there."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final, Literal, TypeAlias

from pydantic import JsonValue

from kai_client._wire import decode_json

__all__ = ["Format", "Problem", "Row", "csv_rows", "json_rows"]

Format: TypeAlias = Literal["jsonl", "csv"]

_LONGEST_CELL: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Row:
    """A prompt as it stands in the file; `line` is its first, counted from 1."""

    line: int
    columns: dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a line cannot be used."""

    line: int
    text: str


def json_rows(lines: Iterable[bytes]) -> Iterator[Row | Problem]:
    """One row for each line with an object or with a string, which is the prompt; blank lines are nothing."""
    for number, raw in enumerate(lines, 1):
        try:
            text = _decoded(raw, number)
            if not text.strip():
                continue
            value = decode_json(text)
        except UnicodeDecodeError:
            yield Problem(number, "it is not UTF-8 text")
        except ValueError as error:
            yield Problem(number, f"it is not JSON: {error}")
        else:
            match value:
                case str():
                    yield Row(number, {"prompt": value})
                case dict():
                    yield Row(number, value)
                case _:
                    yield Problem(number, "it is neither a JSON object nor a string")


def csv_rows(lines: Iterable[bytes]) -> Iterator[Row | Problem]:
    """One row for each record below the header; a cell may hold newlines, where it is quoted."""
    csv.field_size_limit(_LONGEST_CELL)  # a prompt may be longer than the 128 KiB that csv expects of a cell
    reader = csv.reader((_decoded(raw, number) for number, raw in enumerate(lines, 1)), strict=True)
    begin = 1
    try:
        header = [name.strip() for name in next(reader, list[str]())]
        if twice := sorted({name for name in header if header.count(name) > 1}):
            yield Problem(1, f"the header names {', '.join(map(repr, twice))} more than once")
            return
        begin = reader.line_num + 1
        for cells in reader:
            if len(cells) > len(header):
                yield Problem(begin, f"it has {len(cells)} cells, and the header {len(header)}")
            elif cells:
                padded = chain(cells, [""] * (len(header) - len(cells)))
                yield Row(begin, dict(zip(header, padded, strict=True)))
            begin = reader.line_num + 1
    except UnicodeDecodeError:
        yield Problem(reader.line_num + 1, "it is not UTF-8 text")
    except csv.Error as error:
        yield Problem(begin, f"it is not CSV: {error}")


def _decoded(raw: bytes, number: int) -> str:
    return raw.decode("utf-8-sig" if number == 1 else "utf-8")
