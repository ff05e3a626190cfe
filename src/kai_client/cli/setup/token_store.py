"""Where tokens are kept: in the system's keyring, else in a file that only its owner can read."""

import os
import stat
from pathlib import Path
from typing import Final

from kai_client.cli.exit_codes import ExitCode, Failure
from kai_client.cli.terminal import one_line

from .files import config_folder, write_whole

__all__ = ["FILE", "KEYRING", "SERVICE", "forget_token", "keep_token", "read_token", "token_path"]

SERVICE: Final = "kai-client"
"""The keyring's name for us; the user is the profile."""

KEYRING: Final = "keyring"
FILE: Final = "file"


def token_path(profile: str) -> Path:
    """The file of a profile's token, if it is in one."""
    return config_folder() / "tokens" / profile


def keep_token(profile: str, token: str) -> tuple[str, str]:
    """Keep it; where it is now, and why not in the keyring. Raises `Failure` where it can be kept nowhere."""
    why_not = _put_in_keyring(profile, token)
    if why_not is None:
        _remove_file(profile)
        return KEYRING, ""
    try:
        write_whole(token_path(profile), token)
    except OSError as error:
        raise Failure(f"Cannot keep the token: {why_not}, and {token_path(profile)}: {error.strerror}") from None
    return FILE, why_not


def read_token(profile: str, where: str | None) -> str | None:
    """The token; None where there is none. Raises `Failure` where it may not or cannot be read."""
    if where == FILE:
        return _read_file(token_path(profile))
    try:
        import keyring  # noqa: PLC0415 - slow to import

        return keyring.get_password(SERVICE, profile)
    except Exception as error:  # the backends raise what they like
        raise Failure(
            f"Cannot read the token of profile {profile!r} from the keyring: {one_line(str(error)) or type(error).__name__}"
            "; unlock it, or log in again",
            ExitCode.AUTHENTICATION,
        ) from error


def forget_token(profile: str, where: str | None) -> None:
    """Forget it, wherever it is. Raises `Failure` when it is still there."""
    _remove_file(profile)
    if where == FILE:
        return
    try:
        import keyring  # noqa: PLC0415 - slow to import

        if keyring.get_password(SERVICE, profile) is not None:
            keyring.delete_password(SERVICE, profile)
    except Exception as error:
        raise Failure(
            f"Cannot delete the token from the keyring: {one_line(str(error)) or type(error).__name__}"
            f"; unlock it, or delete it there: service {SERVICE}, user {profile}"
        ) from error


def _put_in_keyring(profile: str, token: str) -> str | None:
    """Why not; None when it is there, which was seen: some backends say yes and keep nothing."""
    try:
        import keyring  # noqa: PLC0415 - slow to import

        keyring.set_password(SERVICE, profile, token)
        kept = keyring.get_password(SERVICE, profile) == token
    except Exception as error:  # noqa: BLE001 - the backends raise what they like
        return "there is no keyring here" if type(error).__name__ == "NoKeyringError" else _refusal(error, token)
    return None if kept else "there is no keyring here"


def _refusal(error: Exception, token: str) -> str:
    return f"the keyring refused ({one_line(str(error), token) or type(error).__name__})"


def _read_file(path: Path) -> str | None:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Failure(f"Cannot read {path}: {error.strerror}", ExitCode.AUTHENTICATION) from error
    with os.fdopen(descriptor, encoding="utf-8") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)  # of what is read, not of what has its name by now
        if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise Failure(
                f"Others can read the token in {path}: run chmod 600 '{path}', or better, replace the token",
                ExitCode.AUTHENTICATION,
            )
        try:
            return file.read().strip() or None
        except UnicodeDecodeError as error:
            raise Failure(f"No token in {path}: it is not text; log in again", ExitCode.AUTHENTICATION) from error


def _remove_file(profile: str) -> None:
    path = token_path(profile)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise Failure(f"Cannot delete {path}: {error.strerror}") from error
