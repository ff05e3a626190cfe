"""What goes on, for those who ask: `KAI_LOG=debug` (or `info`) writes it to stderr, any logging set-up can have it, too.

The logger is `kai_client`. Secrets are left out: of headers the values that carry some, of bodies everything but their size.
"""

import logging
import os
import weakref
from collections.abc import Iterator
from typing import Final, Protocol, TypeVar

import httpx

from .credentials import Credentials

__all__ = ["LOG", "log_request", "log_response", "logged", "redacted", "set_up_logging"]

LOG: Final = logging.getLogger("kai_client")
_SECRET_HEADERS: Final = frozenset(
    {"x-storageapi-token", "authorization", "cookie", "set-cookie", "proxy-authorization"}
)
_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO}


class _Event(Protocol):
    @property
    def type(self) -> str: ...


_EventT = TypeVar("_EventT", bound=_Event)

_BELOW: Final = (
    "httpx",
    *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks")),
)
"""Loggers below us that write heads and errors as they are: a server can echo the token there."""

_KNOWN: Final = weakref.WeakSet[Credentials]()


class _Redacting(logging.Filter):
    """Takes the tokens of our clients out of what the libraries below log. A filter sees its own logger's records only."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Every record passes, redacted."""
        text = record.getMessage()
        shown = redacted(text)
        if shown != text:
            record.msg, record.args = shown, ()
        return True


_REDACTING: Final = _Redacting()


def redacted(text: str) -> str:
    """`text` without the token of any client of this process."""
    for credentials in list(_KNOWN):
        text = credentials.redact(text)
    return text


def set_up_logging(credentials: Credentials) -> None:
    """Keep the token out of the logs below us, and obey `KAI_LOG`, once; without it no handler is set up."""
    _KNOWN.add(credentials)
    for name in _BELOW:
        logging.getLogger(name).addFilter(_REDACTING)  # adding the same one again changes nothing
    level = _LEVELS.get(os.environ.get("KAI_LOG", "").strip().lower())
    if level is None or LOG.handlers:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    LOG.addHandler(handler)
    LOG.setLevel(level)


def log_request(request: httpx.Request, credentials: Credentials) -> None:
    """A request is on its way."""
    if LOG.isEnabledFor(logging.DEBUG):
        headers = _shown(request.headers, credentials)
        size = request.headers.get("content-length", "0")
        LOG.debug("request %s %s %s body=%s bytes", request.method, credentials.redact(str(request.url)), headers, size)


def log_response(response: httpx.Response, credentials: Credentials) -> None:
    """Its head has come back."""
    url = credentials.redact(str(response.request.url))
    LOG.info("%s %s: HTTP %s", response.request.method, url, response.status_code)
    if LOG.isEnabledFor(logging.DEBUG):
        LOG.debug("response HTTP %s %s", response.status_code, _shown(response.headers, credentials))


def logged(events: Iterator[_EventT], credentials: Credentials) -> Iterator[_EventT]:
    """The events of a stream, each noted as it goes by; what it says is left out. Without a log it costs nothing."""
    return _noted(events, credentials) if LOG.isEnabledFor(logging.DEBUG) else events


def _noted(events: Iterator[_EventT], credentials: Credentials) -> Iterator[_EventT]:
    for event in events:
        LOG.debug("event %s", credentials.redact(event.type))
        yield event


def _shown(headers: httpx.Headers, credentials: Credentials) -> dict[str, str]:
    return {name: "***" if name in _SECRET_HEADERS else credentials.redact(value) for name, value in headers.items()}
