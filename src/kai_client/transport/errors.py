"""The one place where httpx's exceptions, and answers that are errors, become ours."""

import asyncio
import contextlib
import email.utils
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

import httpx

from kai_client._wire import decode_json
from kai_client.exceptions import (
    KaiClosedError,
    KaiConnectionError,
    KaiError,
    KaiStreamError,
    KaiTimeoutError,
    error_from_body,
)

from .credentials import Credentials

_ERROR_BODY_SECONDS: Final = 5.0


@contextmanager
def map_exceptions(credentials: Credentials, *, streaming: bool = False) -> Generator[None]:
    """Every exception of httpx and of decoding as a `KaiError`, its cause chained, the token in no text.

    Once the body of a stream is flowing (`streaming`) a lost connection is a broken stream, not a failed connection.
    """
    try:
        yield
    except httpx.TimeoutException as error:
        message, code = _timed_out(error)
        raise KaiTimeoutError(message, code, _cause(error, credentials)) from error
    except httpx.ConnectError as error:
        raise KaiConnectionError("Cannot connect to Kai", "connection:failed", _cause(error, credentials)) from error
    except (httpx.TransportError, httpx.StreamError, httpx.DecodingError, OSError) as error:
        cause = _cause(error, credentials)
        if streaming:
            raise KaiStreamError("The stream broke off", "stream:broken", cause) from error
        raise KaiConnectionError("The connection to Kai was lost", "connection:lost", cause) from error
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        raise KaiError("The request cannot be made", "request:invalid", _cause(error, credentials)) from error
    except RuntimeError as error:
        # httpx and asyncio have no class of their own for a closed client or loop.
        if isinstance(error, KaiError) or "closed" not in str(error):
            raise
        raise KaiClosedError("The HTTP client or its event loop is closed", "closed", str(error)) from error


def _timed_out(error: httpx.TimeoutException) -> tuple[str, str]:
    match error:
        case httpx.ConnectTimeout():
            return "No connection in time", "timeout:connect"
        case httpx.PoolTimeout():
            return "No free connection in time: close streams that you no longer read", "timeout:pool"
        case httpx.WriteTimeout():
            return "The request could not be sent in time", "timeout:write"
        case _:
            return "Nothing arrived in time", "timeout:idle"


def _cause(error: Exception, credentials: Credentials) -> str:
    text = credentials.redact(str(error))
    name = type(error).__name__
    return f"{name}: {text}" if text else name


async def error_from_response(response: httpx.Response, credentials: Credentials, most: int) -> KaiError:
    """The exception for an error answer, of whose body `most` bytes are read; one that does not come is left out."""
    body = bytearray()
    # The status is known: a body that stalls or breaks must not hide it.
    with contextlib.suppress(TimeoutError, httpx.HTTPError, httpx.StreamError):
        async with asyncio.timeout(_ERROR_BODY_SECONDS):
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > most:
                    break
    text = credentials.redact(bytes(body[:most]).decode("utf-8", "replace"))
    try:
        decoded: object = decode_json(text)
    except ValueError:
        decoded = text
    reason = response.reason_phrase
    if (
        response.is_redirect or response.has_redirect_location
    ):  # following one would carry the token to a place that nobody named
        decoded, reason = None, f"unexpected redirect ({reason})"
    return error_from_body(
        decoded,
        status_code=response.status_code,
        reason=reason,
        retry_after=retry_after(response.headers.get("retry-after")),
        request_id=request_id(response),
    )


def request_id(response: httpx.Response) -> str | None:
    """The id under which the service can find the request in its logs."""
    headers: Mapping[str, str] = response.headers
    return headers.get("x-request-id") or headers.get("x-kbc-request-id")


def retry_after(value: str | None) -> float | None:
    """Seconds to wait, from a `Retry-After` in seconds or as a date; None for anything else."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
