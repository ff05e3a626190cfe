"""The one place where httpx's exceptions become ours, and what the head of an answer says of errors."""

import email.utils
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Final

import httpx

from kai_client.exceptions import (
    KaiClosedError,
    KaiConnectionError,
    KaiError,
    KaiStreamError,
    KaiTimeoutError,
)

from .credentials import Credentials

_ENDLESS: Final = 1e9
"""Thirty years: whoever says more means never."""


@contextmanager
def map_exceptions(credentials: Credentials, *, streaming: bool = False) -> Generator[None]:
    """Every exception of httpx, of what lies below it and of decoding as a `KaiError`, the cause chained, the token in no text.

    Once the body of a stream is flowing (`streaming`) a lost connection is a broken stream, not a failed connection.
    """
    try:
        yield
    except KaiError as error:
        credentials.redact_error(error)
        raise
    except Exception as error:
        raise mapped_error(error, credentials, streaming=streaming) from error


def mapped_error(error: Exception, credentials: Credentials, *, streaming: bool) -> KaiError:
    """What `map_exceptions` raises for `error`, for whoever must not pay for a context manager with every piece of a body."""
    credentials.redact_error(error)
    # All of them: httpx does not map everything that h11, ssl, idna and anyio raise.
    mapped = _mapped(error, streaming=streaming)
    credentials.redact_error(mapped)
    return mapped


def _cause(error: Exception) -> str:
    """The error in its own words; where nobody could be reached also who was to be, for that may be what is wrong."""
    name = type(error).__name__
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        with suppress(RuntimeError):  # one that httpx did not raise itself may know no request
            url = error.request.url
            name += f" for {url.scheme}://{url.netloc.decode('ascii')}"  # netloc is without user and password
    return f"{name}: {error}" if str(error) else name


def _mapped(error: Exception, *, streaming: bool) -> KaiError:
    cause = _cause(error)
    match error:
        case httpx.TimeoutException():
            message, code = _timed_out(error)
            return KaiTimeoutError(message, code, cause)
        case httpx.ConnectError():
            return KaiConnectionError("Cannot connect to Kai", "connection:failed", cause)
        case httpx.InvalidURL() | httpx.UnsupportedProtocol() | UnicodeError():
            return KaiError("The request cannot be made", "request:invalid", cause)
        case RuntimeError() if "closed" in str(error):
            # httpx and asyncio have no class of their own for a closed client or loop.
            return KaiClosedError("The HTTP client or its event loop is closed", "closed", cause)
        case _ if streaming:
            return KaiStreamError("The stream broke off", "stream:broken", cause)
        case _:
            return KaiConnectionError("The connection to Kai was lost", "connection:lost", cause)


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


def request_id(response: httpx.Response) -> str | None:
    """The id under which the service can find the request in its logs."""
    headers: Mapping[str, str] = response.headers
    return headers.get("x-request-id") or headers.get("x-kbc-request-id")


def retry_after(value: str | None) -> float | None:
    """Seconds to wait, from a `Retry-After` in seconds or as a date; None for anything else."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return min(float(value), _ENDLESS)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
