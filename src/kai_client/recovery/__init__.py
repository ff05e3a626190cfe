"""The rest of an answer whose stream broke: replayed by the backend, or read from the chat once it is stored there."""

from .difference import IrreconcilableError, missing_events
from .rest import Broken, Source, is_recoverable, rest_of

__all__ = ["Broken", "IrreconcilableError", "Source", "is_recoverable", "missing_events", "rest_of"]
