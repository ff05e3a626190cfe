"""The policy that asks whoever sits at the terminal."""

import sys
import threading
from typing import Any, Final

from kai_client.approvals.decisions import Decision, ToolCall
from kai_client.approvals.question import NOBODY, decision_in, put, somebody_is_there

__all__ = ["ask"]

_LOCK: Final = threading.Lock()
"""One question at a time: there is one terminal."""


def ask(call: ToolCall[Any], /) -> Decision:
    """Shows the call with all its arguments on stderr and reads the answer from stdin; where neither is a terminal, denies.

    `y` approves, `n` or nothing denies, and any other answer denies with these words as the reason, which the model is told.
    The end of the input denies.
    """
    if not somebody_is_there():
        return NOBODY
    with _LOCK:
        put(call)
        line = sys.stdin.readline()
    return decision_in(line)
