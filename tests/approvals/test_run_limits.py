"""How long a run may go on, and what is refused before it begins."""

from typing import Any

import pytest
from run_scenes import KINDS, Kind, Notes, Undecided, scene_of, two_steps

from kai_client import KaiClient, KaiError, KaiTimeoutError


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize(("most", "asked"), [(1, ["c1", "c2"]), (2, ["c1", "c2", "c3"])])
async def test_max_steps_bounds_the_steps_that_wait(kind: Kind, most: int, asked: list[str]) -> None:
    """The step that is one too many is an error before anybody is asked about it; calls that wait together are one step."""
    ran: list[Any] = []
    async with scene_of(kind, two_steps(ran)) as scene:
        notes = Notes(rules=True)
        stream = scene.run(notes, max_steps=most)
        if len(asked) == 2:
            with pytest.raises(KaiError) as caught:
                await stream.get_final_message()
            assert caught.value.code == "run:max_steps"
        else:
            await stream.get_final_message()
        assert [decision.call_id for decision in scene.received] == asked
    assert notes.asked == asked
    assert len(ran) == len(asked)


@pytest.mark.parametrize("kind", KINDS, ids=str)
async def test_total_bounds_the_policy_too(kind: Kind) -> None:
    """A policy that never returns ends with the stream's total time, and nothing was sent."""
    ran: list[Any] = []
    async with scene_of(kind, two_steps(ran)) as scene:
        with pytest.raises(KaiTimeoutError) as caught:
            await scene.run(Undecided(), total=0.5).get_final_message()
        assert caught.value.code == "timeout:total"
        assert scene.posts == []
    assert ran == []


WRONG: list[tuple[str, Any, type[Exception]]] = [
    ("max_steps", 0, ValueError),
    ("max_steps", -1, ValueError),
    ("max_steps", True, TypeError),
    ("max_steps", 1.5, TypeError),
    ("max_steps", "3", TypeError),
    ("max_steps", None, TypeError),
    ("total", 0, ValueError),
    ("total", -1.0, ValueError),
    ("total", float("nan"), ValueError),
    ("total", float("inf"), ValueError),
    ("total", "3", TypeError),
    ("total", True, TypeError),
    ("timeout", -1, ValueError),
    ("branch_id", "1", TypeError),
]


@pytest.mark.parametrize(("name", "value", "error"), WRONG)
async def test_wrong_values_are_refused_at_once(name: str, value: Any, error: type[Exception]) -> None:
    """The call itself raises, before anything is awaited or sent."""
    async with KaiClient("token", "https://x.test") as client:
        with pytest.raises(error):
            client.run("chat", "go", **{name: value})


@pytest.mark.parametrize(
    ("chat_id", "text", "error"), [("", "go", ValueError), (1, "go", TypeError), ("a", 1, TypeError)]
)
async def test_wrong_ids_and_texts_are_refused_at_once(chat_id: Any, text: Any, error: type[Exception]) -> None:
    """So do an id that cannot be one and a text that is none."""
    async with KaiClient("token", "https://x.test") as client:
        with pytest.raises(error):
            client.run(chat_id, text)
