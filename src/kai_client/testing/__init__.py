"""Testing code that uses Kai, offline: a local server in a thread, and pytest fixtures around it.

The pytest plugin comes with the package; a test asks for `kai_server` (see `KaiServer`) or `kai_client` (a `KaiClient`
that found it through discovery). Scripts are written with the words of `kai_client.server`.
"""

from .local import KaiServer, running_server

__all__ = ["KaiServer", "running_server"]
