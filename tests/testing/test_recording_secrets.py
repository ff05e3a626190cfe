"""The token is in no recording, however it is written and wherever it comes from."""

import base64
import html
import itertools
import json
import re
import tomllib
import urllib.parse
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from kai_client.server.redaction import without
from kai_client.testing import record, running_server

ENCODINGS: Final[dict[str, Callable[[str], str]]] = {
    "as it is": str,
    "in JSON": lambda token: json.dumps(token)[1:-1],
    "in JSON in JSON": lambda token: json.dumps(json.dumps(token))[1:-1],
    "escaped for JavaScript": lambda token: "".join(f"\\u{ord(char):04x}" for char in token),
    "percent-encoded": lambda token: urllib.parse.quote(token, safe=""),
    "percent-encoded throughout": lambda token: "".join(f"%{ord(char):02x}" for char in token),
    "percent-encoded twice": lambda token: urllib.parse.quote(urllib.parse.quote(token, safe=""), safe=""),
    "in HTML": html.escape,
    "in HTML by number": lambda token: "".join(f"&#{ord(char)};" for char in token),
    "in hex": lambda token: token.encode().hex(),
    "in base64": lambda token: base64.b64encode(token.encode()).decode(),
    "in base64 after one byte": lambda token: base64.b64encode(b":" + token.encode()).decode(),
    "in base64 after two bytes": lambda token: base64.b64encode(b"u:" + token.encode() + b"more").decode(),
    "in base64 for URLs": lambda token: base64.urlsafe_b64encode(b"user:" + token.encode()).decode(),
}
"""How a token may be written."""

DECODINGS: Final[tuple[Callable[[str], str], ...]] = (
    str,
    urllib.parse.unquote,
    lambda text: urllib.parse.unquote(urllib.parse.unquote(text)),
    html.unescape,
    lambda text: re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), text),
    lambda text: text.replace("\\", ""),
)

TOKENS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=12, max_size=40).filter(
    lambda token: len(set(token)) > 5 and "***" not in token
)
"""Printable ASCII: what a header can carry, and long enough for not being part of what is said anyway."""


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(token=TOKENS, before=st.text(max_size=5), after=st.text(max_size=5))
@settings(max_examples=25, deadline=None)
def test_a_token_is_found_however_it_is_written(encoding: str, token: str, before: str, after: str) -> None:
    """What is left does not say the token in any of the ways, but for bits that base64 mixes with their neighbours, and the marks of an escape"""
    written = ENCODINGS[encoding](token)
    left = without([token], f"{before} {written} {after}")
    assert "***" in left
    assert [each for each in DECODINGS if token in each(left)] == []
    assert len(left) <= len(before) + len(after) + len("  ***") + 16


