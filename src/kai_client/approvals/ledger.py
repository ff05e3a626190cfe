"""What was decided about which call: one decision per call id, ever."""

import json
from dataclasses import dataclass

from kai_client.exceptions import KaiError
from kai_client.types import Json

from .decisions import Decision
from .waiting import WaitingCall

__all__ = ["Entry", "Ledger", "decided_twice", "same_json"]


@dataclass(slots=True)
class Entry:
    """A decision, the arguments it is about, and whether the backend has it."""

    tool_name: str
    input: Json
    decision: Decision
    sent: bool = False
    settled: bool = False
    """Whether the call has ended since."""

    def is_about(self, call: WaitingCall) -> bool:
        """Whether it is this call that was decided about."""
        return self.tool_name == call.tool_name and same_json(self.input, call.input)


class Ledger:
    """The decisions of one run, by call id."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}

    def find(self, call_id: str) -> Entry | None:
        """What was decided about the call, if anything was."""
        return self._entries.get(call_id)

    def record(self, call: WaitingCall, decision: Decision) -> Entry:
        """Enter a decision. Raises `KaiError` with the code `approval:decided` for a call that has one."""
        if call.tool_call_id in self._entries:
            raise decided_twice(call.tool_call_id)
        entry = self._entries[call.tool_call_id] = Entry(call.tool_name, call.input, decision)
        return entry

    def settle(self, call_id: str) -> None:
        """The call has ended."""
        if (entry := self._entries.get(call_id)) is not None:
            entry.settled = True


def same_json(one: Json, other: Json) -> bool:
    """Whether two values are the same JSON: in Python 1 is True and 1.0, and a tool may mind."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def decided_twice(call_id: str) -> KaiError:
    """The error for a second question about a call: an old yes is never taken for a new one."""
    return KaiError(f"The call {call_id!r} was decided about already; nothing more was sent", "approval:decided")
