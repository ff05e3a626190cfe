"""What ends a thread's work in the middle: Ctrl-C, a signal handler, a framework that stops the script it runs."""

import gc
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any

import pytest
from slow_server import CHUNKED, HALF, Server, chunk, served

from kai_client import KaiClosedError, Timeouts
from kai_client.sync import ChatStream, KaiClient, approve_all
from kai_client.testing.local import KaiServer

STORAGE = "https://connection.keboola.com"
TOKEN = "some-token"
BUCKET = "Create a bucket called demo"
END = b'data: {"type":"text-delta","id":"0","delta":"f"}\n\ndata: {"type":"finish"}\n\n'
LIMITS = Timeouts(connect=20, pool=20, idle=20, total=20)
STRIDE = 7
"""So many steps from one that is interrupted to the next; each test begins at another."""


def whole(connection: socket.socket) -> None:
    """An answer in two pieces, after which the connection ends."""
    connection.sendall(CHUNKED.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n") + chunk(HALF))
    connection.sendall(chunk(END) + b"0\r\n\r\n")


def half(connection: socket.socket) -> None:
    """Half an answer, and then nothing."""
    connection.sendall(CHUNKED + chunk(HALF))


class Steps:
    """Calls and returns of the blocking client and of what it calls: where Python looks whether a signal has come."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.count = 0
        self._stop_at = stop_at

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        """For `sys.setprofile`."""
        if "/kai_client/sync/" not in frame.f_code.co_filename or _is_finaliser(frame):
            return
        self.count += 1
        if self.count == self._stop_at:
            raise KeyboardInterrupt

    def during(self, work: Callable[[], Any]) -> Any:
        """What the work returns."""
        sys.setprofile(self)
        try:
            return work()
        finally:
            sys.setprofile(None)


def _is_finaliser(frame: FrameType | None) -> bool:
    """Python itself swallows what is raised there."""
    return frame is not None and (frame.f_code.co_name == "__del__" or _is_finaliser(frame.f_back))


WAYS: dict[str, Callable[[ChatStream], Any]] = {
    "text": ChatStream.get_final_text,
    "events": list,
    "block": lambda stream: stream.__enter__().get_final_text(),
}


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # a socket that nobody has got yet: Python closes it
@pytest.mark.parametrize("limits", [LIMITS, Timeouts()], ids=["total", "no total"])
@pytest.mark.parametrize("way", WAYS)
def test_ctrl_c_at_any_step(way: str, limits: Timeouts) -> None:
    """Wherever it comes, the thread can go on with the same client, and no connection stays open."""
    with served(whole) as server, KaiClient(TOKEN, STORAGE, server.url, limits, limits) as client:

        def read() -> Any:
            stream = client.send_message("c1", "Hi")
            try:
                return WAYS[way](stream)
            finally:
                stream.close()

        read()
        steps = Steps()
        steps.during(read)
        for step in range(1 + len(way) % STRIDE, steps.count, STRIDE):
            interrupted = Steps(step)
            with suppress(KeyboardInterrupt):
                interrupted.during(read)
                assert interrupted.count < step  # the answer came in fewer pieces
            assert client.send_message("c1", "Hi").get_final_text() == "Half"
        gc.collect()
        all_left(server)


def all_left(server: Server) -> None:
    """Every connection that had a request has ended."""
    while server.asked.acquire(blocking=False):
        assert server.left.acquire(timeout=20)


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_ctrl_c_at_any_step_of_a_run(kai_server: KaiServer) -> None:
    """A decision that may have been sent is not sent again, and the thread can go on with the same client."""
    with KaiClient.from_storage_api(TOKEN, kai_server.url) as client:

        def read(number: int = 0) -> str:
            text = f"Create a bucket called demo{number}"
            with client.run(client.new_chat_id(), text, approve=approve_all) as stream:
                return stream.get_final_text()

        steps = Steps()
        assert steps.during(read) == "I created the bucket `in.c-demo0`."
        for step in range(5, steps.count, STRIDE * 9):
            interrupted = Steps(step)
            with suppress(KeyboardInterrupt):
                interrupted.during(partial(read, step))
                assert interrupted.count < step  # the answer came in fewer pieces
            assert read(-step) == f"I created the bucket `in.c-demo-{step}`."
    decisions = [each.path for each in kai_server.requests if each.path.endswith("/approval")]
    assert len(decisions) == len(set(decisions))  # each has its chat in its path


class Rerun(BaseException):
    """What a framework raises to stop the script it runs: no `Exception`."""


LOOPS: dict[str, Callable[[ChatStream], Iterable[object]]] = {
    "events": iter,
    "updates": ChatStream.updates,
    "text": lambda stream: stream.text_stream,
}


@pytest.mark.parametrize("way", LOOPS.values(), ids=LOOPS)
@pytest.mark.parametrize("error", [Rerun, GeneratorExit, SystemExit, ZeroDivisionError])
def test_an_exception_out_of_the_loop(
    way: Callable[[ChatStream], Iterable[object]], error: type[BaseException]
) -> None:
    """Raised by the program between two events, whatever it is: the connection has ended when it arrives outside."""
    with served(half) as server, KaiClient(TOKEN, STORAGE, server.url, None, None) as client:
        for _ in range(3):
            with pytest.raises(error):  # noqa: PT012 - it is the loop that is left
                for _ in way(client.send_message("c1", "Hi")):
                    raise error
            assert server.left.acquire(timeout=20)


def test_an_exception_out_of_a_policy(kai_server: KaiServer) -> None:
    """One that is no `Exception` passes through and ends the run: nothing is decided, and nobody is asked again."""
    asked: list[str] = []

    def policy(call: Any) -> bool:
        asked.append(call.tool_name)
        raise Rerun

    with KaiClient.from_storage_api(TOKEN, kai_server.url) as client:
        with client.run(client.new_chat_id(), BUCKET, approve=policy) as stream:
            with pytest.raises(Rerun):
                stream.get_final_text()
            with pytest.raises(KaiClosedError):
                stream.get_final_text()
        assert client.ping()
    assert asked == ["create_bucket"]
    assert not [each for each in kai_server.requests if each.path.endswith("/approval")]


def test_sys_exit_in_a_signal_handler() -> None:
    """As a service does it that is told to end: what waits is left, and its connection ends."""
    main = threading.get_ident()

    def handle(*_: object) -> None:
        sys.exit(3)

    with served(half) as server, KaiClient(TOKEN, STORAGE, server.url, None, None) as client:
        before = signal.signal(signal.SIGUSR1, handle)
        try:
            stream = client.send_message("c1", "Hi")
            assert next(stream).type == "text"
            threading.Timer(0.1, lambda: signal.pthread_kill(main, signal.SIGUSR1)).start()
            with pytest.raises(SystemExit):
                next(stream)
        finally:
            signal.signal(signal.SIGUSR1, before)
        assert server.left.acquire(timeout=20)
        with pytest.raises(KaiClosedError):
            stream.get_final_text()


def test_the_garbage_collector_may_come_at_any_time() -> None:
    """Also in the middle of a request, in the thread that holds the pool: what it closes is closed, and nobody waits for ever."""

    def dropped() -> None:
        stream = client.send_message("c1", "Hi")
        next(stream)
        cycle: list[Any] = [stream]
        cycle.append(cycle)

    with served(half) as server, KaiClient(TOKEN, STORAGE, server.url, LIMITS, LIMITS) as client:
        thresholds = gc.get_threshold()
        try:
            for threshold in (1, 2, 3, 5, 8, 13, 21, 34):
                gc.set_threshold(threshold, 1, 1)
                for _ in range(4):
                    dropped()
        finally:
            gc.set_threshold(*thresholds)
        gc.collect()
        all_left(server)


FORKED = """
import os, sys, warnings
from kai_client.sync import KaiClient
warnings.simplefilter("ignore", DeprecationWarning)  # of forks, from Python 3.12 on: there is no other thread

client = KaiClient("some-token", "https://connection.keboola.com", sys.argv[1])
with client.send_message("c1", "Hi") as stream:
    print(next(stream).text, flush=True)
    child = os.fork()
    if not child:
        try:
            stream.get_final_text()
        except Exception as error:
            print(type(error).__name__, flush=True)
        print(client.send_message("c2", "Hi").get_final_text(), flush=True)
        stream.close()
        client.close()
        os._exit(0)
    os.waitpid(child, 0)
    print("child", flush=True)
    print(stream.get_final_text(), flush=True)
client.close()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="there are no forks")
def test_a_process_that_is_forked() -> None:
    """It may use the client, over connections of its own, and close it: the streams of the other process go on."""
    first, ended = threading.Lock(), threading.Event()

    def answer(connection: socket.socket) -> None:
        if first.acquire(blocking=False):
            connection.sendall(CHUNKED + chunk(HALF))
            ended.wait(40)
            connection.sendall(chunk(END) + b"0\r\n\r\n")
        else:
            whole(connection)

    with (
        served(answer) as server,
        subprocess.Popen([sys.executable, "-c", FORKED, server.url], stdout=subprocess.PIPE, text=True) as program,
    ):
        assert program.stdout is not None
        said = [program.stdout.readline().strip() for _ in range(4)]
        ended.set()
        said.append(program.stdout.readline().strip())
    assert said == ["Hal", "KaiStreamError", "Half", "child", "Half"]
    assert program.returncode == 0
