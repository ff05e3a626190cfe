"""What a function says about itself: its parameters, its result, and whether it is async.

Everything that cannot be served is refused here, when the function is decorated: a program with a tool that nobody could
call does not start.
"""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeGuard, get_args, get_origin, get_type_hints

__all__ = ["Function", "Parameter", "Signature", "signature_of", "without"]

Function: TypeAlias = Callable[..., Any]

_ROOMS: Final = tuple(f"kai_client.{room}" for room in ("toolbox", "sync.toolbox"))
_REFUSED: Final = {
    inspect.Parameter.POSITIONAL_ONLY: "is positional-only, but arguments have names in JSON",
    inspect.Parameter.VAR_POSITIONAL: "takes any number of arguments: name each of them",
    inspect.Parameter.VAR_KEYWORD: "takes any argument: name each of them",
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter, with its annotation resolved; `default` is `inspect.Parameter.empty` where it has none."""

    name: str
    annotation: Any
    default: object = inspect.Parameter.empty

    @property
    def required(self) -> bool:
        """Whether a call has to name it."""
        return self.default is inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class Signature:
    """A function as its caller sees it: every parameter can be given by name."""

    name: str
    description: str
    parameters: tuple[Parameter, ...]
    returns: Any
    is_async: bool


def signature_of(function: Function) -> Signature:
    """The signature of a function, method, partial or callable object. Raises `TypeError` for one that cannot be served."""
    plain, bound = _unbound(function)
    name = getattr(plain, "__name__", type(plain).__name__)
    if not callable(plain) or inspect.isclass(plain):
        raise TypeError(f"{name} is not a function")
    # What `functools.lru_cache` makes is an object, but tells of the function that it wraps.
    target = plain if inspect.isroutine(plain) or hasattr(plain, "__wrapped__") else type(plain).__call__
    if inspect.isgeneratorfunction(target) or inspect.isasyncgenfunction(target):
        raise TypeError(f"{name}() is a generator; a tool returns its result at once, as a list for instance")
    hints = _hints(target, name)
    declared = [each for each in _declared(function, name) if each.name not in bound]
    return Signature(
        name=name,
        description=inspect.getdoc(plain) or "",
        parameters=tuple(_parameter(each, hints, name) for each in declared),
        returns=hints.get("return", Any),
        is_async=inspect.iscoroutinefunction(target),
    )


def without(
    kind: type, signature: Signature, parameters: Sequence[Parameter]
) -> tuple[Parameter | None, list[Parameter]]:
    """The parameter annotated `kind` or `kind[...]`, if there is one, and the others.

    Raises `TypeError` for a second one, and for `kind` inside another annotation: it would become an argument, and the
    model could make one up.
    """
    found = [each for each in parameters if _is(each.annotation, kind)]
    rest = [each for each in parameters if not _is(each.annotation, kind)]
    if len(found) > 1:
        raise TypeError(f"{signature.name}() has more than one {kind.__name__}: {', '.join(p.name for p in found)}")
    for each in rest:
        if _mentions(each.annotation, kind):
            raise TypeError(f"{signature.name}(): annotate {each.name} as {kind.__name__} and nothing else")
    return (found[0] if found else None), rest


def _unbound(function: Function) -> tuple[Function, Mapping[str, object]]:
    """The function below a partial, and the arguments that the partial has decided by name."""
    return (function.func, function.keywords) if _is_partial(function) else (function, {})


def _is_partial(function: Function) -> TypeGuard[functools.partial[Any]]:
    return isinstance(function, functools.partial)


def _hints(target: Function, name: str) -> dict[str, Any]:
    try:
        try:
            return get_type_hints(target, include_extras=True)
        except NameError:  # an annotation that is a string may name a class of the function that decorates
            return get_type_hints(target, localns=_names_at_the_decorator(), include_extras=True)
    except (NameError, AttributeError, SyntaxError, TypeError) as error:
        raise TypeError(f"{name}(): an annotation cannot be resolved: {error}") from error


def _names_at_the_decorator() -> dict[str, object]:
    frame = inspect.currentframe()
    while frame is not None and str(frame.f_globals.get("__name__")).startswith(_ROOMS):
        frame = frame.f_back
    return dict(frame.f_locals) if frame else {}


def _declared(function: Function, name: str) -> Sequence[inspect.Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except ValueError as error:  # some functions of C have none
        raise TypeError(f"{name}() does not tell its parameters") from error


def _parameter(parameter: inspect.Parameter, hints: Mapping[str, Any], name: str) -> Parameter:
    if parameter.kind in _REFUSED:
        raise TypeError(f"{name}(): {parameter.name} {_REFUSED[parameter.kind]}")
    if parameter.name not in hints:
        raise TypeError(f"{name}(): {parameter.name} has no annotation, so nothing is known of its type")
    return Parameter(parameter.name, hints[parameter.name], parameter.default)


def _mentions(annotation: object, kind: type) -> bool:
    return _is(annotation, kind) or any(_mentions(each, kind) for each in get_args(annotation))


def _is(annotation: object, kind: type) -> bool:
    return annotation is kind or get_origin(annotation) is kind
