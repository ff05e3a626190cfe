"""`kai login` and `kai logout`: what is kept, where, and what is never shown."""

import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_runs import TOKEN, Kai, Run
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from kai_client.testing import KaiServer
from kai_client.transport.tokens import TokenInfo

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals and modes of files", allow_module_level=True)

from pseudo_terminal import PseudoTerminal

KEYRING = """
import json, os, pathlib
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

class Keyring(KeyringBackend):
    priority = 1
    file = pathlib.Path(os.environ["TEST_KEYRING"])

    def all(self):
        if os.environ.get("TEST_KEYRING_LOCKED"):
            raise KeyringLocked("locked")
        return json.loads(self.file.read_text()) if self.file.exists() else {}

    def get_password(self, service, username):
        return self.all().get(f"{service}/{username}")

    def set_password(self, service, username, password):
        self.file.write_text(json.dumps({**self.all(), f"{service}/{username}": password}))

    def delete_password(self, service, username):
        self.file.write_text(json.dumps({k: v for k, v in self.all().items() if k != f"{service}/{username}"}))
"""


def log_in(kai: Kai, url: str, *args: str, token: str = TOKEN) -> Run:
    """Log in without a terminal; the token comes through a pipe."""
    return kai("login", "--url", url, "--token-stdin", *args, stdin=f"{token}\n")


def config(kai: Kai) -> Path:
    """The folder of the configuration."""
    return kai.folder / "kai-config"


def with_keyring(kai: Kai, **env: str) -> Kai:
    """The same, where the system has a keyring: a file, which is enough for a test."""
    (kai.folder / "our_keyring.py").write_text(KEYRING)
    there = {"PYTHON_KEYRING_BACKEND": "our_keyring.Keyring", "TEST_KEYRING": str(kai.folder / "ring.json")}
    return kai.having(**there, PYTHONPATH=str(kai.folder), **env)


def piped(kai: Kai, *args: str, token: str = TOKEN) -> Run:
    """Run the program with the token on stdin."""
    done = subprocess.run(
        kai.command(*args), input=token.encode(), capture_output=True, cwd=kai.folder, env=kai.environment, check=False
    )
    return Run(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.mark.kai_server(tokens=[TOKEN])
def test_after_a_login_commands_need_nothing_else(kai: Kai, kai_server: KaiServer) -> None:
    """The profile says where and as whom; stdout stays empty, and whose token it is is on stderr."""
    run = log_in(kai, kai_server.url, "--service", "kai-assistant", "--workspace-id", "42")
    assert (run.code, run.out) == (0, "")
    assert "project Local e-shop (1234): user-" in run.err
    assert "Service: kai-assistant\n" in kai("info").out
    assert kai("history").code == 0
    assert kai_server.requests[-1].headers["x-workspace-id"] == "42"


@pytest.mark.kai_server(tokens=[TOKEN])
def test_a_token_that_is_none_is_not_kept(kai: Kai, kai_server: KaiServer) -> None:
    """What the Storage API refuses: 3, and nothing is written."""
    run = log_in(kai, kai_server.url, token="123-another-token")
    assert run.code == 3
    assert "Invalid access token" in run.err
    assert not config(kai).exists()


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("", "it is empty"),
        ("kbc_pat_1234567890", "kbc_pat_ is a bearer token"),
        ("kbc_at_1234567890", "kbc_at_ is a bearer token"),
        ('"123-secret"', "quotes around it"),
        ("Bearer 123-secret", "something stands before it"),
        ("STORAGE_API_TOKEN=123-secret", "something stands before it"),
        ("123-secret\n456-secret", "a space or a newline in it"),
        ("123-s\u00e9cret", "characters that no token has"),
    ],
)
def test_what_cannot_be_a_token(kai: Kai, kai_server: KaiServer, token: str, reason: str) -> None:
    """It is refused before anybody is asked, with the reason and without the token: 3."""
    run = log_in(kai, kai_server.url, token=token)
    assert run.code == 3
    assert reason in run.err
    assert kai_server.requests == []
    assert "secret" not in run.err
    assert "1234567890" not in run.err


def test_without_verification_nobody_is_asked(kai: Kai) -> None:
    """--no-verify keeps a token for a stack that cannot be reached now."""
    assert log_in(kai, "http://127.0.0.1:9", "--no-verify").code == 0
    assert "default" in kai("login", "--list").out


def test_no_unencrypted_token(kai: Kai) -> None:
    """Plain http is for this machine only: 2, before anything is asked or sent."""
    run = log_in(kai, "http://connection.keboola.invalid")
    assert run.code == 2
    assert run.err == "Error: The token would travel unencrypted to http://connection.keboola.invalid: use https\n"


