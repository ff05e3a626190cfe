"""What a room says whose extra is not installed: one sentence, instead of the name of some library."""

from collections.abc import Generator
from contextlib import contextmanager

__all__ = ["needs_extra"]


@contextmanager
def needs_extra(extra: str, room: str) -> Generator[None]:
    """Around the imports of a room that needs an extra: a missing library is a `ModuleNotFoundError` that says what to install."""
    try:
        yield
    except ImportError as error:
        if error.name is not None and error.name.partition(".")[0] == "kai_client":
            raise  # ours, and no extra would bring it
        sentence = f'{room} is an extra: pip install "kai-client[{extra}]" ({error})'
        raise ModuleNotFoundError(sentence, name=error.name) from error
