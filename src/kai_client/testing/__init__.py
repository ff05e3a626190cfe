"""Testing code that uses Kai, offline: a local server in a thread, pytest fixtures around it, recordings. See docs/testing.md.

The pytest plugin comes with the package; a test asks for `kai_server` (see `KaiServer`), `kai_client`, `sync_kai_client`,
`kai_env` or `kai_server_factory`. Scripts are written with the words of `kai_client.server`.
"""

import sys
from typing import TYPE_CHECKING

from kai_client._lazy import lazy_names

if TYPE_CHECKING:
    from .local import KaiServer, running_server
    from .sent import SentDecision, SentMessage, SentVote
    from .session import record

__all__ = ["KaiServer", "SentDecision", "SentMessage", "SentVote", "record", "running_server"]

if not TYPE_CHECKING:  # to a type checker a name that is not there is an error
    # pytest loads this package, for its plugin, wherever it is installed; `sent` brings the server along.
    __getattr__, __dir__ = lazy_names(sys.modules[__name__], ("local", "session", "sent"), extra="server")
