"""What a tool gets: JSON arguments as typed Python values, or a refusal that the model can act on."""

import functools
import json
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, RootModel, field_validator

from kai_client.toolbox import Toolbox, ToolContext, ToolError

tools = Toolbox()


class Colour(StrEnum):
    RED = "red"


class Query(BaseModel):
    model_config = ConfigDict(extra="forbid")

    region: Literal["eu", "us"]
    minimum: int = Field(default=0, alias="minRevenue", ge=0)


class Params(BaseModel):
    limit: int = 10
    deep: bool = False


class Ids(RootModel[list[int]]):
    pass


class Picky(BaseModel):
    word: str

    @field_validator("word")
    @classmethod
    def never_bad(cls, word: str) -> str:
        if word == "bad":
            raise ValueError("that is a bad word")
        return dict[str, str]()[word] if word == "worse" else word


@tools.tool
async def search(query: Query, params: Params) -> list[Any]:
    return [query.region, query.minimum, params.limit, params.deep]


@tools.tool
def typed(day: date, id: UUID, colour: Colour = Colour.RED) -> list[str]:
    assert isinstance(day, date)
    assert isinstance(id, UUID)
    assert isinstance(colour, Colour)
    return [day.isoformat(), str(id), colour]


@tools.tool
def odd_names(schema: int, copy: int, model_config: int, model_dump: int, _hidden: int, self_: int = 0) -> int:
    return schema + copy + model_config + model_dump + _hidden + self_


@tools.tool
def two_models(first: Query, second: Query) -> list[str]:
    return [first.region, second.region]


@tools.tool
def optional_model(query: Query | None = None) -> str | None:
    return query.region if query else None


@tools.tool
def ids(ids: Ids) -> int:
    return sum(ids.root)


@tools.tool
def renamed(
    of: Annotated[int, Field(alias="from", gt=0)],
    words: list[str] = Field(default_factory=list, max_length=2),  # noqa: B008
) -> str:
    return f"{of} {words}"


@tools.tool
def plain_params(params: dict[str, int]) -> int:
    return sum(params.values())


@tools.tool
def own_default(params: Params = Params(limit=50)) -> int:  # noqa: B008
    return params.limit


@tools.tool
def collects(items: list[int] = []) -> int:  # noqa: B006
    items.append(1)
    return len(items)


@tools.tool
def picky(picky: Picky) -> str:
    return picky.word


UUID_TEXT = "12345678-1234-5678-1234-567812345678"

ACCEPTED: list[tuple[str, Any, Any, Any]] = [
    ("search", {"region": "eu"}, None, ["eu", 0, 10, False]),
    ("search", {"region": "us", "minRevenue": 5}, {"limit": 3, "deep": True}, ["us", 5, 3, True]),
    ("search", {"region": "eu"}, {}, ["eu", 0, 10, False]),
    ("typed", {"day": "2026-01-02", "id": UUID_TEXT, "colour": "red"}, None, ["2026-01-02", UUID_TEXT, "red"]),
    ("typed", {"day": "2026-01-02", "id": UUID_TEXT}, {}, ["2026-01-02", UUID_TEXT, "red"]),
    ("odd_names", {"schema": 1, "copy": 2, "model_config": 4, "model_dump": 8, "_hidden": 16}, None, 31),
    ("two_models", {"first": {"region": "eu"}, "second": {"region": "us"}}, None, ["eu", "us"]),
    ("optional_model", {}, None, None),
    ("optional_model", {"query": {"region": "eu"}}, None, "eu"),
    ("ids", {"ids": [1, 2]}, None, 3),
    ("renamed", {"from": 1, "words": ["a"]}, None, "1 ['a']"),
    ("renamed", {"from": 1}, None, "1 []"),
    ("plain_params", {"params": {"a": 1}}, None, 1),
    ("own_default", {}, None, 50),
    ("own_default", {}, {"limit": 1}, 1),
    ("own_default", {}, {}, 10),
    ("collects", {}, None, 1),
    ("collects", {}, None, 1),
    ("picky", {"word": "good"}, None, "good"),
]


def no_json(value: object) -> str:
    """Why it is none, in the words of this Python."""
    with pytest.raises(ValueError, match="JSON") as caught:
        json.dumps(value, allow_nan=False)
    return str(caught.value)


REFUSED: list[tuple[str, Any, Any, str]] = [
    ("search", {}, None, "region: Field required"),
    ("search", {"region": "mars"}, None, "region: Input should be 'eu' or 'us'"),
    ("search", {"region": "eu", "minimum": 5}, None, "minimum: Extra inputs are not permitted"),
    ("search", {"region": "eu"}, {"limit": "many"}, "params.limit: Input should be a valid integer, unable to parse string as an integer"),
    ("search", {}, {"limit": None}, "region: Field required; params.limit: Input should be a valid integer"),
    ("search", {"region": "eu"}, [], "params: Input should be an object"),
    ("search", [], None, "Input should be an object"),
    ("search", None, None, "Input should be an object"),
    ("search", "region", 5, "Input should be an object; params: Input should be an object"),
    ("typed", {"day": "soon", "id": UUID_TEXT}, None, "day: Input should be a valid date or datetime, input is too short"),
    ("odd_names", {"field_0": 1}, None, "schema: Field required; copy: Field required; model_config: Field required; model_dump: Field required; _hidden: Field required (and 1 more)"),
    ("two_models", {"first": {"region": "eu"}, "second": {}}, None, "second.region: Field required"),
    ("renamed", {"of": 1}, None, "from: Field required; of: Extra inputs are not permitted"),
    ("renamed", {"from": 0}, None, "from: Input should be greater than 0"),
    ("plain_params", {"params": {"a": 1}}, {"b": 1}, "params: This tool has no parameters"),
    ("picky", {"word": "bad"}, None, "word: Value error, that is a bad word"),
    ("typed", {"day": date(2026, 1, 2)}, None, "Input should be JSON (Object of type date is not JSON serializable)"),
    ("ids", {"ids": [float("nan")]}, None, f"Input should be JSON ({no_json(float('nan'))})"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "inputs", "params", "output"), ACCEPTED)
