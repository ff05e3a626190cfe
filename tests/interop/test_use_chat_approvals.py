"""A human at a page with `useChat` decides about tool calls: the backend turns each click into one decision for Kai."""

from typing import Any

import pytest
from ai_sdk import MAJORS
from chat_backend import Mode, example, in_front_of, kai_behind, served
from local_api import until
from use_chat import Browser, Drawn, Page

from kai_client.server import Execution, KaiApp, ScriptedKai, WireStyle, ask, say

pytestmark = pytest.mark.parametrize("major", MAJORS)
each_mode = pytest.mark.parametrize("mode", ["agent", "assistant"])

BUCKET = {"name": "sandbox"}
REASON = "Not in production"


class Bucket:
    """A tool that asks first, and what it ran with."""

    def __init__(self) -> None:
        self.ran: list[Any] = []

    def turn(self, *names: str) -> list[Any]:
        """Calls of one step, and what is said at the end."""
        calls = [ask("create_bucket", {"name": name}, self._run, denied="All right.") for name in names or ("sandbox",)]
        return [*calls, say("Done.")]

    def _run(self, execution: Execution) -> Any:
        self.ran.append(execution.input)
        return {"created": "in.c-sandbox"}


def over(drawn: Drawn) -> bool:
    """The answer is over: nothing of it waits, or goes on."""
    return drawn.status == "ready" and not {"approval-requested", "approval-responded"} & set(drawn.states)


async def said_at_the_end(page: Page) -> Drawn:
    """What is drawn when the answer is over; none of it failed."""
    return await page.until(lambda drawn: over(drawn) or drawn.error)


def posts(kai: KaiApp) -> int:
    """How many decisions, and messages with decisions, were sent to Kai."""
    return len([each for each in kai.requests if each.method == "POST" and "/api/chat" in each.path]) - 1


@each_mode
async def test_approved(mode: Mode, major: str, browser: Browser) -> None:
    """The call waits on the page with its arguments; one click sends one decision, it runs, and the same message goes on."""
    bucket = Bucket()
    async with served(ScriptedKai([bucket.turn()]), mode) as backend:
        page = browser.page(major, backend.api)
        asked = await page.ask("Create a bucket")
        assert (asked.status, asked.states, asked.tools[0]["input"]) == ("ready", ["approval-requested"], BUCKET)
        assert (bucket.ran, posts(backend.kai)) == ([], 0)
        page.answer(*asked.questions, approved=True)
        drawn = await said_at_the_end(page)
        assert posts(backend.kai) == 1
    assert (drawn.error, drawn.states, drawn.text) == (None, ["output-available"], "Done.")
    assert drawn.tools[0]["output"] == {"created": "in.c-sandbox"}
    assert bucket.ran == [BUCKET]
    assert [message["role"] for message in drawn.messages] == ["user", "assistant"]
    assert drawn.messages[-1]["id"] == asked.messages[-1]["id"]


@each_mode
@pytest.mark.parametrize("denial", ["chunk", "silent"])
async def test_denied(denial: Any, mode: Mode, major: str, browser: Browser) -> None:
    """A refused call does not run and is drawn as refused, also where Kai does not say so; nothing is posted in vain."""
    bucket = Bucket()
    style = WireStyle(denial=denial, steps=denial == "chunk")
    async with served(ScriptedKai([bucket.turn()]), mode, style) as backend:
        page = browser.page(major, backend.api)
        asked = await page.ask("Create a bucket")
        page.answer(*asked.questions, approved=False, reason=REASON)
        drawn = await said_at_the_end(page)
        assert posts(backend.kai) == 1
        if mode == "agent":
            assert backend.decisions() == [
                {"toolUseId": asked.tools[0]["toolCallId"], "approved": False, "reason": REASON}
            ]
    assert (drawn.error, drawn.states, drawn.text) == (None, ["output-denied"], "All right.")
    assert drawn.tools[0]["approval"]["reason"] == REASON
    assert bucket.ran == []


