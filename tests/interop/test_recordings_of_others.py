"""Streams that others make, recorded and played back: the same events, over every stream of a chat."""

from pathlib import Path
from typing import Any

import ai_sdk
import pydantic_ai_chats
import pytest
from answers import STORAGE_URL, TOKEN

from kai_client import KaiError, approve_all
from kai_client.sync import KaiClient
from kai_client.testing import KaiServer, record, running_server
from kai_client.testing.hiding import UUID


def talk(server: KaiServer, chat_id: str) -> list[Any]:
    """The events of a run in which everything is approved, and the error that ended it."""
    events: list[Any] = []
    with KaiClient(TOKEN, STORAGE_URL, server.url) as client:
        try:
            for event in client.run(chat_id, "Go on", approve=approve_all):
                events.append(event)  # noqa: PERF402 - those before an error count
        except KaiError as error:
            # An error may quote the message that it is about, whose id is today's.
            events.append((type(error), UUID.sub("", str(error)), error.partial_text))
    return events


def check(url: str, path: Path) -> None:
    """Record, then replay."""
    chat_id = KaiClient.new_chat_id()
    with record(url, path) as server:
        said = talk(server, chat_id)
    assert len(said) > 2, said
    with running_server() as server:
        server.replay(path)
        assert talk(server, chat_id) == said
        assert TOKEN not in path.read_text()


@pytest.mark.parametrize("major", ai_sdk.MAJORS)
def test_what_the_ai_sdk_streams(ai_sdk_url: str, major: str, tmp_path: Path) -> None:
    """Every scenario of the real AI SDK comes back as it was"""
    for scenario in ai_sdk.SCENARIOS:
        check(f"{ai_sdk_url}/{major}/{scenario}", tmp_path / f"{scenario}.toml")


@pytest.mark.parametrize("version", pydantic_ai_chats.VERSIONS)
def test_what_pydantic_ai_streams(pydantic_ai_url: str, version: str, tmp_path: Path) -> None:
    """Every scenario of pydantic-ai's adapter comes back as it was"""
    for scenario in pydantic_ai_chats.SCENARIOS:
        check(f"{pydantic_ai_url}/{version}/{scenario}", tmp_path / f"{scenario}.toml")
