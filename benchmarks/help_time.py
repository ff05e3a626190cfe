"""What `kai --help` costs over `import click`, in whole processes: at most 1.5 times, and 100 ms."""

from .processes import medians
from .report import Bar, Report, Table

__all__ = ["measure"]

_CLICK = "python -c 'import click'"
_HELP = "kai --help"
_COMMANDS = {
    "python -c pass": ["-c", "pass"],
    _CLICK: ["-c", "import click"],
    _HELP: ["-m", "kai_client.cli", "--help"],
    "kai login --help": ["-m", "kai_client.cli", "login", "--help"],
}


def measure(rounds: int) -> Report:
    """The help, and that of a command."""
    taken = medians(_COMMANDS, rounds)
    rows = [(f"`{name}`", f"{seconds * 1e3:.1f}") for name, seconds in taken.items()]
    bar = Bar(f"{_HELP}, ms", taken[_HELP] * 1e3, 1.5 * taken[_CLICK] * 1e3 + 100)
    return Report([Table("help: how long it takes", ("command", "ms"), rows, [f"median of {rounds}"])], [bar])
