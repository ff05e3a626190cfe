"""What became of a tool call, where the oldest backends show a refusal as an output (protocol 2.4)."""

from kai_client import ToolCallEvent
from kai_client._wire import is_object

__all__ = ["has_run", "is_refusal"]


def is_refusal(output: object) -> bool:
    """Whether an output says that the tool did not run."""
    return is_object(output) and output.get("_declined") is True


def has_run(call: ToolCallEvent | None) -> bool:
    """Whether the tool ran: where it was refused, by itself, without waiting for its no."""
    return call is not None and call.state == "output-available" and not is_refusal(call.output)
