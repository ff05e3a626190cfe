"""One set of functions, three routes: in this process, over HTTP and over MCP they give the same answers."""

import asyncio
import json
import os
import re
import shlex
import sys
import tomllib
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import pytest
from app import create_app
from functions import tools
from mcp import Client, StdioServerParameters
from mcp.types import TextContent

from kai_client.server import serve
from kai_client.toolbox import Toolbox, ToolContext, ToolError

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ["top_customers", "get_customer"]

CALLS: list[tuple[str, dict[str, Any], dict[str, Any] | None]] = [
    ("top_customers", {"region": "eu"}, None),
    ("top_customers", {"region": "eu"}, {}),
    ("top_customers", {"region": "eu"}, {"limit": 1}),
    ("top_customers", {"region": "us", "minimumRevenue": 100_000}, {"limit": 2}),
    ("top_customers", {"region": "apac", "minimumRevenue": "15000"}, None),
    ("top_customers", {"region": "apac", "minimumRevenue": 1e9}, None),
    ("top_customers", {"region": "mars"}, None),
    ("top_customers", {}, {"limit": 0}),
    ("top_customers", {"region": "eu", "minimumRevenue": -1, "extra": "x" * 999}, {"limit": "many", "offset": 1}),
    ("top_customers", {"region": "eu", "minimum_revenue": 1}, None),
    ("get_customer", {"customer_id": 3}, None),
    ("get_customer", {"customer_id": "3"}, None),
    ("get_customer", {"customer_id": 99}, None),
    ("get_customer", {"customer_id": "čau"}, None),
    ("get_customer", {"id": 3}, None),
]
REFUSED = 7
"""How many of the calls fail."""


@dataclass(frozen=True)
class Outcome:
    """What a caller learns of one call, by whichever route."""

    output: Any = None
    error: str | None = None


async def in_process(name: str, inputs: dict[str, Any], params: dict[str, Any] | None) -> Outcome:
    """The call without a wire."""
    try:
        return Outcome(output=await tools.execute(name, inputs, params=params))
    except ToolError as error:
        return Outcome(error=error.message)


async def over_http(http: httpx.AsyncClient, inputs: dict[str, Any], params: dict[str, Any] | None) -> Outcome:
    """The call as the body of a request."""
    body = {"inputs": inputs} if params is None else {"inputs": inputs, "params": params}
    answer = (await http.post("/execute", json=body)).json()
    return Outcome(answer.get("output"), answer.get("error"))


async def over_mcp(client: Client, name: str, inputs: dict[str, Any], params: dict[str, Any] | None) -> Outcome:
    """The call as an MCP client makes it: the parameters are a key among the arguments."""
    result = await client.call_tool(name, inputs if params is None else {**inputs, "params": params})
    assert isinstance(result.content[0], TextContent)
    text = result.content[0].text
    if result.is_error:
        return Outcome(error=text)
    assert json.loads(text) == result.structured_content
    return Outcome(output=result.structured_content)


@asynccontextmanager
async def served(toolbox: Toolbox[Any], name: str) -> AsyncGenerator[httpx.AsyncClient]:
    """The example's app on a real socket; its start-up may still go on."""
    async with serve(create_app(toolbox, name)) as url, httpx.AsyncClient(base_url=url) as http:
        yield http


def mcp_server() -> Client:
    """The example's MCP server as a process of its own, warnings being errors."""
    return Client(
        StdioServerParameters(command=sys.executable, args=["-W", "error", str(EXAMPLES / "mcp_functions.py")])
    )


async def health(http: httpx.AsyncClient, *, until: str) -> httpx.Response:
    """The first answer of `/health` that contains this text; the server is asked until then."""
    while until not in (response := await http.get("/health")).text:
        pass
    return response


async def test_three_routes_give_equal_results() -> None:
    """Outputs are equal, and so are the texts of refusals and failures."""
    async with tools:
        expected = [await in_process(*call) for call in CALLS]
    assert sum(outcome.error is not None for outcome in expected) == REFUSED

    by_http: list[Outcome] = []
    for served_name in NAMES:
        async with served(tools, served_name) as http:
            await health(http, until="ready")
            by_http += [await over_http(http, inputs, params) for name, inputs, params in CALLS if name == served_name]
    assert by_http == expected

    async with mcp_server() as client:
        assert [await over_mcp(client, *call) for call in CALLS] == expected


async def test_three_routes_tell_the_same_schemas() -> None:
    """`/metadata` is the schema; an MCP tool has it too, its parameters being a property of the arguments."""
    schemas = {schema.name: schema for schema in tools.schemas()}
    assert list(schemas) == NAMES
    for name in NAMES:
        async with served(tools, name) as http:
            assert (await http.get("/metadata")).json() == schemas[name].to_dict()
    async with mcp_server() as client:
        listed = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert list(listed) == NAMES
    for name, tool in listed.items():
        properties = dict(tool.input_schema["properties"])
        assert properties.pop("params", None) == schemas[name].params_schema
        assert {**tool.input_schema, "properties": properties} == schemas[name].input_schema
        assert (tool.description, tool.output_schema) == (schemas[name].description, schemas[name].output_schema)


def gated(gate: asyncio.Event, log: list[str]) -> Toolbox[str]:
    """A toolbox that starts when the gate opens, and logs what happens to it."""

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[str]:
        try:
            await gate.wait()
            log.append("started")
            yield "state"
        finally:
            log.append("ended")

    toolbox = Toolbox(lifespan=lifespan)

    @toolbox.tool
    async def work(word: str, context: ToolContext[str]) -> str:
        """Some work."""
        if word == "bad":
            raise ToolError("That word is bad.")
        return f"{context.state} {word}"

    return toolbox


