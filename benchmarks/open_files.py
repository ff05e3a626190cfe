"""Thousands of connections need as many open files."""

import resource

__all__ = ["allow_many"]


def allow_many() -> None:
    """As many open files as the system lets this process have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
