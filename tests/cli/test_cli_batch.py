"""`kai batch`: prompts in, answers out."""

import json
import socket
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from batch_files import answers, answers_in, sent, write_prompts
from cli_runs import TOKEN, Kai

from kai_client.server import Question, ask, call, fail, finish, pause, say, usage
from kai_client.testing import KaiServer

CHAT = "8d1f0000-0000-4000-8000-00000000000{}"


class Busy:
    """Answers that take a moment, and how many the server gave at the same time."""

    def __init__(self, together: int = 1) -> None:
        self.now = 0
        self.most = 0
        self._barrier = together

    def __call__(self, question: Question) -> Generator[Any, Any, None]:
        """Play a turn."""
        self.now += 1
        self.most = max(self.most, self.now)
        for _ in range(500):  # until so many are there, which is soon if they ever come
            if self.most >= self._barrier:
                break
            yield pause(0.01)
        yield pause(0.01)
        self.now -= 1
        yield say(f"Echo {question.text}")


def test_a_record(kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path) -> None:
    """Each prompt becomes one line of the documented schema, in FILE.answers.jsonl."""
    kai_server.kai.reply(call("get_tables", output=[1]), say("One."), usage(3, 4))
    path = write_prompts(tmp_path / "p.jsonl", {"prompt": "Tables?", "id": "t", "metadata": {"a": [1]}})
    run = kai_at_server("batch", str(path))
    (record,) = answers((tmp_path / "p.jsonl.answers.jsonl").read_text())
    assert (run.code, run.out) == (0, "")
    body: Any = next(request.body for request in kai_server.requests if request.path == "/api/chat")
    assert 0 < record.pop("seconds") < 60
    assert record == {
        "version": 1,
        "id": "t",
        "index": 0,
        "prompt_hash": record["prompt_hash"],
        "chat_id": body["id"],
        "status": "ok",
        "answer": "One.",
        "finish_reason": "stop",
        "usage": {
            "prompt_tokens": 3,
            "completion_tokens": 4,
            "total_tokens": 7,
            "cache_read_tokens": 0,
            "cache_write_tokens": 0,
            "reasoning_tokens": 0,
        },
        "tool_calls": [{"name": "get_tables", "state": "output-available"}],
        "attempts": 1,
        "metadata": {"a": [1]},
    }
    assert run.err.splitlines()[-1].startswith("1 prompt: 1 ok, 0 failed; ")


def test_a_record_of_a_failure(kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path) -> None:
    """What fails has an error in the place of an answer, the others are answered, and the exit status is 1."""
    kai_server.kai.reply(fail("No such thing.", status=400), when="bad")
    kai_server.kai.reply("Fine.", when="good")
    path = write_prompts(tmp_path / "p.jsonl", {"prompt": "bad", "id": "b"}, {"prompt": "good", "id": "g"})
    run = kai_at_server("batch", str(path), "-o", "-")
    bad, good = answers(run.out)
    assert run.code == 1
    assert (good["status"], good["answer"], "error" in good) == ("ok", "Fine.", False)
    assert (bad["status"], bad["answer"], bad["finish_reason"], bad["attempts"]) == ("failed", None, None, 1)
    assert bad["error"] == {"code": "bad_request:chat", "message": "No such thing.", "retryable": False}
    assert "b (line 1) failed: [bad_request:chat] No such thing.\n" in run.err
    assert run.err.splitlines()[-1] == "Error: 1 of 2 prompts failed"


