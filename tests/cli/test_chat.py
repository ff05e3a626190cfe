"""`kai chat -m`: what goes where."""

import json

import pytest
from cli_runs import TOKEN, Kai

from kai_client.server import call, finish, raw, say, think
from kai_client.testing import KaiServer


def test_the_answer_alone_is_on_stdout(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """The text and one newline are on stdout; the chat id and a line for the tool call are on stderr."""
    kai_server.kai.reply(call("get_tables", {"bucket": "in.c-crm"}, output={"tables": []}), say("You have no tables."))
    run = kai_at_server("chat", "-m", "Which tables do I have?")
    assert (run.code, run.out) == (0, "You have no tables.\n")
    assert run.err == f'chat {run.chat_id}\ntool get_tables {{"bucket": "in.c-crm"}} ... done\n'


def test_local_needs_nothing(kai: Kai) -> None:
    """`kai --local` answers from the sample project, with a real tool call and without token or URL."""
    run = kai.process("--local", "chat", "-m", "Which tables do I have?")
    assert run.code == 0
    assert run.out.startswith("You have 5 tables:\n")
    assert "tool get_tables {} ... done\n" in run.err


def test_an_answer_that_ends_its_line_gets_no_second_newline(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """The newline at the end is there once."""
    kai_server.kai.reply("- a\n- b\n")
    assert kai_at_server("chat", "-m", "List").out == "- a\n- b\n"


def test_parts_are_paragraphs(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """What is said before and after a tool call does not run together."""
    kai_server.kai.reply(say("Let me see."), call("get_tables", output=[]), say("None."))
    assert kai_at_server("chat", "-m", "Tables?").out == "Let me see.\n\nNone.\n"


def test_a_failed_tool_says_why(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """The line of a tool call that fails ends with the reason; an invalid input is a failure, too."""
    kai_server.kai.reply(
        call("query_data", error="no such table"), call("get_flows", invalid="limit: not a number"), "Oh."
    )
    run = kai_at_server("chat", "-m", "Query")
    assert run.code == 0
    assert "tool query_data failed: no such table\n" in run.err
    assert "tool get_flows {} failed: limit: not a number\n" in run.err


def test_long_arguments_are_cut(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """A tool call stays one line."""
    kai_server.kai.reply(call("query_data", {"sql": "SELECT 1\n" * 100}, output=1), "Done.")
    run = kai_at_server("chat", "-m", "Query")
    assert all(len(line) < 140 for line in run.err.splitlines())
    assert "... ... done\n" in run.err


def test_reasoning_is_not_the_answer(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """What the model thinks is not on stdout."""
    kai_server.kai.reply(think("Hm, secret thoughts."), say("42"))
    assert kai_at_server("chat", "-m", "What?").out == "42\n"


def test_a_cut_answer_is_marked(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """An answer that hit the model's limit says so on stderr."""
    kai_server.kai.reply(say("Once upon"), finish("length"))
    run = kai_at_server("chat", "-m", "Tell")
    assert (run.code, run.out) == (0, "Once upon\n")
    assert "The answer was cut off: length." in run.err


def test_a_reset_step_is_marked(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """What was printed cannot be taken back; stderr says that it is void."""
    kai_server.kai.reply(say("Wrong"), raw({"type": "reset-step"}), say("Right"))
    run = kai_at_server("chat", "-m", "Tell")
    assert run.code == 0
    assert "what it said in it is void" in run.err


def test_the_message_can_come_from_stdin(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """Without -m, what is piped in is the message."""
    kai_server.kai.reply("Hello, Ada!", when="I am Ada")
    assert kai_at_server("chat", stdin="Hi!\nI am Ada\n").out == "Hello, Ada!\n"


def test_a_chat_can_be_continued(kai_at_server: Kai) -> None:
    """The id on stderr continues the chat in another run."""
    first = kai_at_server("chat", "-m", "My name is Ada")
    assert "Ada" in kai_at_server("chat", "--chat-id", first.chat_id, "-m", "What is my name?").out
    assert "You have not told me" in kai_at_server("chat", "-m", "What is my name?").out


def test_json_output_is_one_event_per_line(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """--json-output prints every event with its wire names and documented types, and nothing else."""
    kai_server.kai.reply(call("get_tables", {"limit": None}, output=[1], id="call_1"), say("Ahoj, světe"))
    run = kai_at_server("chat", "-m", "Tables?", "--json-output")
    events = [json.loads(line) for line in run.out.splitlines()]
    assert run.code == 0
    assert run.out.isascii()
    assert [event["type"] for event in events if event["type"] != "tool-input-delta"] == [
        *("start", "step-start", "tool-call", "tool-call", "tool-call", "finish-step"),
        *("step-start", "text-start", "text", "text", "text-end", "finish-step", "finish"),
    ]
    assert {"type": "tool-call", "toolCallId": "call_1", "state": "output-available", "output": [1]} in events
    assert "".join(event["text"] for event in events if event["type"] == "text") == "Ahoj, světe"


@pytest.mark.parametrize("flags", [(), ("--json-output",)])
def test_a_server_cannot_order_the_terminal_about(
    kai_at_server: Kai, kai_server: KaiServer, flags: tuple[str, ...]
) -> None:
    """Escape sequences in texts, tool names, arguments and errors never reach the output."""
    evil = "\x1b[31mred\x1b[0m \x1b]0;title\x07 bell\x07 \x9b2J\r"
    kai_server.kai.reply(call(f"tool{evil}", {"x": evil}, error=evil), say(f"{evil}end"))
    run = kai_at_server("chat", "-m", "Do it", *flags)
    assert run.code == 0
    assert not {char for char in run.out + run.err if not (char == "\n" or char.isprintable())}
    assert flags or run.out == "red  bell end\n"


@pytest.mark.parametrize("flags", [(), ("--json-output",)])
def test_the_token_appears_nowhere(kai_at_server: Kai, kai_server: KaiServer, flags: tuple[str, ...]) -> None:
    """Whatever the server repeats, the token is in no output."""
    kai_server.kai.reply(
        say(f"The token is {TOKEN[:5]}"),
        raw({"type": "text-delta", "id": "0", "delta": TOKEN[5:]}),
        call("get_tables", {"token": TOKEN}, error=TOKEN),
        raw({"type": "error", "errorText": f"Bad token {TOKEN}"}),
    )
    run = kai_at_server.having("--debug")("chat", "-m", "Which token?", *flags)
    assert run.code == 1
    assert TOKEN not in run.out + run.err
    assert "Bad token ***" in run.err


def test_a_terminal_that_lacks_a_character(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """What the encoding of stdout has no character for is replaced; the rest arrives."""
    kai_server.kai.reply("Ahoj, sv\u011bte")
    run = kai_at_server.having(PYTHONIOENCODING="latin-1").process("chat", "-m", "Hi")
    assert (run.code, run.out) == (0, "Ahoj, sv?te\n")


def test_the_address_of_kai_can_be_given(kai: Kai, kai_server: KaiServer) -> None:
    """--base-url goes straight there: the Storage API is not asked."""
    direct = kai.at("https://connection.keboola.invalid", "--base-url", kai_server.url, "--workspace-id", "42")
    assert direct("chat", "-m", "Hi").code == 0
    assert {request.path for request in kai_server.requests} == {"/api/chat"}
    assert kai_server.requests[0].headers["x-workspace-id"] == "42"
