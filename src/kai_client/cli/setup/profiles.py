"""`config.toml`: where each profile's stack is, and which profile is the default. Tokens are kept elsewhere."""

import re
import tomllib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Self

from kai_client._wire import is_object
from kai_client.cli.exit_codes import ExitCode, Failure

from .files import config_folder, write_whole
from .stacks import stack_url

__all__ = ["FIRST_PROFILE", "Config", "Profile", "checked_name"]

FIRST_PROFILE: Final = "default"
"""The name of a profile that was given none."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
"""Also the name of a file, perhaps where capitals make no difference."""


def checked_name(name: str) -> str:
    """`name` if a profile can have it. Raises `Failure`."""
    if _NAME.fullmatch(name) is None:
        raise Failure(f"No name for a profile: {name!r}; use a-z, 0-9, '.', '_' and '-'", ExitCode.USAGE)
    return name


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Which Kai, by name. `token_in` says where its token is: in the `keyring` or in a `file`."""

    name: str
    url: str
    service: str | None = None
    workspace_id: str | None = None
    token_in: str | None = None

    @classmethod
    def read(cls, name: str, table: Mapping[str, Any]) -> Self:
        """A table of the file. Raises `Failure` for one that somebody wrote wrong."""
        known = {each.name for each in fields(cls)} - {"name"}
        values = {key: value for key, value in table.items() if key in known}
        wrong = next((key for key, value in values.items() if not isinstance(value, str)), None)
        if wrong is not None or "url" not in values:
            what = f"{wrong} must be text" if wrong else "url is missing"
            raise Failure(f"The profile {name!r} cannot be used: {what}; see {Config.path()}", ExitCode.USAGE)
        return cls(name=name, **{**values, "url": stack_url(values["url"])})

    def table(self) -> dict[str, str]:
        """What the file says of it."""
        values = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "name"}
        return {key: value for key, value in values.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Config:
    """The profiles as the file has them."""

    profiles: Mapping[str, Profile] = field(default_factory=dict[str, Profile])
    default: str | None = None

    @staticmethod
    def path() -> Path:
        """Where the file is, or would be."""
        return config_folder() / "config.toml"

    @classmethod
    def load(cls) -> Self:
        """What the file says; nothing where there is none. Raises `Failure` for one that cannot be read."""
        with _readable() as text:
            if text is None:
                return cls()
            found = tomllib.loads(text)
        tables, default = found.get("profiles", {}), found.get("default_profile")
        if not (is_object(tables) and all(map(is_object, tables.values())) and isinstance(default, str | None)):
            raise Failure(f"Cannot read {cls.path()}: it has no tables [profiles.NAME]", ExitCode.USAGE)
        profiles = {name: Profile.read(name, table) for name, table in tables.items()}
        return cls(profiles=profiles, default=default or None)

    def get(self, name: str | None) -> Profile | None:
        """The profile of this name, else the default one; None where neither is. Raises `Failure` for an unknown name."""
        wanted = name or self.default
        if wanted is None:
            return None
        if wanted not in self.profiles:
            known = ", ".join(self.profiles) or "none"
            advice = f"kai login --profile {wanted}" if _NAME.fullmatch(wanted) else "kai login"
            raise Failure(f"No profile {wanted!r}; there are: {known}; make it with `{advice}`", ExitCode.USAGE)
        return self.profiles[wanted]

    @classmethod
    def keep(cls, profile: Profile) -> None:
        """Write a profile; the first one is the default. Raises `Failure`."""
        with _edited() as document:
            tables = document["profiles"]
            table = tables.setdefault(profile.name, {})
            for key in {each.name for each in fields(Profile)} - profile.table().keys():
                table.pop(key, None)
            table.update(profile.table())
            if document["default_profile"] not in tables:
                document["default_profile"] = profile.name

    @classmethod
    def forget(cls, name: str) -> None:
        """Remove a profile; a default that goes leaves none. Raises `Failure`."""
        with _edited() as document:
            document["profiles"].pop(name, None)
            if document["default_profile"] == name:
                document["default_profile"] = ""

    @classmethod
    def use(cls, name: str) -> None:
        """Make a profile the default. Raises `Failure`."""
        with _edited() as document:
            document["default_profile"] = name


@contextmanager
def _readable() -> Generator[str | None]:
    path = Config.path()
    try:
        yield path.read_text(encoding="utf-8") if path.is_file() else None
    except (OSError, ValueError) as error:  # TOMLDecodeError and UnicodeDecodeError are ValueErrors
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise Failure(f"Cannot read {path}: {reason}", ExitCode.USAGE) from error


@contextmanager
def _edited() -> Generator[Any]:
    """The file as a document that keeps its comments and has what is changed here; written when the block is left."""
    import tomlkit  # noqa: PLC0415 - only where something changes

    with _readable() as text:
        document: Any = tomlkit.parse(text or "")
        if "default_profile" not in document:  # before all tables: behind one, it would be a part of it
            document = tomlkit.parse(f'default_profile = ""\n\n{text or ""}')
    if "profiles" not in document:
        document["profiles"] = tomlkit.table(is_super_table=True)
    yield document
    try:
        write_whole(Config.path(), tomlkit.dumps(document))
    except OSError as error:
        raise Failure(f"Cannot write {Config.path()}: {error.strerror}") from error
