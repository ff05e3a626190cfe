"""Testing code that uses Kai, offline: a local server in a thread, pytest fixtures around it, recordings. See docs/testing.md.

The pytest plugin comes with the package; a test asks for `kai_server` (see `KaiServer`), `kai_client`, `sync_kai_client`,
`kai_env` or `kai_server_factory`. Scripts are written with the words of `kai_client.server`.
"""

from .local import KaiServer, running_server
from .record import record

__all__ = ["KaiServer", "record", "running_server"]
