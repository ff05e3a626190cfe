"""Errors: every shape that a backend can send (protocol 3.1 to 3.3) becomes the right exception, whole and picklable."""

import copy
import pickle
from typing import Any

import pytest
from chunks import JSON_VALUES
from hypothesis import given, settings
from hypothesis import strategies as st

from kai_client import exceptions as ex
from kai_client.exceptions import error_class, error_from_body, raise_for_error_response

Body = dict[str, Any]
Told = tuple[type[ex.KaiError], str | None, str, str | None]

CLASSES: list[type[ex.KaiError]] = [
    ex.KaiError,
    ex.KaiBadRequestError,
    ex.KaiAuthenticationError,
    ex.KaiForbiddenError,
    ex.KaiNotFoundError,
    ex.KaiRateLimitError,
    ex.KaiServerError,
    ex.KaiConnectionError,
    ex.KaiTimeoutError,
    ex.KaiStreamError,
    ex.KaiConfigError,
    ex.KaiClosedError,
]
every_class = pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)

BY_TYPE: dict[str, type[ex.KaiError]] = {
    "bad_request": ex.KaiBadRequestError,
    "unauthorized": ex.KaiAuthenticationError,
    "forbidden": ex.KaiForbiddenError,
    "not_found": ex.KaiNotFoundError,
    "rate_limit": ex.KaiRateLimitError,
    "offline": ex.KaiServerError,
    "internal": ex.KaiServerError,
    "bad_response": ex.KaiServerError,
    "conflict": ex.KaiError,
    "payload_too_large": ex.KaiError,
    "something_new": ex.KaiError,
}
BY_STATUS: dict[int, type[ex.KaiError]] = {
    400: ex.KaiBadRequestError,
    401: ex.KaiAuthenticationError,
    403: ex.KaiForbiddenError,
    404: ex.KaiNotFoundError,
    429: ex.KaiRateLimitError,
    301: ex.KaiError,
    402: ex.KaiError,
    405: ex.KaiError,
    409: ex.KaiError,
    413: ex.KaiError,
    418: ex.KaiError,
    499: ex.KaiError,
    500: ex.KaiServerError,
    502: ex.KaiServerError,
    503: ex.KaiServerError,
    504: ex.KaiServerError,
    599: ex.KaiServerError,
}
SURFACES = [
    *("chat", "auth", "api", "stream", "database", "history", "vote", "document", "suggestions", "activate_gateway"),
    "surface_of_the_future",
    "",
]


def told(error: ex.KaiError) -> Told:
    """What an exception says."""
    return type(error), error.code, error.message, error.cause


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize(("kind", "expected"), BY_TYPE.items(), ids=BY_TYPE.keys())
def test_code(kind: str, expected: type[ex.KaiError], surface: str) -> None:
    """The type before the colon decides, in both envelopes and for every surface."""
    code = f"{kind}:{surface}" if surface else kind
    assert error_class(code) is expected
    flat: Body = {"code": code, "message": "m", "cause": "c"}
    assert told(error_from_body(flat)) == (expected, code, "m", "c")
    nested: Body = {"error": {"type": kind, "surface": surface, "message": "m", "exceptionId": "KAI-1"}}
    assert told(error_from_body(nested)) == (expected, code, "m", "KAI-1")


@pytest.mark.parametrize(("status", "expected"), BY_STATUS.items(), ids=map(str, BY_STATUS))
@pytest.mark.parametrize(
    "body",
    [
        {"code": "", "message": "m"},
        {"message": "m"},
        {"code": "what:ever", "message": "m"},
        {"code": 7},
        {},
        "text",
        "",
        None,
    ],
    ids=["empty code", "no code", "unknown code", "numeric code", "empty object", "text", "empty", "nothing"],
)
def test_status(status: int, expected: type[ex.KaiError], body: object) -> None:
    """Where no code decides, the HTTP status does."""
    error = error_from_body(body, status_code=status, reason="Some Reason")
    assert (type(error), error.status_code) == (expected, status)


