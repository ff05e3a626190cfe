"""`kai completion`, and what a shell is told when it asks."""

import pytest
from cli_runs import Kai


def completed(kai: Kai, *words: str) -> list[str]:
    """What bash would offer for the last of these words."""
    there = kai.having(_KAI_COMPLETE="bash_complete", COMP_WORDS=" ".join(("kai", *words)), COMP_CWORD=str(len(words)))
    code = "import sys; sys.argv[0] = 'kai'; from kai_client.cli import main; main(prog_name='kai')"
    run = there.python("-W", "error", "-c", code)
    assert run.err == ""
    return [line.partition(",")[2] for line in run.out.splitlines()]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(kai: Kai, shell: str) -> None:
    """The script is on stdout, and asks `kai` itself."""
    run = kai("completion", shell)
    assert run.code == 0
    assert f"_KAI_COMPLETE={shell}_complete" in run.out


def test_an_unknown_shell(kai: Kai) -> None:
    """2."""
    assert kai("completion", "tcsh").code == 2


def test_commands_and_options_are_completed(kai: Kai) -> None:
    """Names of commands, of options of the group and of a command, and the values that an option can have."""
    assert completed(kai, "lo") == ["login", "logout"]
    assert "--profile" in completed(kai, "--pro")
    assert completed(kai, "login", "--token") == ["--token-stdin"]
    assert completed(kai, "--color", "al") == ["always"]
    assert completed(kai, "serve", "--mode", "as") == ["assistant"]


@pytest.mark.parametrize("words", [("logn", "--u"), ("How many rows", "--zz"), ("", "")])
def test_what_makes_no_sense_yet_is_no_error(kai: Kai, words: tuple[str, ...]) -> None:
    """A slip of the finger or a broken `.env.local` does not spill an error over the command line."""
    (kai.folder / ".env.local").write_bytes(b"\xff")
    completed(kai, *words)
