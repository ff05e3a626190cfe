"""`kai doctor` and `kai verify`: what each check finds, what to do then, and the exit status of it all."""

import asyncio
import json
import re
import socket
import ssl
import threading
from collections.abc import Mapping
from pathlib import Path

import click
import pytest
from cli_runs import TOKEN, Kai, Run

from kai_client import KaiConnectionError
from kai_client.cli.exit_codes import ExitCode
from kai_client.cli.setup.arrivals import judge_arrivals
from kai_client.cli.setup.checklist import Checklist, Said
from kai_client.cli.setup.tls import tls_advice
from kai_client.server import StorageIndex
from kai_client.testing import KaiServer

LINE = re.compile(r"^(ok|warning|failed|skipped) +(\S+) +(.*)$", re.MULTILINE)

CHECKS = [
    *("python", "extras", "config", "stack", "token-shape", "proxy", "tls"),
    *("storage", "token", "discovery", "ping", "info", "usage", "stream"),
]
KAI = ["discovery", "ping", "info", "usage"]


def found(run: Run) -> dict[str, tuple[str, str]]:
    """Name of the check -> how it ended, and what it said."""
    return {name: (status, text) for status, name, text in LINE.findall(run.out)}


def ended(run: Run, status: str) -> list[str]:
    """The checks that ended so."""
    return [name for name, (how, _) in found(run).items() if how == status]


