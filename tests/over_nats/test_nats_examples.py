"""The examples over NATS print what they promise, each in a process of its own, as in three terminals."""

import asyncio
import importlib.util
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from local_api import until
from nats_broker import Broker
from services import Answers, saying, service, thinking

from kai_client import KaiClient
from kai_client.exceptions import KaiForbiddenError, KaiRateLimitError, KaiStreamError
from kai_client.nats import NatsKai
from kai_client.server import ScriptedKai, serve
from kai_client.transport import RetryPolicy

EXAMPLES = Path(__file__).parents[2] / "examples"
INFER = "/ai/llm/infer"
CHAT_BODY = {"model_id": "chat-model", "input": {"prompt": "Which tables do I have?"}}


def process(broker: Broker, name: str, *arguments: str) -> Any:
    """An example in a process of its own, warnings being errors."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("STORAGE_API", "KAI_", "GATEWAY_"))}
    command = [sys.executable, "-W", "error", "-u", str(EXAMPLES / name), *arguments]
    pipe = asyncio.subprocess.PIPE
    env = {**kept, "NATS_URL": broker.url}
    return asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe, env=env)


async def printed(broker: Broker, name: str, *arguments: str) -> str:
    """What an example that ends by itself prints."""
    running = await process(broker, name, *arguments)
    out, err = await running.communicate()
    assert (running.returncode, err.decode()) == (0, "")
    text: str = out.decode()
    return text


@asynccontextmanager
async def the_service(broker: Broker) -> AsyncGenerator[None]:
    """`nats_service.py`, until it is interrupted as by Ctrl-C."""
    running = await process(broker, "nats_service.py")
    seen = b""
    while b"Kai answers on svc.ai.llm.v1.infer" not in seen:
        line = await running.stdout.readline()
        assert line, (await running.stderr.read()).decode()
        seen += line
    yield
    running.send_signal(signal.SIGINT)
    _, err = await running.communicate()
    assert (running.returncode, err.decode()) == (0, "")


async def test_three_terminals(broker: Broker) -> None:
    """One reply with its id, output, tokens and reason; tokens as they come, then the id, the reason and the total"""
    async with the_service(broker):
        reply = await printed(broker, "nats_client.py")
        for line in (
            "Generation id: ",
            "Output: I found 6 rows",
            "| CZ | 15 |",
            "Tokens used: ",
            "Finish reason: stop",
        ):
            assert line in reply
        assert int(reply.partition("Tokens used: ")[2].split()[0]) > 0
        text, _, end = (await printed(broker, "nats_streaming.py", "Which tables do I have?")).partition(
            "\nGeneration id: "
        )
        assert "`in.c-crm.customers`" in text
        assert "Finish reason: stop" in end
        assert int(end.partition("Total tokens: ")[2]) > 0


async def test_without_a_service(broker: Broker) -> None:
    """A caller without a service ends with one line that says so"""
    running = await process(broker, "nats_client.py")
    _, err = await running.communicate()
    assert running.returncode == 1
    assert err.decode().startswith("[connection:no_service]")
    assert "Traceback" not in err.decode()


def example(name: str) -> Any:
    """The module of an example."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@asynccontextmanager
async def gateway(broker: Broker, backend: Any, **options: Any) -> AsyncGenerator[httpx.AsyncClient]:
    """HTTP access to the gateway in front of a service."""
    once = RetryPolicy(attempts=1)
    async with (
        service(broker.url, backend),
        NatsKai.connect(broker.url, retry=once) as kai,
        serve(example("gateway").gateway(kai, **options)) as url,
        httpx.AsyncClient(base_url=url, timeout=20) as http,
    ):
        yield http


@pytest.mark.parametrize("given", ["Hi", {"prompt": "Hi"}, {"prompt": {"text": "Hi"}}])
async def test_infer(broker: Broker, given: Any) -> None:
    """The prompt as a string or in an object is answered in JSON, with id, text, tokens and reason"""
    async with gateway(broker, ScriptedKai([lambda question: f"You said {question.text}."])) as http:
        response = await http.post(INFER, json={"model_id": "chat-model", "input": given})
        assert response.status_code == 200
        answer = response.json()
    assert (answer["output"], answer["finish_reason"], answer["model_id"]) == ("You said Hi.", "stop", "chat-model")
    assert answer["generation_id"]
    assert answer["chat_id"]


