"""Whether what is here is the release that a tag names: `python scripts/release_ready.py v1.2.3` (docs/releasing.md)."""

import re
import sys
from collections.abc import Iterator

from api_outline import PACKAGE, SOURCE, outline
from packaging.version import Version
from public_api import HEAD, PAGE, ROOT, version_of


def release_faults(tag: str, version: Version, changelog: str, page: str, now: str) -> Iterator[str]:
    """What is missing; `page` is docs/api.txt, `now` the outline of the code."""
    if tag != f"v{version}":
        yield f"the tag is {tag}, and _version.py says {version}"
    if version.is_devrelease or version.local is not None:
        yield f"{version} is no version for a release"
    if not re.search(rf"^## \[{re.escape(str(version))}\] - \d{{4}}-\d\d-\d\d$", changelog, re.MULTILINE):
        yield f"CHANGELOG.md has no part '## [{version}] - YYYY-MM-DD'"
    if page != HEAD.format(version=version) + now:
        yield "docs/api.txt is not this release's: run scripts/public_api.py --write"


def main() -> int:
    """Print what is missing; the exit status says whether there is something."""
    version = version_of((SOURCE / PACKAGE / "_version.py").read_text(encoding="utf-8"), r'__version__ = "(.+)"')
    changelog, page = ((ROOT / name).read_text(encoding="utf-8") for name in ("CHANGELOG.md", PAGE))
    found = list(release_faults(" ".join(sys.argv[1:]), version, changelog, page, outline()))
    print(*found, f"{len(found)} things are missing", sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
