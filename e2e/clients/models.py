"""The clients of OpenAI, Anthropic and LangChain call models through the gateway, knowing nothing of it.

Environment: DOMAIN, ADA (a token that may call `small`), BOB (one that may call nothing), KEY (an API key for `small`),
SSL_CERT_FILE.
"""

import json
import os
import time

import anthropic
import openai
from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel

BASE = f"https://{os.environ['DOMAIN']}"
ADA, BOB, KEY = os.environ["ADA"], os.environ["BOB"], os.environ["KEY"]
SAID = [{"role": "user", "content": "good morning"}]


def raises(kind, call, status, code=None):
    try:
        call()
    except kind as error:
        assert error.status_code == status, error
        if code:
            assert error.code == code, error
        return error
    raise AssertionError(f"{kind.__name__} was expected")


def with_openai(credential):
    client = openai.OpenAI(base_url=f"{BASE}/v1", api_key=credential, max_retries=0)
    whole = client.chat.completions.create(model="small", messages=SAID)
    assert whole.choices[0].message.content == "echo: good morning"
    assert (whole.usage.prompt_tokens, whole.usage.completion_tokens) == (2, 3)
    assert whole._request_id.startswith("req_")
    for options, used in [({}, 0), ({"stream_options": {"include_usage": True}}, 1)]:
        chunks = list(client.chat.completions.create(model="small", messages=SAID, stream=True, **options))
        text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
        assert text == "echo: good morning"
        assert sum(chunk.usage is not None for chunk in chunks) == used, chunks
    capped = client.chat.completions.create(model="small", messages=SAID, max_tokens=1)
    assert (capped.choices[0].message.content, capped.choices[0].finish_reason) == ("echo:", "length")
    vectors = client.embeddings.create(model="small", input=["one", "two"])
    assert len(vectors.data) == 2 and len(vectors.data[0].embedding) == 16 and vectors.usage.total_tokens == 2
    answer = client.responses.create(model="small", input="good morning")
    assert answer.output_text == "echo: good morning" and answer.usage.output_tokens == 3
    following = client.responses.create(model="small", input="again", previous_response_id=answer.id)
    assert following.output_text == "echo: again"
    with client.responses.stream(model="small", input="good morning") as stream:
        kinds = [event.type for event in stream]
        assert kinds[0] == "response.created" and kinds[-1] == "response.completed", kinds
        assert stream.get_final_response().output_text == "echo: good morning"
    # The key is for one of the two.
    assert [model.id for model in client.models.list()] == (["small"] if credential == KEY else ["slow", "small"])
    assert client.models.retrieve("small").id == "small"
    for name in ["absent", "forbidden"]:
        raises(openai.NotFoundError, lambda: client.chat.completions.create(model=name, messages=SAID), 404, "model_not_found")
        raises(openai.NotFoundError, lambda: client.models.retrieve(name), 404, "model_not_found")
    raises(openai.BadRequestError, lambda: client.chat.completions.create(model="small", messages=[]), 400)
    raises(openai.NotFoundError, lambda: client.responses.create(model="small", input="x", previous_response_id="resp_other"), 404)


class Weather(BaseModel):
    place: str
    degrees: int
    wet: bool


SCHEMA = {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}
CALL = [{"role": "user", "content": 'Look: call weather {"place": "Ghent"}'}]


