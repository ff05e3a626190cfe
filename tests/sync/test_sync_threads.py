"""Threads: many may use one client, one at a time reads a stream, and any of them may close either."""

import gc
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

import pytest
from slow_server import CHUNKED, HALF, chunk, served

from kai_client import KaiClosedError, KaiTimeoutError, RetryPolicy, Timeouts
from kai_client.sync import ChatStream, KaiClient, approve_all
from kai_client.testing.local import KaiServer

STORAGE = "https://connection.keboola.com"
TOKEN = "some-token"
MANY = 40


def half(connection: socket.socket) -> None:
    """Half an answer, and then nothing."""
    connection.sendall(CHUNKED + chunk(HALF))


def silence(_: socket.socket) -> None:
    """Nothing at all."""


def dripping(connection: socket.socket) -> None:
    """A comment now and then, for ever."""
    connection.sendall(CHUNKED)
    while True:
        connection.sendall(chunk(b": still here\n\n"))
        time.sleep(0.02)


def in_thread(function: Callable[[], Any]) -> Future[Any]:
    """What it returns or raises."""
    done: Future[Any] = Future()

    def run() -> None:
        try:
            done.set_result(function())
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return done


def test_many_threads_stream_at_the_same_time(kai_server: KaiServer) -> None:
    """Each thread gets the events of its own answer, in order, and all of them through one client."""
    for number in range(MANY):
        kai_server.kai.reply(" ".join([f"answer-{number}"] * 50), when=rf"question-{number}\.")
    together = threading.Barrier(MANY)
    with KaiClient.from_storage_api(TOKEN, kai_server.url) as client:

        def ask(number: int) -> bool:
            together.wait(60)
            answers: list[str] = []
            for _ in range(3):
                with client.send_message(client.new_chat_id(), f"question-{number}.") as stream:
                    answers.append("".join(stream.text_stream))
                    assert stream.get_final_message().text == answers[-1]
            return answers == [" ".join([f"answer-{number}"] * 50)] * 3

        with ThreadPoolExecutor(MANY) as pool:
            assert all(pool.map(ask, range(MANY)))


def test_many_threads_may_be_the_first() -> None:
    """What is built at the first use is built once, whoever comes first: no thread sees it half built."""
    program = """
import threading
from concurrent.futures import ThreadPoolExecutor
from kai_client.testing.local import running_server
from kai_client.sync import KaiClient, approve_all

with running_server(sample=True) as server:
    client, together = KaiClient("t", server.url, server.url), threading.Barrier(24)
    def use(number):
        together.wait(60)
        chat_id = client.new_chat_id()
        text = client.run(chat_id, f"Create a bucket called demo{number}", approve=approve_all).get_final_text()
        return text.startswith("I created the bucket"), len(client.get_chat(chat_id).messages), bool(client.get_tools().tools), client.get_history().chats != []
    with ThreadPoolExecutor(24) as pool:
        print(len(set(pool.map(use, range(24)))))
    client.close()
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("1", "")


def test_a_second_reader_is_refused() -> None:
    """A stream belongs to one thread at a time: another that reads meanwhile is told so, and the first reads on."""
    with served(half) as server, KaiClient(TOKEN, STORAGE, server.url) as client:
        stream = client.send_message("c1", "Hi")
        assert next(stream).type == "text"
        readers = [in_thread(stream.get_final_text) for _ in range(2)]
        (refused,), (first,) = wait(readers, 20, FIRST_COMPLETED)
        with pytest.raises(RuntimeError, match="another thread"):
            refused.result()
        stream.close()
        with pytest.raises(KaiClosedError):
            first.result(20)


def test_a_stream_can_change_hands() -> None:
    """One thread begins to read it, another goes on."""
    rest = chunk(b'data: {"type":"text-delta","id":"0","delta":"f"}\n\ndata: {"type":"finish"}\n\n') + b"0\r\n\r\n"
    with (
        served(lambda c: c.sendall(CHUNKED + chunk(HALF) + rest)) as server,
        KaiClient(TOKEN, STORAGE, server.url) as client,
        client.send_message("c1", "Hi") as stream,
    ):
        assert in_thread(lambda: next(stream)).result(20).type == "text"
        assert in_thread(stream.get_final_text).result(20) == "Half"


@pytest.mark.parametrize("answer", [half, silence], ids=["in the body", "before the head"])
@pytest.mark.parametrize("what", ["stream", "client"])
def test_closing_from_another_thread_ends_the_wait(answer: Callable[[socket.socket], None], what: str) -> None:
    """Whoever waits for the stream gets a `KaiClosedError` at once, and its connection ends."""
    with served(answer) as server, KaiClient(TOKEN, STORAGE, server.url, None, None) as client:
        stream, begun = client.send_message("c1", "Hi"), threading.Event()

        def read() -> None:
            for _ in stream.text_stream:
                begun.set()

        reading = in_thread(read)
        assert server.asked.acquire(timeout=20)
        assert answer is silence or begun.wait(20)
        (stream if what == "stream" else client).close()
        with pytest.raises(KaiClosedError):
            reading.result(20)
        assert server.left.acquire(timeout=20)


def test_closing_the_client_ends_requests_too() -> None:
    """A request that waits for its answer, and one that waits for its next attempt."""
    with served(silence) as server:
        client = KaiClient(TOKEN, STORAGE, server.url, None)
        waiting = in_thread(client.ping)
        assert server.asked.acquire(timeout=20)
        client.close()
        with pytest.raises(KaiClosedError):
            waiting.result(20)
    sleeping = threading.Event()
    patient = RetryPolicy(wait_initial=500, wait_max=500, on_retry=lambda _: sleeping.set())
    client = KaiClient(TOKEN, STORAGE, server.url, retry=patient)
    waiting = in_thread(client.ping)
    assert sleeping.wait(20)
    client.close()
    with pytest.raises(KaiClosedError):
        waiting.result(20)


@pytest.mark.parametrize("way", [list, ChatStream.get_final_text], ids=["events", "text"])
def test_total_bounds_a_stream_that_never_falls_silent(way: Callable[[ChatStream], Any]) -> None:
    """Each wait is no longer than what is left of the whole, however often something arrives."""
    limits = Timeouts(total=0.3)
    with served(dripping) as server, KaiClient(TOKEN, STORAGE, server.url, limits, limits) as client:
        with pytest.raises(KaiTimeoutError) as caught:
            way(client.send_message("c1", "Hi"))
        assert caught.value.code == "timeout:total"
        with pytest.raises(KaiTimeoutError) as caught:
            client.ping()
        assert caught.value.code == "timeout:total"
        for _ in range(2):
            assert server.left.acquire(timeout=20)


def test_a_policy_that_outlasts_the_run_comes_too_late(kai_server: KaiServer) -> None:
    """A function cannot be left in the middle; what it says after the run's time was over is not sent."""

    def slow(_: object) -> bool:
        time.sleep(0.4)
        return True

    with KaiClient.from_storage_api(TOKEN, kai_server.url) as client, pytest.raises(KaiTimeoutError):
        client.run(client.new_chat_id(), "Create a bucket called demo", approve=slow, total=0.3).get_final_text()
    assert not [request for request in kai_server.requests if request.path.endswith("/approval")]


