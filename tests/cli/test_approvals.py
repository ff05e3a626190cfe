"""Approvals where nobody can be asked, on either backend, known or recognised from its stream."""

import asyncio

import pytest
from cli_runs import TOKEN, Kai

from kai_client import KaiClient
from kai_client.server import Execution, ask, call, say
from kai_client.testing import KaiServer

ROUTES = {
    "agent": ("--service", "kai-agent"),
    "assistant": ("--service", "kai-assistant"),
    "agent by address": ("--base-url", "{url}"),
    "assistant by address": ("--base-url", "{url}/kai-assistant"),
}


@pytest.fixture(params=ROUTES)
def kai_there(request: pytest.FixtureRequest, kai: Kai, kai_server: KaiServer) -> Kai:
    """The command, on each way to each backend."""
    return kai.at(kai_server.url, *(option.format(url=kai_server.url) for option in ROUTES[request.param]))


def decisions(kai_server: KaiServer) -> int:
    """How many decisions were sent."""
    return sum(request.method == "POST" and request.path.endswith("/approval") for request in kai_server.requests)


def test_without_a_terminal_the_answer_is_no(kai_there: Kai) -> None:
    """The call is refused, the model's words about that are printed, and the exit status is 4."""
    run = kai_there("chat", "-m", "Create a bucket called test")
    assert (run.code, run.out) == (
        4,
        "All right, I did not create the bucket `test`. You said: Nobody can be asked here.\n",
    )
    assert "create_bucket needs approval, and nobody can be asked here: denied." in run.err
    assert run.err.splitlines()[-1] == (
        "Error: Not allowed to run create_bucket; run it in a terminal to be asked, or with --approve or --auto-approve"
    )


def test_auto_approve_asks_nobody(kai_there: Kai) -> None:
    """--auto-approve lets the call run, and stderr still tells what ran."""
    run = kai_there("chat", "-m", "Create a bucket called test", "--auto-approve")
    assert (run.code, run.out) == (0, "I created the bucket `in.c-test`.\n")
    assert 'tool create_bucket {"name": "test"} ... done\n' in run.err


def test_legacy_chunks_are_approved_too(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """A backend that writes `tool-call` chunks is answered as any other."""
    kai_server.next_stream(shapes="legacy")
    run = kai_at_server("chat", "-m", "Create a bucket called test", "--auto-approve")
    assert (run.code, run.out) == (0, "I created the bucket `in.c-test`.\n")
    assert 'tool create_bucket {"name": "test"} ... done\n' in run.err


def test_several_calls_are_decided_one_by_one(kai_there: Kai, kai_server: KaiServer) -> None:
    """Every call that waits gets its decision, and each runs once."""
    ran: list[object] = []

    def run_job(execution: Execution) -> str:
        ran.append(execution.input)
        return "ok"

    kai_server.kai.reply([ask("run_job", {"id": n}, run_job) for n in (1, 2, 3)] + [say("All ran.")])
    run = kai_there("chat", "-m", "Run the jobs", "--auto-approve")
    assert (run.code, run.out) == (0, "All ran.\n")
    assert ran == [{"id": 1}, {"id": 2}, {"id": 3}]


def test_tools_that_only_read_are_not_asked_about(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """A read-only tool runs at once: no decision is made or sent."""
    assert kai_at_server("chat", "-m", "Which tables do I have?").code == 0
    assert decisions(kai_server) == 0


def allow(kai_server: KaiServer, **permissions: str) -> None:
    """Change the permissions of the user who runs the command."""

    async def change() -> None:
        async with KaiClient.from_storage_api(TOKEN, kai_server.url) as client:
            await client.update_user_settings(tool_permissions=permissions)

    asyncio.run(change())


def test_tools_that_the_user_allowed_are_not_asked_about(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """The user's own permissions count, on kai-agent, where there are any."""
    allow(kai_server, create_bucket="always_allow")
    assert kai_at_server("chat", "-m", "Create a bucket called test").code == 0
    assert decisions(kai_server) == 0


def test_tools_that_the_user_wants_to_be_asked_about_are(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """A read-only tool with the permission `always_ask` is denied where nobody can be asked."""
    allow(kai_server, get_tables="always_ask")
    assert kai_at_server("chat", "-m", "Which tables do I have?").code == 4


def test_a_decision_that_nobody_waits_for_is_harmless(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """A tool that nobody knows and that runs by itself: its no is a 404 and no refusal."""
    kai_server.kai.reply(lambda _: [call("new_tool", output="ok"), say("It ran.")])
    run = kai_at_server("chat", "-m", "Run it")
    assert (run.code, run.out, decisions(kai_server)) == (0, "It ran.\n", 1)
    assert "denied" not in run.err


@pytest.mark.parametrize(
    ("flags", "code", "answer"), [((), 4, "I did not run `run_job`"), (("--auto-approve",), 0, "Fine.")]
)
def test_the_oldest_assistants_are_answered_too(
    kai: Kai, kai_server: KaiServer, flags: tuple[str], code: int, answer: str
) -> None:
    """A call that is left without an output and without a request is confirmed or denied as they want it."""
    kai_server.kai.reply(call("run_job", {"id": 1}, client_side=True), say("Fine."))
    run = kai.at(kai_server.url, "--service", "kai-assistant")("chat", "-m", "Run it", *flags)
    assert run.code == code
    assert run.out.startswith(answer)
