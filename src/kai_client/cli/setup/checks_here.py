"""Checks of this machine alone: what is installed, what is configured, where a proxy would send us."""

import os
import platform
import ssl
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from kai_client import __version__
from kai_client.cli.exit_codes import ExitCode, Failure
from kai_client.cli.settings import VARIABLES, Source
from kai_client.transport.urls import is_loopback

from .access import Access
from .checklist import Said
from .profiles import Config
from .token_check import token_problem

__all__ = [
    "check_extras",
    "check_proxy",
    "check_python",
    "check_stack",
    "check_tls_files",
    "check_token_shape",
    "profile_of",
]

_PARTS: Final = ("httpx", "pydantic", "click")


async def check_python() -> Said:
    """Which versions."""
    parts = ", ".join(f"{name} {version(name)}" for name in _PARTS)
    return Said(f"{platform.python_version()} on {platform.system()}, kai-client {__version__}, {parts}")


async def check_extras() -> Said:
    """What of the extras is missing, from the package's own metadata."""
    missing = [name for extra in ("cli", "server") for name in _requirements(extra) if not _installed(name)]
    if missing:
        return Said(f"not installed: {', '.join(missing)}", 'pip install "kai-client[all]"')
    return Said("cli and server are installed")


def _requirements(extra: str) -> list[str]:
    lines = [line for line in requires("kai-client") or () if f"extra == '{extra}'" in line.replace('"', "'")]
    names = [line.split(";")[0].strip() for line in lines]
    return [name[: min((name.find(c) for c in " <>=!~[" if c in name), default=len(name))] for name in names]


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def profile_of(access: Access) -> Said:
    """Which profile, of which file."""
    path = Config.path()
    if not path.is_file():
        return Said(f"no profiles yet: there is no {path}")
    return Said(f"{f'profile {access.profile!r}' if access.profile else 'no profile used'} of {path}")


async def check_stack(access: Access) -> Said:
    """Where the stack comes from. Raises `Failure` where none is named."""
    if not access.url:
        raise Failure("none is named - kai login, or pass --url", ExitCode.USAGE)
    text = f"{access.url}, from {_origin(access, 'url')}"
    if urlsplit(access.url).scheme == "http" and not is_loopback(access.url):
        return Said(text, "the token would travel unencrypted: use https")
    return Said(text)


async def check_token_shape(access: Access) -> Said:
    """Whether there is a token, and whether it looks like one. Raises `Failure`."""
    if not access.token:
        raise Failure("there is none - kai login, or set STORAGE_API_TOKEN", ExitCode.AUTHENTICATION)
    origin = _origin(access, "token")
    if problem := token_problem(access.token):
        raise Failure(f"not a token, from {origin}: {problem} - copy it again", ExitCode.AUTHENTICATION)
    if access.token != access.token.strip():
        return Said(f"from {origin}", "there is white space around it, which is ignored here; other programs may not")
    return Said(f"from {origin}")


def _origin(access: Access, name: str) -> str:
    source = access.sources.get(name)
    if source in {Source.ENVIRONMENT, Source.ENV_FILE, Source.FOLDER}:
        return f"{VARIABLES[name]} in {source}"
    return f"{source or 'the local server'}"


async def check_proxy(access: Access) -> Said:
    """Whether a proxy is on the way. Raises `Failure` for one that cannot be used."""
    proxies = {name: url for name, url in getproxies().items() if name in {"http", "https", "all"}}
    url = access.base_url or access.url or ""
    host, scheme = urlsplit(url).hostname or "", urlsplit(url).scheme
    if not proxies:
        return Said("none")
    if is_loopback(url):
        return Said("set, but this machine's own ports are always reached directly")
    if proxy_bypass(host):
        return Said(f"set, but NO_PROXY excepts {host}")
    proxy = proxies.get(scheme) or proxies.get("all")
    if proxy is None:
        return Said(f"none for {scheme}")
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    if parts.scheme.startswith("socks") and not _installed("socksio"):
        raise Failure('a SOCKS proxy is set - pip install "httpx[socks]"', ExitCode.NETWORK)
    if parts.scheme not in {"http", "https", "socks5", "socks5h"} or not parts.hostname:
        raise Failure(
            "what is set for a proxy is no URL - it looks like http://proxy.example.com:3128", ExitCode.NETWORK
        )
    return Said(f"{scheme} goes through {parts.scheme}://{parts.hostname}:{parts.port or 80}")  # never its password


def _certificates() -> str:
    """Where they come from. Raises `Failure` where the environment names some that cannot be read."""
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        if not (value := os.environ.get(name)):
            continue
        if not Path(value).exists():
            raise Failure(f"{name} names {value}, which is not there - correct it or unset it", ExitCode.NETWORK)
        if name == "SSL_CERT_FILE":
            try:
                ssl.create_default_context(cafile=value)
            except OSError as error:
                raise Failure(
                    f"{name} names {value}, which holds no certificate - it must be PEM", ExitCode.NETWORK
                ) from error
        return f"{name}={value}"
    return "the package certifi"


async def check_tls_files() -> Said:
    """Whether there are certificates to trust. Raises `Failure` where the environment names some that cannot be read."""
    return Said(f"{ssl.OPENSSL_VERSION}, certificates from {_certificates()}")
