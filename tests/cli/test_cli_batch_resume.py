"""`kai batch` again: it goes on where the last run ended, whatever ended it."""

import json
import os
import stat
from pathlib import Path

import pytest
from batch_files import answers_in, sent, write_prompts
from cli_runs import Kai
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kai_client.cli.batch.results import AnswerFile, earlier_answers
from kai_client.cli.exit_codes import Failure
from kai_client.server import Item, Question, ask, fail, say
from kai_client.testing import KaiServer

TEXTS = [f"p{n}" for n in range(6)]
OUTPUT = "p.jsonl.answers.jsonl"


@pytest.fixture
def echo(kai_server: KaiServer) -> KaiServer:
    """A server that says back what it is told."""
    kai_server.kai.reply(lambda question: say(f"Echo {question.text}"), when="p")
    return kai_server


@pytest.mark.kai_server(quota=10**6, record=10**6)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_crash_is_survived(kai_at_server: Kai, echo: KaiServer, tmp_path: Path, data: st.DataObject) -> None:
    """Wherever the output was cut off, in the middle of a line too, the next run asks exactly what is missing."""
    path, output = tmp_path / "p.jsonl", tmp_path / OUTPUT
    if not path.exists():
        write_prompts(path, *TEXTS)
        assert kai_at_server("batch", str(path)).code == 0
        (tmp_path / "whole").write_bytes(output.read_bytes())
    whole = (tmp_path / "whole").read_bytes()
    ends = [at for at, byte in enumerate(whole) if byte == ord("\n")]
    near = [at + more for at in ends for more in (0, 1, 2) if at + more <= len(whole)]
    cut = data.draw(st.integers(0, len(whole)) | st.sampled_from(near), "cut")
    output.write_bytes(whole[:cut])
    complete = [line for line in whole[: cut + 1].split(b"\n")[:-1] if line]
    before = len(sent(echo))
    assert kai_at_server("batch", str(path)).code == 0
    records = answers_in(output)
    assert sorted(record["index"] for record in records.values()) == list(range(len(TEXTS)))
    assert all(record["answer"] == f"Echo p{record['index']}" for record in records.values())
    missing = set(range(len(TEXTS))) - {json.loads(line)["index"] for line in complete}
    assert sorted(sent(echo)[before:]) == [TEXTS[n] for n in sorted(missing)]
    assert output.read_bytes().startswith(b"".join(line + b"\n" for line in complete))


def test_what_is_done_is_not_asked_again(kai_at_server: Kai, echo: KaiServer, tmp_path: Path) -> None:
    """A second run sends nothing, changes nothing and says how many were done; it does not even need a connection."""
    path = write_prompts(tmp_path / "p.jsonl", *TEXTS)
    kai_at_server("batch", str(path))
    before, requests = (tmp_path / OUTPUT).read_bytes(), len(echo.requests)
    run = kai_at_server("batch", str(path))
    assert run.code == 0
    assert run.err.splitlines() == [f"{path}.answers.jsonl: 6 of 6 done already", "6 prompts: 6 ok, 0 failed"]
    assert ((tmp_path / OUTPUT).read_bytes(), len(echo.requests)) == (before, requests)


def test_a_file_may_grow(kai_at_server: Kai, echo: KaiServer, tmp_path: Path) -> None:
    """Prompts that were added, at the end or in between, are asked; those that are gone stay answered."""
    path = write_prompts(tmp_path / "p.jsonl", *TEXTS[:3])
    kai_at_server("batch", str(path))
    write_prompts(path, TEXTS[4], *TEXTS[1:4], TEXTS[4])
    before = len(sent(echo))
    run = kai_at_server("batch", str(path))
    assert run.code == 0
    assert sorted(sent(echo)[before:]) == ["p3", "p4", "p4"]
    assert "2 of 5 done already, 1 of prompts that are no longer in the input\n" in run.err
    assert len(answers_in(tmp_path / OUTPUT)) == 6


