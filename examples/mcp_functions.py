"""Serve the functions of `function/functions.py` over MCP: the route by which a real Kai calls code of yours.

Kai calls the tools of the MCP servers that its project is connected to. This one speaks over stdin and stdout, as local
MCP clients start it; the schemas are those of the functions, and results are structured.

Run: uv run --group examples python examples/mcp_functions.py
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from mcp import MCPError, stdio_server, types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server

from kai_client.toolbox import Toolbox, ToolError

sys.path.insert(0, str(Path(__file__).with_name("function")))
from functions import tools


def create_server(tools: Toolbox[Any]) -> Server[Any]:
    """An MCP server that starts the toolbox when it is run, and shuts it down in the end.

    MCP knows one object of arguments, so parameters are its key `params`. Results should be objects: clients older than
    the MCP of 2026 take no others.
    """
    schemas = {schema.name: schema for schema in tools.schemas()}

    async def list_tools(
        _: ServerRequestContext[Any], params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        del params  # there is one page
        return types.ListToolsResult(
            tools=[
                types.Tool(
                    name=schema.name,
                    description=schema.description,
                    input_schema=schema.call_schema,
                    output_schema=schema.output_schema,
                )
                for schema in schemas.values()
            ]
        )

    async def call_tool(_: ServerRequestContext[Any], params: types.CallToolRequestParams) -> types.CallToolResult:
        if params.name not in schemas:
            raise MCPError(types.INVALID_PARAMS, f"There is no tool {params.name!r}")
        inputs, settings = schemas[params.name].split(params.arguments or {})
        try:
            output = await tools.execute(params.name, inputs, params=settings)
        except ToolError as error:  # an answer, too: the model reads it and can try something else
            return types.CallToolResult(content=[types.TextContent(text=error.message)], is_error=True)
        return types.CallToolResult(content=[types.TextContent(text=json.dumps(output))], structured_content=output)

    return Server("customers", lifespan=lambda _: tools, on_list_tools=list_tools, on_call_tool=call_tool)


async def main() -> None:
    server = create_server(tools)
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


if __name__ == "__main__":
    asyncio.run(main())