@pytest.mark.kai_server(tokens=[TOKEN])
def test_all_is_fine(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """Every check is a line, in order; without --stream no message is sent, and the list says so: 0."""
    run = kai_at_server("doctor")
    assert (run.code, run.err) == (0, "")
    assert list(found(run)) == CHECKS
    assert ended(run, "ok") == CHECKS[:-1]
    assert found(run)["token"][1].startswith("project Local e-shop (1234): user-")
    assert found(run)["storage"][1] == "2 services, of Kai's: kai-agent, kai-assistant"
    assert found(run)["discovery"][1] == f"kai-agent at {kai_server.url}"
    assert "--stream asks Kai, and costs one message" in found(run)["stream"][1]
    assert [request.path for request in kai_server.requests if request.method == "POST"] == []
    assert TOKEN not in run.out


def test_a_stream_is_measured_and_its_chat_deleted(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """--stream asks one question, says how the answer arrived, and leaves no chat behind."""
    run = kai_at_server("doctor", "--stream")
    assert run.code == 0
    assert re.search(r"\d+ chunks in ", found(run)["stream"][1])
    posted = [request.path for request in kai_server.requests if request.method == "POST"]
    assert posted == ["/api/chat"]
    assert kai_at_server("history").out == ""


def test_a_stream_that_fails(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """An answer that breaks off: 5, and the chat is deleted all the same."""
    kai_server.kai.reply("One two three four five six")
    kai_server.next_stream(drop_after=5)
    run = kai_at_server("doctor", "--stream")
    assert run.code == 5
    status, text = found(run)["stream"]
    assert status == "failed"
    assert text.startswith("[stream:broken] The stream broke off")
    assert kai_at_server("history").out == ""


def test_nothing_is_set_up(kai: Kai) -> None:
    """No stack and no token: both are said, nobody is asked, and the status is the first one's: 2."""
    run = kai("doctor")
    assert run.code == 2
    assert ended(run, "failed") == ["stack", "token-shape"]
    assert ended(run, "skipped") == ["storage", "token", *KAI, "stream"]
    assert run.out.count("-> kai login, or ") == 2


def test_no_token(kai: Kai, kai_server: KaiServer) -> None:
    """The Storage API is asked without one; what needs one is skipped: 3."""
    run = kai.having("--url", kai_server.url)("doctor")
    assert run.code == 3
    assert ended(run, "failed") == ["token-shape"]
    assert found(run)["storage"][0] == "ok"
    assert ended(run, "skipped") == ["token", *KAI, "stream"]


@pytest.mark.parametrize("token", ["'123-secret'", "123 secret", "kbc_pat_secret"])
def test_a_token_that_is_none(kai: Kai, kai_server: KaiServer, token: str) -> None:
    """It is not sent, and not shown: 3."""
    run = kai.having(STORAGE_API_TOKEN=token, STORAGE_API_URL=kai_server.url)("doctor")
    assert run.code == 3
    assert found(run)["token-shape"][1].startswith("not a token, from STORAGE_API_TOKEN in the environment: ")
    assert "secret" not in run.out
    assert all("x-storageapi-token" not in request.headers for request in kai_server.requests)


@pytest.mark.kai_server(tokens=["another"])
def test_a_wrong_token(kai_at_server: Kai) -> None:
    """The Storage API does not know it: 3, and Kai is not asked."""
    run = kai_at_server("doctor")
    assert run.code == 3
    assert ended(run, "failed") == ["token"]
    assert ended(run, "skipped") == [*KAI, "stream"]


def test_nobody_is_there(kai: Kai) -> None:
    """5, and what needs the Storage API is skipped."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        run = kai.at(f"http://127.0.0.1:{nobody.getsockname()[1]}")("doctor")
    assert run.code == 5
    assert ended(run, "failed") == ["storage"]
    assert ended(run, "skipped") == ["token", *KAI, "stream"]


@pytest.mark.kai_server(index=StorageIndex(services={"queue": "https://queue"}))
def test_a_stack_without_kai(kai_at_server: Kai) -> None:
    """1, with what there is; what needs Kai is skipped."""
    run = kai_at_server("doctor")
    assert run.code == 1
    assert found(run)["storage"][1] == "1 services, of Kai's: none"
    assert ended(run, "failed") == ["discovery"]
    assert ended(run, "skipped") == ["ping", "info", "usage", "stream"]


@pytest.mark.kai_server(quota=0)
def test_a_used_up_quota_is_a_warning(kai_at_server: Kai) -> None:
    """Kai answers, so it is no failure: 0, with what it means."""
    run = kai_at_server("doctor")
    assert run.code == 0
    assert ended(run, "warning") == ["usage"]
    assert "-> the quota is used up" in run.out


def test_a_given_address_needs_no_discovery(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """With --base-url the Storage API may be out of order: Kai itself is asked."""
    kai_server.app.hub.index = StorageIndex(maintenance=10)
    run = kai_at_server.having("--base-url", kai_server.url)("doctor")
    assert ended(run, "failed") == ["storage"]
    assert found(run)["discovery"] == ("ok", f"not needed: {kai_server.url} is given")
    assert found(run)["usage"][0] == "ok"


@pytest.mark.parametrize(
    ("env", "check", "code", "text"),
    [
        ({"HTTPS_PROXY": "socks5://user:hush@127.0.0.1:9"}, "proxy", 5, "a SOCKS proxy is set"),
        ({"ALL_PROXY": "gopher://user:hush@127.0.0.1:9"}, "proxy", 5, "no URL"),
        ({"SSL_CERT_FILE": "/nowhere.pem"}, "tls", 5, "SSL_CERT_FILE names /nowhere.pem, which is not there"),
        ({"SSL_CERT_FILE": __file__}, "tls", 5, "which holds no certificate"),
    ],
)
def test_the_environment_is_wrong(kai: Kai, env: Mapping[str, str], check: str, code: int, text: str) -> None:
    """A proxy that cannot be used and certificates that are not there are named, without passwords: 5."""
    run = kai.at("https://connection.keboola.invalid").having(**env)("doctor")
    assert run.code == code
    assert found(run)[check][0] == "failed"
    assert text in found(run)[check][1]
    assert "hush" not in run.out


@pytest.mark.parametrize(
    ("url", "env", "text"),
    [
        ("http://127.0.0.1:9", {}, "set, but this machine's own ports are always reached directly"),
        ("https://connection.keboola.invalid", {}, "https goes through http://127.0.0.1:9"),
        ("https://connection.keboola.invalid", {"NO_PROXY": "keboola.invalid"}, "set, but NO_PROXY excepts"),
    ],
)
def test_a_proxy_is_named(kai: Kai, url: str, env: Mapping[str, str], text: str) -> None:
    """What goes through it and what does not, without its password."""
    run = kai.at(url).having(HTTPS_PROXY="http://user:hush@127.0.0.1:9", **env)("doctor")
    assert found(run)["proxy"][1].startswith(text)
    assert "hush" not in run.out


def test_a_profile_is_found(kai: Kai, kai_server: KaiServer) -> None:
    """The list says which profile of which file is used; one that is unknown is a failure of the setup: 2."""
    kai("login", "--profile", "prod", "--url", kai_server.url, "--token-stdin", stdin=TOKEN)
    run = kai("doctor")
    assert run.code == 0
    assert found(run)["config"][1] == f"profile 'prod' of {kai.folder / 'kai-config' / 'config.toml'}"
    assert found(run)["token-shape"][1] == "from the profile"
    run = kai("--profile", "nobody", "doctor")
    assert run.code == 2
    assert ended(run, "failed") == ["config"]
    assert ended(run, "skipped") == ["stack", "token-shape", "storage", "token", *KAI, "stream"]


@pytest.mark.kai_server(tokens=["another"])
def test_the_list_as_json(kai_at_server: Kai) -> None:
    """--json-output is one object with the status, and for each check what it found and what to do."""
    run = kai_at_server("doctor", "--json-output")
    answer = json.loads(run.out)
    assert answer["exitCode"] == run.code == 3
    assert [check["name"] for check in answer["checks"]] == CHECKS
    (failed,) = [check for check in answer["checks"] if check["status"] == "failed"]
    assert failed["name"] == "token"
    assert failed["advice"].startswith("check the token")


def test_the_local_server_is_examined_too(kai: Kai) -> None:
    """--local is fine, without a token and without the profile."""
    run = kai("--local", "doctor")
    assert run.code == 0
    assert found(run)["token-shape"] == ("ok", "from the local server")


def test_verify_is_five_lines(kai_at_server: Kai) -> None:
    """Token, discovery, ping, info, usage; 0."""
    run = kai_at_server("verify")
    assert run.code == 0
    assert ended(run, "ok") == ["token", *KAI] == list(found(run))


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--token", "wrong", "--url", "{url}"), 3),
        (("--url", "{url}"), 3),
        (("--token", TOKEN), 2),
        (("--token", TOKEN, "--url", "http://127.0.0.1:9"), 5),
        (("--token", TOKEN, "--url", "{url}", "--service", "kai-other"), 1),
    ],
)
@pytest.mark.kai_server(tokens=[TOKEN])
def test_verify_ends_with_the_first_failure(
    kai: Kai, kai_server: KaiServer, options: tuple[str, ...], code: int
) -> None:
    """One check fails, those that need it are skipped, and the exit status is its own."""
    run = kai.having(*(option.format(url=kai_server.url) for option in options))("verify")
    assert run.code == code
    assert len(ended(run, "failed")) == 1
    assert set(ended(run, "failed") + ended(run, "skipped")) >= set(KAI) - {"discovery"}
    assert TOKEN not in run.out + run.err


def test_a_check_has_an_end() -> None:
    """One that nobody answers fails after its own time, and the next is made."""
    checks = Checklist(None)

    async def nobody() -> Said:
        await asyncio.Event().wait()
        return Said("never")

    async def somebody() -> Said:
        return Said("here")

    async def both() -> None:
        await checks.check("first", nobody, seconds=0.01)
        await checks.check("second", somebody)
        await checks.check("third", somebody, needs=("first",))

    with click.Context(click.Command("kai")):
        asyncio.run(both())
    assert [(each.name, each.status, each.code) for each in checks.findings] == [
        ("first", "failed", ExitCode.NETWORK),
        ("second", "ok", ExitCode.DONE),
        ("third", "skipped", ExitCode.DONE),
    ]


@pytest.mark.parametrize(
    ("moments", "text", "warned"),
    [
        ([0.5 + 0.05 * n for n in range(30)], "in pieces: 30 chunks in 30 pieces over 1.45 s", False),
        (
            [3.0 + 0.0001 * n for n in range(30)],
            "BUFFERED: 30 chunks in one piece over 0.00 s, the first after 3.00 s",
            True,
        ),
        ([0.5 + 0.5 * (n // 15) for n in range(30)], "in blocks: 30 chunks in 2 pieces", True),
        ([0.5, 1.0], "only 2 chunks: too few to tell", True),
        ([], "only 0 chunks: too few to tell", True),
    ],
)
def test_how_an_answer_arrived(moments: list[float], text: str, warned: bool) -> None:
    """The moments of its chunks tell whether it streamed, came at once, or in blocks."""
    said = judge_arrivals(0.0, moments)
    assert said.text.startswith(text)
    assert (said.advice is not None) == warned


@pytest.mark.parametrize(
    ("code", "advice"),
    [(20, "SSL_CERT_FILE"), (18, "SSL_CERT_FILE"), (10, "clock"), (62, "another host"), (99, "was not accepted (odd)")],
)
def test_certificates_are_explained(code: int, advice: str) -> None:
    """What OpenSSL found, somewhere down the causes, becomes something to do."""
    problem = ssl.SSLCertVerificationError(1, "verify failed")
    problem.verify_code, problem.verify_message = code, "odd"
    error = KaiConnectionError("Cannot connect")
    error.__cause__ = OSError("in between")
    error.__cause__.__context__ = problem
    assert advice in (tls_advice(error) or "")


def test_other_errors_are_no_matter_of_certificates() -> None:
    """Without one among the causes, and in a circle of causes, there is nothing to explain."""
    error = OSError("lost")
    error.__context__ = ValueError("other")
    error.__context__.__context__ = error
    assert tls_advice(error) is None


def test_a_port_that_says_nothing(kai: Kai, tmp_path: Path) -> None:
    """What answers, but not in HTTP, is a failure of the network: 5."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"220 mail.example.com\r\n")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        run = kai.at(f"http://127.0.0.1:{listener.getsockname()[1]}")("doctor")
        thread.join()
    assert run.code == 5
    assert ended(run, "failed") == ["storage"]