@pytest.mark.parametrize(("flag", "answer", "code"), [("--retry-failed", "Better.", 0), ("--no-retry-failed", None, 1)])
def test_what_failed_is_asked_again(
    kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path, flag: str, answer: str | None, code: int
) -> None:
    """By default, and the new record replaces the old one; otherwise the failures stay, and so does the exit status."""
    again = False

    def turn(question: Question) -> Item:
        if again:
            return say("Better.")
        return fail("No.", status=400) if question.text == "p1" else say("Fine.")

    kai_server.kai.reply(turn, when="")
    path = write_prompts(tmp_path / "p.jsonl", *TEXTS)
    assert kai_at_server("batch", str(path)).code == 1
    before = answers_in(tmp_path / OUTPUT)
    again = True
    assert kai_at_server("batch", str(path), flag).code == code
    after = answers_in(tmp_path / OUTPUT)
    assert after.keys() == before.keys()
    changed = [record["answer"] for key, record in after.items() if record != before[key]]
    assert changed == ([answer] if answer else [])


def test_denied_answers_can_be_asked_again(kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path) -> None:
    """--retry-denied asks those again that lacked a tool, and only those."""
    kai_server.kai.reply([ask("run_job", {}, output="ok"), say("It ran.")], when="run")
    kai_server.kai.reply("Hi.", when="greet")
    path = write_prompts(tmp_path / "p.jsonl", "run", "greet")
    assert kai_at_server("batch", str(path)).code == 4
    assert kai_at_server("batch", str(path), "--approve", "run_job").code == 4
    assert kai_at_server("batch", str(path), "--approve", "run_job", "--retry-denied").code == 0
    assert sorted(sent(kai_server)) == ["greet", "run", "run"]


@pytest.mark.parametrize("change", [{"prompt": "p9"}, {"branch_id": 9}, {"chat_id": "another"}])
def test_a_prompt_that_changed_is_an_error(
    kai_at_server: Kai, echo: KaiServer, tmp_path: Path, change: dict[str, object]
) -> None:
    """The id says that it is answered, and it is not: 2, before anything is sent. Its metadata may change."""
    path = write_prompts(tmp_path / "p.jsonl", {"id": "a", "prompt": "p0"}, {"id": "b", "prompt": "p1"})
    kai_at_server("batch", str(path))
    requests = len(echo.requests)
    write_prompts(path, {"id": "a", "prompt": "p0", "metadata": {"new": 1}}, {"id": "b", "prompt": "p1", **change})
    run = kai_at_server("batch", str(path))
    assert (run.code, len(echo.requests)) == (2, requests)
    assert run.err.startswith("Error: Line 2: the prompt 'b' has changed since it was answered in ")
    assert kai_at_server("batch", str(path), "--template", "p {prompt}").code == 2


