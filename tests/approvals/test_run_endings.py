"""However a run ends, nothing is left behind."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from run_scenes import KINDS, ONCE, Kind, Notes, Scene, Undecided, client_of, scene_of

from kai_client import KaiError, Limits, Timeouts, approve_all
from kai_client.server import ask, fail, say


class OwnError(Exception):
    """What a policy raises."""


async def _leave(scene: Scene) -> None:
    async for _ in scene.run(approve_all):
        break


async def _leave_late(scene: Scene) -> None:
    async with scene.run(approve_all) as stream:
        async for event in stream:
            if getattr(event, "state", None) == "output-available":
                return


async def _fail(scene: Scene) -> None:
    with pytest.raises(OwnError):
        await scene.run(Notes(OwnError())).get_final_message()


async def _pend(scene: Scene) -> None:
    await scene.run(Notes(rules=None)).get_final_message()


async def _end(scene: Scene) -> None:
    await scene.run(approve_all).get_final_message()


async def _limit(scene: Scene) -> None:
    with pytest.raises(KaiError):
        await scene.run(approve_all, max_steps=1).get_final_message()


async def _cancel(scene: Scene) -> None:
    policy = Undecided()
    task = asyncio.create_task(scene.run(policy).get_final_message())
    await policy.begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def _close(scene: Scene) -> None:
    policy = Undecided()
    stream = scene.run(policy)
    task = asyncio.create_task(stream.get_final_message())
    await policy.begun.wait()
    await stream.aclose()
    with pytest.raises(KaiError):
        await task


async def _total(scene: Scene) -> None:
    with pytest.raises(KaiError):
        await scene.run(Undecided(), total=0.3).get_final_message()


async def _break(scene: Scene) -> None:
    with pytest.raises(KaiError):
        await scene.client.run(scene.chat_id, "break", approve=approve_all).get_final_message()


ENDINGS: list[Callable[[Scene], Any]] = [
    _end,
    _leave,
    _leave_late,
    _fail,
    _pend,
    _limit,
    _cancel,
    _close,
    _total,
    _break,
]


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.__name__.strip("_"))
async def test_nothing_is_left_behind(kind: Kind, ending: Callable[[Scene], Any]) -> None:
    """However a run ends, its connections are free again at once, and no task goes on."""
    script = [ask("a", {"n": 1}, 1, id="c1"), say("So."), ask("a", {"n": 2}, 2, id="c2"), say("Done.")]
    async with scene_of(kind) as scene:
        scene.kai.reply(script, when="go")
        scene.kai.reply([ask("a", {}, 1), say("So."), fail("It broke.")], when="break")
        async with client_of(
            kind, scene.url, limits=Limits(connections=2), timeout=Timeouts(pool=5), retry=ONCE
        ) as client:
            narrow_scene = Scene(kind, scene.app, scene.url, client, scene.kai)
            await client.ping()
            for _ in range(3):
                await ending(narrow_scene)
            for _ in range(2):
                await client.ping()
            left = [_name_of(task) for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            assert [name for name in left if not any(part in name for part in SERVING)] == []


SERVING = ("uvicorn", "starlette", "kai_client/server")
"""Where the tasks of the server are, which runs in the same loop."""


def _name_of(task: asyncio.Task[Any]) -> str:
    """Where the code of a task is."""
    code: Any = getattr(task.get_coro(), "cr_code", None)
    return f"{code.co_filename}:{code.co_name}"
