"""Where the head of an answer ends, as far as a network has to know: what reads the body past the HTTP parser begins there."""

import re
from typing import Final

__all__ = ["HEAD_END", "MOST_HEAD_BYTES", "NO_FINAL_HEAD", "REQUEST", "is_chunked", "named_length"]

REQUEST: Final = re.compile(rb"[A-Z]+ [^ ]+ HTTP/1\.1\r\n")
"""How the bytes of a request begin, and not what is said to a SOCKS proxy."""

HEAD_END: Final = re.compile(rb"\n\r?\n")

NO_FINAL_HEAD: Final = re.compile(rb"HTTP/1\.[01] 1(?!01)")
"""Another head follows."""

MOST_HEAD_BYTES: Final = 100 * 1024
"""More httpcore does not take."""

_LENGTH: Final = re.compile(rb"^content-length:[ \t]*([0-9]{1,15})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_CHUNKED: Final = re.compile(rb"^transfer-encoding:[ \t]*chunked", re.IGNORECASE | re.MULTILINE)
_WITHOUT_BODY: Final = {204, 304}
"""Whatever their heads say (RFC 9112, 6.3)."""


def is_chunked(method: str, status: int, encoding: str) -> bool:
    """Whether the answer to a request has a body in chunks, of which `encoding` is the `transfer-encoding`."""
    return method != "HEAD" and status not in _WITHOUT_BODY and encoding.strip().lower() == "chunked"


def named_length(head: bytes) -> int:
    """How long the body is, where the head names that; else 0."""
    length = None if _CHUNKED.search(head) else _LENGTH.search(head)
    return int(length[1]) if length is not None else 0
