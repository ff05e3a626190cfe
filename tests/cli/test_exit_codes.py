"""Each exit status, provoked; with it one line on stderr that says what happened and what to do."""

import os
import signal
import socket
from collections.abc import Generator
from typing import Any

import pytest
from cli_runs import TOKEN, Kai

from kai_client import (
    KaiClosedError,
    KaiConfigError,
    KaiError,
    KaiForbiddenError,
    KaiServerError,
    KaiStreamError,
    KaiTimeoutError,
)
from kai_client.cli.exit_codes import ExitCode
from kai_client.cli.failures import exit_code
from kai_client.server import StorageIndex, abort, fail, finish, raw, say
from kai_client.server.script import Item
from kai_client.testing import KaiServer


def last_line(err: str) -> str:
    """What a human reads last; it is the only one about the failure, and there is no traceback."""
    assert "Traceback" not in err
    assert err.count("\nError: ") + err.startswith("Error: ") == 1, err
    return err.splitlines()[-1]


@pytest.mark.parametrize(
    ("turn", "code", "line"),
    [
        ([say("Half"), fail("It broke.")], 1, "Error: [stream:error] It broke - the answer is not whole: ask again"),
        (
            [say("Half"), abort("stopped")],
            1,
            "Error: [stream:aborted] The answer was aborted (cause: stopped) - the answer",
        ),
        (
            [say("Half"), finish("error")],
            1,
            "Error: [stream:finish_error] The answer failed, and the backend does not say why - the answer",
        ),
        ([say("Half"), raw({"type": "text-delta"})], 5, "Error: [stream:malformed] Malformed 'text-delta' chunk"),
        ([fail(status=500)], 1, "Error: [internal:chat] Something went wrong - the service has a problem: try again"),
        ([fail(status=403)], 3, "Error: [forbidden:chat] Something went wrong - the chat is another user's, or Kai"),
        (
            [fail(status=429, retry_after=3600)],
            6,
            "Error: [rate_limit:chat] Something went wrong - try again in 3600 s",
        ),
    ],
)
def test_an_answer_that_fails(kai_at_server: Kai, kai_server: KaiServer, turn: Any, code: int, line: str) -> None:
    """What arrived is printed, what happened follows on stderr."""
    kai_server.kai.reply(turn)
    run = kai_at_server("chat", "-m", "Hi")
    assert run.code == code
    assert run.out == ("Half\n" if len(turn) == 2 else "")
    assert last_line(run.err).startswith(line)


@pytest.mark.parametrize(
    ("style", "line"),
    [
        ({"end_after": 5}, "Error: [stream:incomplete] The answer broke off"),
        ({"drop_after": 5}, "Error: [stream:broken] The stream broke off"),
        ({"malformed_after": 5}, "Error: [stream:malformed] "),
    ],
)
def test_a_broken_stream(kai_at_server: Kai, kai_server: KaiServer, style: dict[str, Any], line: str) -> None:
    """A stream that ends too early or is no stream is a matter of the network: 5."""
    kai_server.kai.reply("One two three four five six")
    kai_server.next_stream(**style)
    run = kai_at_server("chat", "-m", "Count")
    assert run.code == 5
    assert run.out.startswith("One two")
    assert last_line(run.err).startswith(line)


