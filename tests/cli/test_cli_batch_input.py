"""`kai batch`: what a file of prompts may look like, and what is said about one that does not."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from batch_files import answers, sent, write_prompts
from cli_runs import Kai
from hypothesis import given
from hypothesis import strategies as st

from kai_client.cli.batch.prompts import Columns, Reading, read_prompts
from kai_client.cli.batch.rows import csv_rows, json_rows
from kai_client.cli.batch.template import Template
from kai_client.testing import KaiServer

TEXTS = st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda text: text.strip() != "")
NAMES = st.text("abcdefgh", min_size=1, max_size=4)


def read_json(text: str | bytes, columns: Columns | None = None) -> Reading:
    """The prompts of JSON lines."""
    data = text if isinstance(text, bytes) else text.encode()
    return read_prompts(json_rows(io.BytesIO(data)), columns or Columns())


def read_csv(text: str | bytes, columns: Columns | None = None) -> Reading:
    """The prompts of a CSV."""
    data = text if isinstance(text, bytes) else text.encode()
    return read_prompts(csv_rows(io.BytesIO(data)), columns or Columns())


def problems(reading: Reading) -> list[tuple[int, str]]:
    """What is wrong, and where."""
    return [(problem.line, problem.text) for problem in reading.problems]


@given(st.lists(TEXTS), st.booleans(), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_every_json_text_arrives_as_it_is(texts: list[str], bom: bool, newline: str, objects: bool) -> None:
    """Whatever Unicode a prompt has, escaped or not, with a BOM or not: it is read as written, in order."""
    lines = [json.dumps({"prompt": text} if objects else text, ensure_ascii=not bom) for text in texts]
    reading = read_json(("\ufeff" if bom else "") + "".join(line + newline for line in lines))
    assert problems(reading) == []
    assert [prompt.text for prompt in reading.prompts] == texts


@given(st.lists(st.tuples(TEXTS, st.text(st.characters(codec="utf-8", exclude_characters="\0")))), st.booleans())
def test_every_csv_text_arrives_as_it_is(rows: list[tuple[str, str]], bom: bool) -> None:
    """Quotes, commas and newlines in cells are part of them, and each prompt knows the line on which it begins."""
    rows = [(text.replace("\0", "0"), note) for text, note in rows]
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    starts: list[int] = []
    for row in [("prompt", "note"), *rows]:
        starts.append(text.getvalue().count("\n") + 1)
        writer.writerow(row)
    reading = read_csv(("\ufeff" if bom else "") + text.getvalue())
    assert problems(reading) == []
    assert [(prompt.text, prompt.metadata) for prompt in reading.prompts] == [
        (prompt, {"note": note}) for prompt, note in rows
    ]
    assert [prompt.line for prompt in reading.prompts] == starts[1:]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """No input breaks the readers: a line is a prompt, a problem that names it, or blank."""
    for reading in (read_json(data), read_csv(data)):
        lines = data.count(b"\n") + 1
        named = [prompt.line for prompt in reading.prompts] + [problem.line for problem in reading.problems]
        assert all(1 <= line <= lines for line in named)


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
def test_ids_stay_when_a_file_grows(before: list[str], more: list[str]) -> None:
    """Without ids of its own a file keeps those that it got, however many lines follow, and no two are the same."""
    small, large = (read_json("".join(f'"{text}"\n' for text in texts)) for texts in (before, before + more))
    assert [prompt.id for prompt in large.prompts[: len(before)]] == [prompt.id for prompt in small.prompts]
    assert len({prompt.id for prompt in large.prompts}) == len(before) + len(more)


def test_an_id_moves_with_its_prompt() -> None:
    """A line in front changes no id; another text, chat or branch does."""
    (alone,) = read_json('"Hi"').prompts
    assert read_json('"Ho"\n"Hi"').prompts[1].id == alone.id
    others = ['"Ho"', '{"prompt": "Hi", "chat_id": "c"}', '{"prompt": "Hi", "branch_id": 1}']
    assert len({alone.id, *(read_json(other).prompts[0].id for other in others)}) == 4
    assert read_json('{"prompt": "Hi", "metadata": {"a": 1}}').prompts[0].id == alone.id


def test_all_columns() -> None:
    """The documented names mean what they say in both formats, and every other column is metadata."""
    line = {"text": "Hi", "id": 7, "chat_id": "c", "branch_id": 5, "region": "EU", "metadata": {"k": [1]}}
    (prompt,) = read_json(json.dumps(line)).prompts
    assert (prompt.text, prompt.id, prompt.chat_id, prompt.branch_id) == ("Hi", "7", "c", 5)
    assert prompt.metadata == {"region": "EU", "k": [1]}
    (prompt,) = read_csv("message,id,chat_id,branch_id,region\nHi,7,,5,EU\n").prompts
    assert (prompt.text, prompt.id, prompt.chat_id, prompt.branch_id) == ("Hi", "7", None, 5)
    assert prompt.metadata == {"region": "EU"}


def test_columns_can_have_other_names() -> None:
    """--prompt-column and --id-column say where prompt and id stand; the usual names are then columns as any other."""
    (prompt,) = read_csv("key,question,prompt\n1,Why?,no\n", Columns("question", "key")).prompts
    assert (prompt.text, prompt.id, prompt.metadata) == ("Why?", "1", {"prompt": "no"})


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"{", "it is not JSON: "),
        (b"[1]", "it is neither a JSON object nor a string"),
        (b'{"prompt": NaN}', "it is not JSON: NaN is not JSON"),
        (b"[" * 100_000, "it is not JSON: "),
        (b'"\xff"', "it is not UTF-8 text"),
        (b'{"question": "Why?"}', "there is no 'prompt' or 'text' or 'message' (it has 'question'): see --prompt-col"),
        (b'{"prompt": 1}', "'prompt' is no text"),
        (b'{"prompt": " "}', "the prompt is empty"),
        (b'{"prompt": null}', "the prompt is empty"),
        (b'{"prompt": "\\ud800"}', "the prompt is no text: it has half a character"),
        (b'{"prompt": "a", "id": true}', "its id is neither a text nor a whole number"),
        (b'{"prompt": "a", "id": "a\\nb"}', "its id must not contain control characters"),
        (b'{"prompt": "a", "chat_id": ".."}', "its chat_id must be a usable id, not '..'"),
        (b'{"prompt": "a", "branch_id": "main"}', "its branch_id is no whole number"),
        (b'{"prompt": "a", "branch_id": true}', "its branch_id is no whole number"),
        (b'{"prompt": "a", "id": "first"}', "the id 'first' is that of line 1, too"),
    ],
)
def test_each_problem_of_a_json_line(line: bytes, problem: str) -> None:
    """It is told with its line, and the lines around it are read nevertheless."""
    reading = read_json(b'{"prompt": "Hi", "id": "first"}\n\n' + line + b'\n"Ho"')
    ((where, what),) = problems(reading)
    assert where == 3
    assert what.startswith(problem)
    assert [prompt.text for prompt in reading.prompts] == ["Hi", "Ho"]


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        (b"prompt,prompt\na,b\n", 1, "the header names 'prompt' more than once"),
        (b"prompt;id\na;b\n", 2, "there is no 'prompt' or 'text' or 'message' (it has 'prompt;id')"),
        (b"prompt\na,b\n", 2, "it has 2 cells, and the header 1"),
        (b'prompt\n"a\n\n"\n"b', 5, "it is not CSV: unexpected end of data"),
        (b"prompt\na\n\xff\n", 3, "it is not UTF-8 text"),
        (b'prompt,id\n"a\nb",1\nc,1\n', 4, "the id '1' is that of line 2, too"),
    ],
)
def test_each_problem_of_a_csv(text: bytes, line: int, problem: str) -> None:
    """It is told with the line on which its record begins."""
    ((where, what),) = problems(read_csv(text))
    assert where == line
    assert what.startswith(problem)


def test_a_cell_may_be_long() -> None:
    """A prompt longer than the csv module likes is read."""
    (prompt,) = read_csv(f"prompt\n{'x' * 200_000}\n").prompts
    assert len(prompt.text) == 200_000


@given(st.dictionaries(NAMES, st.text(), min_size=1), st.lists(st.text("xyz .!%$", max_size=5)))
def test_a_template_replaces_names_and_nothing_else(values: dict[str, str], between: list[str]) -> None:
    """Each place becomes its value, which is not looked into; doubled braces are braces."""
    pieces = list(zip(between, values, strict=False))
    template = Template("".join(f"{text}{{{name}}}{{{{}}}}" for text, name in pieces))
    assert template.fill(values) == "".join(f"{text}{values[name]}{{}}" for text, name in pieces)


@pytest.mark.parametrize("place", ["{0}", "{}", "{prompt.__class__}", "{prompt[0]}", "{prompt!r}", "{prompt:>9}"])
def test_a_template_knows_no_formats(place: str) -> None:
    """What `str.format` would do with a place is a name here, and nobody has it."""
    reading = read_json('"Hi"', Columns(template=Template(f"Say {place}")))
    assert problems(reading) == [
        (1, f"there is no {place[1:-1]!r} for the template, only 'prompt' (a brace itself is written {{{{)")
    ]


@pytest.mark.parametrize(
    ("template", "brace", "place"),
    [("Say {prompt", "{", 5), ("a } b {prompt}", "}", 3), ('{"text": {prompt}}', "{", 1), ("{{{prompt}}", "}", 11)],
)
def test_a_template_has_no_lone_brace(kai: Kai, tmp_path: Path, template: str, brace: str, place: int) -> None:
    """A brace that neither belongs to a column nor is doubled is a mistake, told with its place; nothing is sent."""
    path = write_prompts(tmp_path / "p.jsonl", "Hi")
    run = kai("batch", str(path), "--template", template)
    assert run.code == 2
    assert run.err.splitlines()[-1] == (
        f"Error: Invalid value for '--template': {brace!r} at character {place} belongs to no {{column}};"
        f" a brace itself is written {brace * 2}"
    )


def test_a_template_takes_any_column(kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path) -> None:
    """--template makes the text of columns and metadata, also where there is no prompt at all; numbers are as in JSON."""
    kai_server.kai.reply("ok", when="")
    lines = [{"name": "Ada", "n": 1.5, "ok": True}, {"name": "{name}", "n": 2, "metadata": {"ok": [None]}}]
    path = write_prompts(tmp_path / "p.jsonl", *lines)
    run = kai_at_server("batch", str(path), "-o", "-", "-c", "1", "--template", "{name}: {n} {ok}")
    assert run.code == 0, run.err
    assert sent(kai_server) == ["Ada: 1.5 true", "{name}: 2 [null]"]
    assert [record["metadata"]["n"] for record in answers(run.out)] == [1.5, 2]


def test_all_problems_are_told_before_anything_is_sent(
    kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path
) -> None:
    """Every line that cannot be used is named, the first twenty at least; the exit status is 2, and no file is made."""
    path = write_prompts(tmp_path / "p.jsonl", "Good", *([list[str]()] * 30))
    run = kai_at_server("batch", str(path))
    assert run.code == 2
    told = run.err.splitlines()
    assert [line.split(":")[0] for line in told[:-1]] == [f"{path}, line {line}" for line in range(2, 22)]
    assert told[-1] == f"Error: {path} has 30 problems (the first 20 are above): nothing was sent"
    assert kai_server.requests == []
    assert list(tmp_path.iterdir()) == [path]


def test_text_in_a_problem_orders_nothing(kai_at_server: Kai, tmp_path: Path) -> None:
    """Escape sequences of the input do not reach the terminal through what is said about them."""
    path = write_prompts(tmp_path / "p.jsonl", {"\x1b[31mred": 1}, {"prompt": "a", "chat_id": "\x1b]0;t\x07"})
    run = kai_at_server("batch", str(path))
    assert run.code == 2
    assert not {char for char in run.err if not (char == "\n" or char.isprintable())}


@pytest.mark.parametrize(
    ("args", "stdin", "line"),
    [
        (("-",), "prompt\nHi\n", "Error: stdin has 2 problems: nothing was sent"),
        (("-", "--format", "csv"), "", "Error: stdin has no prompts"),
        (("-",), "\n\n", "Error: stdin has no prompts"),
        (("nothing.jsonl",), "", "Error: Invalid value for 'FILE': File 'nothing.jsonl' does not exist."),
        (("p.txt",), "", "Error: Is p.txt JSON lines or CSV? Say --format jsonl or --format csv"),
        (("p.txt", "--format", "jsonl", "-o", "./p.txt"), "", "Error: The output would overwrite the input: choose"),
    ],
)
def test_an_input_that_cannot_be_meant(
    kai_at_server: Kai, tmp_path: Path, args: tuple[str, ...], stdin: str, line: str
) -> None:
    """2, and one line that says why."""
    (tmp_path / "p.txt").write_text('"Hi"\n')
    run = kai_at_server("batch", *args, stdin=stdin)
    assert (run.code, run.out) == (2, "")
    assert run.err.splitlines()[-1].startswith(line)


@pytest.mark.parametrize(
    ("name", "args", "text"),
    [
        ("p.CSV", (), "prompt\nHi\n"),
        ("p.ndjson", (), '"Hi"\n'),
        ("-", ("--format", "csv"), "prompt\nHi\n"),
        ("-", (), '"Hi"\n'),
        ("p.txt", ("--format", "jsonl"), '"Hi"\n'),
    ],
)
def test_where_prompts_come_from(
    kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path, name: str, args: tuple[str, ...], text: str
) -> None:
    """The name says what a file is, --format where it does not; stdin is answered to stdout."""
    kai_server.kai.reply("Hello!")
    if name != "-":
        (tmp_path / name).write_text(text)
    run = kai_at_server("batch", name, *args, stdin=text)
    assert run.code == 0, run.err
    output = run.out if name == "-" else (tmp_path / f"{name}.answers.jsonl").read_text()
    (record,) = answers(output)
    assert (record["answer"], sent(kai_server)) == ("Hello!", ["Hi"])


def test_what_is_sent_of_a_prompt(kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path) -> None:
    """Chat and branch go with the message, metadata does not."""
    chat = "8d1f0000-0000-4000-8000-000000000000"
    path = write_prompts(tmp_path / "p.jsonl", {"prompt": "Hi", "chat_id": chat, "branch_id": 5, "metadata": {"x": 1}})
    assert kai_at_server("batch", str(path)).code == 0
    body: Any = kai_server.requests[-1].body
    assert (body["id"], body["branchId"]) == (chat, 5)
    assert "metadata" not in body["message"]
