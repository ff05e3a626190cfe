"""A drop-in replacement: every published import path, name, signature, default, enum and exception is here."""

import importlib
import inspect
import pickle
from collections.abc import AsyncIterator, Awaitable, Callable
from enum import Enum
from typing import Any

import click
import pytest
from published import (
    CONSTRUCTORS,
    ENUMS,
    EXCEPTION_SIGNATURE,
    EXCEPTIONS,
    EXPORTED,
    METHODS,
    ONLY_IN_0_2,
    UNSET,
    MethodKind,
)
from published_models import EVENTS, MODELS

import kai_client
from kai_client import KaiClient, VisibilityType

Parameters = list[inspect.Parameter]
CLIENT: dict[str, Any] = {"storage_api_token": "token", "storage_api_url": "https://connection.keboola.com"}


def find(path: str) -> Any:
    """The object under a published path, such as `client.KaiClient.ping`."""
    module, *names = path.split(".")
    found: Any = importlib.import_module(f"kai_client.{module}")
    for name in names:
        found = inspect.getattr_static(found, name) if inspect.isclass(found) else getattr(found, name)
    return found


def declared(parameters: str) -> Parameters:
    """Published parameters, from the way in which Python writes them."""
    function: Callable[..., Any] = eval(f"lambda {parameters}: None", {"UNSET": UNSET})
    return list(inspect.signature(function).parameters.values())


def ours(path: str) -> dict[str, inspect.Parameter]:
    """Our parameters of a method, `self` included and `cls` not."""
    found: Any = find(path)
    parameters = dict(inspect.signature(getattr(found, "__func__", found)).parameters)
    parameters.pop("cls", None)
    return parameters


def check(published: Parameters, found: dict[str, inspect.Parameter]) -> None:
    """Each published call is a call of ours: same names, order, kinds and defaults; what we add is optional."""
    positional = [name for name, parameter in found.items() if parameter.kind is not parameter.KEYWORD_ONLY]
    expected = [parameter.name for parameter in published if parameter.kind is not parameter.KEYWORD_ONLY]
    assert positional[: len(expected)] == expected
    for parameter in published:
        mine = found[parameter.name]
        assert mine.kind is parameter.kind, parameter.name
        if parameter.default is UNSET:
            assert mine.default is not inspect.Parameter.empty
            assert mine.default is not None, parameter.name
        else:
            assert mine.default == parameter.default, parameter.name
    extra = {name: mine for name, mine in found.items() if name not in {parameter.name for parameter in published}}
    assert not [name for name, mine in extra.items() if mine.default is mine.empty]


@pytest.mark.parametrize(("path", "parameters"), CONSTRUCTORS.items(), ids=CONSTRUCTORS)
def test_constructor(path: str, parameters: str) -> None:
    """Every published class is made with the published arguments."""
    check(declared(parameters), dict(inspect.signature(find(path)).parameters))


@pytest.mark.parametrize(("path", "published"), METHODS.items(), ids=METHODS)
def test_signature(path: str, published: tuple[MethodKind, str]) -> None:
    """Every published method and function takes the published parameters, in their order, with their defaults."""
    kind, parameters = published
    if kind == "property":
        assert isinstance(find(path), property)
        assert find(path).fset is None
        return
    check(declared(parameters), ours(path))


@pytest.mark.parametrize(("path", "keyword"), ONLY_IN_0_2.items(), ids=ONLY_IN_0_2)
def test_keyword_of_0_2(path: str, keyword: str) -> None:
    """The keywords that only 0.2.0 had are back."""
    (parameter,) = declared(f"*, {keyword}")
    assert ours(path)[parameter.name].kind is parameter.KEYWORD_ONLY
    assert ours(path)[parameter.name].default == parameter.default


ARGUMENTS: dict[str, Any] = {
    "chat_id": "c",
    "text": "Hi",
    "approval_id": "a",
    "approved": True,
    "tool_call_id": "t",
    "tool_name": "q",
    "result": "r",
    "response": None,
}


@pytest.mark.filterwarnings("ignore:Use client.run:DeprecationWarning")
@pytest.mark.parametrize("path", [path for path, (kind, _) in METHODS.items() if kind == "async iterator"])
async def test_async_iterator(path: str) -> None:
    """A method that was an async generator returns, at once, what `async for`, `anext` and `aclosing` take."""
    names = [name for name, parameter in ours(path).items() if parameter.default is parameter.empty and name != "self"]
    owner = path.split(".")[1]
    instances: dict[str, Any] = {"KaiClient": KaiClient(**CLIENT), "SSEStreamParser": kai_client.SSEStreamParser()}
    function = getattr(instances[owner], path.rpartition(".")[2]) if owner in instances else find(path)
    result: Any = function(*(ARGUMENTS[name] for name in names))
    assert (isinstance(result, AsyncIterator), isinstance(result, Awaitable)) == (True, False)
    assert aiter(result) is not None
    await result.aclose()


