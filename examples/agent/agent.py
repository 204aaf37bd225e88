"""An agent that answers one person. It has no database, no key and no list of tenants: only that person's two tokens,
one for the tools (MCP) and one for the model (the gateway).

Usage: agent.py WHO QUESTION, with BASE, TOOLS_TOKEN, MODEL_TOKEN and SSL_CERT_FILE in the environment.
"""

import asyncio
import os
import sys

from langchain.agents import create_agent
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_openai import ChatOpenAI

BASE = os.environ["BASE"]


async def main(who, question):
    server = {
        "transport": "streamable_http",
        "url": f"{BASE}/mcp",
        "headers": {"Authorization": f"Bearer {os.environ['TOOLS_TOKEN']}"},
    }
    tools = await MultiServerMCPClient({"tenantry": server}).get_tools()
    model = ChatOpenAI(model="small", base_url=f"{BASE}/v1", api_key=os.environ["MODEL_TOKEN"], max_retries=0)
    agent = create_agent(model, tools)
    said = await agent.ainvoke({"messages": [{"role": "user", "content": question}]})

    print(f"{who} has the tools: {', '.join(tool.name for tool in tools)}")
    for message in said["messages"]:
        for call in getattr(message, "tool_calls", None) or []:
            print(f"  calls    {call['name']} {call['args']}")
    print(f"  answers  {said['messages'][-1].text}\n")


asyncio.run(main(*sys.argv[1:]))
