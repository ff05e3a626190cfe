"""What is asked for, and what is known of the answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from pydantic import JsonValue

__all__ = ["Query", "StreamHead", "StreamRequest"]

Query: TypeAlias = Mapping[str, str | int]


@dataclass(frozen=True, kw_only=True)
class StreamRequest:
    """A request that is answered by a stream. `may_be_empty`: there may be nothing to stream, and that is an answer."""

    method: str
    path: str
    json: JsonValue = None
    may_be_empty: bool = False


@dataclass(kw_only=True)
class StreamHead:
    """What is known of a stream's response once its head has arrived."""

    status_code: int | None = None
    request_id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
