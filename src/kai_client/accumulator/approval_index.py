"""Who waits for an approval: the decision names the approval, not the call (protocol 5.3, tool-approval-response)."""

from heapq import heappop, heappush
from itertools import count

from kai_client._wire import is_object

from .part_state import PartState


class ApprovalIndex:
    """Finds the part that an approval id means: the first of `parts` whose approval has it now.

    A call can be asked for again under another id, two calls can share one, and a part can be gone: so entries are checked
    when they are looked at and dropped when they no longer hold. Each is dropped once, which keeps the work per event small.
    """

    def __init__(self, parts: list[PartState]) -> None:
        self._parts = parts
        self._entries: dict[str, list[tuple[int, int, PartState]]] = {}
        self._serial = count()

    def add(self, part: PartState) -> None:
        """Note the approval of `part`, if it has one."""
        approval_id = _approval_id(part)
        if approval_id is not None:
            heappush(self._entries.setdefault(approval_id, []), (part.position, next(self._serial), part))

    def find(self, approval_id: str) -> PartState | None:
        """The part, or None where none has such an approval."""
        entries = self._entries.get(approval_id, [])
        while entries:
            part = entries[0][-1]
            if part.is_in(self._parts) and _approval_id(part) == approval_id:
                return part
            heappop(entries)
        return None


def _approval_id(part: PartState) -> str | None:
    approval: object = part.fields.get("approval")
    if not is_object(approval):
        return None
    found: object = approval.get("id")
    return found if isinstance(found, str) else None
