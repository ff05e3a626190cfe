"""What the pages of a module talk to."""

from dataclasses import dataclass

from held_kai import HeldKai

from kai_client.sync import KaiClient
from kai_client.testing import KaiServer

__all__ = ["Kai"]


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
