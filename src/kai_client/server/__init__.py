"""A Kai on your own machine: an ASGI app with Kai's HTTP interface over any backend, and a backend that needs no model.

    async with serve(kai_app(ScriptedKai())) as url:
        async with KaiClient.from_storage_api(storage_api_token="any", storage_api_url=url) as client: ...

Needs the extra `server` (FastAPI and uvicorn) for the app; the names are loaded when they are first used, so that backends and
protocols can be had without it.
"""

import importlib
from typing import TYPE_CHECKING, Final

from kai_client._extras import needs_extra

if TYPE_CHECKING:
    from .app import KaiApp, kai_app
    from .host import LocalHost, StoredKai
    from .hub import StorageIndex
    from .recorder import RecordedRequest
    from .script import (
        Execution,
        Item,
        ToolFailure,
        abort,
        ask,
        call,
        data,
        document,
        fail,
        file,
        finish,
        pause,
        raw,
        say,
        source,
        think,
        title,
        usage,
    )
    from .scripted import ScriptedKai, When, when
    from .service import Caller, KaiHost, KaiService
    from .serving import serve
    from .turn import Question, ToolResult, TurnSpec
    from .wire import WireStyle

_ROOMS: Final = ("service", "script", "turn", "scripted", "host", "wire", "app", "hub", "recorder", "serving")
"""Where the names live, those first that need no extra."""

__all__ = [
    "Caller",
    "Execution",
    "Item",
    "KaiApp",
    "KaiHost",
    "KaiService",
    "LocalHost",
    "Question",
    "RecordedRequest",
    "ScriptedKai",
    "StorageIndex",
    "StoredKai",
    "ToolFailure",
    "ToolResult",
    "TurnSpec",
    "When",
    "WireStyle",
    "abort",
    "ask",
    "call",
    "data",
    "document",
    "fail",
    "file",
    "finish",
    "kai_app",
    "pause",
    "raw",
    "say",
    "serve",
    "source",
    "think",
    "title",
    "usage",
    "when",
]


if not TYPE_CHECKING:  # to a type checker a name that is not there is an error

    def __getattr__(name: str) -> object:
        if name in __all__:
            for room in _ROOMS:
                with needs_extra("server", __name__):
                    module = importlib.import_module(f".{room}", __name__)
                if name in module.__all__:
                    value: object = getattr(module, name)
                    globals()[name] = value  # the next look-up is an ordinary one
                    return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
