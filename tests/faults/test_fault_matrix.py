"""Every public method x every fault: the right result or a fitting `KaiError`, in time, and nothing left behind."""

import asyncio
import logging
import ssl
import traceback
from typing import Any

import pytest
from fault_kinds import EITHER, RESULT, RIGHT, Fault, Outcome
from fault_methods import LIMITS, METHODS, MORE_WAYS_TO_READ, ONCE, STREAM_METHODS, Method, Target
from fault_server import TOKEN, Exchange, fault_server, unused_port
from fault_table import GROUPS

from kai_client import KaiClient, KaiConnectionError, KaiError, Timeouts

PATIENT = Timeouts(connect=20, pool=20, idle=20, total=20, grace=0.05)
HASTY = Timeouts(connect=20, pool=20, idle=0.03, total=0.4, grace=0.05)
CROWDED = Timeouts(connect=20, pool=20, idle=0.3, total=1, grace=0.05)
"""`HASTY`, for a thread among many."""
HANG = 25
"""Seconds after which a call hangs: more than any timeout above, so that only what obeys none comes here."""

WAYS_MATTER = {"before the head", "in the body"}
"""Where it may matter how a stream is read. Elsewhere two ways stand for all: less of the same, and faster."""

COMBINATIONS = [
    pytest.param(method, fault, id=f"{group}-{fault.name}-{method.name}")
    for group, (faults, streaming) in GROUPS.items()
    for fault in faults
    for method in (STREAM_METHODS if streaming else METHODS)
    if streaming or group in WAYS_MATTER or method not in MORE_WAYS_TO_READ
]


_PATIENT_CLASSES = {name: ([f for f in faults if not f.hasty], of) for name, (faults, of) in GROUPS.items()}
_HASTY_CLASS = {"nothing comes": ([f for faults, _ in GROUPS.values() for f in faults if f.hasty], False)}
BY_CLASS = [
    pytest.param(method, faults, id=f"{group}-{method.name}")
    for group, (faults, streaming) in (_PATIENT_CLASSES | _HASTY_CLASS).items()
    for method in (STREAM_METHODS if streaming else METHODS)
]


async def _call(method: Method, url: str, timeouts: Timeouts = PATIENT) -> Any:
    """What the call returns, or the `KaiError` that it raises; anything else it raises is a failure."""
    async with (
        asyncio.timeout(HANG),
        KaiClient(TOKEN, "https://x.test", url, timeouts, timeouts, retry=ONCE, limits=LIMITS) as client,
    ):
        try:
            return await method.call(Target(url, timeouts, client))
        except KaiError as error:
            return error


_GOOD: dict[str, Any] = {}


async def _good(method: Method) -> Any:
    """What a good server's answer amounts to."""
    if method.name not in _GOOD:

        async def serve(x: Exchange) -> None:
            await x.reply()

        async with fault_server(serve, method.body, method.content_type, first=method.first) as server:
            _GOOD[method.name] = await _call(method, server.url)
        assert not isinstance(_GOOD[method.name], KaiError)
    return _GOOD[method.name]


def _everything(error: BaseException) -> str:
    """All that an error says, to anybody who prints, logs or pickles it, with the causes that it chains."""
    said = [str(error), repr(error), repr(vars(error)), *traceback.format_exception(error)]
    if isinstance(error, KaiError):
        message = error.partial_message
        said += [repr(error.response_data), repr(message), repr(message and message.to_dict())]
    return "\n".join(said)


async def _judge(outcome: Outcome, result: Any, method: Method) -> None:
    if isinstance(result, KaiError):
        assert outcome == EITHER or isinstance(outcome, type), f"expected {outcome}, got {result!r}"
        kind = outcome if isinstance(outcome, type) else KaiError
        assert isinstance(result, kind), f"expected {kind}, got {_everything(result)}"
        assert str(result).strip()
        assert TOKEN not in _everything(result)
    else:
        assert outcome in {RIGHT, RESULT, EITHER}, f"expected {outcome}, got the result {result!r}"
        if outcome == RIGHT:
            assert result == await _good(method)


