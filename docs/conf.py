"""The documentation site: `uv run --group docs sphinx-build -W --keep-going -b html docs SOME-FOLDER`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

from kai_client import __version__

project = "kai-client"
author = "The kai-client developers"
project_copyright = author
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "public_names", "markdown_docstrings", "signatures", "for_models"]
exclude_patterns = ["_build"]

myst_heading_anchors = 3  # links to headings, as GitHub has them

nitpicky = True
nitpick_ignore_regex = [
    # No inventories of other projects are fetched: building needs no network.
    (
        r"py:.*",
        r"(collections|contextlib|datetime|enum|functools|os|pathlib|re|ssl|string|types|typing|typing_extensions)\..*",
    ),
    (
        r"py:.*",
        r"(annotated_types|asyncio|logging|fastapi|faststream|httpx|nats|opentelemetry|pydantic|pydantic_core|starlette)\..*",
    ),
    # What the standard library has without a module, and its own words for values.
    (
        r"py:.*",
        r"(Any|Awaitable|Callable|Mapping|None|Self|bool|bytes|dict|float|frozenset|int|list|object|set|str|tuple|type)",
    ),
    # Annotations that are texts, from modules that import their types for type checkers only.
    (
        r"py:.*",
        r"(KeyValue|ObjectStore|PendingClient|PydanticUndefined|RecordingProxy|Redact|Replay|SampleProject|SyncKaiClient|_Script|_Step|always|dict\[str)",
    ),
]

autodoc_default_options = {
    "members": True,
    "undoc-members": True,  # the fields of models, whose names say it
    "exclude-members": "model_config, model_post_init, from_chunk, wire_names, chunk_type, __new__, __init__",
}
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 100

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_title = f"kai-client {release}"
html_show_copyright = False