def helpers_of_openai(credential):
    client = openai.OpenAI(base_url=f"{BASE}/v1", api_key=credential, max_retries=0)
    raw = client.chat.completions.with_raw_response.create(model="small", messages=SAID)
    assert raw.headers["x-request-id"] == raw.parse()._request_id and raw.headers["cache-control"] == "no-store"
    with client.chat.completions.with_streaming_response.create(model="small", messages=SAID, stream=True) as raw:
        assert raw.headers["content-type"].startswith("text/event-stream") and list(raw.iter_lines())[-2] == "data: [DONE]"
    several = client.chat.completions.create(model="small", messages=SAID, n=3)
    assert [choice.message.content for choice in several.choices] == ["echo: good morning"] * 3
    # Answers of a form, and the helpers that read them.
    parsed = client.chat.completions.parse(model="small", messages=SAID, response_format=Weather)
    assert parsed.choices[0].message.parsed == Weather(place="good morning", degrees=2, wet=True), parsed
    with client.chat.completions.stream(model="small", messages=SAID, response_format=Weather) as stream:
        kinds = {event.type for event in stream}
        assert {"chunk", "content.delta", "content.done"} <= kinds, kinds
        assert stream.get_final_completion().choices[0].message.parsed.place == "good morning"
    parsed = client.responses.parse(model="small", input="good morning", text_format=Weather)
    assert parsed.output_parsed == Weather(place="good morning", degrees=2, wet=True), parsed
    anything = client.chat.completions.create(model="small", messages=SAID, response_format={"type": "json_object"})
    assert json.loads(anything.choices[0].message.content) == {"echo": "good morning"}
    # Tools, in both forms, whole and streamed, and what they answered.
    tools = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]
    asked = client.chat.completions.create(model="small", messages=CALL, tools=tools)
    call = asked.choices[0].message.tool_calls[0]
    assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {"place": "Ghent"}), asked
    told = [*CALL, asked.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "wet"}]
    assert client.chat.completions.create(model="small", messages=told, tools=tools).choices[0].message.content == "echo: wet"
    with client.chat.completions.stream(model="small", messages=CALL, tools=tools) as stream:
        kinds = [event.type for event in stream]
        assert "tool_calls.function.arguments.done" in kinds, kinds
    tools = [{"type": "function", "name": "weather", "parameters": SCHEMA, "strict": False}]
    asked = client.responses.create(model="small", input=CALL, tools=tools)
    call = asked.output[0]
    assert (call.type, call.name, json.loads(call.arguments)) == ("function_call", "weather", {"place": "Ghent"}), asked
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "wet"}
    after = client.responses.create(model="small", previous_response_id=asked.id, input=[result], tools=tools)
    assert after.output_text == "echo: wet", after
    with client.responses.stream(model="small", input=CALL, tools=tools) as stream:
        kinds = [event.type for event in stream]
        assert kinds[:3] == ["response.created", "response.in_progress", "response.output_item.added"], kinds
        assert kinds[-3:] == ["response.function_call_arguments.done", "response.output_item.done", "response.completed"], kinds
        assert stream.get_final_response().output[0].arguments == call.arguments
    # Embeddings: packed, as the client asks for of itself, and not; of tokens; of another length.
    packed = client.embeddings.create(model="small", input="one")
    plain = client.embeddings.create(model="small", input="one", encoding_format="float")
    assert packed.data[0].embedding == plain.data[0].embedding
    assert len(client.embeddings.create(model="small", input="one", dimensions=256).data[0].embedding) == 256
    assert len(client.embeddings.create(model="small", input=[[1, 2, 3], [4]]).data) == 2
    # What is not offered says so in words that the client knows.
    for absent in [
        lambda: client.completions.create(model="small", prompt="x"),
        lambda: client.files.create(file=b"x", purpose="batch"),
        lambda: client.batches.list(),
        lambda: client.responses.retrieve(asked.id),
        lambda: client.moderations.create(input="x"),
    ]:
        raises(openai.NotFoundError, absent, 404, "unknown_url")
    for wrong in [
        {"service_tier": "priority"},
        {"max_tokens": 0},
        {"extra_body": {"n_predict": -1}},
        {"extra_body": {"Model": "forbidden"}},
        {"tools": [{"type": "web_search"}]},
        {"stream_options": "x", "stream": True},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://10.0.0.1/"}}]}]},
    ]:
        ask = {"model": "small", "messages": SAID, **wrong}
        raises(openai.BadRequestError, lambda: client.chat.completions.create(**ask), 400, "invalid_request")
    kept = [{"type": "item_reference", "id": "msg_of_another"}]
    raises(openai.NotFoundError, lambda: client.responses.create(model="small", input=kept), 404, "not_found")


def waiting_as_told():
    """One call a second: who asks again at once is told when to, and the client's own patience heeds it."""
    client = openai.OpenAI(base_url=f"{BASE}/v1", api_key=ADA, max_retries=0)
    seen = None
    for _ in range(200):
        try:
            client.chat.completions.create(model="slow", messages=SAID)
        except openai.RateLimitError as error:
            seen = error
            break
    assert seen.status_code == 429 and seen.code == "rate_limit_exceeded", seen
    wait = int(seen.response.headers["retry-after"])
    assert wait >= 1, seen.response.headers
    patient = openai.OpenAI(base_url=f"{BASE}/v1", api_key=ADA, max_retries=3)
    begun = time.monotonic()
    assert patient.chat.completions.create(model="slow", messages=SAID).choices[0].message.content == "echo: good morning"
    assert time.monotonic() - begun > 0.5
    theirs = anthropic.Anthropic(base_url=BASE, auth_token=ADA, api_key=None, max_retries=0)
    ask = lambda: theirs.messages.create(model="slow", max_tokens=9, messages=SAID)
    raises(anthropic.RateLimitError, lambda: [ask() for _ in range(200)], 429)