def test_another_server(kai: Kai, kai_server: KaiServer) -> None:
    """A URL where there is no Storage API: 1, and it is the URL that is to be checked, by the doctor too."""
    elsewhere = f"{kai_server.url}/kai-assistant"
    run = log_in(kai, elsewhere)
    assert run.code == 1
    assert run.err.startswith(f"Error: There is no Storage API at {elsewhere}: ")
    run = kai.at(elsewhere)("doctor")
    assert run.code == 1
    assert "-> check --url\n" in run.out


def test_nobody_answers(kai: Kai) -> None:
    """A stack that is not there: 5, and nothing is kept."""
    assert log_in(kai, "http://127.0.0.1:9").code == 5
    assert not config(kai).exists()


@pytest.mark.kai_server(tokens=[TOKEN])
def test_the_token_is_in_a_private_file(kai: Kai, kai_server: KaiServer) -> None:
    """Without a keyring one line says where the token is; only its owner can read that, and config.toml has none of it."""
    run = log_in(kai, kai_server.url)
    file = config(kai) / "tokens" / "default"
    assert f"The token is in {file}, readable by you alone: there is no keyring here.\n" in run.err
    assert (stat.S_IMODE(file.stat().st_mode), file.read_text()) == (0o600, TOKEN)
    assert TOKEN not in (config(kai) / "config.toml").read_text()
    assert [each.name for each in file.parent.iterdir()] == ["default"]


def test_a_file_that_others_can_read_is_not_used(kai: Kai, kai_server: KaiServer) -> None:
    """3, with the command that mends it; afterwards it works."""
    log_in(kai, kai_server.url)
    file = config(kai) / "tokens" / "default"
    file.chmod(0o640)
    run = kai("ping")
    assert run.code == 3
    assert f"chmod 600 '{file}'" in run.err
    file.chmod(0o600)
    assert kai("ping").code == 0


@pytest.mark.kai_server(tokens=[TOKEN])
def test_the_token_is_in_the_keyring(kai: Kai, kai_server: KaiServer) -> None:
    """Where there is a keyring the token is there, under the profile's name, and in no file of ours."""
    there = with_keyring(kai)
    run = piped(there, "login", "--profile", "prod", "--url", kai_server.url, "--token-stdin")
    assert (run.code, run.out) == (0, "")
    assert json.loads((kai.folder / "ring.json").read_text()) == {"kai-client/prod": TOKEN}
    assert [each.name for each in config(kai).iterdir()] == ["config.toml"]
    assert there.process("history").code == 0
    assert "\tkeyring\n" in there.process("login", "--list").out
    assert there.process("logout").code == 0
    assert json.loads((kai.folder / "ring.json").read_text()) == {}


def test_a_locked_keyring(kai: Kai, kai_server: KaiServer) -> None:
    """Reading fails with 3 and what to do; a login then uses the file and says why; forgetting says that it could not."""
    open_ring = with_keyring(kai)
    locked = open_ring.having(TEST_KEYRING_LOCKED="1")
    assert piped(open_ring, "login", "--url", kai_server.url, "--token-stdin").code == 0
    run = locked.process("ping")
    assert run.code == 3
    assert run.err == (
        "Error: Cannot read the token of profile 'default' from the keyring: locked; unlock it, or log in again\n"
    )
    assert locked.process("logout").code == 1
    assert "the keyring refused (locked)" in piped(locked, "login", "--url", kai_server.url, "--token-stdin").err
    assert locked.process("ping").code == 0


def test_the_prompt_does_not_show_the_token(kai: Kai, kai_server: KaiServer) -> None:
    """On a terminal the token is asked for and not echoed."""
    command = kai.command("login", "--url", kai_server.url)
    with PseudoTerminal(command, folder=kai.folder, env=kai.environment) as terminal:
        terminal.expect("Storage API token (not shown): ")
        terminal.type(f"{TOKEN}\n")
        terminal.expect("Logged in to 127.0.0.1:")
        assert terminal.wait() == 0
        assert TOKEN not in terminal.raw
    assert kai("ping").code == 0


def test_the_prompts_are_not_on_stdout(kai: Kai, tmp_path: Path) -> None:
    """The stack is asked for where none is named, and a wrong one is explained; a stdout elsewhere stays empty."""
    with (
        (tmp_path / "out").open("wb") as out,
        PseudoTerminal(kai.command("login"), folder=kai.folder, env=kai.environment, stdout=out) as terminal,
    ):
        terminal.expect("Stack for --url (us, eu, us-gcp, eu-gcp, eu-azure or a URL) [us]: ")
        terminal.type("mars\n")
        terminal.expect("Error: No stack 'mars': pass a URL, or one of us, eu, us-gcp, eu-gcp, eu-azure\n")
        assert terminal.wait() == 2
    assert (tmp_path / "out").read_bytes() == b""