class Echo:
    """An upstream that sends what it is told, and reflects the headers, as debugging gateways do."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.content_type = "text/event-stream"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The pieces; for discovery an index."""
        request = Request(scope, receive)
        await request.body()
        token = request.headers.get("x-storageapi-token", "")
        headers = {
            "set-cookie": f"session={token}",
            "x-echo": token,
            "retry-after": "0",
            "content-type": self.content_type,
        }
        await StreamingResponse(self._sent(), 200, headers)(scope, receive, send)

    async def _sent(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece


@pytest.fixture(scope="module")
def upstream() -> Generator[tuple[str, Echo]]:
    """It, and its URL."""
    echo = Echo()
    with running_server(sample=True) as server:
        server.app.stand_in = echo
        yield server.url, echo


def cuts(text: str, places: list[int]) -> list[str]:
    """The text in pieces."""
    ends = sorted({place % (len(text) + 1) for place in places} | {0, len(text)})
    return [text[start:end] for start, end in itertools.pairwise(ends)]


def frames(deltas: list[str], kind: str, key: str) -> str:
    """A stream that says these one after the other, with something else between them."""
    chunks: list[dict[str, Any]] = [{"type": "start"}]
    for delta in deltas:
        chunks += [{"type": kind, "id": "0", "toolCallId": "c", key: delta}, {"type": "data-x", "data": 1}]
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


def said(path: Path) -> Iterator[str]:
    """All that a recording says: the file, its texts, and what the deltas of its streams make together."""
    text = path.read_text(encoding="utf-8")
    yield text
    for exchange in tomllib.loads(text).get("exchange", []):
        yield from (str(value) for value in exchange.values())
        yield base64.b64decode(exchange.get("answer-base64", "")).decode("latin-1")
        answer = exchange.get("answer", "")
        chunks = [json.loads(line[6:]) for line in answer.splitlines() if line.startswith("data: {")]
        for key in ("delta", "inputTextDelta", "text"):
            yield "".join(str(chunk.get(key, "")) for chunk in chunks)


KINDS = st.sampled_from([("text-delta", "delta"), ("tool-input-delta", "inputTextDelta"), ("text", "text")])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    token=TOKENS,
    encoding=st.sampled_from(sorted(ENCODINGS)),
    kind=KINDS,
    events=st.lists(st.integers(0, 200), max_size=6),
    network=st.lists(st.integers(0, 5000), max_size=8),
    other=st.sampled_from(["text/event-stream", "application/json", "text/plain", "application/octet-stream"]),
)
def test_the_token_never_lands_in_the_file(  # noqa: PLR0917 - hypothesis names them
    upstream: tuple[str, Echo],
    tmp_path: Path,
    token: str,
    encoding: str,
    kind: tuple[str, str],
    events: list[int],
    network: list[int],
    other: str,
) -> None:
    """In paths, queries, headers and bodies of both sides; cut by the network and spread over events; encoded in any way"""
    url, echo = upstream
    path = tmp_path / "talk.toml"
    written = ENCODINGS[encoding](token)
    stream = frames(cuts(f"It is {written}, is it not?", events), *kind)
    with record(url, path) as server, httpx.Client(base_url=server.url, timeout=10) as http:
        for content_type, body in (("text/event-stream", stream), (other, f'{{"echo": "{written}\xff"}}')):
            encoded = body.encode("latin-1")
            ends = sorted({place % len(encoded) for place in network} | {0, len(encoded)})
            echo.pieces = [encoded[start:end] for start, end in itertools.pairwise(ends)]
            echo.content_type = content_type
            ask(http, token, written)
    everything = list(said(path))
    assert any("It is " in text for text in everything)
    assert [text for text in everything for read in DECODINGS if token in read(text)] == []
    assert [text for text in everything if "base64" not in encoding and written in text] == []


def ask(http: httpx.Client, token: str, written: str) -> None:
    """Say the token everywhere."""
    segment = urllib.parse.quote(written, safe="")
    headers = {"x-storageapi-token": token, "authorization": f"Bearer {token}", "cookie": f"a={token}", "x-other": "1"}
    body = {"text": written, written: [f"Bearer {token}"]}
    http.post(f"/api/{segment}/x?{segment}={segment}&a=b", json=body, headers=headers).read()


def test_a_secret_that_is_no_header(tmp_path: Path) -> None:
    """The token of a client that never sent it, since it failed before, is known all the same"""
    path = tmp_path / "talk.toml"
    with running_server() as real:
        real.reply("It is 12-345-SecretSecretSecret")
        with record(real.url, path, token="12-345-SecretSecretSecret") as server, server.sync_client() as client:
            client.chat("My token is 12-345-SecretSecretSecret")
    assert "SecretSecret" not in path.read_text()
    assert path.read_text().count("***") > 1


def test_spread_over_an_event_of_several_lines(tmp_path: Path, upstream: tuple[str, Echo]) -> None:
    """JSON on several `data:` lines is read as one"""
    url, echo = upstream
    echo.content_type = "text/event-stream"
    token = "12-345-SecretSecretSecret"
    for name, pieces in (("a", [token[:9], token[9:]]), ("b", ["no", "thing"])):
        lines = [
            "\n".join(
                f"data: {line}"
                for line in json.dumps({"type": "text-delta", "id": "0", "delta": each}, indent=1).split("\n")
            )
            for each in pieces
        ]
        echo.pieces = ["".join(f"{each}\n\n" for each in lines).encode()]
        with record(url, tmp_path / name) as server:
            httpx.post(f"{server.url}/api/chat", json={}, headers={"x-storageapi-token": token}).read()
    assert '"delta":"***"' in (tmp_path / "a").read_text()
    assert '"delta":""' in (tmp_path / "a").read_text()
    assert "thing" in (tmp_path / "b").read_text()
