"""Files of prompts and of answers, and what of them a server saw."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kai_client._wire import is_object
from kai_client.testing import KaiServer


def write_prompts(path: Path, *prompts: object) -> Path:
    """A file with a JSON value on each line."""
    path.write_text("".join(json.dumps(prompt) + "\n" for prompt in prompts))
    return path


def answers(text: str) -> list[dict[str, Any]]:
    """The records of an output."""
    return [json.loads(line) for line in text.splitlines()]


def answers_in(path: Path) -> dict[str, dict[str, Any]]:
    """The records of an output file by id, each of which is there once."""
    records = answers(path.read_text())
    by_id = {record["id"]: record for record in records}
    assert len(by_id) == len(records)
    return by_id


def sent(kai_server: KaiServer) -> list[str]:
    """The texts of all messages that the server got, in the order in which it got them."""
    return list(_texts(request.body for request in kai_server.requests if request.path == "/api/chat"))


def _texts(bodies: Iterable[object]) -> Iterable[str]:
    for body in bodies:
        assert is_object(body)
        yield from (part["text"] for part in body["message"]["parts"])
