"""The package's surface: `__all__` is what there is, each name loads, and importing brings nothing along."""

import importlib
import importlib.metadata
import subprocess
import sys

import pytest

import kai_client

UNWANTED = ("click", "rich", "fastapi", "uvicorn", "starlette", "respx", "pytest", "opentelemetry")


@pytest.mark.parametrize("name", kai_client.__all__)
def test_every_public_name_loads(name: str) -> None:
    """Each name of `__all__` is there, and `dir()` shows it."""
    assert getattr(kai_client, name) is not None
    assert name in dir(kai_client)


def test_names_are_the_objects_of_their_rooms() -> None:
    """`from kai_client import X` and `from kai_client.room import X` are the same object."""
    for room in ("client", "events", "exceptions", "models", "sse", "stream", "types"):
        module = importlib.import_module(f"kai_client.{room}")
        for name in set(module.__all__) & set(kai_client.__all__):
            assert getattr(kai_client, name) is getattr(module, name)


def test_every_event_class_and_exception_is_public() -> None:
    """What a stream can yield and what a call can raise can be named from the package itself."""
    for room in ("events", "exceptions"):
        module = importlib.import_module(f"kai_client.{room}")
        classes = {name for name in module.__all__ if name[0].isupper() and not name.isupper()}
        assert classes - set(kai_client.__all__) == set()


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A typo says so, as in any module."""
    with pytest.raises(AttributeError, match="KaiCleint"):
        _ = kai_client.KaiCleint  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]


def test_star_import_brings_the_public_names() -> None:
    """`from kai_client import *` works, lazily loaded names included."""
    names: dict[str, object] = {}
    exec("from kai_client import *", names)
    assert set(kai_client.__all__) - set(names) == set()


def test_importing_brings_no_extra_along() -> None:
    """`import kai_client` imports neither command line nor server packages, even where they are installed."""
    code = f"import sys, kai_client; print([name for name in {UNWANTED!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_version_has_one_source() -> None:
    """What the package says is what its metadata says."""
    assert importlib.metadata.version("kai-client") == kai_client.__version__