def test_an_answer_that_was_cut_off_says_so(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """The reason why an answer ended is in its record."""
    kai_server.kai.reply(say("Once upon"), finish("length"))
    run = kai_at_server("batch", "-", stdin='"Tell"')
    (record,) = answers(run.out)
    assert (record["status"], record["answer"], record["finish_reason"]) == ("ok", "Once upon", "length")


@pytest.mark.parametrize("concurrency", [1, 3])
def test_so_many_at_a_time(kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path, concurrency: int) -> None:
    """The server never has more prompts than --concurrency, and it does have as many."""
    busy = Busy(concurrency)
    kai_server.kai.reply(busy, when="")
    path = write_prompts(tmp_path / "p.jsonl", *(f"p{n}" for n in range(10)))
    assert kai_at_server("batch", str(path), "-c", str(concurrency)).code == 0
    assert busy.most == concurrency


def test_prompts_of_a_chat_are_a_conversation(kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path) -> None:
    """Those of one chat_id are sent one after the other, in the order of the file, while other chats go on beside."""
    busy = Busy(2)
    seen: dict[str, list[str]] = {}

    def turn(question: Question) -> Generator[Any, Any, None]:
        history = [message for message in question.history if message.role == "user"]
        seen.setdefault(question.chat_id, []).append(f"{question.text} {len(history)}")
        yield from busy(question)

    kai_server.kai.reply(turn, when="")
    lines = [{"prompt": f"p{n}", "chat_id": CHAT.format(n % 2)} for n in range(10)]
    path = write_prompts(tmp_path / "p.jsonl", *lines)
    assert kai_at_server("batch", str(path), "-c", "8").code == 0
    earlier = {chat: [int(text.split()[1]) for text in texts] for chat, texts in seen.items()}
    assert {chat: [text.split()[0] for text in texts] for chat, texts in seen.items()} == {
        CHAT.format(0): ["p0", "p2", "p4", "p6", "p8"],
        CHAT.format(1): ["p1", "p3", "p5", "p7", "p9"],
    }
    assert all(counts == sorted(set(counts)) for counts in earlier.values())
    assert busy.most == 2


def test_a_conversation_does_not_go_on_after_a_failure(
    kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path
) -> None:
    """Nothing is sent to a chat of which an earlier prompt has no answer; other chats are not concerned."""
    kai_server.kai.reply(fail("No.", status=400), when="bad")
    lines = [{"prompt": text, "chat_id": CHAT.format(chat)} for chat, text in [(0, "bad"), (0, "after"), (1, "other")]]
    path = write_prompts(tmp_path / "p.jsonl", *lines)
    run = kai_at_server("batch", str(path), "-o", "-")
    assert run.code == 1
    assert [(record["status"], record.get("error", {}).get("code")) for record in answers(run.out)] == [
        ("failed", "bad_request:chat"),
        ("failed", "batch:chat"),
        ("ok", None),
    ]
    assert sorted(sent(kai_server)) == ["bad", "other"]


def slow_first(question: Question) -> Generator[Any, Any, None]:
    """The prompt `0` is answered after the others."""
    if question.text == "0":
        yield pause(0.3)
    yield say(question.text)


@pytest.mark.parametrize(
    ("flags", "ordered"),
    [(("-o", "-"), True), (("-o", "-", "--as-completed"), False), ((), False), (("--ordered",), True)],
)
def test_the_order(
    kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path, flags: tuple[str, ...], ordered: bool
) -> None:
    """On stdout answers come in the order of the prompts, in a file as they come; each can be had the other way."""
    kai_server.kai.reply(slow_first, when="")
    path = write_prompts(tmp_path / "p.jsonl", *map(str, range(6)))
    run = kai_at_server("batch", str(path), "-c", "2", *flags)
    records = answers(run.out or (tmp_path / "p.jsonl.answers.jsonl").read_text())
    order = [record["index"] for record in records]
    assert sorted(order) == list(range(6))
    assert (order == list(range(6))) == ordered


@pytest.mark.parametrize(
    ("flags", "code", "status"),
    [
        ((), 4, "denied"),
        (("--approve", "run_job"), 4, "denied"),
        (("--approve", "run_job", "--approve", "drop_bucket"), 0, "ok"),
        (("--auto-approve",), 0, "ok"),
    ],
)
@pytest.mark.parametrize("service", ["kai-agent", "kai-assistant"])
def test_tools_are_denied_unless_allowed(
    kai_at_server: Kai,
    kai_server: KaiServer,
    tmp_path: Path,
    service: str,
    flags: tuple[str, ...],
    code: int,
    status: str,
) -> None:
    """An answer in which a tool was denied has its text and the status `denied`, and the exit status is 4."""
    kai_server.kai.reply(ask("drop_bucket", {}, output="ok", denied="Then not."), say("Dropped."))
    path = write_prompts(tmp_path / "p.jsonl", "Drop it")
    run = kai_at_server.having("--service", service)("batch", str(path), *flags)
    (record,) = answers_in(tmp_path / "p.jsonl.answers.jsonl").values()
    assert (run.code, record["status"]) == (code, status)
    assert record["answer"].startswith("Then not." if code else "Dropped.")
    assert [each["name"] for each in record["tool_calls"]] == ["drop_bucket"]


def test_a_tool_that_did_not_wait_was_not_denied(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """A tool that ran although the answer was no counts as one that needs no permission."""
    kai_server.kai.reply(lambda _: [call("new_tool", output="ok"), say("It ran.")])
    run = kai_at_server("batch", "-", stdin='"Run"')
    assert (run.code, answers(run.out)[0]["status"]) == (0, "ok")


def test_failures_count_for_more_than_denials(kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path) -> None:
    """Where some failed and some were denied the exit status is 1."""
    kai_server.kai.reply(fail(status=400), when="bad")
    kai_server.kai.reply(ask("drop_bucket", {}, output="ok"), say("Dropped."), when="drop")
    path = write_prompts(tmp_path / "p.jsonl", "bad", "drop")
    assert kai_at_server("batch", str(path)).code == 1


@pytest.mark.parametrize(("flags", "most"), [(("--fail-fast",), 1), (("--max-failures", "3"), 3)])
def test_enough_failures_end_it(
    kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path, flags: tuple[str, ...], most: int
) -> None:
    """After the first, or so many, nothing more is sent; stderr says how many were not asked."""
    kai_server.kai.reply(fail(status=400), when="")
    path = write_prompts(tmp_path / "p.jsonl", *map(str, range(9)))
    run = kai_at_server("batch", str(path), "-c", "1", *flags)
    assert run.code == 1
    assert len(sent(kai_server)) == most
    assert run.err.splitlines()[-1].startswith(f"Error: {most} of 9 prompts failed, and {9 - most} were not asked")


def test_what_runs_is_finished_when_enough_failed(kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path) -> None:
    """The answer that was on its way when another prompt failed is kept."""
    running = threading.Event()

    def slow(_: Question) -> Generator[Any, Any, None]:
        running.set()
        yield pause(0.3)
        yield say("Whole.")

    def bad(_: Question) -> Generator[Any, Any, None]:
        while not running.is_set():
            yield pause(0.01)
        yield fail("No.")

    kai_server.kai.reply(slow, when="slow")
    kai_server.kai.reply(bad, when="bad")
    path = write_prompts(tmp_path / "p.jsonl", "slow", "bad", "never")
    run = kai_at_server("batch", str(path), "-c", "2", "-o", "-", "--fail-fast")
    assert run.code == 1
    assert [(record["index"], record["answer"]) for record in answers(run.out)] == [(0, "Whole."), (1, None)]


@pytest.mark.kai_server(tokens=["another"])
def test_a_wrong_token_ends_it(kai_server: KaiServer, kai: Kai, tmp_path: Path) -> None:
    """401 stops everything at once, with 3: no other prompt would fare better, and none of them is to blame."""
    path = write_prompts(tmp_path / "p.jsonl", *map(str, range(9)))
    there = kai.at(kai_server.url, "--base-url", kai_server.url)
    run = there("batch", str(path), "-c", "2")
    assert run.code == 3
    assert run.err.splitlines()[-1].endswith("check the token (--token) and that it is of this stack (--url)")
    assert len(kai_server.requests) <= 2
    assert answers_in(tmp_path / "p.jsonl.answers.jsonl") == {}


def test_a_forbidden_chat_is_one_prompts_failure(kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path) -> None:
    """403 for a chat that the prompt names fails this prompt alone; without one, Kai is closed to all: 3."""
    kai_server.kai.reply(fail(status=403), when="closed")
    lines = [{"prompt": "closed", "chat_id": CHAT.format(0)}, {"prompt": "open"}]
    path = write_prompts(tmp_path / "p.jsonl", *lines)
    assert kai_at_server("batch", str(path)).code == 1
    assert sorted(sent(kai_server)) == ["closed", "open"]
    assert kai_at_server("batch", "-", stdin='"closed"').code == 3


def test_a_service_that_is_not_there(kai: Kai, tmp_path: Path) -> None:
    """Where every failure is one of the network the exit status is 5, and each prompt was tried as often as allowed."""
    path = write_prompts(tmp_path / "p.jsonl", "a", "b")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        run = kai.at(url, "--base-url", url)("batch", str(path), "--attempts", "2")
    records = answers_in(tmp_path / "p.jsonl.answers.jsonl").values()
    assert run.code == 5
    assert [(record["error"]["code"], record["attempts"]) for record in records] == [("connection:failed", 2)] * 2
    assert all(record["error"]["retryable"] for record in records)


def test_a_broken_stream_is_asked_again_in_a_new_chat(
    kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path
) -> None:
    """The broken answer may be in its chat: the prompt goes to a new one, which the record names."""
    kai_server.kai.reply("One two three four five", when="")
    kai_server.next_stream(drop_after=4)
    path = write_prompts(tmp_path / "p.jsonl", "Count")
    assert kai_at_server("batch", str(path)).code == 0
    (record,) = answers_in(tmp_path / "p.jsonl.answers.jsonl").values()
    bodies: list[Any] = [request.body for request in kai_server.requests if request.path == "/api/chat"]
    assert (record["attempts"], record["answer"]) == (2, "One two three four five")
    assert len({body["id"] for body in bodies}) == 2
    assert record["chat_id"] == bodies[1]["id"]


def test_an_answer_may_take_so_long(kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path) -> None:
    """--timeout bounds an answer that goes on and on; beyond it the prompt is asked again."""
    kai_server.kai.reply("One two three four five", when="")
    kai_server.next_stream(stall_after=4)
    path = write_prompts(tmp_path / "p.jsonl", "Count")
    assert kai_at_server("batch", str(path), "--timeout", "0.5").code == 0
    (record,) = answers_in(tmp_path / "p.jsonl.answers.jsonl").values()
    assert (record["attempts"], record["answer"]) == (2, "One two three four five")


def test_a_broken_stream_in_a_given_chat_is_not_asked_again(
    kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path
) -> None:
    """A message that may be in the chat already is not sent to it twice by itself."""
    kai_server.kai.reply("One two three four five", when="")
    kai_server.next_stream(drop_after=4)
    path = write_prompts(tmp_path / "p.jsonl", {"prompt": "Count", "chat_id": CHAT.format(0)})
    assert kai_at_server("batch", str(path)).code == 5
    (record,) = answers_in(tmp_path / "p.jsonl.answers.jsonl").values()
    assert (record["attempts"], record["error"]["retryable"], sent(kai_server)) == (1, True, ["Count"])


def test_what_a_tool_did_is_not_done_twice(kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path) -> None:
    """An answer that breaks off after a tool was allowed to run is not asked for again by itself."""
    ran: list[object] = []
    kai_server.kai.reply([ask("run_job", {}, output=lambda _: ran.append(1)), say("x " * 50)], when="")
    kai_server.next_stream(drop_after=15)
    path = write_prompts(tmp_path / "p.jsonl", "Run")
    assert kai_at_server("batch", str(path), "--auto-approve").code == 5
    (record,) = answers_in(tmp_path / "p.jsonl.answers.jsonl").values()
    assert (record["error"]["code"], record["attempts"], len(ran), sent(kai_server)) == ("stream:broken", 1, 1, ["Run"])


def test_nothing_of_a_server_orders_the_terminal_about(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """Escape sequences in answers, tool names and errors reach neither stdout nor stderr, and the token neither."""
    evil = f"\x1b[31mred\x1b]0;title\x07\x9b2J {TOKEN}"
    kai_server.kai.reply(call(f"t{evil}", {}, output=1), say(evil), when="good")
    kai_server.kai.reply(fail(evil), when="bad")
    run = kai_at_server("batch", "-", stdin='"good"\n"bad"')
    assert not {char for char in run.out + run.err if not (char == "\n" or char.isprintable())}
    assert TOKEN not in run.out + run.err
    assert json.loads(run.out.splitlines()[0])["answer"] == evil.replace(TOKEN, "***")


def test_progress_without_a_terminal(kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path) -> None:
    """There is a line for each tenth of the prompts and one at the end; --quiet has none of them."""
    kai_server.kai.reply("ok", when="")
    path = write_prompts(tmp_path / "p.jsonl", *map(str, range(40)))
    lines = kai_at_server("batch", str(path)).err.splitlines()
    assert [line.partition(",")[0] for line in lines[:-1]] == [f"{n} of 40 done" for n in range(4, 41, 4)]
    assert lines[-1].startswith("40 prompts: 40 ok, 0 failed; ")
    assert kai_at_server("batch", str(path), "--restart", "--quiet").err == ""


def test_only_the_first_failures_are_told(kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path) -> None:
    """A file of failures does not flood stderr: ten are told, the rest are in the output."""
    kai_server.kai.reply(fail("No.", status=400), when="")
    path = write_prompts(tmp_path / "p.jsonl", *map(str, range(30)))
    run = kai_at_server("batch", str(path))
    assert run.err.count("failed: [bad_request:chat] No.") == 10
    assert run.err.count("More failures are only in the output.\n") == 1
    assert len(answers_in(tmp_path / "p.jsonl.answers.jsonl")) == 30


def test_the_help_has_the_exit_statuses(kai: Kai) -> None:
    """`kai batch --help` fits into a terminal, and its first line is that of `kai --help`."""
    run = kai.process("batch", "--help")
    assert (run.code, run.err) == (0, "")
    assert max(map(len, run.out.splitlines())) <= 100
    assert "Answer a file of prompts." in run.out
    assert "Answer a file of prompts." in kai.process("--help").out
