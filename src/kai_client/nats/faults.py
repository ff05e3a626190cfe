"""Errors on the wire: a `KaiError` as a small record, and the record as the exception that it was.

What crosses is what a user of the exception may act on, and nothing else: never a traceback, a `repr`, or the words of what
failed beneath us, which may name hosts, paths and values.
"""

import re
import traceback
from typing import ClassVar, Final, Self

from pydantic import BaseModel, ConfigDict

from kai_client import exceptions
from kai_client.exceptions import (
    KaiClosedError,
    KaiConfigError,
    KaiConnectionError,
    KaiError,
    KaiStreamError,
    KaiTimeoutError,
    error_class,
)

from .text import Text

__all__ = ["FaultRecord", "redacted", "traced"]

_INTERNAL: Final = "internal:api"
_FAILED: Final = "The server failed to answer this request."
"""For what is no `KaiError`: a bug, whose text is not for the wire."""

_MOST: Final = 4000
"""Characters of a text, so that an error always fits into a message."""

_LOCAL: Final[dict[str, type[KaiError]]] = {
    "timeout": KaiTimeoutError,
    "connection": KaiConnectionError,
    "stream": KaiStreamError,
    "closed": KaiClosedError,
    "config": KaiConfigError,
}
"""The classes of the codes that no HTTP answer has, by the code's first word."""

_TYPES: Final[dict[str, type[KaiError]]] = {
    found.__name__: found
    for found in map(vars(exceptions).get, exceptions.__all__)
    if isinstance(found, type) and issubclass(found, KaiError)
}

_SECRET: Final = re.compile(
    r"\b\d+-\d+-[A-Za-z0-9]{16,}"  # a Storage API token
    r"|\bkbc_p?at_\w+"
    r"|(?<=bearer )[^\s\"',;]+"
    r"|(?<=://)[^/\s@]+(?=@)",  # the user and the password of a URL
    re.IGNORECASE,
)


def redacted(text: str) -> str:
    """`text` without what looks like a token or a password, whoever put it there."""
    return _SECRET.sub("***", text)


def traced(error: BaseException) -> str:
    """The traceback of an error, for the log, without what looks like a token or a password."""
    return redacted("".join(traceback.format_exception(error))).rstrip()


def _told(text: str) -> str:
    text = redacted(text)
    return text if len(text) <= _MOST else f"{text[:_MOST]}..."


class FaultRecord(BaseModel):
    """An error as it travels. `type` is the name of its class in `kai_client.exceptions`, where it has one."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True)

    code: Text
    message: Text
    type: Text = "KaiError"
    cause: Text | None = None
    """Only what the service's own answer said: an id for its support, or which field is wrong."""
    status_code: int | None = None
    retry_after: float | None = None
    request_id: Text | None = None

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """The record of an error, whatever it is; without secrets."""
        if not isinstance(error, KaiError):
            return cls(code=_INTERNAL, message=_FAILED, type="KaiServerError", status_code=500)
        answered = error.status_code is not None or error_class(error.code) is not KaiError
        return cls(
            code=_told(error.code or _code_of(error)),
            message=_told(error.message),
            type=next((base.__name__ for base in type(error).__mro__ if base.__name__ in _TYPES), "KaiError"),
            cause=_told(error.cause) if answered and error.cause is not None else None,
            status_code=error.status_code,
            retry_after=error.retry_after,
            request_id=_told(error.request_id) if error.request_id is not None else None,
        )

    def to_error(self) -> KaiError:
        """The exception: of the named class, else of the one that the code or the status stands for."""
        kind = _TYPES.get(self.type, KaiError)
        if kind is KaiError:
            kind = error_class(self.code, self.status_code)
        if kind is KaiError:
            kind = _LOCAL.get(self.code.partition(":")[0], KaiError)
        return kind(
            self.message,
            self.code,
            self.cause,
            status_code=self.status_code,
            retry_after=self.retry_after,
            request_id=self.request_id,
        )


def _code_of(error: KaiError) -> str:
    """The code of an error that was raised without one."""
    words = [word for word, kind in _LOCAL.items() if isinstance(error, kind)]
    return f"{words[0]}:service" if words else "error:service"
