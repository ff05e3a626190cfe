"""The blocking client has what the async one has: the same names, signatures and docstrings, but for async."""

import importlib
import inspect
import pkgutil
from typing import Any

import pytest
from sync_words import GENERATOR, translated

import kai_client
from kai_client import sync

CLASSES = ["ChatStream", "KaiClient", "LocalTools", "SSEStreamParser", "Toolbox"]
FUNCTIONS = sorted(set(sync.__all__) - {*CLASSES, "Policy"})
RENAMED = {"aclose": "close"}
WRITTEN = {"ask", "with_timeout"}
"""Those that were not made of the async ones, and whose words differ."""


def members(kind: type) -> dict[str, Any]:
    """The public attributes of a class, under the names that they have in the blocking client."""
    found = {name: inspect.getattr_static(kind, name) for name in dir(kind) if not name.startswith("_")}
    return {RENAMED.get(name, name): value for name, value in found.items()}


PAIRS = [
    pytest.param(ours, members(getattr(kai_client, kind))[name], id=f"{kind}.{name}")
    for kind in CLASSES
    for name, ours in members(getattr(sync, kind)).items()
]


@pytest.mark.parametrize("kind", CLASSES)
def test_no_method_is_missing(kind: str) -> None:
    """Every public attribute of the async class is one of the blocking class, and none is more."""
    assert set(members(getattr(sync, kind))) == set(members(getattr(kai_client, kind)))


def _function(member: Any) -> Any:
    if isinstance(member, property):
        return member.fget
    return getattr(member, "__func__", member)


def _shape(function: Any) -> list[tuple[str, Any, Any]]:
    """Names, kinds and defaults; a policy that is a default has a twin of the same name."""
    parameters = inspect.signature(function).parameters.values()
    return [(each.name, each.kind, getattr(each.default, "__name__", each.default)) for each in parameters]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_methods_are_the_same_but_for_async(ours: Any, theirs: Any) -> None:
    """Same kind of attribute, parameters, defaults and docstring; what comes back is there, not awaited."""
    assert type(ours) is type(theirs)
    if not callable(_function(ours)):
        return
    mine, other = _function(ours), _function(theirs)
    assert not inspect.iscoroutinefunction(mine)
    assert not inspect.isasyncgenfunction(mine)
    assert _shape(mine) == _shape(other)
    assert _words(mine.__doc__) == _words(translated(_as_written(other)))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_the_same_but_for_async(name: str) -> None:
    """So it is for policies, and for what makes them."""
    mine, other = getattr(sync, name), getattr(kai_client, name)
    assert not inspect.iscoroutinefunction(mine)
    assert _shape(mine) == _shape(other)
    if name not in WRITTEN:
        assert _words(mine.__doc__) == _words(translated(_as_written(other)))


def _as_written(method: Any) -> str:
    """The docstring of a method with the indentation of its file, which Python 3.13 takes away."""
    return inspect.cleandoc(method.__doc__ or "").replace("\n", f"\n{8 * ' '}")


def _words(text: str | None) -> list[str]:
    return (text or "").split()


def test_every_name_with_a_twin_is_public() -> None:
    """What `kai_client` makes public out of a room that has a twin is public here; the rest is shared."""
    twins = {f"kai_client.{name}" for name in GENERATOR.IN_SYNC}
    homes = {name: getattr(getattr(kai_client, name), "__module__", "") for name in kai_client.__all__}
    expected = {name for name, home in homes.items() if home in twins}
    assert expected <= set(sync.__all__)


@pytest.mark.parametrize("kind", ["KaiClient", "SSEStreamParser", "Toolbox"])
def test_constructors_are_the_same(kind: str) -> None:
    """Each is made with the same arguments, and says the same of itself."""
    mine, other = getattr(sync, kind), getattr(kai_client, kind)
    assert _shape(mine) == _shape(other)
    assert _words(mine.__doc__) == _words(translated(other.__doc__ or ""))


def test_nothing_here_is_async() -> None:
    """No function of any module of the blocking client is a coroutine function or an async generator."""
    for info in pkgutil.walk_packages(sync.__path__, "kai_client.sync."):
        module = importlib.import_module(info.name)
        for found in vars(module).values():
            owner = getattr(found, "__module__", "") or ""
            if inspect.isclass(found) and owner.startswith("kai_client.sync"):
                functions = [_function(each) for each in vars(found).values()]
            else:
                functions = [found] if owner.startswith("kai_client.sync") else []
            assert not [
                each for each in functions if inspect.iscoroutinefunction(each) or inspect.isasyncgenfunction(each)
            ]


@pytest.mark.parametrize("name", sync.__all__)
def test_every_public_name_loads(name: str) -> None:
    """Each name of `__all__` is there, under the name that it has in `kai_client`."""
    assert getattr(sync, name) is not None
    assert name in kai_client.__all__
