"""A Kai on your own machine: an ASGI app with Kai's HTTP interface over any backend, and a backend that needs no model.

    async with serve(kai_app(ScriptedKai())) as url:
        async with KaiClient.from_storage_api(storage_api_token="any", storage_api_url=url) as client: ...

Needs the extra `server` (FastAPI and uvicorn) for the app; the names are loaded when they are first used, so that backends and
protocols can be had without it.
"""

import sys
from typing import TYPE_CHECKING, Final

from kai_client._lazy import lazy_names

if TYPE_CHECKING:
    from .app import KaiApp, kai_app
    from .gate import Gate
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
    from .staging import StagedResponse
    from .turn import Question, ToolResult, TurnSpec
    from .ui_frames import UI_MESSAGE_HEADERS, UIMessageFrames
    from .ui_response import ui_message_response
    from .wire import WireStyle

_ROOMS: Final = (
    "service",
    "script",
    "gate",
    "turn",
    "scripted",
    "host",
    "wire",
    "ui_frames",
    "app",
    "hub",
    "staging",
    "recorder",
    "serving",
    "ui_response",
)
"""Where the names live, those first that need no extra."""

__all__ = [
    "UI_MESSAGE_HEADERS",
    "Caller",
    "Execution",
    "Gate",
    "Item",
    "KaiApp",
    "KaiHost",
    "KaiService",
    "LocalHost",
    "Question",
    "RecordedRequest",
    "ScriptedKai",
    "StagedResponse",
    "StorageIndex",
    "StoredKai",
    "ToolFailure",
    "ToolResult",
    "TurnSpec",
    "UIMessageFrames",
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
    "ui_message_response",
    "usage",
    "when",
]


if not TYPE_CHECKING:  # to a type checker a name that is not there is an error
    __getattr__, __dir__ = lazy_names(sys.modules[__name__], _ROOMS, extra="server")
