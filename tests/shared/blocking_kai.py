"""The blocking client behind the interface of the async one: so the tests of one are the tests of both.

Each call runs in a thread, as it would in a program without an event loop; the test's servers and policies stay in its loop.
What is cancelled closes its stream from the loop's thread, which is all that can be done about a thread that blocks.
"""

import asyncio
import inspect
import sys
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, Self

import pytest

import kai_client
from kai_client import LocalResult, ToolCall, sync
from kai_client.client.connect import PendingClient

__all__ = ["BlockingKai", "BlockingStream", "in_test_modules"]

_THREADS: Final = ThreadPoolExecutor(600, "blocking")
_END: Final = object()


async def in_thread(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """What the function returns or raises, in a thread that is waited for whatever happens."""
    calls: list[Callable[[], Any]] = [partial(function, *arguments, **named)]
    work = asyncio.get_running_loop().run_in_executor(_THREADS, _outcome, calls)
    try:
        returned, error = await asyncio.shield(work)
    except asyncio.CancelledError:
        await work
        raise
    if error is not None:
        raise error
    return returned


def _outcome(work: list[Callable[[], Any]]) -> tuple[Any, Exception | None]:
    """What comes of a call. What a future raises need not be the same exception.

    The call is taken out of its list: the pool's thread keeps the list a moment longer than its result.
    """
    try:
        return work.pop()(), None
    except Exception as error:  # noqa: BLE001 - it is raised elsewhere
        return None, error


class BlockingKai:
    """`KaiClient`, as far as the tests use it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        if options.get("http_client") is not None:
            pytest.skip("an async HTTP client carries no blocking requests")
        if options.get("transport") is not None:
            pytest.skip("there is only one blocking transport")
        self._client = sync.KaiClient(*arguments, **options)

    @classmethod
    def of(cls, client: sync.KaiClient) -> "BlockingKai":
        """A client that is there."""
        made = cls.__new__(cls)
        made._client = client
        return made

    @classmethod
    def from_storage_api(cls, *arguments: Any, **options: Any) -> PendingClient["BlockingKai"]:
        """Found in a thread."""
        return cls._pending(sync.KaiClient.from_storage_api, arguments, options)

    @classmethod
    def from_env(cls, *arguments: Any, **options: Any) -> PendingClient["BlockingKai"]:
        """Found in a thread."""
        return cls._pending(sync.KaiClient.from_env, arguments, options)

    @classmethod
    def _pending(cls, make: Callable[..., Any], arguments: Any, options: Any) -> PendingClient["BlockingKai"]:
        if options.get("http_client") is not None:
            pytest.skip("an async HTTP client carries no blocking requests")

        async def found() -> BlockingKai:
            return cls.of(await in_thread(make, *arguments, **options))

        return PendingClient(found())

    async def __aenter__(self) -> Self:
        await in_thread(self._client.__enter__)
        return self

    async def __aexit__(self, *error: object) -> None:
        await in_thread(self._client.close)

    def with_options(self, **options: Any) -> "BlockingKai":
        """The same client, otherwise."""
        return self.of(self._client.with_options(**options))

    async def close(self) -> None:
        """From a thread."""
        await in_thread(self._client.close)

    async def aclose(self) -> None:
        """As `close`."""
        await self.close()

    def get_all_history(self, *arguments: Any, **options: Any) -> AsyncGenerator[Any]:
        """Page by page, in a thread."""
        return _each(self._client.get_all_history(*arguments, **options), in_thread)

    def run(self, chat_id: str, text: str | None = None, **options: Any) -> "BlockingStream":
        """A run whose policies and tools are asked in the test's loop."""
        inner = _InLoop(options.get("total"))
        for name, wrap in (("approve", inner.policy), ("tools", inner.tools)):
            if name in options:
                options[name] = wrap(options[name])
        return BlockingStream(self._client.run(chat_id, text, **options), inner)

    @property
    def backend(self) -> str | None:
        """Which may be set, too."""
        return self._client.backend

    @backend.setter
    def backend(self, backend: str | None) -> None:
        self._client.backend = backend

    def __getattr__(self, name: str) -> Any:
        found: Any = getattr(self._client, name)
        if inspect.iscoroutinefunction(inspect.getattr_static(kai_client.KaiClient, name, None)):
            return partial(in_thread, found)
        if not callable(found):
            return found

        def called(*arguments: Any, **named: Any) -> Any:
            returned = found(*arguments, **named)
            return BlockingStream(returned, _InLoop()) if isinstance(returned, sync.ChatStream) else returned

        return called

    def __repr__(self) -> str:
        return repr(self._client)


def _forwarded(name: str) -> property:
    return property(lambda kai: kai.__getattr__(name))


for _name in set(dir(sync.KaiClient)) - set(dir(BlockingKai)):
    # On the class, too: `isinstance` with a protocol looks there, from Python 3.12 on, and not at what `__getattr__` makes.
    setattr(BlockingKai, _name, _forwarded(_name))


class BlockingStream:
    """`ChatStream`, as far as the tests use it."""

    def __init__(self, stream: sync.ChatStream, inner: "_InLoop") -> None:
        self._stream = stream
        self._inner = inner

    async def _run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        work = asyncio.ensure_future(in_thread(function, *arguments))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            self._stop()
            with suppress(Exception):
                await work
            raise

    def _stop(self) -> None:
        self._stream.close()
        self._inner.cancel()

    async def __aenter__(self) -> Self:
        await self._run(self._stream.__enter__)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    def __aiter__(self) -> AsyncGenerator[Any]:
        return _each(iter(self._stream), self._run)

    async def __anext__(self) -> Any:
        item = await self._run(next, self._stream, _END)
        if item is _END:
            raise StopAsyncIteration
        return item

    async def aclose(self) -> None:
        """From this thread, whichever reads."""
        self._stop()
        await asyncio.sleep(0)

    @property
    def text_stream(self) -> AsyncGenerator[Any]:
        """The text."""
        return _each(self._stream.text_stream, self._run)

    def updates(self) -> AsyncGenerator[Any]:
        """The messages."""
        return _each(self._stream.updates(), self._run)

    async def get_final_text(self) -> Any:
        """The whole text."""
        return await self._run(self._stream.get_final_text)

    async def get_final_message(self) -> Any:
        """The whole message."""
        return await self._run(self._stream.get_final_message)

    async def recover(self) -> None:
        """Go on."""
        await self._run(self._stream.recover)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


async def _each(items: Iterator[Any], run: Callable[..., Any]) -> AsyncGenerator[Any]:
    """The items; leaving closes their iterator, as a `for` loop does that was the only one to have it."""
    try:
        while (item := await run(next, items, _END)) is not _END:
            yield item
    finally:
        close = getattr(items, "close", None)
        if close is not None:
            close()


class _InLoop:
    """What a run calls back, called in the test's loop.

    A function that blocks cannot be left in the middle: these have a bound of their own, the run's.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._asked: set[Future[Any]] = set()
        self._over = False

    def cancel(self) -> None:
        """Whoever thinks about an answer need not think on, and nobody begins to."""
        self._over = True
        for each in list(self._asked):
            each.cancel()

    def policy(self, given: Any) -> Any:
        """A policy that blocks until the given one has decided."""
        if not callable(given):
            return given

        def decide(call: ToolCall[Any]) -> Any:
            return self.result(given, call)

        return decide

    def tools(self, given: Any) -> Any:
        """Tools whose functions block."""
        return None if given is None else _Tools(given, self)

    def result(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """What the function returns or raises in the loop."""

        async def result() -> tuple[Any, Exception | None]:
            try:
                if self._over:  # since the thread has asked
                    return None, RuntimeError("The stream was closed")
                returned = function(*arguments)
                return (await returned if inspect.isawaitable(returned) else returned), None
            except Exception as error:  # noqa: BLE001 - as `_outcome`
                return None, error

        future = asyncio.run_coroutine_threadsafe(result(), self._loop)
        self._asked.add(future)
        if self._over:
            future.cancel()
        try:
            returned, error = future.result(self._seconds)
        finally:
            future.cancel()
            self._asked.discard(future)
        if error is not None:
            raise error
        return returned


class _Tools:
    def __init__(self, given: Any, inner: _InLoop) -> None:
        self._given = given
        self._inner = inner

    def runs(self, tool_name: str) -> bool:
        return bool(self._given.runs(tool_name))

    def policy_for(self, tool_name: str) -> Any:
        own = self._given.policy_for(tool_name)
        return None if own is None else self._inner.policy(own)

    def answer(self, call: ToolCall[Any]) -> LocalResult:
        result: LocalResult = self._inner.result(self._given.answer, call)
        return result


def in_test_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on what tests and their helpers call `KaiClient` is the blocking one."""
    for module in list(sys.modules.values()):
        if "tests" in Path(getattr(module, "__file__", None) or "").parts and not module.__name__.startswith(
            "blocking"
        ):
            if vars(module).get("KaiClient") is kai_client.KaiClient:
                monkeypatch.setattr(module, "KaiClient", BlockingKai)
            if vars(module).get("ChatStream") is kai_client.ChatStream:
                monkeypatch.setattr(module, "ChatStream", BlockingStream)
