"""The global options, and where else they can stand."""

from pathlib import Path

import click
import pytest
from cli_runs import TOKEN, Kai

from kai_client import __version__
from kai_client.cli import main
from kai_client.cli.settings import Settings
from kai_client.cli.setup.stacks import stack_url
from kai_client.testing import KaiServer

NOTE = (
    "Using STORAGE_API_TOKEN, STORAGE_API_URL from .env.local: say so with --env-file .env.local or "
    "KAI_ENV_FILE=.env.local; reading it unasked will be off by default.\n"
)


def write_env_file(folder: Path, name: str = ".env.local", **values: str) -> None:
    """Write a file of variables."""
    (folder / name).write_text("".join(f"{name}={value}\n" for name, value in values.items()))


def log_in(kai: Kai, url: str, *args: str) -> None:
    """Keep a profile, without asking anybody."""
    assert kai("login", "--url", url, "--token-stdin", "--no-verify", *args, stdin=TOKEN).code == 0


@pytest.mark.kai_server(tokens=[TOKEN])
def test_options_can_stand_in_the_environment(kai: Kai, kai_server: KaiServer) -> None:
    """The documented variables are the options."""
    there = kai.having(
        STORAGE_API_TOKEN=TOKEN, STORAGE_API_URL=kai_server.url, KAI_SERVICE="kai-assistant", WORKSPACE_ID="42"
    )
    assert "Service: kai-assistant\n" in there("info").out
    assert there("history").code == 0
    assert kai_server.requests[-1].headers["x-workspace-id"] == "42"


@pytest.mark.kai_server(tokens=[TOKEN])
def test_options_can_stand_in_a_file(kai: Kai, kai_server: KaiServer, tmp_path: Path) -> None:
    """`.env.local` in the current folder says what neither the command line nor the environment does."""
    write_env_file(tmp_path, STORAGE_API_TOKEN=TOKEN, STORAGE_API_URL=kai_server.url, KAI_SERVICE="kai-assistant")
    assert kai("history").code == 0
    assert "Service: kai-agent\n" in kai.having(KAI_SERVICE="kai-agent")("info").out
    assert kai("--token", "another", "history").code == 3


@pytest.mark.kai_server(tokens=[TOKEN])
def test_a_file_that_nobody_named_is_mentioned(kai: Kai, kai_server: KaiServer, tmp_path: Path) -> None:
    """One line says what was used of `.env.local`, and only then: not what was overruled, and not for --local."""
    write_env_file(tmp_path, STORAGE_API_TOKEN=TOKEN, STORAGE_API_URL=kai_server.url)
    assert kai("history").err == NOTE
    assert kai("--token", TOKEN, "--url", kai_server.url, "history").err == ""
    assert ".env.local" not in kai("--local", "history").err


@pytest.mark.parametrize("named", ["option", "variable"])
@pytest.mark.kai_server(tokens=[TOKEN])
def test_a_file_can_be_named(kai: Kai, kai_server: KaiServer, tmp_path: Path, named: str) -> None:
    """--env-file and KAI_ENV_FILE name a file, which then counts instead of `.env.local` and needs no mention."""
    write_env_file(tmp_path, STORAGE_API_TOKEN="wrong", STORAGE_API_URL="https://nowhere.invalid")
    write_env_file(tmp_path, "mine", STORAGE_API_TOKEN=TOKEN, STORAGE_API_URL=kai_server.url, KAI_PROFILE="nobody")
    there = kai.having("--env-file", "mine") if named == "option" else kai.having(KAI_ENV_FILE="mine")
    run = there("history")
    assert (run.code, run.err) == (0, "")
    assert there.having(STORAGE_API_TOKEN="another")("history").code == 3


def test_a_named_file_that_is_not_there(kai: Kai) -> None:
    """2, unlike `.env.local`, which need not be there."""
    run = kai("--env-file", "nothing", "ping")
    assert run.code == 2
    assert run.err.endswith("Error: Cannot read nothing: No such file or directory\n")


