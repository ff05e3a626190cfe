"""The exceptions: everything that this package raises for what happened outside the caller's own code.

    KaiError
    +-- KaiBadRequestError       400, `bad_request:*`: the request itself is wrong
    +-- KaiAuthenticationError   401, `unauthorized:*`: the token is missing, wrong or for another stack
    +-- KaiForbiddenError        403, `forbidden:*`: somebody else's chat, or Kai is off for this token
    +-- KaiNotFoundError         404, `not_found:*`: no such chat, message, vote or pending approval
    +-- KaiRateLimitError        429, `rate_limit:*`: the message quota is used up
    +-- KaiServerError           5xx, `offline:*`, `internal`: the service failed
    +-- KaiConnectionError       no connection, or it was lost before the answer
    +-- KaiTimeoutError          nothing arrived in time
    +-- KaiStreamError           the answer's stream is malformed, broken, aborted or incomplete
    +-- KaiConfigError           (also a ValueError) a token, URL or setting that cannot work
    +-- KaiClosedError           (also a RuntimeError) the client or stream was closed before
    +-- ToolError                (in `toolbox`) a tool of your own failed, or was called with what it does not take

The caller's own misuse (an empty id, an unknown enum value) is a plain `ValueError` or `TypeError`, raised before anything
is sent. The mapping from status and code is that of protocol 3.3.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ._wire import is_object

if TYPE_CHECKING:
    from .message import UIMessage

__all__ = [
    "ERROR_CODE_MAP",
    "KaiAuthenticationError",
    "KaiBadRequestError",
    "KaiClosedError",
    "KaiConfigError",
    "KaiConnectionError",
    "KaiError",
    "KaiForbiddenError",
    "KaiNotFoundError",
    "KaiRateLimitError",
    "KaiServerError",
    "KaiStreamError",
    "KaiTimeoutError",
    "error_class",
    "error_from_body",
    "raise_for_error_response",
]

_FIRST_SERVER_STATUS: Final = 500
_UNKNOWN: Final = "Unknown error"
_QUOTED: Final = 200
"""How many characters of a foreign body an error message quotes."""


class KaiError(Exception):
    """The base of every error of this package.

    `str()` is `[code] message (cause: ...)`, each part only if set. `response_data` is the error body where it was a JSON
    object; `status_code`, `retry_after` (seconds) and `request_id` are set where an HTTP response told them;
    `partial_text` and `partial_message` hold what had arrived when an answer broke off.
    """

    def __init__(
        self,
        message: str,
        code: str | None = None,
        cause: str | None = None,
        response_data: dict[str, Any] | None = None,
        *,
        status_code: int | None = None,
        retry_after: float | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.cause = cause
        self.response_data = response_data
        self.status_code = status_code
        self.retry_after = retry_after
        self.request_id = request_id
        self.partial_text: str | None = None
        self.partial_message: UIMessage | None = None

    def __str__(self) -> str:
        code = f"[{self.code}] " if self.code else ""
        cause = f" (cause: {self.cause})" if self.cause else ""
        return f"{code}{self.message}{cause}"


class KaiBadRequestError(KaiError):
    """400 or `bad_request:*`: the backend refuses the request as it is; sending it again will not help."""


class KaiAuthenticationError(KaiError):
    """401 or `unauthorized:*`: the token is missing, wrong, expired, or belongs to another stack."""


class KaiForbiddenError(KaiError):
    """403 or `forbidden:*`: the chat is somebody else's, or Kai is not enabled for this project or token."""


class KaiNotFoundError(KaiError):
    """404 or `not_found:*`: no such chat, message, vote or pending approval."""


class KaiRateLimitError(KaiError):
    """429 or `rate_limit:*`: the message quota is used up; see `retry_after` and `KaiClient.get_usage()`."""


class KaiServerError(KaiError):
    """A 5xx status, `offline:*` or `internal`: the service failed, the request may be fine."""


class KaiConnectionError(KaiError):
    """No connection could be made, or it was lost before an answer began."""


class KaiTimeoutError(KaiError):
    """Nothing arrived within the timeout."""


class KaiStreamError(KaiError):
    """A stream that cannot be trusted as a whole answer: malformed, broken off, aborted, or ended by an error chunk."""


class KaiConfigError(KaiError, ValueError):
    """A token, URL or setting that cannot work, found before anything was sent."""