@pytest.mark.parametrize(("typed", "code"), [("\x03", 130), ("\x04", 2), ("\n", 3)])
def test_no_token_is_typed(kai: Kai, kai_server: KaiServer, typed: str, code: int) -> None:
    """Ctrl-C, Ctrl-D and an empty line end the login: 130, 2 and 3, one line, nothing kept."""
    command = kai.command("login", "--url", kai_server.url)
    with PseudoTerminal(command, folder=kai.folder, env=kai.environment) as terminal:
        terminal.expect("(not shown): ")
        terminal.type(typed)
        terminal.expect("Error: ")
        assert terminal.wait() == code
        assert "Traceback" not in terminal.raw
    assert not config(kai).exists()


def test_nobody_can_be_asked(kai: Kai) -> None:
    """Without a terminal and without --token-stdin: 2, with the way out."""
    run = kai("login", "--url", "us", stdin=TOKEN)
    assert run.code == 2
    assert run.err == "Error: Nobody can be asked for the token here: pipe it in with --token-stdin\n"


def test_a_token_on_the_command_line_is_refused(kai: Kai) -> None:
    """Others can see it there: 2, without repeating it."""
    run = kai("--token", TOKEN, "login", "--url", "us", "--token-stdin", stdin=TOKEN)
    assert run.code == 2
    assert "--token-stdin" in run.err
    assert TOKEN not in run.err


def test_profiles_are_listed_and_chosen(kai: Kai, kai_server: KaiServer) -> None:
    """The first is the default; --use changes that; the list has a line for each, or is JSON."""
    log_in(kai, kai_server.url, "--profile", "first")
    log_in(kai, kai_server.url, "--profile", "second", "--service", "kai-assistant")
    host = kai_server.url.removeprefix("http://")
    rows = [line.split("\t") for line in kai("login", "--list").out.splitlines()]
    assert [row[:4] for row in rows] == [["*", "first", host, "-"], [" ", "second", host, "kai-assistant"]]
    assert "Service: kai-assistant\n" in kai("--profile", "second", "info").out
    assert "Service: kai-agent\n" in kai("info").out
    assert kai("login", "--use", "second").code == 0
    assert "Service: kai-assistant\n" in kai("info").out
    assert "Service: kai-agent\n" in kai.having(KAI_PROFILE="first")("info").out
    listed = json.loads(kai("login", "--list", "--json-output").out)
    assert listed["default"] == "second"
    assert listed["profiles"][1] == {
        "name": "second",
        "url": kai_server.url,
        "service": "kai-assistant",
        "token_in": "file",
    }


@pytest.mark.parametrize("args", [("--profile", "nobody", "ping"), ("login", "--use", "nobody")])
def test_an_unknown_profile(kai: Kai, kai_server: KaiServer, args: tuple[str, ...]) -> None:
    """2, with those that there are."""
    log_in(kai, kai_server.url)
    run = kai(*args)
    assert run.code == 2
    assert run.err.startswith("Error: No profile 'nobody'; there are: default; ")


@pytest.mark.parametrize("name", ["", "../x", "Prod", "a b", "-x", "x" * 65])
def test_a_name_that_no_profile_can_have(kai: Kai, name: str) -> None:
    """A name is a file's name, too: 2 for one that cannot be; an empty one is the default's."""
    run = log_in(kai, "http://127.0.0.1:9", "--no-verify", "--profile", name)
    assert run.code == (0 if name == "" else 2)
    assert [each.name for each in config(kai).glob("tokens/*")] == (["default"] if name == "" else [])


def test_logout_forgets(kai: Kai, kai_server: KaiServer) -> None:
    """The token and the profile are gone, those of others stay, and --all leaves none."""
    for name in ("first", "second", "third"):
        log_in(kai, kai_server.url, "--profile", name)
    assert kai("logout").err == "Forgot profile 'first'.\n"
    assert kai("ping").code == 3
    assert kai("--profile", "second", "ping").code == 0
    assert kai("logout").code == 2
    assert kai("logout", "--all").code == 0
    assert list((config(kai) / "tokens").iterdir()) == []
    assert kai("login", "--list").err == "No profiles yet: kai login\n"
    assert kai("logout", "--all").err == "There was nothing to forget.\n"