async def test_a_service_answers_while_it_starts() -> None:
    """503 with a time to come back until the start-up has ended, then 200; the shut-down runs in the end."""
    gate, log = asyncio.Event(), list[str]()
    async with served(gated(gate, log), "work") as http:
        for response in (await http.get("/health"), await http.post("/execute", json={"inputs": {"word": "a"}})):
            assert (response.status_code, response.headers["retry-after"]) == (503, "2")
            assert response.json() == {"error": "The function is starting.", "code": "not_ready"}
        assert (await http.get("/metadata")).json()["name"] == "work"
        gate.set()
        assert (await health(http, until="ready")).status_code == 200
        response = await http.post("/execute", json={"inputs": {"word": "a"}})
        assert (response.status_code, response.json()) == (200, {"output": "state a"})
        assert log == ["started"]
    assert log == ["started", "ended"]


async def test_a_service_that_never_started_can_be_stopped() -> None:
    """A start-up that is still going on is cancelled, and cleans up."""
    log: list[str] = []
    async with served(gated(asyncio.Event(), log), "work") as http:
        assert (await http.get("/health")).status_code == 503
    assert log == ["ended"]


async def test_a_start_up_that_failed_is_told() -> None:
    """503 with the reason, for as long as the service is up."""

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[None]:
        raise OSError("no such table")
        yield

    toolbox = Toolbox(lifespan=lifespan)
    toolbox.tool(lambda: None, name="work")
    async with served(toolbox, "work") as http:
        response = await health(http, until="did not start")
        assert response.status_code == 503
        assert response.json()["error"] == "The function did not start: OSError: no such table"
        assert (await http.post("/execute", json={"inputs": {}})).status_code == 503


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ('{"inputs": {"word": "bad"}}', 500, "That word is bad."),
        ('{"inputs": {}}', 422, "The arguments are not valid: word: Field required"),
        ('{"inputs": []}', 422, "The arguments are not valid: Input should be an object"),
        ('{"inputs": {"word": "a"}, "parms": {}}', 422, "body.parms: Extra inputs are not permitted"),
        ('{"params": {}}', 422, "body.inputs: Field required"),
        ('{"inputs"', 422, "body.9: JSON decode error"),
    ],
)
async def test_what_is_wrong_has_a_status_and_a_text(body: str, status: int, error: str) -> None:
    """422 for what the caller can correct, 500 for a function that failed, always with a JSON text."""
    gate = asyncio.Event()
    gate.set()
    async with served(gated(gate, []), "work") as http:
        await health(http, until="ready")
        response = await http.post("/execute", content=body, headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()["error"]) == (status, error)


async def test_the_readme_shows_what_curl_prints() -> None:
    """Each request of the example's README gives the line below it."""
    text = (EXAMPLES / "function" / "README.md").read_text()
    shown = re.findall(r"^\$ curl localhost:8000/execute --json '(.+)'\n(.+)$", text, re.MULTILINE)
    assert len(shown) == 2
    async with served(tools, "top_customers") as http:
        await health(http, until="ready")
        for body, printed in shown:
            response = await http.post("/execute", content=body, headers={"Content-Type": "application/json"})
            assert response.text == printed


def test_a_service_serves_one_function() -> None:
    """A name that is not there is told before anything is served."""
    with pytest.raises(ValueError, match="There is no function 'nope'; there are: top_customers, get_customer"):
        create_app(tools, "nope")


def test_the_project_can_be_installed() -> None:
    """`pyproject.toml` can be read, and its dependencies are the packages that the modules import."""
    project = tomllib.loads((EXAMPLES / "function" / "pyproject.toml").read_text())["project"]
    names = [re.match(r"[\w-]+", dependency) for dependency in project["dependencies"]]
    assert [name[0] for name in names if name] == ["fastapi", "kai-client", "uvicorn"]
    assert [version(name[0]) for name in names if name]


async def test_the_image_runs_what_there_is() -> None:
    """Docker is not needed to see that the files are there, that the command serves them, and that no root runs it."""
    folder = EXAMPLES / "function"
    lines = (folder / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    steps = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    copied = [name for word, rest in steps if word == "COPY" for name in shlex.split(rest)[:-1]]
    assert [name for name in copied if "*" not in name and not (folder / name).is_file()] == []
    assert ["USER", "function"] in steps
    command = [json.loads(rest) for word, rest in steps if word == "CMD"]
    assert await first_health(folder, command[0]) == {"status": "ready"}


async def first_health(folder: Path, command: list[str]) -> Any:
    """What the command's server says when it is ready; it runs here on a port that is free."""
    local = ["-m", *command, "--host", "127.0.0.1", "--port", "0"]  # of two equal options the last one counts
    env = {**os.environ, "FUNCTION": "get_customer"}
    server = await asyncio.create_subprocess_exec(sys.executable, *local, cwd=folder, stderr=PIPE, env=env)
    assert server.stderr is not None
    try:
        log = ""
        while (address := re.search(r"http://[\d.:]+", log)) is None:
            log += (line := (await server.stderr.readline()).decode())
            assert line, log
        async with httpx.AsyncClient(base_url=address[0]) as http:
            return (await health(http, until="ready")).json()
    finally:
        server.terminate()
        await server.communicate()
