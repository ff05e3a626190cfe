"""Runs in the environment that a wheel is installed in: imports every public room, and prints what came of it, as JSON.

Each room maps to None, or to the error's class and text. The second part of what is printed is where the package was found.
"""

import importlib
import json
import pkgutil

import kai_client

DEEPER = ("kai_client.nats.node",)
"""Rooms of public names below the first floor."""


def outcome(room: str) -> tuple[str, str] | None:
    """What came of importing a room and looking at each of its public names."""
    try:
        module = importlib.import_module(room)
        for name in module.__all__:
            getattr(module, name)
    except Exception as error:  # noqa: BLE001 - what is raised is what is asked
        return type(error).__name__, str(error)
    return None


def rooms() -> list[str]:
    """The package, its rooms, and those below that are documented."""
    first = [found.name for found in pkgutil.iter_modules(kai_client.__path__) if not found.name.startswith("_")]
    return ["kai_client", *(f"kai_client.{name}" for name in first), *DEEPER]


if __name__ == "__main__":
    print(json.dumps([{room: outcome(room) for room in rooms()}, kai_client.__file__]))
