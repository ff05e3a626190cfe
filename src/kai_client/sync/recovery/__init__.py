# Made of kai_client/recovery/__init__.py by scripts/generate_sync.py: change that, and run this.
"""The rest of an answer whose stream broke: replayed by the backend, or read from the chat once it is stored there."""

from kai_client.recovery.difference import IrreconcilableError, missing_events
from kai_client.sync.recovery.rest import Broken, Source, is_recoverable, rest_of

__all__ = ["Broken", "IrreconcilableError", "Source", "is_recoverable", "missing_events", "rest_of"]