def test_the_order_of_all_sources(kai: Kai, tmp_path: Path) -> None:
    """Command line, environment, named file, `.env.local`, named profile, default profile: the first that says it wins."""
    log_in(kai, "http://127.0.0.1:9", "--service", "default-profile")
    log_in(kai, "http://127.0.0.1:9", "--service", "named-profile", "--profile", "named")
    assert service_of(kai) == "default-profile"
    kai = kai.having("--profile", "named")
    assert service_of(kai) == "named-profile"
    write_env_file(tmp_path, KAI_SERVICE="folder")
    assert service_of(kai) == "folder"
    write_env_file(tmp_path, "mine", KAI_SERVICE="named-file")
    kai = kai.having("--env-file", "mine")
    assert service_of(kai) == "named-file"
    kai = kai.having(KAI_SERVICE="environment")
    assert service_of(kai) == "environment"
    assert service_of(kai.having("--service", "command-line")) == "command-line"


def service_of(kai: Kai) -> str | None:
    """The service that a command would ask for."""
    seen: list[Settings] = []

    @click.command()
    @click.pass_obj
    def look(settings: Settings) -> None:
        seen.append(settings)
        click.echo(settings.access.service)

    assert isinstance(main, click.Group)
    main.add_command(look)
    try:
        run = kai("look")
    finally:
        main.commands.pop("look")
    assert run.code == 0, run.err
    assert TOKEN not in repr(seen[0]) + repr(seen[0].access)
    return run.out.strip()


def test_a_profile_s_token_goes_to_its_own_stack_only(kai: Kai, kai_server: KaiServer, tmp_path: Path) -> None:
    """Neither another URL nor a folder's `.env.local` gets it: 3, and nothing is sent there."""
    log_in(kai, "https://connection.keboola.invalid")
    assert kai("--url", kai_server.url, "history").code == 3
    write_env_file(tmp_path, STORAGE_API_URL=kai_server.url)
    assert "is for https://connection.keboola.invalid, not for" in kai("history").err
    write_env_file(tmp_path, KAI_BASE_URL=kai_server.url)
    run = kai("history")
    assert run.code == 3
    assert "does not go there unasked" in run.err
    assert kai_server.requests == []
    assert kai("--env-file", ".env.local", "history").code == 0


def test_a_given_token_takes_no_workspace_from_a_profile(kai: Kai, kai_server: KaiServer) -> None:
    """A token of another project finds the profile's stack, not its workspace; the named profile's token is not used, and that is said."""
    log_in(kai, kai_server.url, "--workspace-id", "42")
    assert kai("--token", "another", "history").code == 0
    assert "x-workspace-id" not in kai_server.requests[-1].headers
    run = kai("--profile", "default", "--token", "another", "history")
    assert run.err == "The token is from the command line, not that of profile 'default'.\n"
    assert kai("history").code == 0
    assert kai_server.requests[-1].headers["x-workspace-id"] == "42"


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("us", "https://connection.keboola.com"),
        ("EU", "https://connection.eu-central-1.keboola.com"),
        ("us-gcp", "https://connection.us-east4.gcp.keboola.com"),
        ("europe-west3", "https://connection.europe-west3.gcp.keboola.com"),
        ("azure", "https://connection.north-europe.azure.keboola.com"),
        ("connection.acme.keboola.com", "https://connection.acme.keboola.com"),
        ("https://connection.keboola.com/v2/storage/", "https://connection.keboola.com"),
        ("https://connection.keboola.com/admin/projects/1/dashboard", "https://connection.keboola.com"),
        ("localhost:3000", "http://localhost:3000"),
        ("127.0.0.1:3000", "http://127.0.0.1:3000"),
        (" http://localhost:3000/ ", "http://localhost:3000"),
    ],
)
def test_a_stack_as_people_write_it(given: str, url: str) -> None:
    """A name, a host, a URL, the address bar: all become the Storage API's root."""
    assert stack_url(given) == url