@pytest.mark.parametrize(
    "code", ["unauthorizedX", "unauthorized_", "x:unauthorized", "Unauthorized:chat", ":", "", None]
)
def test_no_code(code: str | None) -> None:
    """A code that only resembles a known one decides nothing."""
    assert error_class(code) is ex.KaiError
    assert error_class(code, 404) is ex.KaiNotFoundError


def test_code_before_status() -> None:
    """A known code is believed before the status."""
    assert type(error_from_body({"code": "not_found:chat", "message": "m"}, status_code=500)) is ex.KaiNotFoundError


STORAGE: Body = {"error": "Invalid access token", "code": "storage.tokenInvalid", "exceptionId": "e-1"}

SHAPES: dict[str, tuple[object, int | None, Told]] = {
    "flat": (
        {"code": "rate_limit:chat", "message": "slow down"},
        429,
        (ex.KaiRateLimitError, "rate_limit:chat", "slow down", None),
    ),
    "flat, generic database error": (
        {"code": "", "message": "Something"},
        400,
        (ex.KaiBadRequestError, None, "Something", None),
    ),
    "flat, without message": ({"code": "offline:chat"}, 503, (ex.KaiServerError, "offline:chat", "Service", None)),
    "nested, without surface": (
        {"error": {"type": "internal", "message": "m", "subtype": "s"}},
        500,
        (ex.KaiServerError, "internal", "m", None),
    ),
    "nested, without type": ({"error": {"message": "m"}}, 404, (ex.KaiNotFoundError, None, "m", None)),
    "nested, unreadable": ({"error": {"type": 5, "message": None}}, 403, (ex.KaiForbiddenError, None, "Service", None)),
    "storage": (STORAGE, 401, (ex.KaiAuthenticationError, "storage.tokenInvalid", "Invalid access token", "e-1")),
    "storage, empty code": (
        {"error": "Access token must be set", "code": ""},
        401,
        (ex.KaiAuthenticationError, None, "Access token must be set", None),
    ),
    "exception": ({"exception": "x"}, 500, (ex.KaiServerError, None, "x", None)),
    "message before error": ({"message": "m", "error": "e"}, 500, (ex.KaiServerError, None, "m", None)),
    "error text": ({"error": "Not found"}, 404, (ex.KaiNotFoundError, None, "Not found", None)),
    "empty object": ({}, 502, (ex.KaiServerError, None, "Service", None)),
    "JSON string": ("Chat not found", 404, (ex.KaiNotFoundError, "http:404", "HTTP 404: Chat not found", None)),
    "text": ("upstream\n timed out", 504, (ex.KaiServerError, "http:504", "HTTP 504: upstream timed out", None)),
    "empty": ("", 503, (ex.KaiServerError, "http:503", "HTTP 503: Service", None)),
    "nothing": (None, 401, (ex.KaiAuthenticationError, "http:401", "HTTP 401: Service", None)),
    "JSON null without a status": (None, None, (ex.KaiError, None, "Unknown error", None)),
    "nothing known": ({}, None, (ex.KaiError, None, "Unknown error", None)),
}


@pytest.mark.parametrize(("body", "status", "expected"), SHAPES.values(), ids=SHAPES.keys())
def test_shape(body: object, status: int | None, expected: Told) -> None:
    """Every shape of an error body gives class, code, message and cause."""
    reason = "" if status is None else "Service"
    error = error_from_body(body, status_code=status, reason=reason, retry_after=1.5, request_id="r-1")
    assert told(error) == expected
    assert error.response_data == (body if isinstance(body, dict) else None)
    assert (error.status_code, error.retry_after, error.request_id) == (status, 1.5, "r-1")


def test_long_page() -> None:
    """A gateway's page is quoted short."""
    error = error_from_body("<html>" + "x" * 10_000, status_code=502, reason="Bad Gateway")
    assert error.message.startswith("HTTP 502: <html>x")
    assert len(error.message) < 300


