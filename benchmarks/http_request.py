"""The little of HTTP/1.1 that the benchmark servers speak: a request's path and length, and chunks of a response."""

__all__ = ["HEAD", "LAST_CHUNK", "body_length", "chunk", "path_parts"]

HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-vercel-ai-ui-message-stream: v1\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
LAST_CHUNK = b"0\r\n\r\n"


def body_length(head: bytes) -> int:
    """How many bytes of body follow the request's head."""
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def path_parts(head: bytes) -> list[str]:
    """The pieces of the request's path: what is asked for is in it, and a client may put `api/chat` behind."""
    return head.split(b" ", 2)[1].decode().strip("/").split("/")


def chunk(data: bytes) -> bytes:
    """`data` as one HTTP chunk."""
    return b"%x\r\n%s\r\n" % (len(data), data)
