"""The Python SDK of MCP knows the server's address and nothing else; a person logs in and consents in a browser.

Environment: DOMAIN, PERSON and PASSWORD, SSL_CERT_FILE.
"""

import asyncio
import html
import os
import re
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
from mcp import ClientSession
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientMetadata

BASE = f"https://{os.environ['DOMAIN']}"
CALLBACK = "http://localhost:3030/callback"
seen, answers = [], []


class Memory:
    tokens = client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


async def browse(browser, answer):
    """Follows what stays on the server; what the client is sent, or the page."""
    while answer.status_code == 303:
        place = urljoin(str(answer.url), answer.headers["location"])
        if not place.startswith(BASE):
            return place
        answer = await browser.get(place)
    return answer


async def person(address):
    seen.append(address)
    async with httpx.AsyncClient() as browser:
        shown = await browse(browser, await browser.get(address))
        while not isinstance(shown, str):
            assert shown.status_code == 200, shown.text
            action = html.unescape(re.search('action="([^"]*)"', shown.text)[1])
            fields = {"token": html.unescape(re.search('name="token" value="([^"]*)"', shown.text)[1])}
            if "/u/login" in action:
                fields |= {"identifier": os.environ["PERSON"], "password": os.environ["PASSWORD"]}
            else:
                assert "/u/consent" in action and "Story teller" in shown.text, shown.text
                fields |= {"answer": "yes"}
            posted = await browser.post(urljoin(BASE, action), data=fields)
            shown = await browse(browser, posted)
    answers.append(parse_qs(urlsplit(shown).query))


async def callback():
    told = answers[-1]
    assert told["iss"] == [f"{BASE}/"], told
    return told["code"][0], told["state"][0]


async def names(provider):
    async with httpx.AsyncClient(auth=provider) as client:
        async with streamable_http_client(f"{BASE}/mcp", http_client=client) as (reader, writer, _):
            async with ClientSession(reader, writer) as session:
                await session.initialize()
                return [tool.name for tool in (await session.list_tools()).tools]


async def story():
    memory = Memory()
    metadata = OAuthClientMetadata(redirect_uris=[CALLBACK], client_name="Story teller")
    provider = OAuthClientProvider(f"{BASE}/mcp", metadata, memory, person, callback)
    told = await names(provider)
    assert "describe_schema" in told, told
    asked = parse_qs(urlsplit(seen[0]).query)
    assert asked["code_challenge_method"] == ["S256"] and asked["resource"] == [f"{BASE}/mcp"], asked
    assert memory.client.client_secret is None and memory.client.client_id.startswith("tpc_"), memory.client
    # When the token has ended it is renewed, and nobody is asked.
    first = memory.tokens
    assert first.refresh_token and first.expires_in == 300, first.expires_in
    provider.context.token_expiry_time = 1
    assert await names(provider) == told
    assert memory.tokens.access_token != first.access_token and memory.tokens.refresh_token != first.refresh_token
    assert len(seen) == 1, "nobody was asked again"


asyncio.run(story())
print("the story is told")
