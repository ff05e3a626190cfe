"""The names that `--url` takes: data alone, because `kai --help` shows them."""

from typing import Final

__all__ = ["ALIASES", "STACKS", "STACK_HELP"]

STACKS: Final = {
    "us": "https://connection.keboola.com",
    "eu": "https://connection.eu-central-1.keboola.com",
    "us-gcp": "https://connection.us-east4.gcp.keboola.com",
    "eu-gcp": "https://connection.europe-west3.gcp.keboola.com",
    "eu-azure": "https://connection.north-europe.azure.keboola.com",
}
"""Name -> Storage API URL."""

ALIASES: Final = {
    "aws-us": "us",
    "us-aws": "us",
    "aws-eu": "eu",
    "eu-aws": "eu",
    "eu-central-1": "eu",
    "gcp-us": "us-gcp",
    "us-east4": "us-gcp",
    "gcp-eu": "eu-gcp",
    "europe-west3": "eu-gcp",
    "azure": "eu-azure",
    "azure-eu": "eu-azure",
    "north-europe": "eu-azure",
}
"""What else people call them: the cloud first, or its region."""


def _line(name: str) -> str:
    also = ", ".join(alias for alias, meant in ALIASES.items() if meant == name)
    return f"{name:10}{STACKS[name]}\n{'':10}also: {also}"


STACK_HELP: Final = "\n".join(map(_line, STACKS))
"""The table, for a help text."""
