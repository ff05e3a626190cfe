"""`record`: a conversation with a real Kai, kept in a file."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from .local import TOKEN, KaiServer, serving

if TYPE_CHECKING:
    from .hiding import Redact

__all__ = ["record"]


@contextmanager
def record(
    url: str,
    path: str | Path,
    *,
    token: str = TOKEN,
    hide: Sequence[Literal["emails", "ids"]] = (),
    redact: "Redact | None" = None,
    wanted: Callable[[], bool] = lambda: True,
) -> Generator[KaiServer]:
    """A proxy in front of a real Kai; what is said by way of it is in the file `path` when the block was left without an error.

    `url` is a Storage API URL, or the base URL of a Kai that needs no discovery. A client that is given `server.url` in its
    place goes through the proxy, whatever kind of client it is; `token` is for `server.client()` and `server.env`.

    No token gets into the file. `hide` takes out e-mail addresses, and gives other ids to what has a UUID; `redact` is a
    function that gets each text that will be written and returns it without what nobody may see. `wanted` is asked at the end
    whether to write at all.
    """
    # What is loaded here is loaded only when something is recorded; some of it needs the extra `server`.
    from kai_client.transport.urls import storage_root  # noqa: PLC0415

    from .hiding import Hiding  # noqa: PLC0415
    from .recording import RecordingProxy  # noqa: PLC0415

    proxy = RecordingProxy(storage_root(url), Hiding(hide, redact, [] if token == TOKEN else [token]))
    with serving(sample=True) as server:
        server.token = token
        server.answer_from(proxy)
        yield server
    if wanted():
        proxy.cassette(hide).save(Path(path))
