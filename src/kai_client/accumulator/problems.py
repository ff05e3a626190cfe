"""What did not fit: noted as a warning, or in strict mode refused where the AI SDK refuses it (protocol 5.6)."""

from typing import Final

from kai_client.exceptions import KaiStreamError

_MOST: Final = 1000


class Problems:
    """The warnings of one message."""

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict
        self.warnings: list[str] = []
        """The first thousand: a hostile stream must not fill the memory with them."""

    def note(self, text: str) -> None:
        """Note what did not fit. Strict: raises `KaiStreamError` with the code `stream:refused`."""
        if self._strict:
            raise KaiStreamError(f"The stream makes no sense: {text}", "stream:refused")
        if len(self.warnings) < _MOST:
            self.warnings.append(text)
