"""All faults, class by class."""

from fault_connections import before_head, encoded, harmless, in_body, in_head
from fault_contents import echoes, other_content, refused, streams
from fault_kinds import Fault

GROUPS: dict[str, tuple[list[Fault], bool]] = {
    "before the head": (before_head.faults, False),
    "in the head": (in_head.faults, False),
    "in the body": (in_body.faults, False),
    "harmless": (harmless.faults, False),
    "encoded": (encoded.faults, False),
    "other content": (other_content.faults, False),
    "refused": (refused.faults, False),
    "echo": (echoes.faults, False),
    "stream": (streams.faults, True),
}
"""Classes of faults, and whether only streaming methods can meet them."""