async def test_arguments_arrive_typed(name: str, inputs: Any, params: Any, output: Any) -> None:
    """What fits the annotations reaches the function as the types that they name, defaults filled in."""
    assert await tools.execute(name, inputs, params=params) == output


@pytest.mark.parametrize(("name", "inputs", "params", "text"), REFUSED)
async def test_a_refusal_names_the_field_and_the_problem(name: str, inputs: Any, params: Any, text: str) -> None:
    """What does not fit never reaches the function; the text says all that is wrong, in one line."""
    with pytest.raises(ToolError) as caught:
        await tools.execute(name, inputs, params=params)
    assert (caught.value.code, caught.value.message) == ("tool:invalid_input", f"The arguments are not valid: {text}")


async def test_a_validator_that_breaks_is_a_failure_of_the_tool() -> None:
    """An exception of a model's own validator is the tool's, as one of its body would be."""
    with pytest.raises(ToolError, match="KeyError: 'worse'") as caught:
        await tools.execute("picky", {"word": "worse"})
    assert caught.value.code == "tool:failed"


async def test_a_refusal_is_short_whatever_the_model_wrote() -> None:
    """Neither a huge value nor a huge key comes back, and no more than five problems are told."""
    inputs = {f"{index}-{'x' * 10_000}": "y" * 10_000 for index in range(100)}
    with pytest.raises(ToolError) as caught:
        await tools.execute("typed", inputs)
    assert len(caught.value.message) < 1000
    assert caught.value.message.endswith("(and 97 more)")
    assert "yyy" not in caught.value.message


def nested(levels: int) -> Any:
    """A list in a list in a list."""
    return functools.reduce(lambda inner, _: [inner], range(levels), list[Any]())


async def test_absurd_nesting_is_refused() -> None:
    """An input that no parser can follow is an invalid input, no RecursionError."""
    with pytest.raises(ToolError) as caught:
        await tools.execute("ids", {"ids": nested(100_000)})
    assert caught.value.code == "tool:invalid_input"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=9,
)
KEYS = st.sampled_from(
    ["region", "minRevenue", "limit", "day", "id", "colour", "first", "ids", "from", "word", "query"]
)
OBJECTS = st.dictionaries(KEYS | st.text(max_size=9), JSON, max_size=4)


@given(st.sampled_from([schema.name for schema in tools.schemas()]), JSON | OBJECTS, st.none() | OBJECTS | JSON)
async def test_any_json_is_answered(name: str, inputs: Any, params: Any) -> None:
    """Whatever a model writes, the tool runs or a ToolError says in one short line why not."""
    said: ToolError | None = None
    try:
        await tools.execute(name, inputs, params=params)
    except ToolError as error:
        said = error
    if said is not None:
        assert (said.code, said.message.startswith("KeyError")) in {
            ("tool:invalid_input", False),
            ("tool:failed", True),
        }
        assert len(said.message) < 1500
        assert "\n" not in said.message


@dataclass
class Multiplier:
    """Multiplies by what it was made with."""

    factor: int

    def times(self, number: int) -> int:
        """A product."""
        return self.factor * number

    async def __call__(self, number: int) -> int:
        return self.factor * number


def power(base: int, exponent: int, *, context: ToolContext[None]) -> int:
    """A power."""
    assert context.state is None
    return int(base**exponent)


@functools.lru_cache
def cached(number: int) -> int:
    """Remembered."""
    return number


async def test_methods_callable_objects_and_partials_are_tools() -> None:
    """What is bound already is no argument; the description comes from the code below."""
    own = Toolbox()
    own.tool(Multiplier(3).times)
    own.tool(Multiplier(5), name="by_five")
    own.tool(functools.partial(power, exponent=2), name="square")
    own.tool(functools.partial(power, 2), name="power_of_two", description="2 to the")
    own.tool(cached)
    results = [
        await own.execute("cached", {"number": 2}),
        await own.execute("times", {"number": 2}),
        await own.execute("by_five", {"number": 2}),
        await own.execute("square", {"base": 7}),
        await own.execute("power_of_two", {"exponent": 10}),
    ]
    assert results == [2, 6, 10, 49, 1024]
    descriptions = ["A product.", "Multiplies by what it was made with.", "A power.", "2 to the", "Remembered."]
    assert [schema.description for schema in own.schemas()] == descriptions
    with pytest.raises(ToolError, match="exponent: Extra inputs"):
        await own.execute("square", {"base": 7, "exponent": 3})