@pytest.mark.parametrize(
    ("options", "env", "colored"),
    [
        ((), {}, False),
        ((), {"FORCE_COLOR": "1"}, True),
        ((), {"FORCE_COLOR": "0"}, False),
        ((), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (("--color", "always"), {"NO_COLOR": "1"}, True),
        (("--color", "never"), {"FORCE_COLOR": "1"}, False),
        (("--color", "auto"), {}, False),
    ],
)
def test_colours(kai: Kai, options: tuple[str, ...], env: dict[str, str], colored: bool) -> None:
    """Without a terminal there are none unless they are asked for; --color goes before NO_COLOR, that before FORCE_COLOR."""
    run = kai.having(*options, **env)("ping")
    assert run.code == 3
    assert run.err.startswith("\x1b[31mError: " if colored else "Error: ")


def test_the_file_changes_nothing_else(kai: Kai, kai_server: KaiServer, tmp_path: Path) -> None:
    """A file that came with a folder cannot send the token through a proxy."""
    write_env_file(tmp_path, STORAGE_API_TOKEN=TOKEN, HTTP_PROXY="http://127.0.0.1:9", ALL_PROXY="http://127.0.0.1:9")
    assert kai("--url", kai_server.url, "history").code == 0


def test_a_file_that_cannot_be_read(kai: Kai, tmp_path: Path) -> None:
    """A file that is no text is a usage error, not a traceback."""
    (tmp_path / ".env.local").write_bytes(b"\xff\xfe")
    run = kai("ping")
    assert run.code == 2
    assert run.err.endswith("Error: Cannot read .env.local: it is not UTF-8 text\n")


def test_local_never_sees_the_token(kai: Kai) -> None:
    """With --local what is set for the real Kai does not matter, not even if it is wrong."""
    there = kai.having("--local", STORAGE_API_TOKEN="\u00e9", STORAGE_API_URL="nonsense", KAI_BASE_URL="nonsense")
    assert there("ping").code == 0


def test_the_version(kai: Kai) -> None:
    """--version names the program and its version."""
    assert kai("--version").out == f"kai, version {__version__}\n"


@pytest.mark.parametrize("missing", ["click", "rich", "fastapi"])
def test_a_missing_extra_is_named(kai: Kai, kai_server: KaiServer, missing: str) -> None:
    """Without a library one line says what to install."""
    code = (
        "import sys, importlib.util as u; find = u.find_spec\n"
        f"sys.modules[{missing!r}] = None; u.find_spec = lambda name: None if name == {missing!r} else find(name)\n"
        "from kai_client.cli import main; main()"
    )
    args = ["--local", "ping"] if missing == "fastapi" else ["--token", TOKEN, "--url", kai_server.url, "history"]
    run = kai.python("-c", code, *args)
    if missing == "rich":  # a table is drawn on a terminal only
        assert run.code == 0
    else:
        assert run.code == 1
        assert 'pip install "kai-client[' in run.err
        assert "Traceback" not in run.err


def test_debug_tells_where(kai: Kai) -> None:
    """--debug adds the causes, without the token."""
    run = kai.at("http://127.0.0.1:9", "--attempts", "1", "--debug").process("ping")
    assert run.code == 5
    assert "httpx.ConnectError" in run.err
    assert run.err.splitlines()[-1].endswith("check the URL, the network and the proxy settings")
    assert TOKEN not in run.err


@pytest.mark.parametrize("name", ["KAI_BASE_URL", "STORAGE_API_URL"])
def test_a_folder_sends_no_token_to_strangers(kai: Kai, tmp_path: Path, name: str) -> None:
    """A token of the environment does not go where only `.env.local` says, unless that is Keboola or this machine."""
    write_env_file(tmp_path, **{name: "https://kai.example.com"})
    there = kai.having(STORAGE_API_TOKEN=TOKEN, **({"STORAGE_API_URL": "eu"} if name == "KAI_BASE_URL" else {}))
    run = there("ping")
    assert run.code == 3
    assert f".env.local sets {name}, and your token does not go there unasked" in run.err


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (("--db", "x.sqlite", "ping"), "--db is for --local"),
        (("logout", "--profile", "a", "--all"), "Choose one of --profile and --all"),
        (("--local", "settings", "set", "--instructions", "-"), "there is nothing in stdin"),
    ],
)
def test_what_cannot_be_meant(kai: Kai, args: tuple[str, ...], line: str) -> None:
    """What would be ignored, or would erase something by mistake, is a usage error."""
    run = kai(*args)
    assert run.code == 2
    assert line in run.err