@pytest.mark.parametrize("signalled", ["KeyboardInterrupt", "close"])
def test_a_signal_in_the_middle_of_a_wait(signalled: str) -> None:
    """Ctrl-C leaves the wait, and a handler may close the stream: either way the connection is given back."""
    main = threading.get_ident()
    with served(half) as server, KaiClient(TOKEN, STORAGE, server.url, None, None) as client:
        stream = client.send_message("c1", "Hi")

        def handle(*_: object) -> None:
            if signalled == "close":
                stream.close()
            else:
                raise KeyboardInterrupt

        before = signal.signal(signal.SIGUSR1, handle)
        try:
            assert next(stream).type == "text"
            threading.Timer(0.2, lambda: signal.pthread_kill(main, signal.SIGUSR1)).start()
            with pytest.raises(KeyboardInterrupt if signalled == "KeyboardInterrupt" else KaiClosedError):
                stream.get_final_text()
        finally:
            signal.signal(signal.SIGUSR1, before)
        assert server.left.acquire(timeout=20)
        with pytest.raises(KaiClosedError):
            stream.get_final_text()


def test_a_stream_that_is_dropped_frees_its_connection() -> None:
    """Nobody has closed it, and nobody can any more."""
    with served(half) as server, KaiClient(TOKEN, STORAGE, server.url) as client:
        assert next(client.send_message("c1", "Hi")).type == "text"
        gc.collect()
        assert server.left.acquire(timeout=20)


def test_leaving_the_loop_is_enough() -> None:
    """`break` gives the connection back at once: the iterator of a `for` loop ends with it."""
    with served(half) as server, KaiClient(TOKEN, STORAGE, server.url) as client:
        stream = client.send_message("c1", "Hi")
        for _ in stream:
            break
        assert server.left.acquire(timeout=20)
        assert list(stream) == []


def test_runs_in_many_threads(kai_server: KaiServer) -> None:
    """The decision goes beside the open stream, each through its own connection of the one client."""
    with KaiClient.from_storage_api(TOKEN, kai_server.url) as client, ThreadPoolExecutor(8) as pool:

        def run(number: int) -> str:
            text = f"Create a bucket called demo{number}"
            return client.run(client.new_chat_id(), text, approve=approve_all).get_final_text()

        assert list(pool.map(run, range(8))) == [f"I created the bucket `in.c-demo{number}`." for number in range(8)]


def test_closing_a_run_ends_what_its_policy_waits_for(kai_server: KaiServer) -> None:
    """A policy that asks another Kai is woken with its run, and what it says is not sent."""
    with (
        served(half) as other,
        KaiClient(TOKEN, STORAGE, other.url, None, None) as adviser,
        KaiClient.from_storage_api(TOKEN, kai_server.url) as client,
    ):

        def policy(_: object) -> bool:
            return bool(adviser.chat("May it?")[1])

        stream = client.run(client.new_chat_id(), "Create a bucket called demo", approve=policy)
        reading = in_thread(stream.get_final_text)
        assert other.asked.acquire(timeout=20)
        stream.close()
        with pytest.raises(KaiClosedError):
            reading.result(20)
        assert other.left.acquire(timeout=20)
    assert not [request for request in kai_server.requests if request.path.endswith("/approval")]