class KaiClosedError(KaiError, RuntimeError):
    """The client was closed; a closed client never reopens."""


ERROR_CODE_MAP: Final[dict[str, type[KaiError]]] = {
    "unauthorized:chat": KaiAuthenticationError,
    "forbidden:chat": KaiForbiddenError,
    "not_found:chat": KaiNotFoundError,
    "rate_limit:chat": KaiRateLimitError,
    "bad_request:api": KaiBadRequestError,
}
"""The five codes that the published interface maps by their whole name."""

_TYPE_MAP: Final[dict[str, type[KaiError]]] = {
    "bad_request": KaiBadRequestError,
    "unauthorized": KaiAuthenticationError,
    "forbidden": KaiForbiddenError,
    "not_found": KaiNotFoundError,
    "rate_limit": KaiRateLimitError,
    "offline": KaiServerError,
    "internal": KaiServerError,
    "bad_response": KaiServerError,
}

_STATUS_MAP: Final[dict[int, type[KaiError]]] = {
    400: KaiBadRequestError,
    401: KaiAuthenticationError,
    403: KaiForbiddenError,
    404: KaiNotFoundError,
    429: KaiRateLimitError,
}


def error_class(code: str | None, status_code: int | None = None) -> type[KaiError]:
    """The class for a `type:surface` code, else for an HTTP status, else `KaiError` (protocol 3.3, steps 2 and 3)."""
    if code:
        found = ERROR_CODE_MAP.get(code) or _TYPE_MAP.get(code.partition(":")[0])
        if found:
            return found
    if status_code is None:
        return KaiError
    return _STATUS_MAP.get(status_code) or (KaiServerError if status_code >= _FIRST_SERVER_STATUS else KaiError)


def error_from_body(
    body: object,
    *,
    status_code: int | None = None,
    reason: str = "",
    retry_after: float | None = None,
    request_id: str | None = None,
) -> KaiError:
    """The exception for an error answer, whatever shape it has (protocol 3.1).

    `body` is the decoded JSON where the answer was JSON, else its text; `reason` is the HTTP reason phrase, the message of
    last resort.
    """
    data = body if is_object(body) else None
    if data is None:
        code, message, cause = _from_text(body, status_code, reason)
    else:
        code, message, cause = _from_agent(data) or _from_flat(data, reason)
    return error_class(code, status_code)(
        message, code, cause, data, status_code=status_code, retry_after=retry_after, request_id=request_id
    )


_Parts = tuple[str | None, str, str | None]


def _from_agent(data: Mapping[str, Any]) -> _Parts | None:
    """The nested envelope of kai-agent: `{"error": {type, surface?, message, exceptionId?}}`."""
    match data.get("error"):
        case {"type": str(kind), "message": str(message), **rest}:
            surface = rest.get("surface")
            code = f"{kind}:{surface}" if isinstance(surface, str) and surface else kind
            return code, message, _text_or_none(rest.get("exceptionId"))
        case _:
            return None


def _from_flat(data: Mapping[str, Any], reason: str) -> _Parts:
    """`{code, message, cause?}` of kai-assistant, and what the Storage API and proxies make of it (protocol 1.5)."""
    texts = [_text_or_none(data.get(key)) for key in ("message", "error", "exception")]
    nested: object = data.get("error")
    if is_object(nested):
        texts.append(_text_or_none(nested.get("message")))
    message = next(filter(None, texts), None) or reason or _UNKNOWN
    cause = _text_or_none(data.get("cause")) or _text_or_none(data.get("exceptionId"))
    return _text_or_none(data.get("code")), message, cause


def _from_text(body: object, status_code: int | None, reason: str) -> _Parts:
    """Plain text, HTML, a bare JSON string, nothing: quoted short, since a gateway's page can be long."""
    text = " ".join(body.split()) if isinstance(body, str) else ("" if body is None else str(body))
    text = text if len(text) <= _QUOTED else f"{text[:_QUOTED]}..."
    if status_code is None:
        return None, text or _UNKNOWN, None
    return f"http:{status_code}", f"HTTP {status_code}: {text or reason or _UNKNOWN}", None


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def raise_for_error_response(response_data: dict[str, Any]) -> NoReturn:
    """Raise the exception that an error body stands for, either envelope; it always raises."""
    raise error_from_body(response_data)