@settings(deadline=None)
@given(JSON_VALUES, st.none() | st.integers(100, 599))
def test_any_body(body: Any, status: int | None) -> None:
    """Any JSON as an error body is a `KaiError` with a message."""
    error = error_from_body(body, status_code=status)
    assert isinstance(error, ex.KaiError)
    assert error.message
    assert str(error)


@settings(deadline=None)
@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(["code", "message", "error", "cause", "exceptionId"], JSON_VALUES))
)
def test_any_fields(body: Body) -> None:
    """Any values in the fields of an error body are a `KaiError` with string or no code and cause."""
    error = error_from_body(body)
    assert isinstance(error.message, str)
    assert error.code is None or isinstance(error.code, str)
    assert error.cause is None or isinstance(error.cause, str)


def test_error_code_map() -> None:
    """`ERROR_CODE_MAP` maps the five published codes to their classes."""
    assert {
        "unauthorized:chat": ex.KaiAuthenticationError,
        "forbidden:chat": ex.KaiForbiddenError,
        "not_found:chat": ex.KaiNotFoundError,
        "rate_limit:chat": ex.KaiRateLimitError,
        "bad_request:api": ex.KaiBadRequestError,
    } == ex.ERROR_CODE_MAP


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"code": "not_found:chat", "message": "m", "cause": "c"}, ex.KaiNotFoundError),
        ({"error": {"type": "forbidden", "surface": "chat", "message": "m"}}, ex.KaiForbiddenError),
        ({}, ex.KaiError),
    ],
    ids=["flat", "nested", "empty"],
)
def test_raise_for_error_response(body: Body, expected: type[ex.KaiError]) -> None:
    """`raise_for_error_response` always raises, with the body on the exception."""
    with pytest.raises(ex.KaiError) as caught:
        raise_for_error_response(body)
    assert type(caught.value) is expected
    assert caught.value.response_data == body


@pytest.mark.parametrize(
    ("code", "cause", "expected"),
    [
        (None, None, "it failed"),
        ("a:b", None, "[a:b] it failed"),
        (None, "because", "it failed (cause: because)"),
        ("a:b", "because", "[a:b] it failed (cause: because)"),
        ("", "", "it failed"),
    ],
)
@every_class
def test_str(kind: type[ex.KaiError], code: str | None, cause: str | None, expected: str) -> None:
    """`str()` is `[code] message (cause: ...)`, each part only if set."""
    assert str(kind("it failed", code, cause)) == expected


@every_class
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(kind: type[ex.KaiError], protocol: int) -> None:
    """Every exception survives pickling, and copying, with all its attributes."""
    error = kind("m", "a:b", "c", {"x": [1]}, status_code=418, retry_after=2.5, request_id="r")
    error.partial_text = "half"
    for twin in (pickle.loads(pickle.dumps(error, protocol)), copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is kind
        assert (vars(twin), twin.args, str(twin)) == (vars(error), error.args, str(error))


@every_class
def test_constructor(kind: type[ex.KaiError]) -> None:
    """All are made like `KaiError`, by position or keyword, and hold what they were given."""
    by_position = kind("m", "a:b", "c", {"x": 1})
    by_keyword = kind(message="m", code="a:b", cause="c", response_data={"x": 1})
    for error in (by_position, by_keyword):
        assert (error.message, error.code, error.cause, error.response_data) == ("m", "a:b", "c", {"x": 1})
    least = kind("m")
    assert (least.code, least.cause, least.response_data, least.status_code, least.retry_after) == (None,) * 5
    assert (least.request_id, least.partial_text, least.partial_message) == (None,) * 3


def test_hierarchy() -> None:
    """Everything is a `KaiError`; misuse that the package finds is a `ValueError` or `RuntimeError` as well."""
    exported = {getattr(ex, name) for name in ex.__all__ if name.startswith("Kai")}
    assert exported == set(CLASSES)
    for kind in CLASSES[1:]:
        assert kind.__mro__[1] is ex.KaiError
    assert issubclass(ex.KaiConfigError, ValueError)
    assert issubclass(ex.KaiClosedError, RuntimeError)
