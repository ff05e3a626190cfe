"""What may be told of an error: its class and its code. Its words may quote what was said."""

import re
from typing import Final

from opentelemetry.trace import Span, Status, StatusCode

from kai_client.exceptions import KaiClosedError, KaiError
from kai_client.transport import redacted

from . import names

__all__ = ["error_type", "fail", "is_failure", "outcome"]

_CODE: Final = re.compile(r"[A-Za-z_.-]{1,40}(:[A-Za-z_.-]{1,40})?|http:\d{3}")
"""A code is a word or two, as in protocol 3.3. A server may write anything there: words that are no code are not told, nor what
is another one each time, since each value of `error.type` is another series of the metrics."""


def is_failure(error: BaseException | None) -> bool:
    """Whether something failed. Who closes or cancels has only stopped wanting."""
    return isinstance(error, Exception) and not isinstance(error, KaiClosedError)


def outcome(error: BaseException | None, *, is_whole: bool) -> str:
    """How work ended, in one word."""
    if error is None:
        return "complete" if is_whole else "closed"
    if is_failure(error):
        return "failed"
    return "closed" if isinstance(error, KaiClosedError | GeneratorExit) else "cancelled"


def error_type(error: BaseException) -> str:
    """The code of an error of ours, else the name of its class."""
    code = error.code if isinstance(error, KaiError) else None
    return redacted(code) if code is not None and _CODE.fullmatch(code) else type(error).__qualname__


def fail(span: Span, error: BaseException) -> None:
    """Mark a span as failed, with the error's class and code and none of its words."""
    kind = error_type(error)
    span.set_attributes({names.ERROR_TYPE: kind, names.ERROR_CLASS: type(error).__qualname__})
    if isinstance(error, KaiError) and error.status_code is not None:
        span.set_attribute(names.HTTP_STATUS, error.status_code)
    span.set_status(Status(StatusCode.ERROR, kind))
