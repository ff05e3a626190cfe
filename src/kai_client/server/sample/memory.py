"""What the built-in assistant can recall: the user's own earlier messages in this chat."""

import re
from collections.abc import Sequence
from typing import Final

from kai_client.models import Message

__all__ = ["messages_before", "name_in", "name_told"]

_NAME: Final = re.compile(r"\b(?:my name is|i am called)\s+([\w'-]+)", re.IGNORECASE)


def name_in(text: str) -> str | None:
    """The name that the text tells."""
    found = _NAME.search(text)
    return found[1] if found else None


def name_told(history: Sequence[Message]) -> str | None:
    """The name told last."""
    told = [name for message in history if message.role == "user" and (name := name_in(message.text))]
    return told[-1] if told else None


def messages_before(history: Sequence[Message]) -> int:
    """How many messages the user sent before this one."""
    return sum(message.role == "user" for message in history)
