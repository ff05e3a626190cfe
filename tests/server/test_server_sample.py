"""The built-in assistant and its project: real answers from real queries, and nothing but reading."""

import pytest
from local_api import BUCKET, Chunk, local_api, new_id, only, text_of, types_of, user_of

from kai_client.server.sample.project import BadQueryError, SampleProject

QUESTIONS: list[tuple[str, str | None, str]] = [
    ("Which tables do I have?", "get_tables", "`in.c-sales.orders` | 60 |"),
    ("list my buckets", "get_buckets", "`in.c-crm` with 2 tables"),
    ("Tell me about this project", "get_project_info", "**Local e-shop**"),
    ("How many orders per country?", "query_data", "| CZ | 15 |"),
    ("How many customers are there?", "query_data", "**12**"),
    ("How many customers by country?", "query_data", "| CZ | 3 |"),
    ("What is the total revenue per category?", "query_data", "| office |"),
    ("count products per category", "query_data", "| sport | 3 |"),
    ("How many leads per source?", "query_data", "| web | 2 |"),
    ("How many orders per month?", "query_data", "| 2025-01 | 10 |"),
    ("SELECT name FROM customers WHERE id = 1", "query_data", "**Ada Novak**"),
    ('select count(*) from "in.c-sales".orders;', "query_data", "**60**"),
    ("Please run this: SELECT 1 + 1 AS two", "query_data", "**2**"),
    ("Run\n```sql\nSELECT id FROM leads\n```\nplease", "query_data", "I found 3 rows"),
    ("WITH x AS (SELECT 1 AS a) SELECT a FROM x", "query_data", "**1**"),
    ("hello", None, "Hello! I am the local stand-in"),
    ("What is the weather?", None, "I can"),
    ("My name is Ada", None, "Nice to meet you, Ada!"),
    ("What is my name?", None, "You have not told me"),
    ("Create a bucket", None, "What shall the bucket be called?"),
]


@pytest.mark.parametrize(("text", "tool", "answer"), QUESTIONS)
async def test_questions(text: str, tool: str | None, answer: str) -> None:
    """Each kind of question uses its tool and answers from its output"""
    async with local_api() as api:
        chunks = await api.send(new_id(), text)
    called = [chunk["toolName"] for chunk in chunks if chunk["type"] == "tool-input-available"]
    assert called == ([tool] if tool else [])
    assert answer in text_of(chunks)


async def test_the_whole_frame() -> None:
    """A first answer with a tool has the SDK's whole frame, a title and the usage"""
    async with local_api() as api:
        chunks = await api.send(new_id(), "Which tables do I have?")
    step = ["start-step", "tool-input-start", "tool-input-delta", "tool-input-available", "tool-output-available"]
    text = ["start-step", "text-start", "text-delta", "text-end", "data-chat-title", "data-usage"]
    assert types_of(chunks) == ["start", *step, "finish-step", *text, "finish-step", "finish"]
    counts = only(chunks, "data-usage")["data"]
    assert counts["totalTokens"] == counts["promptTokens"] + counts["completionTokens"] > 0


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT nonsense FROM orders", "no such column"),
        ("DELETE FROM orders", "only reading is allowed"),
        ("DROP TABLE orders", "only reading is allowed"),
        ("UPDATE orders SET id = 1", "only reading is allowed"),
        ("ATTACH '/etc/passwd' AS x", "only reading is allowed"),
        ("PRAGMA table_info(orders)", "only reading is allowed"),
    ],
)
async def test_bad_queries_fail_as_tools_do(sql: str, reason: str) -> None:
    """A query that does not run, or would write, is a `tool-output-error`, and the answer says so"""
    async with local_api() as api:
        chunks: list[Chunk] = await api.send(new_id(), sql)
        assert reason in only(chunks, "tool-output-error")["errorText"]
        assert reason in text_of(chunks)
        assert "**60**" in text_of(await api.send(new_id(), "How many orders?"))


async def test_it_remembers_the_chat_and_no_other() -> None:
    """The name and the number of messages are those of this chat"""
    chat_id = new_id()
    async with local_api() as api:
        await api.send(chat_id, "My name is Ada")
        assert text_of(await api.send(chat_id, "What is my name?")) == "Your name is Ada."
        assert "you sent 2 messages" in text_of(await api.send(chat_id, "How many messages did I send?"))
        assert "not told" in text_of(await api.send(new_id(), "What is my name?"))


@pytest.mark.parametrize(
    "sql",
    [
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
        "SELECT zeroblob(1000000000)",
        "SELECT group_concat(a.name || b.name || c.name || d.name) FROM orders, customers a, customers b, customers c, customers d",
        "SELECT 1; SELECT 2",
        "",
        "SELECT '\x00",
    ],
)
def test_hostile_queries_end(sql: str) -> None:
    """An endless recursion, a huge value, two statements: each ends with an error, soon"""
    with pytest.raises(BadQueryError):
        SampleProject().query(sql)


def test_results_are_json_and_bounded() -> None:
    """At most 100 rows come back, and the result says whether there were more; bytes are written as SQL does"""
    project = SampleProject()
    many = project.query("SELECT a.id FROM orders a, orders b")
    assert (many["rowCount"], many["truncated"]) == (100, True)
    assert project.query("SELECT x'00ff' AS b, NULL AS n, 1.5 AS f")["rows"] == [["x'00ff'", None, 1.5]]


@pytest.mark.parametrize("name", ["demo", "a b", "", "crm"])
def test_bucket_names(name: str) -> None:
    """A bucket needs a name that is free and can be one"""
    project = SampleProject()
    if name == "demo":
        assert project.create_bucket(name) == {"id": "in.c-demo"}
    with pytest.raises(ValueError, match="bucket"):
        project.create_bucket(name)


@pytest.mark.parametrize(
    ("updated", "reason"), [({}, "needs a text `name`"), ({"name": "a b"}, "letters"), ({"name": "crm"}, "already")]
)
async def test_an_edited_input_is_checked(updated: dict[str, str], reason: str) -> None:
    """A human may edit the input into one that does not work: the tool fails, and the answer says why"""
    chat_id = new_id()
    async with local_api() as api, api.stream(api.body(chat_id, BUCKET)) as chunks:
        after: list[Chunk] = []
        async for chunk in chunks:
            after.append(chunk)
            if chunk["type"] == "tool-input-available":
                await api.decide(chat_id, chunk["toolCallId"], True, updatedInput=updated)
    assert reason in only(after, "tool-output-error")["errorText"]
    assert reason in text_of(after)


async def test_users_have_projects_of_their_own() -> None:
    """A bucket that one user makes is not in another user's project"""
    async with local_api(token="one") as api:
        await api.http.patch("/api/settings/user", json={"toolPermissions": {"create_bucket": "always_allow"}})
        await api.send(new_id(), BUCKET)
        assert "in.c-demo" in text_of(await api.send(new_id(), "my buckets"))
        async with user_of(str(api.http.base_url), api.app, "two") as other:
            assert "in.c-demo" not in text_of(await other.send(new_id(), "my buckets"))
