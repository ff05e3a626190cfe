"""May a tool run, and must somebody be asked: the chat's restrictions, the user's permissions, the tool's own nature."""

from kai_client.models import ToolInfo
from kai_client.types import Json, JsonObject

from .script import Call
from .tool_calls import Permission, Refused, Verdict

__all__ = ["judge"]


def judge(call: Call, permission: str | None, restrictions: JsonObject, known: ToolInfo | None) -> Verdict:
    """The verdict on a call.

    Restrictions of the chat come first: allow-list, reading only, deny-list (protocol 2.3). Then what the user has set;
    by default a call asks if its script says so (2.2: read-only tools run, writing ones ask).
    """
    allowed, denied = restrictions.get("allowedTools"), restrictions.get("disallowedTools")
    reads = known.read_only if known is not None else not call.approval
    if (
        (isinstance(allowed, list) and call.tool not in allowed)
        or (restrictions.get("readOnlyMode") is True and not reads)
        or _lists(denied, call.tool)
    ):
        return Refused(f"The tool {call.tool} is not allowed in this chat.")
    if permission == "blocked":
        return Refused(f"The tool {call.tool} is blocked by your settings.")
    if permission == "always_allow":
        return Permission.RUN
    return Permission.ASK if call.approval or permission == "always_ask" else Permission.RUN


def _lists(names: Json, name: str) -> bool:
    return isinstance(names, list) and name in names
