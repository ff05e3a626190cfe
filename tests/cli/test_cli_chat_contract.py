"""docs/cli-output.md: what scripts can build on."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import IO, Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from cli_runs import TOKEN, Kai, Run

from kai_client.server import StorageIndex, abort, ask, call, document, fail, finish, raw, say, source, think, usage
from kai_client.testing import KaiServer

PAGE = Path(__file__).parents[2] / "docs" / "cli-output.md"
EVIL = "\x1b[31mred\x1b]0;t\x07\x9b2J\u202e\u2028 😀 žluť"


@cache
def schema(title: str) -> Any:
    """A schema of the page, which is one itself."""
    blocks = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)]
    (found,) = [block for block in blocks if block["title"].startswith(title)]
    jsonschema.Draft202012Validator.check_schema(found)
    return found


def checked_json(run: Run) -> dict[str, Any]:
    """The one object of `-o json`, if it keeps what the page promises."""
    assert run.out.endswith("\n")
    assert run.out.count("\n") == 1
    assert run.out.isascii()
    assert run.out.strip("\n").isprintable()
    answer: dict[str, Any] = json.loads(run.out)
    jsonschema.validate(answer, schema("kai chat -o json"), jsonschema.Draft202012Validator)
    assert answer["exitCode"] == run.code
    return answer


def checked_lines(run: Run) -> list[dict[str, Any]]:
    """The lines of `-o ndjson`, if they keep what the page promises."""
    assert run.out.isascii()
    lines: list[dict[str, Any]] = [json.loads(line) for line in run.out.splitlines()]
    for line in lines:
        jsonschema.validate(line, schema("a line"), jsonschema.Draft202012Validator)
    kinds = [line["type"] for line in lines]
    assert kinds.count("kai-start") + kinds.count("kai-end") == min(2, len(kinds))
    assert kinds[-1] == "kai-end"
    assert len(kinds) == 1 or kinds[0] == "kai-start"
    assert lines[-1]["exitCode"] == run.code
    return lines


Turn = Callable[[KaiServer], None]
TURNS: dict[str, tuple[Any, dict[str, Any], int, str | None]] = {
    "ok": (say("Hello!"), {}, 0, None),
    "nothing": (finish("stop"), {}, 0, None),
    "everything": (
        [
            think("Hm."),
            call("get_tables", {"limit": None}, output={"tables": [1]}),
            call("get_jobs", error="no"),
            call("get_flows", invalid="bad"),
            say("Žluť 😀"),
            source("https://x.test/a", "A"),
            document("D", filename="d.pdf"),
            usage(3, 4),
        ],
        {},
        0,
        None,
    ),
    "cut": ([say("Once upon"), finish("length")], {}, 0, None),
    "denied": ([say("Let me."), ask("run_job", {"id": 1}, output="ok"), say("It ran.")], {}, 4, None),
    "error chunk": ([say("Half"), fail("It broke.")], {}, 1, "stream:error"),
    "aborted": ([say("Half"), abort("stopped")], {}, 1, "stream:aborted"),
    "coded error": (
        [say("Half"), raw({"type": "error", "errorText": "x", "code": "rate_limit:chat"})],
        {},
        6,
        "rate_limit:chat",
    ),
    "refused": (fail("no", status=403), {}, 3, "forbidden:chat"),
    "out of quota": (fail("no", status=429), {}, 6, "rate_limit:chat"),
    "broken off": (say("One two three four five"), {"end_after": 5}, 5, "stream:incomplete"),
    "connection lost": (say("One two three four five"), {"drop_after": 5}, 5, "stream:broken"),
    "garbled": (say("One two three four five"), {"malformed_after": 5}, 5, "stream:malformed"),
    "hostile": ([call(f"x{EVIL}", {EVIL: EVIL}, error=EVIL), say(EVIL), fail(EVIL)], {}, 1, "stream:error"),
    "token": ([call("x", {"a": TOKEN}, output=TOKEN), say(f"It is {TOKEN}"), fail(TOKEN)], {}, 1, "stream:error"),
}


def run(kai: Kai, server: KaiServer, name: str, output: str) -> Run:
    """The command, answered like this."""
    turn, style, _, _ = TURNS[name]
    server.kai.reply(turn)
    if style:
        server.next_stream(**style)
    return kai("chat", "-m", "Hi", "-o", output)


@pytest.mark.parametrize("name", TURNS)
def test_json_is_one_object(kai_at_server: Kai, kai_server: KaiServer, name: str) -> None:
    """However an answer ends: one object that fits the schema, with the exit status and, unless that is 0, the error."""
    done = run(kai_at_server, kai_server, name, "json")
    answer = checked_json(done)
    _, _, code, error = TURNS[name]
    assert done.code == code
    assert (answer["error"] or {"code": None})["code"] == error
    assert answer["chatId"] == done.chat_id
    assert TOKEN not in done.out + done.err


@pytest.mark.parametrize("name", TURNS)
def test_ndjson_is_a_line_for_each_event(kai_at_server: Kai, kai_server: KaiServer, name: str) -> None:
    """However an answer ends: events between `kai-start` and `kai-end`, which has the exit status and the error."""
    done = run(kai_at_server, kai_server, name, "ndjson")
    lines = checked_lines(done)
    _, _, code, error = TURNS[name]
    assert done.code == code
    assert lines[0]["chatId"] == done.chat_id
    assert lines[-1].get("error", {"code": None})["code"] == error
    assert TOKEN not in done.out + done.err


@pytest.mark.parametrize("name", TURNS)
@pytest.mark.parametrize("output", ["text", "markdown"])
def test_text_is_the_text(kai_at_server: Kai, kai_server: KaiServer, name: str, output: str) -> None:
    """The same ends as text: stdout has what was said, stderr all the rest, and the exit status says whether it is whole."""
    done = run(kai_at_server, kai_server, name, output)
    assert done.code == TURNS[name][2]
    assert ("Error: " in done.err) == (done.code != 0)
    assert "Error" not in done.out
    assert "tool " not in done.out
    assert "\x1b" not in done.out + done.err
    assert TOKEN not in done.out + done.err
    assert done.out == "" or (done.out.endswith("\n") and not done.out.endswith("\n\n"))


def test_json_has_all_of_the_answer(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """Text, reasoning, calls with their outcomes, sources, usage: each where the page says."""
    answer = checked_json(run(kai_at_server, kai_server, "everything", "json"))
    assert (answer["text"], answer["reasoning"], answer["finishReason"]) == ("Žluť 😀", "Hm.", "stop")
    calls = [
        (each["toolName"], each["state"], each.get("output"), each.get("errorText")) for each in answer["toolCalls"]
    ]
    assert calls == [
        ("get_tables", "output-available", {"tables": [1]}, None),
        ("get_jobs", "output-error", None, "no"),
        ("get_flows", "output-error", None, "bad"),
    ]
    assert [each.get("url", each.get("filename")) for each in answer["sources"]] == ["https://x.test/a", "d.pdf"]
    assert answer["usage"] == {"promptTokens": 3, "completionTokens": 4, "totalTokens": 7}


def test_json_has_what_arrived(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """An answer that broke off is there as far as it came, and cannot be taken for a whole one."""
    answer = checked_json(run(kai_at_server, kai_server, "broken off", "json"))
    assert answer["text"].startswith("One")
    assert (answer["finishReason"], answer["exitCode"]) == (None, 5)


def test_text_survives_the_data(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """In JSON nothing of a text is removed: escaped, it is harmless."""
    kai_server.kai.reply(EVIL)
    assert checked_json(kai_at_server("chat", "-m", "Hi", "-o", "json"))["text"] == EVIL.encode(
        "utf-16", "surrogatepass"
    ).decode("utf-16")
    kai_server.kai.reply(EVIL)
    lines = checked_lines(kai_at_server("chat", "-m", "Hi", "-o", "ndjson"))
    text = "".join(line["text"] for line in lines if line["type"] == "text")
    assert text == EVIL


WITHOUT_AN_ANSWER = {
    "a wrong token": (("--token", "wrong"), 3),
    "no such service": (("--service", "kai-other"), 1),
    "no such server": (("--url", "http://127.0.0.1:9", "--attempts", "1"), 5),
    "no token": (("--token", ""), 3),
    "no chats to continue": ((), 1),
}


@pytest.mark.kai_server(tokens=[TOKEN], index=StorageIndex(services={"kai-agent": None}))
@pytest.mark.parametrize("name", WITHOUT_AN_ANSWER)
def test_an_error_before_any_answer_is_data_too(kai_at_server: Kai, name: str) -> None:
    """Where no answer was asked for: one object with the error, or a `kai-end` line alone, and nothing as text."""
    flags, code = WITHOUT_AN_ANSWER[name]
    there = kai_at_server.having(*flags)
    question = ("chat", "-m", "Hi", *(("-c",) if name == "no chats to continue" else ()), "-o")
    answer = checked_json(there(*question, "json"))
    assert (answer["exitCode"], answer["text"], answer["chatId"]) == (code, "", None)
    (end,) = checked_lines(there(*question, "ndjson"))
    assert end["error"]["message"] == answer["error"]["message"]
    assert there(*question, "text").out == ""


@pytest.mark.parametrize("output", ["text", "markdown", "json", "ndjson"])
def test_usage_errors_print_no_answer(kai_at_server: Kai, kai_server: KaiServer, output: str) -> None:
    """What cannot be meant prints nothing on stdout, and asks nothing."""
    for args in (("-m", " "), ("-m", "a", "b"), ("-m", "a", "-c", "-r", "abcdef"), ("-m", "a", "--chat-id", "a b\n")):
        done = kai_at_server("chat", *args, "-o", output)
        assert (done.code, done.out) == (2, ""), args
    assert not [request for request in kai_server.requests if request.path.endswith("/api/chat")]


def test_json_output_is_as_it_was(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """`--json-output` prints the events of `ndjson` alone, and goes with no `-o`."""
    bare: list[list[dict[str, Any]]] = []
    for flags in (("--json-output",), ("-o", "ndjson")):
        kai_server.kai.reply(call("get_tables", output=[1], id="call_1"), say("None."))
        lines = [json.loads(line) for line in kai_at_server("chat", "-m", "Hi", *flags).out.splitlines()]
        bare.append(
            [
                {k: v for k, v in each.items() if k != "messageId"}
                for each in lines
                if not each["type"].startswith("kai-")
            ]
        )
        assert ("kai-end" in [each["type"] for each in lines]) == (flags[0] == "-o")
    assert bare[0] == bare[1]
    assert kai_at_server("chat", "-m", "Hi", "--json-output", "-o", "json").code == 2


def test_markdown_cites_its_sources(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """With `-o markdown` the sources are a part of the answer, with `-o text` a word beside it."""
    items = [say("**So** it is."), source("https://x.test/a", "A"), source("https://x.test/b"), document("D")]
    for _ in range(2):
        kai_server.kai.reply(items)
    cited = kai_at_server("chat", "-m", "Hi", "-o", "markdown")
    assert cited.out == (
        "**So** it is.\n\nSources:\n\n1. A - https://x.test/a\n2. https://x.test/b\n3. D - application/pdf\n"
    )
    beside = kai_at_server("chat", "-m", "Hi")
    assert beside.out == "**So** it is.\n"
    assert "Sources:\n1. A - https://x.test/a\n" in beside.err


@pytest.mark.parametrize("output", ["json", "ndjson"])
def test_an_interrupt_is_data_too(kai_at_server: Kai, kai_server: KaiServer, output: str) -> None:
    """Ctrl-C in the middle of an answer: what had arrived, with the status 130 and an error."""
    kai_server.kai.reply("One two three four five six")
    kai_server.next_stream(stall_after=5)
    process = kai_at_server.start("chat", "-m", "Count", "-o", output)
    interrupt_when_asked(process, kai_server)
    out, err = process.communicate()
    done = Run(process.returncode, out.decode(), err.decode())
    assert done.code == 130
    assert "Traceback" not in done.err
    end = checked_json(done) if output == "json" else checked_lines(done)[-1]
    assert end["error"] == {"code": None, "message": "Interrupted"}


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
@pytest.mark.parametrize("output", ["json", "ndjson"])
def test_an_interrupt_while_stdin_is_read_is_data_too(kai: Kai, output: str) -> None:
    """Ctrl-C before the message is whole: nothing was asked, and stdout says so."""
    process = kai.start("chat", "-o", output, stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(b"Half a mess")
    process.stdin.flush()
    while unread(process.stdin):
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    done = Run(process.returncode, out.decode(), err.decode())
    assert (done.code, done.err) == (130, "Error: Interrupted\n")
    end = checked_json(done) if output == "json" else checked_lines(done)[-1]
    assert end["error"] == {"code": None, "message": "Interrupted"}


def unread(pipe: IO[bytes]) -> int:
    """How many bytes nobody has read yet."""
    import fcntl  # noqa: PLC0415 - not on Windows
    import termios  # noqa: PLC0415

    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def interrupt_when_asked(process: subprocess.Popen[bytes], server: KaiServer) -> None:
    """Ctrl-C as soon as the command has said which chat it is, and the server has been asked."""
    assert process.stderr is not None
    assert process.stderr.readline().startswith(b"chat ")
    while not any(request.path.endswith("/api/chat") for request in server.requests):
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