@pytest.mark.parametrize(("method", "fault"), COMBINATIONS)
async def test_a_fault_has_one_typed_outcome(method: Method, fault: Fault, caplog: pytest.LogCaptureFixture) -> None:
    """No foreign exception, no hang, no token; afterwards the server has no connection and the loop no task."""
    with caplog.at_level(logging.DEBUG, logger="kai_client"):
        tasks = asyncio.all_tasks()
        async with fault_server(fault.serve, method.body, method.content_type, first=method.first) as server:
            result = await _call(method, server.url, HASTY if fault.hasty else PATIENT)
            async with asyncio.timeout(HANG):
                await server.until_free()
    await _judge(fault.outcome(method), result, method)
    assert TOKEN not in "\n".join(record.getMessage() for record in caplog.records if record.name == "kai_client")
    await _settle(tasks)


@pytest.mark.parametrize(("method", "faults"), BY_CLASS)
async def test_a_class_of_faults_for_threads(
    method: Method, faults: list[Fault], caplog: pytest.LogCaptureFixture
) -> None:
    """The same table once more, where each fault of a class has a thread of its own, all at the same time."""
    at_once = asyncio.Semaphore(1 if method.name == "from_env" else len(faults))  # there is only one environment

    async def met(fault: Fault) -> Any:
        async with at_once, fault_server(fault.serve, method.body, method.content_type, first=method.first) as server:
            result = await _call(method, server.url, CROWDED if fault.hasty else PATIENT)
            async with asyncio.timeout(HANG):
                await server.until_free()
        return result

    with caplog.at_level(logging.DEBUG, logger="kai_client"):
        results = await asyncio.gather(*(met(fault) for fault in faults))
    for fault, result in zip(faults, results, strict=True):
        try:
            await _judge(fault.outcome(method), result, method)
        except AssertionError as error:
            error.add_note(f"The fault: {fault.name}")
            raise
    assert TOKEN not in "\n".join(record.getMessage() for record in caplog.records if record.name == "kai_client")


async def _settle(tasks: set[asyncio.Task[Any]]) -> None:
    """The server's own handlers end a turn after their connections."""
    async with asyncio.timeout(HANG):
        await asyncio.wait(left) if (left := asyncio.all_tasks() - tasks) else None


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_nobody_listens(method: Method, scheme: str) -> None:
    """A port where nothing listens is a `KaiConnectionError`, with the cause chained."""
    result = await _call(method, f"{scheme}://127.0.0.1:{unused_port()}")
    assert isinstance(result, KaiConnectionError)
    assert result.__cause__ is not None


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
async def test_tls_on_a_plain_port(method: Method) -> None:
    """A TLS client on a plain port is a `KaiConnectionError`; the token was not sent."""

    async def serve(x: Exchange) -> None:
        raise AssertionError(x.request)

    async with fault_server(serve) as server:
        result = await _call(method, server.url.replace("http:", "https:"))
    assert isinstance(result, KaiConnectionError)
    assert server.requests == []


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
async def test_a_plain_client_on_a_tls_port(method: Method) -> None:
    """A plain request to a TLS port is a `KaiConnectionError`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        result = await _call(method, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    assert isinstance(result, KaiConnectionError)


@pytest.mark.parametrize("method", [METHODS[0], STREAM_METHODS[0]], ids=lambda method: method.name)
async def test_a_name_that_nobody_has(method: Method) -> None:
    """A host that cannot be found is a `KaiConnectionError`."""
    assert isinstance(await _call(method, "http://nobody.invalid"), KaiConnectionError)


@pytest.mark.parametrize("status", [302, 307, 308])
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
async def test_a_redirect_is_not_followed(method: Method, status: int) -> None:
    """Neither the token nor the request goes where a redirect points, not even to the same host."""

    async def serve(x: Exchange) -> None:
        await x.reply(b"", status=f"{status} Moved", extra=f"location: {elsewhere.url}/there\r\n")

    async def tempted(x: Exchange) -> None:
        raise AssertionError(x.request)

    async with fault_server(tempted) as elsewhere, fault_server(serve, first=method.first) as server:
        result = await _call(method, server.url)
    assert isinstance(result, KaiError)
    assert result.status_code == status
    assert elsewhere.requests == []
    assert not any("/there" in request for request in server.requests)


@pytest.mark.parametrize("name", ["ping", "get_usage", "get_suggestions"])
async def test_a_token_in_an_answer_of_the_wrong_shape(name: str) -> None:
    """A 200 whose JSON is no model, with the token in it: the error keeps the answer, but not the token."""

    async def serve(x: Exchange) -> None:
        await x.reply(f'{{"echo": "{TOKEN}"}}'.encode())

    method = next(each for each in METHODS if each.name == name)
    async with fault_server(serve) as server:
        result = await _call(method, server.url)
    await _judge(KaiError, result, method)
