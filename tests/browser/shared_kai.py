"""What the pages of a module talk to."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from held_kai import HeldKai

from kai_client.sync import KaiClient
from kai_client.testing import KaiServer

__all__ = ["TOKEN", "Kai", "until"]

TOKEN = "12345-secret-token-of-the-page"


def until(condition: Callable[[], bool]) -> None:
    """Wait for what another process does at once; the test's own timeout bounds it."""
    while not condition():
        time.sleep(0.02)


@dataclass(frozen=True)
class Kai:
    """What the page talks to."""

    server: KaiServer
    script: HeldKai
    client: KaiClient
    """Another client of the same user."""

    def asked(self) -> list[str]:
        """The texts of the messages that were sent so far, and `-` for an answer that was sent back with decisions."""
        found: list[str] = []
        for request in self.server.requests:
            match request.body:
                case {"message": {"role": "user", "parts": [{"text": str(text)}]}}:
                    found.append(text)
                case {"message": _}:
                    found.append("-")
                case _:
                    pass
        return found
