"""`kai`, the command line: a client like any other, for people and for scripts.

Rooms: `app` is the group and its options, `lazy` finds the commands, `commands` holds one module for each; `connect` makes
the client, `conversation` leads a chat with `catalogue` and `decisions` about its tools, `render` and `output` write;
`failures` says how it ends. What `kai --help` needs imports neither httpx, pydantic nor rich.
"""

from importlib.util import find_spec

if find_spec("click") is None:

    def main() -> None:
        """Say which extra is missing: the script `kai` is installed without its extra, too."""
        raise SystemExit('kai: the command line is an extra: pip install "kai-client[cli]"')

else:
    from .app import main

__all__ = ["main"]