async def test_infer_streamed(broker: Broker) -> None:
    """With `params.stream` the answer comes in numbered chunks, the last of which tells how it ended"""
    async with gateway(broker, ScriptedKai()) as http:
        response = await http.post(INFER, json={**CHAT_BODY, "params": {"stream": True}})
    assert response.headers["content-type"].startswith("text/event-stream")
    frames = [frame.removeprefix("data: ") for frame in response.text.split("\n\n") if frame]
    assert frames[-1] == "[DONE]"
    chunks = [json.loads(frame) for frame in frames[:-1]]
    assert [chunk["index"] for chunk in chunks] == list(range(len(chunks)))
    assert "`in.c-crm.customers`" in "".join(chunk["delta"] for chunk in chunks)
    assert [chunk["is_final"] for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert (chunks[-1]["finish_reason"], "error" in chunks[-1]) == ("stop", False)
    assert chunks[-1]["usage"]["total_tokens"] > 0


@pytest.mark.parametrize(
    "body",
    [
        {"model_id": "m", "input": {"promt": "Hi"}},
        {"model_id": "m", "input": {"prompt": "Hi", "more": 1}},
        {"model_id": "m", "input": ""},
        {"model_id": "m", "prompt": "Hi"},
        {"input": "Hi"},
        {"model_id": "m", "input": "Hi", "params": {"steam": True}},
        {"model_id": "m", "input": "Hi", "params": {"stream": "yes"}},
    ],
)
async def test_a_wrong_field(broker: Broker, body: Any) -> None:
    """A field that is misspelt, missing or of another type is a 422, and Kai is not asked"""
    backend = saying("Hi")
    async with gateway(broker, backend) as http:
        assert (await http.post(INFER, json=body)).status_code == 422
    assert backend.asked == 0


def refusing(error: Exception) -> Answers:
    """A backend that refuses."""

    async def fails() -> None:
        raise error

    return saying(then=fails)


@pytest.mark.parametrize("stream", [False, True])
async def test_true_statuses(broker: Broker, stream: bool) -> None:
    """An error before the first event has its own status, whether a stream was asked for or not"""

    class Refusing:
        async def send_message(self, *args: Any, **options: Any) -> Any:
            del args, options
            raise errors.pop()
            yield

    errors: list[Exception] = []
    async with gateway(broker, Refusing()) as http:
        for error, status in (
            (KaiForbiddenError("no", "forbidden:chat", status_code=403), 403),
            (KaiRateLimitError("enough", "rate_limit:chat", status_code=429, retry_after=7), 429),
            (RuntimeError("secret"), 500),
            (KaiStreamError("broke", "stream:broken"), 502),
        ):
            errors.append(error)
            response = await http.post(INFER, json={**CHAT_BODY, "params": {"stream": stream}})
            assert response.status_code == status, response.text
            assert "secret" not in response.text
            assert response.json()["error"]["code"]
            assert response.headers.get("retry-after") == ("7" if status == 429 else None)


async def test_an_error_in_the_middle(broker: Broker) -> None:
    """What fails after the first event is told in the last chunk"""
    async with gateway(broker, refusing(KaiStreamError("broke", "stream:broken"))) as http:
        response = await http.post(INFER, json={**CHAT_BODY, "params": {"stream": True}})
    assert response.status_code == 200
    last = json.loads(response.text.split("\n\n")[-3].removeprefix("data: "))
    assert (last["is_final"], last["error"]["code"]) == (True, "stream:broken")


async def test_bounds(broker: Broker) -> None:
    """A body that is too large is a 413, an answer too many a 429 that says when to come back; leaving frees its place"""
    backend = thinking()
    async with gateway(broker, backend, body_bytes=1000, streams=1) as http:
        large = {"model_id": "m", "input": "x" * 2000}
        assert (await http.post(INFER, json=large)).status_code == 413

        async def pieces() -> AsyncGenerator[bytes]:
            for _ in range(20):
                yield b" " * 100

        endless = await http.post(INFER, content=pieces())
        assert (endless.status_code, endless.json()["error"]["code"]) == (413, "payload_too_large:gateway")
        async with http.stream("POST", INFER, json={**CHAT_BODY, "params": {"stream": True}}) as response:
            assert response.status_code == 200
            busy = await http.post(INFER, json=CHAT_BODY)
            assert (busy.status_code, busy.headers["retry-after"]) == (429, "1")
            assert (await http.get("/api/chat/00000000-0000-4000-8000-000000000000/stream")).status_code == 429
            url = str(http.base_url)
            async with KaiClient("any", url, url, retry=RetryPolicy(attempts=1)) as client:
                with pytest.raises(KaiRateLimitError):
                    await client.chat("Hi")
        async with asyncio.timeout(10):
            await until(lambda: backend.open == 0)
            while (await http.post(INFER, json={**CHAT_BODY, "input": ""})).status_code == 429:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_the_rest_of_the_gateway(broker: Broker) -> None:
    """It says whether it runs and whether Kai can be asked, names every model, and is Kai itself to `KaiClient`"""
    async with gateway(broker, ScriptedKai()) as http:
        assert (await http.get("/health")).json() == {"status": "ok"}
        assert (await http.get("/ready")).json() == {"status": "ready"}
        names = set((await http.get("/openapi.json")).json()["components"]["schemas"])
        assert names >= {"InferRequest", "Input", "Text", "Params", "InferResponse", "Usage", "Chunk", "ErrorResponse"}
        url = str(http.base_url)
        async with KaiClient("any", url, url) as client:
            _, text = await client.chat("How many orders per country?")
            assert "| CZ | 15 |" in text
    async with (
        NatsKai.connect(broker.url) as kai,
        serve(example("gateway").gateway(kai)) as url,
        httpx.AsyncClient(base_url=url) as http,
    ):
        assert (await http.get("/health")).status_code == 200
        assert (await http.get("/ready")).status_code == 503
        assert (await http.post(INFER, json=CHAT_BODY)).status_code == 503


async def test_headers_become_meta(broker: Broker) -> None:
    """The idempotency key of a request is the key of its question: asked twice, answered once"""
    backend = saying("Hi")
    async with gateway(broker, backend) as http:
        headers = {"idempotency-key": "k", "x-request-id": "r-1", "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
        answers = [(await http.post(INFER, json=CHAT_BODY, headers=headers)).json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert backend.asked == 1
