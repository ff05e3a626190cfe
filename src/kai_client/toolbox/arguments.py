"""From the JSON that a model wrote to the keyword arguments of a function."""

import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Final, Literal, TypeGuard, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, RootModel, TypeAdapter, ValidationError, create_model
from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError
from pydantic.fields import FieldInfo

from .errors import InvalidArgumentsError, problems_of
from .signature import Parameter

__all__ = ["PARAMS", "Arguments", "Params", "adapter_of", "refused_by_pydantic", "validated"]

PARAMS: Final = "params"
_NO_DEFAULT: Final[Any] = ...


class Arguments:
    """Some parameters of a function as one JSON object.

    A single parameter that is a pydantic model is the whole object, and the model says what it allows. Any other parameters
    are its keys; `extra` says what becomes of a key that no parameter has. Raises `TypeError` for a type that pydantic does
    not know.
    """

    def __init__(self, function: str, parameters: Sequence[Parameter], *, extra: Literal["forbid", "ignore"]) -> None:
        self._whole = parameters[0].name if len(parameters) == 1 and is_model(parameters[0].annotation) else None
        # The fields have neutral names, and those of the parameters as aliases: so a parameter may be called `schema`,
        # `model_config` or `_secret`, whatever else these names mean to pydantic.
        self._fields = {f"field_{index}": parameter.name for index, parameter in enumerate(parameters)}
        annotation = parameters[0].annotation if self._whole else self._model(function, parameters, extra)
        self.adapter: TypeAdapter[Any] = adapter_of(annotation, function)

    def read(self, value: object, *, strict: bool = False) -> dict[str, Any]:
        """The arguments by name. Raises `InvalidArgumentsError`."""
        model = validated(self.adapter, value, strict=strict)
        if self._whole:
            return {self._whole: model}
        return {name: getattr(model, field) for field, name in self._fields.items()}

    def _model(
        self, function: str, parameters: Sequence[Parameter], extra: Literal["forbid", "ignore"]
    ) -> type[BaseModel]:
        with refused_by_pydantic(function):
            fields: dict[str, Any] = {
                field: (_aliased(parameter), _NO_DEFAULT if parameter.required else parameter.default)
                for field, parameter in zip(self._fields, parameters, strict=True)
            }
            return create_model(function, __config__=ConfigDict(extra=extra), **fields)


def _aliased(parameter: Parameter) -> Any:
    """The annotation with the parameter's name as alias, unless it has one of the user's own.

    Not by an alias generator: dataclasses and typed dictionaries below would inherit it.
    """
    given = FieldInfo.from_annotation(parameter.annotation)
    if given.alias is not None or given.validation_alias is not None:
        return parameter.annotation
    return Annotated[parameter.annotation, Field(alias=parameter.name)]


class Params:
    """The settings of a function: its parameter `params`, where that is a pydantic model; and the `others`."""

    def __init__(self, function: str, parameters: Sequence[Parameter]) -> None:
        declared = next((each for each in parameters if each.name == PARAMS and is_model(each.annotation)), None)
        self.others: list[Parameter] = [each for each in parameters if each is not declared]
        self.adapter: TypeAdapter[Any] | None = adapter_of(declared.annotation, function) if declared else None
        self._required = declared is not None and declared.required

    def read(self, value: object) -> dict[str, Any]:
        """The argument, if the function has it. Raises `InvalidArgumentsError`."""
        if self.adapter is None:
            if value not in (None, {}):
                raise InvalidArgumentsError([f"{PARAMS}: This tool has no parameters"])
            return {}
        if value is None and not self._required:
            return {}  # the function has a default of its own
        return {PARAMS: validated(self.adapter, {} if value is None else value, within=PARAMS)}


def is_model(annotation: object) -> bool:
    """Whether it is a pydantic model that a JSON object is read into; a `RootModel` may be a list."""
    kind: object = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    return isinstance(kind, type) and issubclass(kind, BaseModel) and not issubclass(kind, RootModel)


def adapter_of(annotation: Any, function: str) -> TypeAdapter[Any]:
    """Pydantic's reader and writer of a type. Raises `TypeError`, naming the function, for a type that it does not know."""
    with refused_by_pydantic(function):
        return TypeAdapter[Any](annotation)


@contextmanager
def refused_by_pydantic(function: str) -> Generator[None]:
    """What pydantic says against a type is a `TypeError` about the function that names the type."""
    try:
        yield
    except (PydanticUserError, PydanticUndefinedAnnotation) as error:
        raise TypeError(f"{function}(): {error.message}") from error


def validated(adapter: TypeAdapter[Any], value: object, *, strict: bool = False, within: str = "") -> Any:
    """A JSON object as what the adapter reads. Raises `InvalidArgumentsError`, whose problems begin with `within`.

    `strict` guesses nothing: `"false"` is no bool and `"5"` no number. What JSON has no type for (dates, enumerations,
    UUIDs) is still read from its text, which is why the object is written as JSON before it is read.
    """
    place = f"{within}: " if within else ""
    if not _is_mapping(value):
        raise InvalidArgumentsError([f"{place}Input should be an object"])
    try:
        text = json.dumps(dict(value), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgumentsError([f"{place}Input should be JSON ({error})"]) from error
    try:
        return adapter.validate_json(text, strict=strict or None)
    except ValidationError as error:
        raise InvalidArgumentsError(problems_of(error, within=within)) from error


def _is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    return isinstance(value, Mapping)
