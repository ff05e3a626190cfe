"""A replica in a process of its own, which a test may kill: `python worker_process.py URL`."""

import asyncio
import sys

from services import service, thinking


async def main() -> None:
    """Serve until the process is killed."""
    async with service(sys.argv[1], thinking()):
        print("ready", flush=True)  # noqa: T201 - the test waits for it
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