@pytest.mark.parametrize("path", [path for path, (kind, _) in METHODS.items() if kind == "async method"])
def test_async_method(path: str) -> None:
    """A method that was a coroutine function is one."""
    assert inspect.iscoroutinefunction(find(path))


@pytest.mark.parametrize("path", [path for path, (kind, _) in METHODS.items() if kind in {"static", "method"}])
def test_plain_function(path: str) -> None:
    """What was static or not async still is."""
    found = find(path)
    assert isinstance(found, staticmethod) is (METHODS[path][0] == "static")
    assert not inspect.iscoroutinefunction(getattr(found, "__func__", found))


def test_static_methods_on_an_instance() -> None:
    """New ids are different UUIDs, from the class and from a client."""
    client = KaiClient(**CLIENT)
    ids = [KaiClient.new_chat_id(), client.new_chat_id(), KaiClient.new_message_id(), client.new_message_id()]
    assert len(set(ids)) == 4
    assert all(len(found) == 36 for found in ids)


@pytest.mark.parametrize("name", EXPORTED)
def test_exported(name: str) -> None:
    """`kai_client` exports every published name, and says so in `__all__`."""
    assert hasattr(kai_client, name)
    assert name in kai_client.__all__


HOMES = {
    **dict.fromkeys([*MODELS, *EVENTS], "models"),
    **dict.fromkeys(EXCEPTIONS, "exceptions"),
    **dict.fromkeys(ENUMS, "types"),
    "ERROR_CODE_MAP": "exceptions",
    "raise_for_error_response": "exceptions",
    "SSEStreamParser": "sse",
    "parse_sse_event": "sse",
    "parse_sse_stream": "sse",
    "KaiClient": "client",
}


@pytest.mark.parametrize(("name", "module"), HOMES.items(), ids=HOMES)
def test_import_path(name: str, module: str) -> None:
    """Every published name is importable from its published module, and is the same object everywhere."""
    found = getattr(importlib.import_module(f"kai_client.{module}"), name)
    assert getattr(kai_client, name, found) is found


@pytest.mark.parametrize("name", ENUMS)
def test_enum(name: str) -> None:
    """Every published member is there, is a string, and compares equal to its value."""
    enum: type[Enum] = getattr(importlib.import_module("kai_client.types"), name)
    assert issubclass(enum, str)
    for member, value in ENUMS[name].items():
        assert enum[member].value == value
        assert enum(value) is enum[member]
        assert enum[member] == value


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_exception(name: str) -> None:
    """Every exception has the published base, constructor and attributes, and `str()`."""
    kind: type[kai_client.KaiError] = getattr(kai_client, name)
    assert kind.__bases__ == ((Exception,) if name == "KaiError" else (kai_client.KaiError,))
    check(declared(EXCEPTION_SIGNATURE), dict(inspect.signature(kind).parameters))
    error = kind("m", "c:d", "why", {"a": 1})
    assert (error.message, error.code, error.cause, error.response_data) == ("m", "c:d", "why", {"a": 1})
    assert str(error) == "[c:d] m (cause: why)"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_error_functions() -> None:
    """`ERROR_CODE_MAP` and `raise_for_error_response` agree."""
    assert set(kai_client.exceptions.ERROR_CODE_MAP) == {
        "unauthorized:chat",
        "forbidden:chat",
        "not_found:chat",
        "rate_limit:chat",
        "bad_request:api",
    }
    for code, kind in kai_client.exceptions.ERROR_CODE_MAP.items():
        with pytest.raises(kind):
            kai_client.exceptions.raise_for_error_response({"code": code, "message": "m"})


def test_event_union() -> None:
    """`SSEEvent` is a union that every published event class is in."""
    members = set(kai_client.SSEEvent.__args__)
    assert {getattr(kai_client.models, name) for name in EVENTS if name != "BaseSSEEvent"} <= members


def test_version() -> None:
    """`__version__` is a string of numbers."""
    assert kai_client.__version__[0].isdigit()


def test_visibility_as_text() -> None:
    """Enums and their plain values are interchangeable as arguments."""
    client = KaiClient(**CLIENT)
    for visibility in (VisibilityType.PUBLIC, "public"):
        assert client.send_message("c", "Hi", visibility=visibility) is not None


def test_command_line() -> None:
    """`kai_client.cli:main` is a click group."""
    assert isinstance(importlib.import_module("kai_client.cli").main, click.Group)
