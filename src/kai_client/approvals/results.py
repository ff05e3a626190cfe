"""What comes of a tool that runs on the client's side."""

from dataclasses import dataclass

from kai_client.types import Json

__all__ = ["LocalResult"]


@dataclass(frozen=True, slots=True)
class LocalResult:
    """What came of a call: an output, or the text of an error, which the model is told."""

    output: Json = None
    error: str | None = None