def test_a_new_login_keeps_what_it_does_not_change(kai: Kai, kai_server: KaiServer) -> None:
    """A renewed token leaves the stack and the service, and what somebody wrote into the file, comments included."""
    log_in(kai, kai_server.url, "--service", "kai-assistant")
    file = config(kai) / "config.toml"
    file.write_text(f"# mine\n{file.read_text()}colour = 'blue' # too\n")
    assert kai("login", "--token-stdin", stdin="123-renewed").code == 0
    text = file.read_text()
    assert text.startswith("# mine\n")
    assert "colour = 'blue' # too\n" in text
    assert "kai-assistant" in text
    assert (config(kai) / "tokens" / "default").read_text() == "123-renewed"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("default_profile = ", "Cannot read"),
        ("profiles = 1", "it has no tables [profiles.NAME]"),
        ("default_profile = 'x'\n[profiles.x]\n", "The profile 'x' cannot be used: url is missing"),
        ("[profiles.x]\nurl = 1\n", "url must be text"),
        ("[profiles.x]\nurl = 'mars'\n", "No stack 'mars'"),
    ],
)
def test_a_broken_configuration(kai: Kai, text: str, reason: str) -> None:
    """2, and what is wrong with it; who says everything on the command line does not need it."""
    config(kai).mkdir()
    (config(kai) / "config.toml").write_text(text)
    run = kai("ping")
    assert run.code == 2
    assert reason in run.err
    assert run.err.count("\n") == 1
    assert kai.at("http://127.0.0.1:9", "--attempts", "1")("ping").code == 5


def test_a_configuration_that_cannot_be_written(kai: Kai) -> None:
    """A file where the folder should be: 1, one line, without the token."""
    config(kai).write_text("")
    run = log_in(kai, "http://127.0.0.1:9", "--no-verify")
    assert run.code == 1
    assert run.err.startswith("Error: Cannot keep the token: ")
    assert TOKEN not in run.err


def answer_about_tokens(server: KaiServer, **answer: Any) -> None:
    """Have the Storage API say this about every token."""

    async def verify(request: Request) -> JSONResponse:
        del request
        return JSONResponse(answer)

    server.app.router.routes.insert(0, Route("/v2/storage/tokens/verify", verify))


def test_a_token_that_kai_may_refuse(kai: Kai, kai_server: KaiServer) -> None:
    """One that is no master token, is disabled or has expired is kept with a warning for each; ids may be numbers or text."""
    answer_about_tokens(
        kai_server,
        id=7,
        token=TOKEN,
        description=f"script of {TOKEN}\x1b[31m",
        expires="2024-02-01T00:00:00+0100",
        isExpired=True,
        isDisabled=True,
        isMasterToken=False,
        owner={"id": "4321", "name": "Shop"},
    )
    run = log_in(kai, kai_server.url)
    assert run.code == 0
    assert run.err.splitlines()[:4] == [
        "project Shop (4321): script of ***, expires 2024-02-01",
        "The token has expired: make a new one and log in again.",
        "The token is disabled.",
        "It is not a master token, and Kai needs one: it may answer 401 or 403.",
    ]
    assert kai("ping").code == 0
    run = kai("verify", "--json-output")
    assert json.loads(run.out)["checks"][0]["status"] == "warning"
    assert TOKEN not in run.out


@pytest.mark.parametrize("answer", [{"owner": {"id": []}}, {}, {"expires": "soon", "owner": None}])
def test_an_odd_answer_about_a_token(kai: Kai, kai_server: KaiServer, answer: dict[str, Any]) -> None:
    """What the Storage API leaves out, or says in a way nobody knows, does not keep anybody from logging in."""
    answer_about_tokens(kai_server, **answer)
    run = log_in(kai, kai_server.url)
    assert run.code == 0
    assert "project ? (?)" in run.err


def test_the_token_is_not_kept_with_what_is_known_of_it() -> None:
    """The Storage API repeats the token; no text of ours has it."""
    info = TokenInfo.model_validate({"id": "1", "token": TOKEN, "owner": {"id": 1, "token": TOKEN}})
    assert TOKEN not in f"{info!r}{info.model_dump_json()}"
    assert info.owner.id == "1"


def test_what_goes_before_the_profile_is_said(kai: Kai, kai_server: KaiServer) -> None:
    """A variable that will win over the new profile is named."""
    run = log_in(kai.having(STORAGE_API_TOKEN="123-other"), kai_server.url)
    assert "STORAGE_API_TOKEN is set, in the environment, and goes before the profile.\n" in run.err
