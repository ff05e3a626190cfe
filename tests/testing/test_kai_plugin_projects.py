"""The plugin in projects of other people: what a test that passes, fails or records looks like there."""

import pytest

from kai_client.testing import running_server

pytest_plugins = ["pytester"]

TALK = """
import pytest
from kai_client.sync import KaiClient

pytestmark = pytest.mark.kai_server(replay="recordings/talk.toml")

def test_talk(kai_server, kai_env):
    with KaiClient.from_env() as client:
        assert client.chat("Which tables, ada@example.org?")[1] == "One: customers."
    assert kai_server.asked == ["Which tables, ada@example.org?"]
"""
WITHOUT_ASYNC = ("-p", "no:asyncio", "-p", "no:anyio")


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """A run without the plugins for async tests, in which warnings are errors."""
    return pytester.runpytest_inprocess("-W", "error", "-p", "no:cacheprovider", *WITHOUT_ASYNC, *arguments)


def test_a_test_that_hides_an_error_fails(pytester: pytest.Pytester) -> None:
    """The test itself fails, with what was asked for and what to write; one that failed by itself is left alone"""
    pytester.makepyfile("""
        import pytest
        from kai_client import KaiError

        def test_that_hides_it(kai_server, sync_kai_client):
            with pytest.raises(KaiError):
                sync_kai_client.chat("Surprise")

        def test_that_scripts_too_much(kai_server):
            kai_server.reply("Never asked for")

        def test_that_fails_by_itself(kai_server):
            kai_server.reply("Never asked for", when="hola")
            with pytest.raises(KaiError), kai_server.sync_client() as client:
                client.chat("Hi")
            assert kai_server.votes == ["Hello"]

        @pytest.mark.kai_server(sample=True)
        def test_with_the_sample_project(sync_kai_client):
            assert "in.c-crm" in sync_kai_client.chat("Which tables do I have?")[1]
    """)
    result = run(pytester)
    result.assert_outcomes(passed=1, failed=3)
    result.stdout.fnmatch_lines(
        [
            "*_ test_that_hides_it _*",
            "Nothing was scripted for this message: 'Surprise'. Script it: kai_server.reply(\"...\")",
            "*_ test_that_scripts_too_much _*",
            "Nobody asked for 1 of the scripted replies. Messages that came: [[]]",
            "*_ test_that_fails_by_itself _*",
            "E       AssertionError: assert * == *Hello*",
            "*- Captured <KaiServer http://*> call -*",
            "Nothing was scripted for this message: 'Hi'. No `when` is found in it: *hola*. Script it: *",
        ]
    )


def test_what_pytest_shows_of_a_failed_assertion(pytester: pytest.Pytester) -> None:
    """A difference is told in terms of what was sent, and the token is not in it"""
    pytester.makepyfile("""
        from kai_client import approve_all
        from kai_client.server import ask

        def test_it(kai_server, sync_kai_client):
            kai_server.reply(ask("drop_bucket", {"name": "all"}, output=None))
            sync_kai_client.run(sync_kai_client.new_chat_id(), "Drop it", approve=approve_all).get_final_text()
            assert kai_server.decisions == [], kai_server.requests[0].headers
    """)
    result = run(pytester)
    result.stdout.fnmatch_lines(
        ["*SentDecision(tool='drop_bucket', approved=True, chat_id='*', tool_call_id='call_*')*"]
    )
    assert "test-token" not in result.stdout.str()


def test_a_setting_for_projects_that_use_the_sample_project(pytester: pytest.Pytester) -> None:
    """`kai_server_sample` in the configuration is `sample=True` for every test"""
    pytester.makeini("[pytest]\nkai_server_sample = true")
    pytester.makepyfile("""
        def test_it(kai_server_factory):
            with kai_server_factory(mode="assistant").sync_client() as client:
                assert "in.c-crm" in client.chat("Which tables do I have?")[1]
    """)
    run(pytester).assert_outcomes(passed=1)


def test_recording_and_replaying(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same test records with `--kai-record` and replays without it; without the file it says what to do"""
    pytester.makepyfile(TALK)
    pytester.makeconftest("""
        import pytest

        @pytest.fixture
        def kai_recording_options():
            return {"hide": ["emails"], "redact": lambda text: text.replace("example.com", "example.net")}
    """)
    for name in ("STORAGE_API_TOKEN", "STORAGE_API_URL"):
        monkeypatch.delenv(name, raising=False)
    result = run(pytester)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*There is no recording *talk.toml; record it with pytest --kai-record*"])
    result = run(pytester, "--kai-record")
    result.stdout.fnmatch_lines(["--kai-record needs STORAGE_API_URL and STORAGE_API_TOKEN in the environment"])
    path = pytester.path / "recordings" / "talk.toml"
    with running_server(sample=True) as real:
        for name, value in real.env.items():
            monkeypatch.setenv(name, value)
        result = run(pytester, "--kai-record")  # the sample project answers something else: the test fails
        result.assert_outcomes(failed=1)
        assert not path.exists()
        real.reply("One: customers.")
        run(pytester, "--kai-record").assert_outcomes(passed=1)
    assert "somebody@example.net" in path.read_text()
    assert "test-token" not in path.read_text()
    run(pytester).assert_outcomes(passed=1)
    path.write_text(path.read_text().replace("Which tables", "Which buckets"))
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*recorded*", "*asked for*", "*-*Which buckets*", "*+*Which tables*"])


def test_unittest_and_plain_blocks(pytester: pytest.Pytester) -> None:
    """`running_server` needs no fixture, and its check is the same; a server that is not stopped properly would warn"""
    pytester.makepyfile("""
        import unittest
        from kai_client.testing import running_server

        class Test(unittest.TestCase):
            def setUp(self):
                self.server = self.enterContext(running_server())

            def test_it(self):
                self.server.reply("Hello")
                with self.server.sync_client() as client:
                    self.assertEqual(client.chat("Hi")[1], "Hello")

            def test_that_scripts_too_much(self):
                self.server.reply("Never asked for")

        def test_with_a_block():
            with running_server() as server, server.sync_client() as client:
                server.reply("Hello")
                assert client.chat("Hi")[1] == "Hello"
    """)
    result = run(pytester)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*Nobody asked for 1 of the scripted replies*"])
