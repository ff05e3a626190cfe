"""What a wheel and an sdist have to hold, and what rooms without their extra have to say."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from dist_files import DIST_INFO, NEEDED, SDIST_MADE, differences, read_sdist, read_wheel, sdist_faults, wheel_faults
from distributions import asked, room_faults

TRACKED = [
    *(f"src/{name}" for name in NEEDED),
    "README.md",
    "tests/unit/test_errors.py",
    ".github/workflows/ci.yml",
    "uv.lock",
]
WHEEL = {**dict.fromkeys(NEEDED, b""), **{f"kai_client-1.dist-info/{name}": b"" for name in DIST_INFO}}
SDIST = dict.fromkeys([*(f"src/{name}" for name in NEEDED), "README.md", "tests/unit/test_errors.py", *SDIST_MADE], b"")


def test_a_whole_wheel() -> None:
    """What git has of the package and the metadata: nothing is wrong."""
    assert list(wheel_faults(WHEEL, TRACKED)) == []


@pytest.mark.parametrize(
    "stray",
    [
        "kai_client/.env",
        "kai_client/__pycache__/types.cpython-311.pyc",
        "tests/conftest.py",
        "kai_client-1.dist-info/notes.txt",
    ],
)
def test_a_stray_file(stray: str) -> None:
    """A file too many is a fault that names it."""
    faults = list(wheel_faults({**WHEEL, stray: b""}, TRACKED))
    assert len(faults) == 1
    assert stray in faults[0]


@pytest.mark.parametrize("missing", [*NEEDED, "kai_client-1.dist-info/licenses/LICENSE"])
def test_a_missing_file(missing: str) -> None:
    """A file too few is a fault, whether or not git has it."""
    wheel = {name: data for name, data in WHEEL.items() if name != missing}
    assert list(wheel_faults(wheel, TRACKED))
    assert list(wheel_faults(wheel, [name for name in TRACKED if name != f"src/{missing}"]))


def test_an_sdist() -> None:
    """The folders that belong into it as git has them: no file more, none less; what is not for it stays out."""
    assert list(sdist_faults(SDIST, TRACKED)) == []
    assert list(sdist_faults({**SDIST, "docs/.env.local": b""}, TRACKED)) == [
        "docs/.env.local is in the sdist, but not in git"
    ]
    assert list(sdist_faults({**SDIST, "uv.lock": b""}, TRACKED)) == ["uv.lock is in the sdist, but not in git"]
    assert list(sdist_faults({**SDIST} | {}, [*TRACKED, "tests/new.py"])) == ["tests/new.py is missing in the sdist"]


def test_archives_are_read(tmp_path: Path) -> None:
    """The files of both formats, an sdist's without its top folder; two wheels differ by names and by bytes."""
    wheel, sdist = tmp_path / "a.whl", tmp_path / "a.tar.gz"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("a/b.py", b"1")
    with tarfile.open(sdist, "w:gz") as archive:
        member = tarfile.TarInfo("a-1/src/b.py")
        member.size = 1
        archive.addfile(member, io.BytesIO(b"2"))
    assert read_wheel(wheel) == {"a/b.py": b"1"}
    assert read_sdist(sdist) == {"src/b.py": b"2"}
    assert list(differences({"x": b"1", "y": b""}, {"x": b"2"})) == [
        "y is only in one of the two wheels",
        "x differs in the two wheels",
    ]


def test_a_sentence_that_says_what_to_install() -> None:
    """One line that names extras; anything else, a traceback above all, is none."""
    assert asked('kai_client.nats is an extra: pip install "kai-client[nats]"') == {"nats"}
    assert asked('--nats is an extra: pip install "kai-client[cli,nats]"') == {"cli", "nats"}
    assert asked("No module named 'faststream'") is None
    assert asked('Traceback\n pip install "kai-client[nats]"') is None


FRIENDLY = ("ModuleNotFoundError", 'pip install "kai-client[nats]"')


@pytest.mark.parametrize(
    ("core", "alone", "count"),
    [
        (None, None, 0),
        (FRIENDLY, None, 0),
        (FRIENDLY, ("ModuleNotFoundError", "no nats"), 1),
        (("ModuleNotFoundError", "No module named 'nats'"), None, 1),
        (("ModuleNotFoundError", 'pip install "kai-client[unheard]"'), None, 1),
        (("TypeError", 'pip install "kai-client[nats]"'), None, 1),
        (None, ("TypeError", "broken"), 1),
    ],
)
def test_a_room_without_its_extra(core: tuple[str, str] | None, alone: tuple[str, str] | None, count: int) -> None:
    """A room imports without extras, or says which one it wants, and has enough with that."""
    assert len(list(room_faults({"kai_client.nats": core}, {"nats": {"kai_client.nats": alone}}))) == count