def test_nothing_is_overwritten_without_a_word(kai_at_server: Kai, echo: KaiServer, tmp_path: Path) -> None:
    """Answers to other prompts are kept, and 2 is the exit status; --restart empties the file and begins anew."""
    path = write_prompts(tmp_path / "p.jsonl", *TEXTS)
    kai_at_server("batch", str(path))
    before = (tmp_path / OUTPUT).read_bytes()
    args = ("batch", str(path), "--template", "p {prompt}")
    assert kai_at_server(*args).err == (
        f"Error: {path}.answers.jsonl has answers, but none to these prompts:"
        " choose another --output, or --restart to empty it\n"
    )
    assert (tmp_path / OUTPUT).read_bytes() == before
    assert kai_at_server(*args, "--restart").code == 0
    assert {record["answer"] for record in answers_in(tmp_path / OUTPUT).values()} == {
        f"Echo p {text}" for text in TEXTS
    }
    assert len(sent(echo)) == 12


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"Dear diary,\n", "line 1: it is no answer of `kai batch`"),
        (b"Dear diary", "line 1: it is no answer of `kai batch`"),
        (b'{"version": 1}\n', "line 1: it is no answer of `kai batch`"),
        (b'{"version": 2, "id": "a"}\n', "line 1: it was written by a later version of kai"),
        (b'{"version": 1, "id": "a", "torn\n', "line 1: "),
        (b"{answer}\n{answer}\n", "line 2: its id is that of an earlier line, too"),
        (b'{answer}\n{"version": 1, "id": "to\n{answer}\n', "line 2: "),
    ],
)
def test_a_file_that_is_no_output_is_not_touched(
    kai_at_server: Kai, echo: KaiServer, tmp_path: Path, content: bytes, why: str
) -> None:
    """Whatever something else has written stays as it is: 2."""
    path = write_prompts(tmp_path / "p.jsonl", "p0")
    kai_at_server("batch", str(path))
    content = content.replace(b"{answer}", (tmp_path / OUTPUT).read_bytes().strip())
    (tmp_path / OUTPUT).write_bytes(content)
    run = kai_at_server("batch", str(path))
    assert run.code == 2
    assert f"cannot be gone on with, {why}" in run.err
    assert (tmp_path / OUTPUT).read_bytes() == content
    assert len(sent(echo)) == 1


def test_two_runs_do_not_write_to_one_file(kai_at_server: Kai, echo: KaiServer, tmp_path: Path) -> None:
    """While one run is at it the other ends with one line, and the file is that of the first."""
    fcntl = pytest.importorskip("fcntl")
    path = write_prompts(tmp_path / "p.jsonl", *TEXTS)
    with (tmp_path / OUTPUT).open("ab") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        run = kai_at_server("batch", str(path))
    assert run.code == 1
    assert run.err.splitlines()[-1].startswith(f"Error: Another run is writing to {path}.answers.jsonl: wait")
    assert sent(echo) == []
    assert (tmp_path / OUTPUT).read_bytes() == b""


def test_an_output_that_changed_meanwhile_is_not_touched(tmp_path: Path) -> None:
    """What another run has written since the file was read is not cut off."""
    path = tmp_path / OUTPUT
    path.write_bytes(b'{"version": 1, "id": "torn')
    earlier = earlier_answers(path)
    path.write_bytes(b'{"version": 1, "id": "torn no more"}')
    with pytest.raises(Failure, match="Another run is writing to"):
        AnswerFile(path, earlier)
    assert path.read_bytes() == b'{"version": 1, "id": "torn no more"}'


def test_an_output_keeps_its_place_and_its_mode(kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path) -> None:
    """A run that takes failures out leaves a link a link, and a private file private."""
    kai_server.kai.reply(fail("No.", status=400))
    path, real, link = write_prompts(tmp_path / "p.jsonl", "p0"), tmp_path / "real", tmp_path / "link"
    assert kai_at_server("batch", str(path), "-o", str(real)).code == 1
    real.chmod(0o600)
    link.symlink_to(real)
    assert kai_at_server("batch", str(path), "-o", str(link)).code == 0
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    assert [record["status"] for record in answers_in(real).values()] == ["ok"]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link", "p.jsonl", "real"]


def test_a_full_disk_is_one_line(kai_at_server: Kai, echo: KaiServer, tmp_path: Path) -> None:
    """What the system says about the output ends the run with one line."""
    assert echo.requests == []
    path = write_prompts(tmp_path / "p.jsonl", *TEXTS)
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    run = kai_at_server("batch", str(path), "-o", "/dev/full")
    assert run.code == 1
    assert run.err.splitlines()[-1] == "Error: Cannot use /dev/full: No space left on device"


def test_an_output_that_is_no_file(kai_at_server: Kai, echo: KaiServer, tmp_path: Path) -> None:
    """A device or a pipe is written to, and there is nothing in it to go on with."""
    path = write_prompts(tmp_path / "p.jsonl", *TEXTS)
    assert kai_at_server("batch", str(path), "-o", os.devnull).code == 0
    assert len(sent(echo)) == 6
