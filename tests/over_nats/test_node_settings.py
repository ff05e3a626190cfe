"""Worker nodes: their settings, and what keeps them from starting."""

from importlib.util import find_spec
from typing import Any

import pytest
from nats_broker import Broker
from node_runs import desk_at, echo, running, settings_for

from kai_client import KaiConfigError
from kai_client.nats.node import Answer, Job, NodeSettings, kai_node
from kai_client.server import ScriptedKai

VARIABLES = ("NATS_URL", "KAI_NODE_INPUT", "KAI_NODE_OUTPUT", "STORAGE_API_TOKEN", "STORAGE_API_URL")


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_all_that_is_missing_is_named_at_once() -> None:
    """Without an environment one error names every variable, Kai's own included."""
    with pytest.raises(KaiConfigError) as caught:
        NodeSettings()
    assert caught.value.code == "config:missing"
    assert [name for name in VARIABLES if name not in caught.value.message] == []


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is given by name goes before a variable, a variable before the default."""
    for name, value in {
        "NATS_URL": "nats://here",
        "KAI_NODE_INPUT": "jobs",
        "KAI_NODE_OUTPUT": "answers",
        "KAI_NODE_ACK_WAIT": "2.5",
        "KAI_NODE_DELIVERIES": "9",
        "KAI_NODE_CONCURRENCY": "",
    }.items():
        monkeypatch.setenv(name, value)
    settings = NodeSettings(deliveries=3)
    assert (settings.servers, settings.input, settings.output) == ("nats://here", "jobs", "answers")
    assert (settings.ack_wait, settings.deliveries, settings.concurrency, settings.durable) == (2.5, 3, 1, "jobs")


def test_values_that_cannot_work_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each variable is named with what it must be; no value is quoted, and the broker's password is in no `repr`."""
    secret = "nats://user:hunter2@here"
    for name, value in {
        "NATS_URL": secret,
        "KAI_NODE_INPUT": "jobs.*",
        "KAI_NODE_OUTPUT": "answers",
        "KAI_NODE_ACK_WAIT": "soon",
        "KAI_NODE_DELIVERIES": "0",
        "KAI_NODE_NAME": "a.b",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(KaiConfigError) as caught:
        NodeSettings()
    named = ("KAI_NODE_INPUT", "KAI_NODE_ACK_WAIT", "KAI_NODE_DELIVERIES", "KAI_NODE_NAME")
    assert [name for name in named if name not in caught.value.message] == []
    assert "hunter2" not in caught.value.message
    assert "hunter2" not in repr(
        NodeSettings(servers=secret, input="a", output="b", ack_wait=1, deliveries=1, name="n")
    )


@pytest.mark.parametrize("output", ["jobs", "jobs.done"])
def test_output_and_input_are_apart(output: str) -> None:
    """A node that would read its own answers is refused."""
    with pytest.raises(KaiConfigError, match="KAI_NODE_OUTPUT"):
        NodeSettings(servers="nats://here", input="jobs", output=output)


def test_a_node_without_kai_needs_the_environment() -> None:
    """Where no client is given and none can be opened, `kai_node` says so before it connects anywhere."""
    with pytest.raises(KaiConfigError, match="STORAGE_API_TOKEN and STORAGE_API_URL"):
        kai_node(echo, NodeSettings(servers="nats://here", input="a", output="b"))


async def test_a_stream_that_does_not_fit_is_named(broker: Broker) -> None:
    """Where somebody's stream holds half of the subjects, the node does not start."""
    async with desk_at(broker) as desk:
        await desk.stream("theirs", "kai.answers.job.>")
        with pytest.raises(KaiConfigError, match=r"kai\.answers"):
            async with running(echo, settings_for(broker)):
                pass


async def test_a_consumer_of_the_same_name_is_changed(broker: Broker) -> None:
    """A worker with other settings starts: the consumer that all share takes them."""
    async with desk_at(broker) as desk:
        async with running(echo, settings_for(broker, ack_wait=30)):
            pass
        async with running(echo, settings_for(broker, ack_wait=7, max_pending=5)):
            about = (await desk.jetstream.consumer_info("kai_jobs", "kai_jobs")).config
    assert (about.ack_wait, about.max_ack_pending) == (7, 5)


async def test_an_existing_stream_is_used_as_it_is(broker: Broker) -> None:
    """Streams that were made by hand, under any name, are found by their subjects."""

    async def handler(ctx: Any, job: Job) -> Answer:
        del ctx
        return job.answer("done")

    async with desk_at(broker) as desk:
        await desk.stream("own", "kai.>")
        async with running(handler, settings_for(broker)):
            await desk.hand_in(Job(id="a", text="x"))
            await desk.until_count(2, "own")
            message = await desk.jetstream.get_last_msg("own", "kai.answers.job.a")
    assert Answer.model_validate_json(message.data or b"").text == "done"


@pytest.mark.skipif(find_spec("nkeys") is not None, reason="nkeys is installed")
def test_credentials_need_another_package() -> None:
    """Where a `.creds` file is given and nkeys is not installed, one error says what to install."""
    settings = NodeSettings(servers="nats://here", input="a", output="b", credentials="worker.creds")
    with pytest.raises(KaiConfigError, match="pip install nkeys"):
        kai_node(echo, settings, kai=ScriptedKai())
