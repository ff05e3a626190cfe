"""`kai`, the command line: a client like any other, for people and for scripts.

Rooms: `app` is the group and its options, `lazy` finds the commands, `commands` holds one module for each; `settings` and
`setup/` say which Kai and as whom, `connect` makes the client; `answer/` is a chat being had, `chats/` those that are stored,
`batch/` a file of prompts; `terminal`, `screen` and `drawing` say what may be shown and how, `failures` how it ends. What
`kai --help` needs imports neither httpx, pydantic nor rich.
"""

from importlib.util import find_spec

if find_spec("click") is None:

    def main() -> None:
        """Say which extra is missing: the script `kai` is installed without its extra, too."""
        raise SystemExit('kai: the command line is an extra: pip install "kai-client[cli]"')

else:
    from .app import main

__all__ = ["main"]