@each_mode
async def test_two_questions_of_a_step(mode: Mode, major: str, browser: Browser) -> None:
    """Each call is decided by the click that was about it, in whatever order Kai asks."""
    bucket = Bucket()
    async with served(ScriptedKai([bucket.turn("good", "bad")]), mode) as backend:
        page = browser.page(major, backend.api)
        await page.ask("Create two buckets")
        while not over(drawn := await page.until(lambda drawn: over(drawn) or drawn.questions or drawn.error)):
            for part in drawn.tools:
                if part["state"] == "approval-requested":
                    page.answer(part["approval"]["id"], approved=part["input"]["name"] == "good")
            await page.until(lambda drawn: not drawn.questions)
    assert (drawn.error, drawn.states, drawn.text) == (
        None,
        ["output-available", "output-denied"],
        "All right.Done.",
    )
    assert bucket.ran == [{"name": "good"}]


@each_mode
async def test_two_chats_wait_at_once(mode: Mode, major: str, browser: Browser) -> None:
    """What is clicked on one page decides nothing on another."""
    kai = ScriptedKai([Bucket().turn("one"), Bucket().turn("two")])
    async with served(kai, mode) as backend:
        pages = [browser.page(major, backend.api) for _ in range(2)]
        asked = [await page.ask("Create a bucket") for page in pages]
        pages[1].answer(*asked[1].questions, approved=False)
        second = await said_at_the_end(pages[1])
        assert pages[0].drawn.states == ["approval-requested"]
        pages[0].answer(*asked[0].questions, approved=True)
        first = await said_at_the_end(pages[0])
    assert [first.states, second.states] == [["output-available"], ["output-denied"]]


async def test_something_else_instead_of_an_answer(major: str, browser: Browser) -> None:
    """Who writes a new message has dropped the question: kai-agent's stream does not wait any more, and nothing runs."""
    bucket = Bucket()
    async with served(kai := ScriptedKai([bucket.turn(), "Never mind."])) as backend:
        page = browser.page(major, backend.api)
        await page.ask("Create a bucket")
        assert len(kai.approvals) == 1
        drawn = await page.ask("Forget it")
        await until(lambda: not len(kai.approvals))
    assert (drawn.status, drawn.text, bucket.ran) == ("ready", "Never mind.", [])


@each_mode
async def test_nobody_decides_in_time(
    mode: Mode, major: str, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a while the backend lets go of kai-agent's stream, and a click that comes too late is told so; kai-assistant waits on."""
    monkeypatch.setattr(example(), "DECISION_SECONDS", 0.01)
    bucket = Bucket()
    async with served(kai := ScriptedKai([bucket.turn()]), mode) as backend:
        page = browser.page(major, backend.api)
        asked = await page.ask("Create a bucket")
        await until(lambda: not len(kai.approvals))
        monkeypatch.setattr(example(), "DECISION_SECONDS", 300)
        page.answer(*asked.questions, approved=True)
        drawn = await said_at_the_end(page)
    if mode == "assistant":
        assert (drawn.error, drawn.text, bucket.ran) == (None, "Done.", [BUCKET])
    else:
        assert (drawn.error, bucket.ran) == ("That question is not open any more. Please ask again.", [])


@each_mode
async def test_the_backend_was_restarted(mode: Mode, major: str, browser: Browser) -> None:
    """kai-assistant keeps the question, so the click still counts; on kai-agent it went with the stream, and the page says so."""
    bucket = Bucket()
    async with kai_behind(ScriptedKai([bucket.turn()]), mode) as (_, kai_url):
        async with in_front_of(kai_url) as url:
            page = browser.page(major, f"{url}/api/chat")
            asked = await page.ask("Create a bucket")
        port = int(url.rpartition(":")[2])
        async with in_front_of(kai_url, port):
            page.answer(*asked.questions, approved=True)
            drawn = await said_at_the_end(page)
    if mode == "assistant":
        assert (drawn.error, drawn.states, drawn.text) == (None, ["output-available"], "Done.")
        assert bucket.ran == [BUCKET]
    else:
        assert drawn.error == "That question is not open any more. Please ask again."
        assert bucket.ran == []
