# Made of kai_client/transport/error_answers.py by scripts/generate_sync.py: change that, and run this.
"""The exception for an answer that is an error."""

import contextlib
from typing import Final

import httpx

from kai_client._wire import decode_json
from kai_client.exceptions import KaiError, error_from_body
from kai_client.sync import waits
from kai_client.sync.transport.body import decoded
from kai_client.transport.errors import request_id, retry_after

__all__ = ["error_from_response"]

_ERROR_BODY_SECONDS: Final = 5.0


def error_from_response(response: httpx.Response, most: int, idle: float | None) -> KaiError:
    """The exception for an error answer, of whose body `most` bytes are read; one that does not come is left out.

    It may still have the token in it: `map_exceptions` takes it out.
    """
    body = bytearray()
    # The status is known: a body that stalls, drips or breaks must not hide it.
    with contextlib.suppress(TimeoutError, httpx.HTTPError, httpx.StreamError, OSError):
        waits.within(min(_ERROR_BODY_SECONDS, idle or _ERROR_BODY_SECONDS), lambda: _read(response, most, body))
    text = bytes(body[:most]).decode("utf-8-sig", "replace")
    try:
        content: object = decode_json(text)
    except ValueError:
        content = text
    reason = response.reason_phrase
    if (
        response.is_redirect or response.has_redirect_location
    ):  # following one would carry the token to a place that nobody named
        content, reason = None, f"unexpected redirect ({reason})"
    return error_from_body(
        content,
        status_code=response.status_code,
        reason=reason,
        retry_after=retry_after(response.headers.get("retry-after")),
        request_id=request_id(response),
    )


def _read(response: httpx.Response, most: int, into: bytearray) -> None:
    """A body, until there is more than is wanted."""
    with contextlib.closing(decoded(response)) as pieces:
        for piece in pieces:
            into += piece
            if len(into) > most:
                break
