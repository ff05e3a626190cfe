"""What the exit status of `kai` promises to scripts."""

from enum import IntEnum

__all__ = ["ExitCode", "Failure"]


class ExitCode(IntEnum):
    """The exit statuses; 130 and 141 are those that a shell gives a process ended by SIGINT and SIGPIPE."""

    DONE = 0
    FAILURE = 1
    USAGE = 2
    AUTHENTICATION = 3
    APPROVAL = 4
    NETWORK = 5
    RATE_LIMIT = 6
    INTERRUPTED = 130
    BROKEN_PIPE = 141


class Failure(Exception):  # noqa: N818 - not an error of the program: how a command ends
    """The command ends here: one line that says what happened and what to do, and the exit status."""

    def __init__(self, message: str, code: ExitCode = ExitCode.FAILURE) -> None:
        super().__init__(message)
        self.code = code