def refused_by_openai():
    client = openai.OpenAI(base_url=f"{BASE}/v1", api_key=BOB, max_retries=0)
    raises(openai.NotFoundError, lambda: client.chat.completions.create(model="small", messages=SAID), 404, "model_not_found")
    assert list(client.models.list()) == []
    client = openai.OpenAI(base_url=f"{BASE}/v1", api_key="sk-nobody", max_retries=0)
    raises(openai.AuthenticationError, lambda: client.chat.completions.create(model="small", messages=SAID), 401, "invalid_api_key")


def with_anthropic():
    client = anthropic.Anthropic(base_url=BASE, api_key=KEY, max_retries=0)
    whole = client.messages.create(model="small", max_tokens=100, system="Be brief", messages=SAID)
    assert whole.content[0].text == "echo: good morning" and whole.stop_reason == "end_turn"
    assert (whole.usage.input_tokens, whole.usage.output_tokens) == (4, 3)
    with client.messages.stream(model="small", max_tokens=2, messages=SAID) as stream:
        assert "".join(stream.text_stream) == "echo: good"
        last = stream.get_final_message()
        assert last.stop_reason == "max_tokens" and last.usage.output_tokens == 2
    assert [model.id for model in client.models.list()] == ["small"]
    raises(anthropic.NotFoundError, lambda: client.messages.create(model="absent", max_tokens=1, messages=SAID), 404)
    nobody = anthropic.Anthropic(base_url=BASE, api_key="nobody", max_retries=0)
    raises(anthropic.AuthenticationError, lambda: nobody.messages.create(model="small", max_tokens=1, messages=SAID), 401)
    raises(anthropic.NotFoundError, lambda: client.messages.count_tokens(model="small", messages=SAID), 404)
    raises(anthropic.NotFoundError, lambda: client.messages.batches.list(), 404)
    blocks = [{"type": "text", "text": "Be brief", "cache_control": {"type": "ephemeral"}}, {"type": "text", "text": "and kind"}]
    assert client.messages.create(model="small", max_tokens=9, system=blocks, messages=SAID).usage.input_tokens == 6
    tools = [{"name": "weather", "input_schema": SCHEMA}]
    with client.messages.stream(model="small", max_tokens=99, messages=CALL, tools=tools) as stream:
        kinds = [event.type for event in stream]
        assert "input_json" in kinds, kinds
        asked = stream.get_final_message()
    call = asked.content[0]
    assert (asked.stop_reason, call.type, call.input) == ("tool_use", "tool_use", {"place": "Ghent"}), asked
    result = {"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": "wet"}]}
    told = [*CALL, {"role": "assistant", "content": asked.content}, {"role": "user", "content": [result]}]
    after = client.messages.create(model="small", max_tokens=99, messages=told, tools=tools)
    assert after.content[0].text == "echo: wet" and after.stop_reason == "end_turn", after
    hosted = [{"type": "web_search_20250305", "name": "web_search"}]
    raises(anthropic.BadRequestError, lambda: client.messages.create(model="small", max_tokens=9, messages=SAID, tools=hosted), 400)
    by_token = anthropic.Anthropic(base_url=BASE, auth_token=ADA, api_key=None, max_retries=0)
    assert by_token.messages.create(model="small", max_tokens=9, messages=SAID).content[0].text == "echo: good morning"


def with_langchain():
    chat = ChatOpenAI(base_url=f"{BASE}/v1", api_key=ADA, model="small", stream_usage=True, max_retries=0)
    whole = chat.invoke([HumanMessage("good morning")])
    assert whole.content == "echo: good morning" and whole.usage_metadata["total_tokens"] == 5
    pieces = None
    for piece in chat.stream([HumanMessage("good morning")]):
        pieces = piece if pieces is None else pieces + piece
    assert pieces.content == "echo: good morning" and pieces.usage_metadata["output_tokens"] == 3
    embeddings = OpenAIEmbeddings(base_url=f"{BASE}/v1", api_key=ADA, model="small", check_embedding_ctx_length=False)
    assert embeddings.embed_query("one") != embeddings.embed_query("two")
    bad = ChatOpenAI(base_url=f"{BASE}/v1", api_key=BOB, model="small", max_retries=0)
    raises(openai.NotFoundError, lambda: bad.invoke([HumanMessage("x")]), 404, "model_not_found")


with_openai(ADA)
with_openai(KEY)
helpers_of_openai(ADA)
waiting_as_told()
refused_by_openai()
with_anthropic()
with_langchain()
print("the story is told")