@pytest.mark.parametrize("command", [("ping",), ("info",), ("history",), ("chat", "-m", "Hi")])
def test_no_connection(kai: Kai, command: tuple[str, ...]) -> None:
    """Nobody listens: 5."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        run = kai.at(f"http://127.0.0.1:{nobody.getsockname()[1]}", "--attempts", "1")(*command)
    assert run.code == 5
    assert last_line(run.err).endswith("check the URL, the network and the proxy settings")


@pytest.mark.kai_server(tokens=["another"])
def test_a_wrong_token(kai_at_server: Kai) -> None:
    """401: 3."""
    run = kai_at_server("history")
    assert run.code == 3
    assert last_line(run.err).endswith("check the token (--token) and that it is of this stack (--url)")


@pytest.mark.parametrize("token", ["", " ", "to\nken", "tökén"])
def test_a_token_that_cannot_be_one(kai: Kai, token: str) -> None:
    """Missing or garbled: 3, without asking anybody."""
    run = kai("--token", token, "--url", "https://connection.keboola.invalid", "ping")
    assert run.code == 3
    assert "The Storage API token" in last_line(run.err) or "No Storage API token" in last_line(run.err)


@pytest.mark.kai_server(quota=1)
def test_a_used_up_quota(kai_at_server: Kai) -> None:
    """429: 6."""
    assert kai_at_server("chat", "-m", "One").code == 0
    run = kai_at_server("chat", "-m", "Two")
    assert run.code == 6
    assert "rate_limit:chat" in last_line(run.err)


@pytest.mark.kai_server(index=StorageIndex(services={"kai-agent": None, "queue": "https://queue"}))
@pytest.mark.parametrize("service", ["kai-agent", "kai-other"])
def test_a_service_that_is_not_there(kai_at_server: Kai, service: str) -> None:
    """Discovery that finds nothing: 1, with what there is."""
    run = kai_at_server("--service", service, "ping")
    assert run.code == 1
    assert last_line(run.err).endswith("check --url and --service")


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (("chat", "-m", " "), "Error: The message is empty: pass one with -m or on stdin"),
        (("chat",), "Error: The message is empty: pass one with -m or on stdin"),
        (("chat", "-m", "Hi", "--chat-id", ".."), "Error: Invalid value for '--chat-id': "),
        (("chat", "-m", "Hi", "--chat-id", "a\nb"), "Error: Invalid value for '--chat-id': "),
        (("history", "-n", "0"), "Error: Invalid value for '-n' / '--limit': "),
        (("--wrong",), "Error: No such option"),
        (("histry",), "Error: No such command 'histry'. Did you mean 'history'?"),
    ],
)
def test_usage(kai: Kai, args: tuple[str, ...], line: str) -> None:
    """What cannot be meant: 2."""
    run = kai(*args)
    assert run.code == 2
    assert last_line(run.err).startswith(line)


@pytest.mark.parametrize("url", ["", "keboola", "connection.keboola.com:x", "ftp://connection.keboola.com", "https://"])
def test_a_url_that_cannot_be_one(kai: Kai, url: str) -> None:
    """Missing or garbled: 2."""
    assert kai("--token", TOKEN, "--url", url, "ping").code == 2


def test_stdin_that_is_no_text(kai: Kai) -> None:
    """Bytes that are no UTF-8: 2."""
    run = kai("chat", stdin=b"Hello \xff")
    assert run.code == 2
    assert last_line(run.err) == "Error: The message is no text: it is not UTF-8"


def test_a_chat_id_that_the_backend_refuses(kai_at_server: Kai) -> None:
    """400: 1, with what to do about it."""
    run = kai_at_server("chat", "-m", "Hi", "--chat-id", "not-a-uuid")
    assert run.code == 1
    assert last_line(run.err).endswith("check the arguments: a chat id, for one, must be a UUID")


@pytest.mark.parametrize("options", [("--base-url", "{}/kai"), ("--url", "{}/connection")])
def test_a_url_that_leads_elsewhere(kai_at_server: Kai, kai_server: KaiServer, options: tuple[str, str]) -> None:
    """404 of somebody who is not Kai: 1, and what to check is the URL, not a chat's id."""
    run = kai_at_server.having(options[0], options[1].format(kai_server.url))("chat", "-m", "Hi")
    assert run.code == 1
    assert last_line(run.err).endswith("check --url and --base-url: there is no Kai, or none that can do this")


@pytest.mark.parametrize("output", ["text", "json", "ndjson"])
def test_a_reader_that_leaves(kai_at_server: Kai, output: str) -> None:
    """A broken pipe: 141, and not a word about it."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as nowhere:
        process = kai_at_server.start("chat", "-m", "Which tables do I have?", "-o", output, stdout=nowhere)
    _, err = process.communicate()
    assert process.returncode == 141
    assert b"Error" not in err
    assert b"Traceback" not in err


@pytest.mark.kai_server(pace=0.002)
@pytest.mark.parametrize("output", ["text", "ndjson"])
def test_a_reader_that_has_enough(kai_at_server: Kai, kai_server: KaiServer, output: str) -> None:
    """`kai ... | head -c1` of an answer that goes on for ever: 141 after the first word that nobody reads."""

    def for_ever(_: object) -> Generator[Item]:
        while True:
            yield say("and on ")

    kai_server.kai.reply(for_ever)
    process = kai_at_server.start("chat", "-m", "Go on", "-o", output)
    assert process.stdout is not None
    assert process.stdout.read(1) in {b"a", b"{"}
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr:
        err = process.stderr.read()
    assert process.wait() == 141
    assert b"Error" not in err
    assert b"Traceback" not in err


def test_an_interrupt(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """Ctrl-C in the middle of an answer: 130; what arrived stays, with its newline."""
    kai_server.kai.reply("One two three four five six")
    kai_server.next_stream(stall_after=5)
    process = kai_at_server.start("chat", "-m", "Count")
    assert process.stdout is not None
    begun = process.stdout.read(7)
    process.send_signal(signal.SIGINT)
    rest, err = process.communicate()
    assert process.returncode == 130
    assert begun + rest in {b"One two\n", b"One two three\n"}
    assert last_line(err.decode()) == "Error: Interrupted"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KaiTimeoutError("late"), ExitCode.NETWORK),
        (KaiStreamError("broken", "stream:broken"), ExitCode.NETWORK),
        (KaiStreamError("said so", "stream:error"), ExitCode.FAILURE),
        (KaiStreamError("said so", "its-own-code"), ExitCode.FAILURE),
        (KaiForbiddenError("no"), ExitCode.AUTHENTICATION),
        (KaiServerError("down"), ExitCode.FAILURE),
        (KaiConfigError("wrong"), ExitCode.USAGE),
        (KaiClosedError("closed"), ExitCode.FAILURE),
        (KaiError("?"), ExitCode.FAILURE),
        (ZeroDivisionError(), ExitCode.FAILURE),
    ],
)
def test_the_exit_status_of_an_error(error: Exception, code: ExitCode) -> None:
    """The class, and for streams the code, decide."""
    assert exit_code(error) == code
