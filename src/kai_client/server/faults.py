"""The errors of the API: as exceptions of the client's own tree, and as the two bodies that carry them (protocol 3)."""

from typing import Final, Literal, NamedTuple, TypeAlias

from kai_client.exceptions import (
    KaiConnectionError,
    KaiError,
    KaiStreamError,
    KaiTimeoutError,
    error_class,
)
from kai_client.types import JsonObject

__all__ = ["Fault", "Mode", "error_body", "fault_of", "fault_of_status", "refusal"]

Mode: TypeAlias = Literal["agent", "assistant"]

_STATUS: Final = {
    "bad_request": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "payload_too_large": 413,
    "rate_limit": 429,
    "internal": 500,
    "bad_response": 502,
    "offline": 503,
}
_TYPE: Final = {status: kind for kind, status in _STATUS.items()}


class Fault(NamedTuple):
    """An error as it will be written: everything that may cross the wire, and nothing else."""

    status: int
    code: str
    message: str
    cause: str | None = None
    retry_after: float | None = None


def refusal(code: str, message: str, *, cause: str | None = None, retry_after: float | None = None) -> KaiError:
    """The exception for a `type:surface` code, with the status of its type (protocol 3.2)."""
    status = _STATUS[code.partition(":")[0]]
    return error_class(code, status)(message, code, cause, status_code=status, retry_after=retry_after)


def fault_of_status(status: int, message: str, code: str | None = None) -> Fault:
    """The error of a status; `code` defaults to the chat's."""
    return Fault(status, code or f"{_TYPE.get(status, 'internal')}:chat", message)


def fault_of(error: Exception) -> Fault:
    """What the client is told about an error.

    The words of an HTTP answer are passed on, with their status. What failed on this side of it (a connection, a bug) is
    told in our own words: its text may name hosts, paths and values.
    """
    if not isinstance(error, KaiError):
        return Fault(500, "internal:api", "The server failed to answer this request.")
    if isinstance(error, KaiConnectionError | KaiTimeoutError):
        return Fault(503, "offline:chat", "Kai cannot be reached at the moment.", retry_after=error.retry_after)
    if error.status_code is None and not _is_api_code(error.code):
        bad = isinstance(error, KaiStreamError)
        return Fault(502, "bad_response:chat", "Kai's answer broke off.") if bad else fault_of(RuntimeError())
    status = error.status_code or _STATUS[(error.code or "").partition(":")[0]]
    fault = fault_of_status(status, error.message, error.code if _is_api_code(error.code) else None)
    return fault._replace(cause=error.cause, retry_after=error.retry_after)


def _is_api_code(code: str | None) -> bool:
    return code is not None and code.partition(":")[0] in _STATUS


def error_body(mode: Mode, fault: Fault) -> JsonObject:
    """Flat for kai-assistant, nested for kai-agent (protocol 3.1)."""
    if mode == "assistant":
        body: JsonObject = {"code": fault.code, "message": fault.message}
        return body if fault.cause is None else {**body, "cause": fault.cause}
    kind, _, surface = fault.code.partition(":")
    inner: JsonObject = {"type": kind, "message": fault.message}
    if surface:
        inner["surface"] = surface
    if fault.cause is not None:
        inner["exceptionId"] = fault.cause
    return {"error": inner}
