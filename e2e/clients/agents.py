"""The Python SDK of MCP and LangChain's adapters use the tools, knowing nothing of the server.

Environment: BASE, ANA and MAX (tokens of two people with different roles), PROGRAM and DESK (the program and its folder).
"""

import asyncio
import json
import os

import httpx
from langchain_mcp_adapters.client import MultiServerMCPClient
from mcp import ClientSession, McpError, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

URL = f"{os.environ['BASE']}/mcp"


def bearer(who):
    return {"Authorization": f"Bearer {os.environ[who]}"}


async def names(session):
    return [tool.name for tool in (await session.list_tools()).tools]


async def use(session):
    hello = await session.initialize()
    assert (hello.serverInfo.name, hello.protocolVersion) == ("tenantry", "2025-11-25"), hello
    assert await names(session) == ["describe_schema", "query", "get", "aggregate", "update"]
    page = await session.call_tool("query", {"model": "tickets", "select": ["id", "assigned_to"], "take": 3})
    assert not page.isError and len(page.structuredContent["data"]) == 3, page
    assert {row["assigned_to"] for row in page.structuredContent["data"]} == {"ana@northwind.example"}
    assert json.loads(page.content[1].text) == page.structuredContent
    assert page.meta["tenantry/untrusted"] is True and page.meta["tenantry/request_id"].startswith("req_")
    refused = await session.call_tool("query", {"model": "payments"})
    assert refused.isError and refused.structuredContent["error"]["code"] == "MODEL_NOT_ALLOWED", refused
    for tool in ["delete", "approve", "no_such_tool"]:
        try:
            await session.call_tool(tool, {"model": "tickets", "id": 1})
        except McpError as error:
            assert error.error.code == -32602, error
        else:
            raise AssertionError(f"{tool} was called")


async def over_http():
    async with httpx.AsyncClient(headers=bearer("ANA")) as client:
        async with streamable_http_client(URL, http_client=client) as (reader, writer, _):
            async with ClientSession(reader, writer) as session:
                await use(session)


async def over_the_bridge():
    words = ["mcp", "northwind/ana@northwind.example", "--server", os.environ["BASE"]]
    bridge = StdioServerParameters(command=os.environ["PROGRAM"], args=words, cwd=os.environ["DESK"])
    async with stdio_client(bridge) as (reader, writer):
        async with ClientSession(reader, writer) as session:
            await use(session)


async def with_langchain():
    async def tools(who):
        server = {"transport": "streamable_http", "url": URL, "headers": bearer(who)}
        return {tool.name: tool for tool in await MultiServerMCPClient({"tenantry": server}).get_tools()}

    ana, max_ = await tools("ANA"), await tools("MAX")
    assert list(max_) == ["describe_schema", "query", "get"], list(max_)
    said = await ana["aggregate"].ainvoke({"model": "tickets", "operation": "count"})
    assert '"value":' in said[1]["text"], said


asyncio.run(over_http())
asyncio.run(over_the_bridge())
asyncio.run(with_langchain())
print("the story is told")
